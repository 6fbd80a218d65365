"""Carry emergencies on: start turns in order, follow them until all are closed, then tidy up.

Each change is a transaction of its own that looks again first, so that several workers may do it at
once and any may die: a turn is started and noted in the same one. What goes wrong with one app
keeps no other waiting.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from keyturn.domain import emergency as rules
from keyturn.domain.access import Verb
from keyturn.domain.audit import Attempt
from keyturn.domain.budget import limits_of
from keyturn.domain.emergency import Way, is_over, rooms, way_of
from keyturn.domain.errors import KeyturnError
from keyturn.domain.ids import RolloutId
from keyturn.domain.orders import by_hand, hurried, in_emergency, resumed
from keyturn.domain.rollout import (
    ACTING,
    ENDED,
    Kind,
    Member,
    Order,
    Rollout,
    Standing,
    State,
    moved,
)
from keyturn.domain.rotation import Rotation
from keyturn.domain.turn import UNSERVED, Phase, Trigger, Turn, Word
from keyturn.services.emergency_news import LATE, tell_over, tell_stuck
from keyturn.services.emergency_tokens import revoke_some
from keyturn.services.open_turns import open_turn
from keyturn.services.ports import Reading, World, Writing
from keyturn.services.records import note_step
from keyturn.services.rollouts import claim_look, current_rollout, members_of, turns_of
from keyturn.services.takers import Taker, list_takers
from keyturn.services.turns import start

log = structlog.get_logger(__name__)

PACE = timedelta(seconds=5)
"""How often an emergency is looked at; a worker that died holds it up no longer."""
TIDIED_BY = timedelta(days=7)
"""What was closed is deleted then, whatever became of the emergency."""
SLOW_PACE = timedelta(minutes=1)
"""The same, where nothing is left to do but what somebody has to do first."""
CHUNK = 50
"""As many members are written down in one transaction."""
LOOSE_MAX = 20
"""As many at a time are let delete what was closed: each asks Okta first whether the new one works,
and as many questions as there are apps would be too many for one minute."""
TOLD_MAX = 400
"""As many characters as name who may still have held the old one."""


async def carry_emergencies(world: World) -> int:
    """Carry on what is due; return how many emergencies that was. One keeps no other waiting."""
    async with world.store.reading() as tx:
        due = await tx.list_due_rollouts(world.clock.now())
    return sum([await _guarded(world, each.id) for each in due if each.kind is Kind.EMERGENCY])


async def _guarded(world: World, rollout_id: RolloutId) -> bool:
    try:
        if not await claim_look(world, rollout_id, PACE):
            return False
        await _follow(world, rollout_id)
        await _hurry_resumed(world, rollout_id)
        await _start_some(world, rollout_id)
        if await _tidy(world, rollout_id):
            await revoke_some(world, rollout_id)
        await _end(world, rollout_id)
    except KeyturnError as error:
        log.warning("emergency not carried on", rollout=rollout_id, why=error.message)
    return True


# --- follow ---------------------------------------------------------------------------------------


async def _follow(world: World, rollout_id: RolloutId) -> None:
    """Write down how the members stand whose turns were started."""
    async with world.store.reading() as tx:
        rollout = await current_rollout(tx, rollout_id)
        changed = await _list_changed(tx, world, await members_of(tx, rollout_id))
    for first in range(0, len(changed), CHUNK):
        numbers = frozenset(each.number for each in changed[first : first + CHUNK])
        async with world.store.writing() as tx:
            again = await members_of(tx, rollout_id, number=numbers)
            after = await _list_changed(tx, world, again)
            before = {each.number: each for each in again}
            await tx.replace(*[await _with_unserved(tx, before[m.number], m) for m in after])
            for each in after:
                await tell_stuck(tx, world, rollout, before[each.number], each)
            shut = [m for m in after if m.closed_at and not before[m.number].closed_at]
            await _settle_others(tx, world, rollout, shut)


async def _settle_others(
    tx: Writing, world: World, rollout: Rollout, shut: Sequence[Member]
) -> None:
    """Have emergencies that were aborted, or left these apps out, say that they are closed."""
    rotations = frozenset(each.rotation_id for each in shut)
    standings = rules.STOPPED | {Standing.WAITING, Standing.SKIPPED}
    left = await tx.list(Member, rotation_id=rotations, standing=standings) if rotations else ()
    ids = frozenset(each.rollout_id for each in left)
    found = await tx.list(Rollout, id=ids, kind=Kind.EMERGENCY) if ids else ()
    states, now = {each.id: each.state for each in found}, world.clock.now()
    settled = [m for m in left if _is_given_up(m, states.get(m.rollout_id))]
    await tx.replace(*(rules.closed_elsewhere(each, rollout.name, now) for each in settled))


def _is_given_up(member: Member, state: State | None) -> bool:
    """Say whether its emergency, of this state, closes it no more; None is of no emergency."""
    aborted = state is State.ABANDONED and member.standing is not Standing.SKIPPED
    return aborted or (state is not None and rules.is_left_open(member))


async def _hurry_resumed(world: World, rollout_id: RolloutId) -> None:
    """Have turns hurry again that somebody has resumed: their old secrets have leaked all the same.

    Consumers' time goes on since the new one was served.
    """
    async with world.store.reading() as tx:
        slow = await _list_calm(tx, rollout_id)
    for each in slow:
        async with world.store.writing() as tx:
            rollout = await current_rollout(tx, rollout_id)
            for member, turn in await _list_calm(tx, rollout_id, number=each[0].number):
                await _record(tx, world, rollout, member)
                await note_step(tx, turn, "emergency", _by(rollout), world.clock.now())
                await tx.replace(_hurrying(rollout, turn, world.clock.now()))


async def _list_calm(
    tx: Reading, rollout_id: RolloutId, **where: object
) -> Sequence[tuple[Member, Turn]]:
    members = await members_of(tx, rollout_id, standing=Standing.TURNING, **where)
    turns = await turns_of(tx, members)
    pairs = ((each, turns.get(each.turn_id or "")) for each in members)
    return [(member, turn) for member, turn in pairs if turn and rules.is_calm(turn)]


def _hurrying(rollout: Rollout, turn: Turn, now: datetime) -> Turn:
    if turn.phase in UNSERVED:
        return _closing(rollout, turn, now, 0)
    return replace(hurried(turn, Word.AT_ONCE, now, turn.closes_at), tidies_at=turn.tidies_at)


async def _list_changed(tx: Reading, world: World, members: Sequence[Member]) -> Sequence[Member]:
    """Return those of some members that stand otherwise by now, as they do."""
    turns, now = await turns_of(tx, _acting(members)), world.clock.now()
    pairs = [(each, rules.followed(each, turns.get(each.turn_id or ""), now)) for each in members]
    return [after for before, after in pairs if after != before]


def _acting(members: Iterable[Member]) -> Sequence[Member]:
    standings = ACTING | rules.STOPPED
    return [each for each in members if each.standing in standings]


async def _with_unserved(tx: Reading, before: Member, after: Member) -> Member:
    """Name who may have held the old secret still when the app was closed."""
    if after.closed_at is None or before.closed_at:
        return after
    rotation = await tx.find(Rotation, id=after.rotation_id)
    turn = await tx.find(Turn, id=after.turn_id)
    if rotation is None or turn is None or turn.new is None or turn.old is None:
        return after
    takers = await list_takers(tx, rotation, turn.new.version or 0)
    without = [f"{each.kind} {each.name}" for each in takers if _lacked(each, after.closed_at)]
    told = f"{LATE} {', '.join(without)}." if without else ""
    return replace(after, told=told[:TOLD_MAX])


def _lacked(taker: Taker, closed_at: datetime) -> bool:
    return not taker.has_it or (taker.at is not None and taker.at > closed_at)


# --- start ----------------------------------------------------------------------------------------


async def _start_some(world: World, rollout_id: RolloutId) -> None:
    """Start as many turns as each org's window has room for, the most exposed first."""
    async with world.store.reading() as tx:
        rollout = await current_rollout(tx, rollout_id)
        members = await members_of(tx, rollout_id)
        turns = await turns_of(tx, _acting(members))
        waiting = [each for each in members if rules.is_waiting(each)]
        under_way = await _list_under_way(tx, waiting)
    if rollout.state is not State.RUNNING:
        return
    room = dict(await _rooms(world, rollout, members, turns))
    chosen = [*_chosen(waiting, under_way, room, world.clock.now())]
    for left, each in zip(range(len(chosen), 0, -1), chosen, strict=True):
        await _take_up(world, rollout, each, left)


