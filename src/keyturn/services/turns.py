"""Start turns: by hand, by the schedule, or by somebody's consent.

A turn that somebody waits for is begun already claimed, and taken as far as it goes at once; every
other turn is left for the runner to claim.
"""

from dataclasses import replace

import structlog

from keyturn.domain.access import Caller, Verb
from keyturn.domain.errors import KeyturnError, Refused, TurnFailed
from keyturn.domain.evidence import floor_over_at
from keyturn.domain.ids import TurnId
from keyturn.domain.okta import Credential
from keyturn.domain.orders import (
    by_hand,
    calmed,
    falling_back,
    hurried,
    kept_after_all,
    making_room,
    phase_of,
    resumed,
    serves_what_is_lost,
    waits_for_next,
)
from keyturn.domain.outlook import last_turn, put_off, rescheduled, started
from keyturn.domain.rotation import Rotation
from keyturn.domain.schedule import LastTurn, allows
from keyturn.domain.secret import Secret, State, Version
from keyturn.domain.turn import (
    SERVED,
    UNSERVED,
    ByFlow,
    Held,
    Phase,
    Reason,
    Trigger,
    Turn,
    Word,
)
from keyturn.services.journey import advance
from keyturn.services.open_turns import open_turn, refuse_under_way
from keyturn.services.ports import Reading, TurnStep, World, Writing
from keyturn.services.records import must, note_step
from keyturn.services.rotations import RotationView, admit, current_rotation, view
from keyturn.services.turn_news import tell_put_off

log = structlog.get_logger(__name__)

OF_A_REQUEST = "request"
FINISH, FINISH_AT_ONCE = "finish", "finish at once"
"""How it is recorded that somebody has cut a turn short."""
DUE_AT_ONCE = 100


async def rotate(
    world: World,
    caller: Caller,
    rotation_id: str,
    *,
    emergency: bool = False,
    asked: ByFlow | None = None,
    wait: bool = True,
) -> RotationView:
    """Turn the client secret now, and return once the new one is served.

    A blocked turn is resumed, and one that waits for the next turn makes room for it; one whose
    new secret Okta has lost ends first, with the old one served where Okta has that, and so does
    one whose new secret was being taken back, unless Okta accepts no other. In an
    emergency, when the old secret has leaked, the turn waits for nothing: the old secret is
    deactivated and deleted as soon as the new one is served, whoever still uses it. ``asked`` is
    the flow that asks for it: what comes of the turn does not start that one again. Without
    ``wait`` the turn is begun, and what comes of it is told by its record alone. Raises NotFound,
    Forbidden, TurnFailed where Okta does not serve it (the secret served so far works on then), and
    Refused: while a turn is under way, where the resumed one had served its secret already, and
    where this one starts later, because what makes room for it has to soak.
    """
    await admit(world, caller, Verb.ROTATE, rotation_id, detail="emergency" if emergency else "")
    await _end_waiting(world, caller, rotation_id, emergency=emergency, asked=asked)
    await _end_blocked(world, caller, rotation_id, emergency=emergency)
    held_since_s = world.clock.uptime_s()
    async with world.store.writing() as tx:
        rotation = await current_rotation(tx, rotation_id)
        turn = await start(tx, world, rotation, Trigger.MANUAL)
        turn = replace(claimed(world, turn) if wait else turn, asked=asked)
        turn = _waiting_for_nobody(turn) if emergency else calmed(turn)
        await tx.replace(turn)
        what = "emergency" if emergency else "turn"
        await note_step(tx, turn, what, f"By {caller.name}.", world.clock.now())
    if not wait:
        return await view(world, rotation_id)
    resumed_late = turn.phase in SERVED
    await advance(world, turn, held_since_s=held_since_s)
    seen = await view(world, rotation_id)
    if seen.turn is None or seen.turn.phase not in SERVED:
        raise await unserved(world, seen)
    if resumed_late:
        raise Refused(
            f"The turn that was blocked goes on now ({seen.turn.phase}); no new secret was issued. "
            "Ask again when it has ended."
        )
    return seen


def _waiting_for_nobody(turn: Turn) -> Turn:
    """Return the turn as an emergency's, whatever time an earlier one had left consumers."""
    return replace(turn, word=Word.AT_ONCE, within_s=0, closes_at=None, tidies_at=None)


