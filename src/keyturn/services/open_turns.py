"""The turn of a rotation that has not ended: found, in the way of another, and given up."""

from keyturn.domain.errors import Refused
from keyturn.domain.orders import SERVING, given_up, standing, what_can_be_done
from keyturn.domain.rotation import Rotation
from keyturn.domain.secret import Secret, State, Version
from keyturn.domain.turn import UNSERVED, Act, Turn
from keyturn.services import turn_news
from keyturn.services.flow_events import tell_turn
from keyturn.services.ports import Reading, World, Writing
from keyturn.services.records import note_step


async def open_turn(tx: Reading, rotation: Rotation) -> Turn | None:
    """Return the turn of a rotation that has not ended; a blocked one has not."""
    return await tx.find(Turn, rotation_id=rotation.id, ended_at=None)


async def refuse_under_way(tx: Reading, rotation: Rotation, *, blocked_too: bool = True) -> None:
    """Raise Refused while a turn is under way, and where the rotation is being ended."""
    if rotation.ending and blocked_too:
        raise Refused(f"Rotation {rotation.name} is being ended: delete it again to complete that.")
    turn = await open_turn(tx, rotation)
    if turn and turn.blocked and blocked_too:
        raise Refused(f"A turn of {rotation.name} is blocked. {turn.blocked} Then turn it again.")
    if turn and turn.paused_at:
        told = f"A turn of {rotation.name} is {standing(turn)}."
        raise Refused(f"{told} {what_can_be_done(turn)}")
    if turn and turn.running:
        until = f" until {turn.wake_at:%Y-%m-%d %H:%M:%S} UTC" if turn.wake_at else ""
        both = f", with an old {turn.rules.noun} and a new one" if turn.phase in SERVING else ""
        raise Refused(
            f"A turn of {rotation.name} is under way ({turn.phase}{until}){both}. Wait for its "
            f"end{_or_shorter(turn)}."
        )


def _or_shorter(turn: Turn) -> str:
    """Tell what else than waiting there is, for who finds a turn under way."""
    if turn.phase in SERVING:
        at_once = "`keyturn turn finish-now --at-once` where the old one has leaked"
        return f", or cut it short: `keyturn turn finish-now`, or {at_once}"
    return ", or take it back: `keyturn turn abort`" if turn.phase in UNSERVED else ""


async def give_up(tx: Writing, world: World, turn: Turn, why: str) -> None:
    """End a turn that has changed nothing at Okta; a value that was written is destroyed."""
    now = world.clock.now()
    ended = given_up(turn, now)
    await tx.replace(ended)
    await tell_turn(tx, world, turn, ended)
    await destroy_pending(tx, turn)
    await turn_news.tell_turn(tx, world, turn, ended)
    await note_step(tx, ended, Act.GIVE_UP, why, now)


async def destroy_pending(tx: Writing, turn: Turn) -> None:
    """Destroy the value that a turn has written and nobody was served."""
    for secret in await tx.list(Secret, rotation_id=turn.rotation_id):
        pending = await tx.find(Version, secret_id=secret.id, state=State.PENDING)
        if pending and turn.new and pending.hash == turn.new.hash:
            await tx.replace(pending.become(State.DESTROYED))