async def _list_under_way(tx: Reading, waiting: Sequence[Member]) -> Mapping[str, Turn]:
    """Return the turns that some members' rotations have open, by rotation."""
    ids = frozenset(each.rotation_id for each in waiting)
    found = await tx.list(Turn, rotation_id=ids, ended_at=None) if ids else ()
    return {each.rotation_id: each for each in found}


def _chosen(
    waiting: Iterable[Member],
    under_way: Mapping[str, Turn],
    room: dict[int, int],
    now: datetime,
) -> Iterator[Member]:
    """Give those to take up: what only waits for a turn under way takes no room from others."""
    for each in waiting:
        turn = under_way.get(each.rotation_id)
        if turn and way_of(each, turn) is Way.WAIT:
            if rules.held_up(each, turn, now) != each:
                yield each
        elif room[each.wave] > 0:
            room[each.wave] -= 1
            yield each


async def _rooms(
    world: World, rollout: Rollout, members: Sequence[Member], turns: Mapping[str, Turn]
) -> Mapping[int, int]:
    known = limits_of(await world.okta.list_windows())
    limits = {wave: known[org] for wave, org in enumerate(rollout.waves, 1) if org in known}
    return rooms(members, turns, limits, world.limits.shares, world.clock.now())


async def _take_up(world: World, rollout: Rollout, member: Member, left: int) -> None:
    """Start the turn of a member, or take the one that is under way.

    ``left`` are still to be started with it: what was planned first is woken first.
    """
    async with world.store.writing() as tx:
        rollout = await current_rollout(tx, rollout.id)
        again = next(iter(await members_of(tx, rollout.id, number=member.number)))
        if rollout.state is not State.RUNNING or not rules.is_waiting(again):
            return  # somebody was quicker
        after = await _taken_up(tx, world, rollout, again, left)
        if after != again:
            await tx.replace(after)
            await tell_stuck(tx, world, rollout, again, after)