async def unserved(world: World, seen: RotationView) -> TurnFailed:
    """Tell why the new secret is not served yet, and that the turn goes on where it does."""
    if seen.turn is None or not seen.turn.running:
        return TurnFailed(_why_stopped(seen))
    async with world.store.reading() as tx:
        steps = await tx.list(TurnStep, turn_id=seen.turn.id)
    why, waits = (steps[-1].detail, steps[-1].step == "wait") if steps else ("", False)
    why = why or f"Okta to accept the new {seen.rotation.kind.rules.noun}"
    told = f"The turn waits for {why}" if waits else why.rstrip(".")
    return TurnFailed(f"{told}. It goes on by itself: `keyturn rotation show` tells how it stands.")


def _why_stopped(seen: RotationView) -> str | None:
    """Tell why no new secret comes, and of one that has leaked that it still works."""
    told, turn = seen.rotation.last_message, seen.turn
    if turn is None:
        return told
    if turn.phase is Phase.ROLLED_BACK and not told:
        told = f"Somebody has aborted the turn: no new {turn.rules.noun} is served."
    unserved_yet = phase_of(turn) in (*UNSERVED, Phase.ROLLED_BACK)
    if told and unserved_yet and turn.word is Word.AT_ONCE:
        told += f" The {turn.rules.noun} that has leaked works on until a new one is served."
    return told


async def _end_waiting(
    world: World, caller: Caller, rotation_id: str, *, emergency: bool, asked: ByFlow | None
) -> None:
    """End the turn that waits for the next one; what it has to wait for itself is waited for.

    Raises Refused before its shortest overlap is over, and where it has not ended yet: the next
    turn is on record then, and starts when it has.
    """
    held_since_s, now = world.clock.uptime_s(), world.clock.now()
    async with world.store.writing() as tx:
        rotation = await current_rotation(tx, rotation_id)
        turn = await open_turn(tx, rotation)
        if turn is None or not waits_for_next(turn, rotation.policy):
            return
        held, over_at = turn.owner, floor_over_at(turn, rotation.policy)
        if turn.phase is Phase.OVERLAPPING and now < over_at and not emergency:
            raise Refused(
                f"Both secrets of {rotation.name} work until {over_at:%Y-%m-%d %H:%M:%S} UTC at "
                "least, because clients may hold the old one: ask again then."
            )
        told = hurried(turn, Word.AT_ONCE, now) if emergency else making_room(turn, now)
        if told is not turn:
            what = FINISH_AT_ONCE if emergency else FINISH
            await _note_for_next(tx, world, told, what, caller.name)
        turn = told if held else claimed(world, told)
        await tx.replace(turn)
    if not held:
        await advance(world, turn, held_since_s=held_since_s)
    await _book(world, caller, rotation_id, emergency=emergency, asked=asked)


async def _end_blocked(world: World, caller: Caller, rotation_id: str, *, emergency: bool) -> None:
    """End the blocked turn that comes to nothing: it was being taken back, or has lost its secret.

    In the latter case it ends as an abort does; what has leaked and is deactivated stays so. Raises
    TurnFailed where it was being taken back and does not end now.
    """
    held_since_s, now = world.clock.uptime_s(), world.clock.now()
    async with world.store.writing() as tx:
        turn = await open_turn(tx, await current_rotation(tx, rotation_id))
        blocked = turn.blocked if turn else None
        if turn is None or blocked is None:
            return
        if serves_what_is_lost(turn):
            leaked = emergency or turn.word is Word.AT_ONCE
            turn, what = falling_back(turn, now, leaked=leaked), "abort"
        elif blocked.reason is Reason.NEW_SECRET_ONLY:
            turn = kept_after_all(turn, now)
            await note_step(tx, turn, "keep", f"By {caller.name}.", now)
            await tx.replace(turn)
            return
        elif turn.withdrawn_at:
            turn, what = resumed(turn, now), "resume"
        else:
            return
        await _note_for_next(tx, world, turn, what, caller.name)
        turn = claimed(world, turn)
        await tx.replace(turn)
    turn = await advance(world, turn, held_since_s=held_since_s)
    if turn.open and turn.withdrawn_at:
        raise await unserved(world, await view(world, rotation_id))


async def _note_for_next(tx: Writing, world: World, turn: Turn, what: str, who: str) -> None:
    await note_step(tx, turn, what, f"By {who}, for the next turn.", world.clock.now())


