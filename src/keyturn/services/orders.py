"""What people decide of an open turn, and what it waits for.

Every order passes the gate and goes on record in the turn's own steps. What Okta has to be asked
for it is done by whoever runs the turn next.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import partial

from keyturn.domain import orders
from keyturn.domain.access import Caller, Verb
from keyturn.domain.budget import Purpose
from keyturn.domain.errors import Refused
from keyturn.domain.rotation import Rotation
from keyturn.domain.setback import fall_back
from keyturn.domain.sight import Do, Look, Seen
from keyturn.domain.turn import Phase, Turn, Word
from keyturn.services import turn_news
from keyturn.services.desk import Desk
from keyturn.services.flow_events import tell_turn
from keyturn.services.looks import LOOKS
from keyturn.services.open_turns import destroy_pending, open_turn
from keyturn.services.ports import World
from keyturn.services.records import note_step
from keyturn.services.rotations import RotationView, admit, current_rotation, view
from keyturn.services.turns import FINISH, FINISH_AT_ONCE

Order = Callable[[Turn, datetime], Turn]


async def pause_turn(world: World, caller: Caller, rotation_id: str) -> RotationView:
    """Let the open turn stand still where it is; what is served and what Okta holds stay.

    Raises NotFound, Forbidden, Refused where no turn goes on by itself.
    """
    return await _give(world, caller, rotation_id, "pause", orders.paused)


async def resume_turn(world: World, caller: Caller, rotation_id: str) -> RotationView:
    """Let a paused or blocked turn go on. Raises NotFound, Forbidden, Refused."""
    return await _give(world, caller, rotation_id, "resume", _resumed)


async def abort_turn(world: World, caller: Caller, rotation_id: str) -> RotationView:
    """Take the new secret back before anybody is served it, or once Okta has lost it.

    In that case the old one is served again, where Okta still has it. Raises NotFound, Forbidden,
    OktaError, and Refused once readers were given a new version that works.
    """
    rotation = await admit(world, caller, Verb.ROTATE, rotation_id, detail="abort")
    lost = await _has_lost_the_new(world, rotation)
    order = orders.falling_back if lost else orders.aborted
    return await _apply(world, caller, rotation_id, "abort", order)


async def _has_lost_the_new(world: World, rotation: Rotation) -> bool:
    """Ask Okta whether readers are given what it refuses; nobody, where none are given it."""
    async with world.store.reading() as tx:
        turn = await open_turn(tx, rotation)
    if turn is None or orders.phase_of(turn) not in orders.SERVING:
        return False
    desk, seen = await Desk.of(world, turn, world.clock.uptime_s()), Seen()
    desk.purpose = Purpose.SAFETY
    asked = replace(turn, word=Word.ABORT)
    while isinstance(step := fall_back(asked, seen, world.clock.now()), Look):
        seen = await LOOKS[step.at](desk, seen)
    return isinstance(step, Do)


async def reinstate_old(world: World, caller: Caller, rotation_id: str) -> RotationView:
    """Activate the retired secret again; the turn goes back to its overlap.

    Raises NotFound, Forbidden, and Refused where nothing is retired.
    """
    return await _give(world, caller, rotation_id, "reinstate", orders.reinstating)


async def finish_now(
    world: World, caller: Caller, rotation_id: str, *, at_once: bool = False
) -> RotationView:
    """Cut the overlap or the soak short.

    The shortest overlap is kept unless ``at_once``, which also leaves the soak out: for a secret
    that has leaked. Raises NotFound, Forbidden, and Refused where the turn waits for nothing.
    """
    word = Word.AT_ONCE if at_once else Word.FINISH
    order, what = partial(_hurried, word=word), FINISH_AT_ONCE if at_once else FINISH
    return await _give(world, caller, rotation_id, what, order)


def _resumed(turn: Turn, now: datetime) -> Turn:
    return orders.by_hand(orders.resumed(turn, now))


def _hurried(turn: Turn, now: datetime, word: Word) -> Turn:
    return orders.hurried(turn, word, now)


async def _give(
    world: World, caller: Caller, rotation_id: str, what: str, order: Order
) -> RotationView:
    await admit(world, caller, Verb.ROTATE, rotation_id, detail=what)
    return await _apply(world, caller, rotation_id, what, order)


async def _apply(
    world: World, caller: Caller, rotation_id: str, what: str, order: Order
) -> RotationView:
    now = world.clock.now()
    async with world.store.writing() as tx:
        rotation = await current_rotation(tx, rotation_id)
        turn = await open_turn(tx, rotation)
        if turn is None:
            raise Refused(
                f"No turn of {rotation.name} is open: there is nothing to {what}. "
                "`keyturn rotation turn` starts one."
            )
        after = order(turn, now)
        await tx.replace(after)
        await tell_turn(tx, world, turn, after)
        if after.phase is Phase.ROLLED_BACK:
            await destroy_pending(tx, after)
            await tx.replace(replace(rotation, last_message=None))
        await turn_news.tell_turn(tx, world, turn, after)
        await note_step(tx, after, what, f"By {caller.name}.", now)
    return await view(world, rotation_id)