async def _taken_up(
    tx: Writing, world: World, rollout: Rollout, member: Member, left: int
) -> Member:
    now = world.clock.now()
    rotation = await tx.find(Rotation, id=member.rotation_id)
    if rotation is None or rotation.ending:
        return rules.ended(member, Standing.SKIPPED, now, rules.GONE)
    turn = await open_turn(tx, rotation)
    match way_of(member, turn):
        case Way.WAIT if turn:
            return rules.held_up(member, turn, now)
        case Way.FAIL if turn:
            return rules.stopped(member, turn, now, rules.blocked_told(turn, "An earlier turn"))
        case Way.HURRY if turn:
            return await _end_first(tx, world, rollout, member, turn)
        case _:
            await _record(tx, world, rollout, member)
            turn = turn or await start(tx, world, rotation, Trigger.MANUAL)
            await note_step(tx, turn, "emergency", _by(rollout), world.clock.now())
            closing = _closing(rollout, turn, world.clock.now(), left)
            await tx.replace(closing)
            return rules.begun(member, turn, world.clock.now())


async def _end_first(
    tx: Writing, world: World, rollout: Rollout, member: Member, turn: Turn
) -> Member:
    """Have the turn under way end as soon as consumers' time is over.

    The next one closes what it has served.
    """
    now = world.clock.now()
    going = resumed(turn, now) if turn.blocked else turn
    await _record(tx, world, rollout, member)
    await tx.replace(hurried(going, Word.AT_ONCE, now, _closes_at(rollout, turn, now)))
    await note_step(tx, turn, "emergency", _by(rollout), now)
    return replace(rules.held_up(member, turn, now), begun_at=now)