async def _book(
    world: World, caller: Caller, rotation_id: str, *, emergency: bool, asked: ByFlow | None
) -> None:
    """Let the next turn start when the open one has ended. Raises Refused, to say so."""
    async with world.store.writing() as tx:
        rotation = await current_rotation(tx, rotation_id)
        turn = await open_turn(tx, rotation)
        if turn is None or not turn.running:
            return
        now = world.clock.now()
        first = rotation.asked_at is None or (emergency and not rotation.asked_emergency)
        booked = replace(
            rotation,
            asked_at=now if first else rotation.asked_at,
            asked_by=caller.name if first else rotation.asked_by,
            asked_emergency=rotation.asked_emergency or emergency,
            asked=asked,
        )
        await tx.replace(booked)
    until = f", until {turn.wake_at:%Y-%m-%d %H:%M:%S} UTC or longer" if turn.wake_at else ""
    raise Refused(
        f"The last turn of {rotation.name} makes room now ({turn.phase}{until}). The one that you "
        "ask for starts by itself when that has ended."
    )


async def start_due(world: World) -> int:
    """Start the turns that the schedule asks for now; return how many were started.

    A turn that is under way already is left alone, a blocked one gets its next chance; one that may
    not start now, for a blackout or because its window has passed, is put off. What is
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
            if rotation.next_rotation_at is None or rotation.next_rotation_at > now:
                return False  # somebody was quicker
            turn = await open_turn(tx, rotation)
            if rotation.asked_at and turn is None:
                await _start_asked(tx, world, rotation)
                return True
            if not allows(rotation.schedule, now):
                await _put_off(tx, world, rotation)
                return False
            if turn and not turn.blocked:
                await tx.replace(rescheduled(rotation, LastTurn(now, failed=True)))
                await _make_room(tx, world, rotation, turn)
                return False
            await tx.replace(started(rotation, now))
            await start(tx, world, rotation, Trigger.SCHEDULED)
    except KeyturnError as error:
        log.error("turn not started", rotation=rotation_id, why=error.message)
        return False
    return True


async def _start_asked(tx: Writing, world: World, rotation: Rotation) -> None:
    """Start what somebody asked for while another turn went on; no window is waited for."""
    await tx.replace(rescheduled(rotation, last_turn(rotation)))
    turn = await start(tx, world, rotation, Trigger.MANUAL)
    what, turn = "turn", replace(turn, asked=rotation.asked)
    if rotation.asked_emergency:
        what, turn = "emergency", _waiting_for_nobody(turn)
    await tx.replace(turn)
    told = f"By {rotation.asked_by}, at {rotation.asked_at:%Y-%m-%d %H:%M:%S} UTC."
    await note_step(tx, turn, what, told, world.clock.now())


async def _put_off(tx: Writing, world: World, rotation: Rotation) -> None:
    """Leave a turn that came due while none may start to the next window."""
    later = put_off(rotation, world.clock.now())
    log.warning("turn put off", rotation=rotation.id, until=str(later.next_rotation_at))
    await tx.replace(later)
    await tell_put_off(tx, world, later, "A blackout is on, or its window is over.")


async def _make_room(tx: Writing, world: World, rotation: Rotation, turn: Turn) -> None:
    """End the overlap that lasts until the next turn is due; that one starts when it has ended."""
    told = making_room(turn, world.clock.now())
    if waits_for_next(turn, rotation.policy) and told is not turn:
        await tx.replace(told)
        await _note_for_next(tx, world, told, FINISH, "the schedule")


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
        kind=rotation.kind,
    )


def consented(world: World, rotation: Rotation, served: Held, foreign: Credential) -> Turn:
    """Make the record of a turn that only retires a foreign secret: the new one is served."""
    turn = planned(world, rotation, Trigger.CONSENT, stranger(foreign))
    return replace(turn, phase=Phase.OVERLAPPING, new=served)


def stranger(secret: Credential) -> Held:
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


async def start(tx: Writing, world: World, rotation: Rotation, trigger: Trigger) -> Turn:
    """Resume a blocked turn, or begin one that is due now. Raises Refused while one goes on."""
    turn = await open_turn(tx, rotation)
    if turn and turn.blocked:
        turn = resumed(turn, world.clock.now())
        turn = turn if trigger is Trigger.SCHEDULED else by_hand(turn, trigger)
        await tx.replace(turn)
        return turn
    await refuse_under_way(tx, rotation)
    rotation = await current_rotation(tx, rotation.id)
    unasked = replace(rotation, asked_at=None, asked_by=None, asked_emergency=False, asked=None)
    await tx.replace(unasked)
    turn = planned(world, rotation, trigger, await _old_secret(tx, rotation))
    await tx.add(turn)
    return turn


async def _old_secret(tx: Reading, rotation: Rotation) -> Held | None:
    """Return what a new turn replaces; a first turn that was taken back leaves its consent."""
    served = await served_secret(tx, rotation)
    if served:
        return served
    last = next(iter(await tx.list_turns(rotation.id)), None)
    return last.old if last else None
