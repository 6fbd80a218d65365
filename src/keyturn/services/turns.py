"""Start turns: by hand, by the schedule, or by somebody's consent.

A turn that somebody waits for is begun already claimed, and taken as far as it goes at once; every
other turn is left for the runner to claim.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import structlog

from keyturn.domain.access import Caller, Verb
from keyturn.domain.errors import KeyturnError, Refused, TurnFailed
from keyturn.domain.ids import TurnId
from keyturn.domain.okta import ClientSecret
from keyturn.domain.rotation import Rotation
from keyturn.domain.schedule import LastTurn, next_rotation_at
from keyturn.domain.secret import Secret, State, Version
from keyturn.domain.turn import SERVED, Held, Phase, Reason, Trigger, Turn, resumed
from keyturn.services.connections import open_org
from keyturn.services.journey import advance
from keyturn.services.ports import Reading, TurnStep, World, Writing
from keyturn.services.records import must
from keyturn.services.rotations import (
    RotationView,
    admit,
    current_rotation,
    give_up,
    open_turn,
    refuse_under_way,
    view,
)

log = structlog.get_logger(__name__)

OF_A_REQUEST = "request"
DUE_AT_ONCE = 100


@dataclass(frozen=True)
class TurnView:
    """A turn with what was recorded of it."""

    turn: Turn
    steps: Sequence[TurnStep]


async def rotate(world: World, caller: Caller, rotation_id: str) -> RotationView:
    """Turn the client secret now, and return once the new one is served.

    A blocked turn is resumed. Raises NotFound, Forbidden, Refused while a turn is under way or
    where the resumed one had served its secret already, and TurnFailed where Okta does not serve
    it; the secret served so far works on then.
    """
    await admit(world, caller, Verb.ROTATE, rotation_id)
    held_since_s = world.clock.uptime_s()
    async with world.store.writing() as tx:
        rotation = await current_rotation(tx, rotation_id)
        turn = claimed(world, await _resume_or_start(tx, world, rotation, Trigger.MANUAL))
        await tx.replace(turn)
    resumed_late = turn.phase in SERVED
    await advance(world, turn, held_since_s=held_since_s)
    seen = await view(world, rotation_id)
    if seen.turn is None or seen.turn.phase not in SERVED:
        raise TurnFailed(seen.rotation.last_message)
    if resumed_late:
        raise Refused(
            f"The turn that was blocked goes on now ({seen.turn.phase}); no new secret was issued. "
            "Ask again when it has ended."
        )
    return seen


async def retire_existing(
    world: World, caller: Caller, rotation_id: str, *, secret_id: str
) -> RotationView:
    """Consent to the retirement of a foreign client secret of the rotation's app, named by its id.

    It is retired as any old secret is: after an overlap, reversible until the soak is over. A turn
    that the foreign secret has blocked is given up for it. Raises NotFound, Forbidden, and Refused
    where another turn is under way or the id is not that of a foreign secret.
    """
    rotation = await admit(world, caller, Verb.ROTATE, rotation_id, detail=f"retire {secret_id}")
    async with world.store.reading() as tx:
        org = await open_org(tx, world, rotation.connection_id, lambda call: None)
    listed = await org.list_client_secrets(rotation.app_id)
    held_since_s = world.clock.uptime_s()
    async with world.store.writing() as writing:
        rotation = await current_rotation(writing, rotation_id)
        served = await served_secret(writing, rotation)
        foreign = next((s for s in listed if s.id == secret_id), None)
        if served is None or foreign is None or foreign.id == served.okta_id:
            raise Refused(f"App {rotation.app_id} has no foreign client secret {secret_id}.")
        await _give_way(writing, world, rotation, listed)
        turn = claimed(world, consented(world, rotation, served, foreign))
        await writing.add(turn)
    await advance(world, turn, held_since_s=held_since_s)
    return await view(world, rotation_id)


async def list_turns(world: World, caller: Caller, rotation_id: str) -> Sequence[TurnView]:
    """List the turns of a rotation, newest first, with their steps. Raises NotFound, Forbidden."""
    await admit(world, caller, Verb.READ_ROTATIONS, rotation_id)
    async with world.store.reading() as tx:
        turns = await tx.list(Turn, rotation_id=rotation_id)
        return [TurnView(t, await tx.list(TurnStep, turn_id=t.id)) for t in reversed(turns)]


async def start_due(world: World) -> int:
    """Start the turns that the schedule asks for now; return how many were started.

    A turn that is under way already is left alone, a blocked one gets its next chance. What is
    wrong with one rotation keeps none of the others waiting.
    """
    async with world.store.reading() as tx:
        due = await tx.list_due_rotations(world.clock.now(), limit=DUE_AT_ONCE)
    return sum([await _start_scheduled(world, rotation.id) for rotation in due])


async def _start_scheduled(world: World, rotation_id: str) -> bool:
    now = world.clock.now()
    try:
        async with world.store.writing() as tx:
            rotation = await current_rotation(tx, rotation_id)
            tomorrow = next_rotation_at(rotation.schedule, LastTurn(now, failed=True))
            await tx.replace(replace(rotation, next_rotation_at=tomorrow))
            turn = await open_turn(tx, rotation)
            if turn and turn.running:
                return False
            await _resume_or_start(tx, world, rotation, Trigger.SCHEDULED)
    except KeyturnError as error:
        log.error("turn not started", rotation=rotation_id, why=error.message)
        return False
    return True


def planned(world: World, rotation: Rotation, trigger: Trigger, old: Held | None) -> Turn:
    """Make the record of a turn that is due now."""
    now = world.clock.now()
    return Turn(
        id=TurnId(world.chance.uuid()),
        rotation_id=rotation.id,
        app_id=rotation.app_id,
        trigger=trigger,
        phase=Phase.PLANNED,
        created_at=now,
        entered_at=now,
        wake_at=now,
        old=old,
    )


def consented(world: World, rotation: Rotation, served: Held, foreign: ClientSecret) -> Turn:
    """Make the record of a turn that only retires a foreign secret: the new one is served."""
    turn = planned(world, rotation, Trigger.CONSENT, stranger(foreign))
    return replace(turn, phase=Phase.OVERLAPPING, new=served)


def stranger(secret: ClientSecret) -> Held:
    """Hold a client secret whose value is not ours to serve."""
    return Held(secret.hash, secret.id, None)


async def served_secret(tx: Reading, rotation: Rotation) -> Held | None:
    """Return the client secret that readers are given, or None before the first one."""
    name = rotation.mapping.client_secret
    secret = await must(tx.find(Secret, rotation_id=rotation.id, name=name))
    version = await tx.find(Version, secret_id=secret.id, state=State.CURRENT)
    if version is None or version.hash is None:
        return None
    return Held(version.hash, version.okta_id, version.number)


def claimed(world: World, turn: Turn) -> Turn:
    """Return a turn in the hands of the request that waits for it."""
    lease_ends_at = world.clock.now() + world.limits.lease
    return replace(turn, owner=OF_A_REQUEST, wake_at=lease_ends_at)


async def _resume_or_start(tx: Writing, world: World, rotation: Rotation, trigger: Trigger) -> Turn:
    turn = await open_turn(tx, rotation)
    if turn and turn.blocked:
        turn = resumed(turn, world.clock.now())
        await tx.replace(turn)
        return turn
    await refuse_under_way(tx, rotation)
    turn = planned(world, rotation, trigger, await _old_secret(tx, rotation))
    await tx.add(turn)
    return turn


async def _old_secret(tx: Reading, rotation: Rotation) -> Held | None:
    """Return what a new turn replaces; a first turn that was taken back leaves its consent."""
    served = await served_secret(tx, rotation)
    turns = await tx.list(Turn, rotation_id=rotation.id)
    return served or (turns[-1].old if turns else None)


async def _give_way(
    tx: Writing, world: World, rotation: Rotation, listed: Sequence[ClientSecret]
) -> None:
    """Give up a turn that a foreign secret has blocked and that has changed nothing at Okta."""
    turn = await open_turn(tx, rotation)
    blocked = turn.blocked if turn else None
    if turn is None or blocked is None or blocked.reason is not Reason.FOREIGN_SECRET:
        await refuse_under_way(tx, rotation)
        return
    if turn.new and any(secret.hash == turn.new.hash for secret in listed):
        raise Refused("The blocked turn has added its secret meanwhile: resume it by turning.")
    await give_up(tx, world, turn)