def _closes_at(rollout: Rollout, turn: Turn, now: datetime) -> datetime | None:
    """Return when a turn that has served ends; None is now.

    It has a word already where another emergency is sooner.
    """
    closes_at = now + timedelta(seconds=rollout.within_s) if rollout.within_s else None
    if turn.word is not Word.AT_ONCE:
        return closes_at
    return min(turn.closes_at, closes_at) if turn.closes_at and closes_at else None


def _closing(rollout: Rollout, turn: Turn, now: datetime, left: int) -> Turn:
    """Return a turn that has served nobody yet as it closes the app."""
    going = by_hand(resumed(turn, now) if turn.blocked else turn)
    urgent = turn.word is Word.AT_ONCE
    within_s = min(turn.within_s, rollout.within_s) if urgent else rollout.within_s
    tidies_at = rollout.created_at + TIDIED_BY
    late = rollout.tidied_at is not None or now >= tidies_at
    closing = in_emergency(going, now, within_s, now if late else tidies_at)
    woken = closing.wake_at == now and closing.owner is None
    wake_at = now - timedelta(microseconds=left) if woken else closing.wake_at
    return replace(closing, wake_at=wake_at)


def _by(rollout: Rollout) -> str:
    return f"By emergency {rollout.name} of {rollout.creator}."


async def _record(tx: Writing, world: World, rollout: Rollout, member: Member) -> None:
    """Put on record that a turn is started, before it is."""
    subject = f"rotation {member.name} (emergency {rollout.name})"
    entry = Attempt(world.clock.now(), rollout.created_by, Verb.ROTATE, subject, allowed=True)
    await tx.append_audit(entry)


# --- tidy up, and end -----------------------------------------------------------------------------


async def _tidy(world: World, rollout_id: RolloutId) -> bool:
    """Let what was closed be deleted once no app waits to be closed; say whether it is time."""
    async with world.store.reading() as tx:
        rollout = await current_rollout(tx, rollout_id)
        members = await members_of(tx, rollout_id)
    if rollout.state is State.RUNNING and not rules.all_closed(members):
        return False
    now = world.clock.now()
    acting = [each for each in members if each.standing in ACTING]
    async with world.store.writing() as tx:
        turns = await turns_of(tx, acting)
        found = (turns.get(each.turn_id or "") for each in acting)
        inorder = [each for each in found if each]
        tied = [each for each in inorder if _is_tied(each)]
        room = max(0, LOOSE_MAX - len(inorder) + len(tied))
        await tx.replace(*(_untied(each, now) for each in tied[:room]))
    if rollout.tidied_at is None:
        async with world.store.writing() as tx:
            await tx.replace(replace(await current_rollout(tx, rollout_id), tidied_at=now))
    return True


def _is_tied(turn: Turn) -> bool:
    return turn.running and turn.owner is None and turn.tidies_at is not None


def _untied(turn: Turn, now: datetime) -> Turn:
    closed = turn.phase is Phase.SOAKING and turn.wake_at == turn.tidies_at
    return replace(turn, tidies_at=None, wake_at=now if closed else turn.wake_at)


async def _end(world: World, rollout_id: RolloutId) -> None:
    """Finish an emergency of which nothing is left to do; one that was aborted is left alone."""
    now = world.clock.now()
    async with world.store.writing() as tx:
        rollout = await current_rollout(tx, rollout_id)
        members = await members_of(tx, rollout_id)
        if rollout.state in ENDED:
            under_way = any(each.standing in ACTING for each in members)
            after = rollout if under_way else replace(rollout, due_at=None)
        elif is_over(members, revoke=rollout.revoke):
            after = replace(moved(rollout, Order.FINISH, now), due_at=None)
            await tell_over(tx, world, after, members)
        elif rules.is_moving(members, revoke=rollout.revoke):
            return
        else:
            after = replace(rollout, due_at=now + SLOW_PACE)
        await tx.replace(after)
