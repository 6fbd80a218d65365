"""Carry rollouts in waves on: follow their turns, halt, open the next wave, start turns.

Each change is a transaction of its own that looks again first, so that several workers may do it at
once and any may die: a turn is started and noted in the same one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

import structlog

from keyturn.domain.access import Caller, Verb
from keyturn.domain.budget import starts
from keyturn.domain.carrying import (
    GONE,
    begun,
    failed,
    followed,
    left_behind,
    skipped,
    startable,
    unserved,
    what_next,
)
from keyturn.domain.drift import Finding
from keyturn.domain.errors import Forbidden, KeyturnError, NotFound
from keyturn.domain.identity import Identity
from keyturn.domain.ids import RolloutId, RotationId
from keyturn.domain.orders import making_room, waits_for_next
from keyturn.domain.rollout import (
    ACTING,
    Approval,
    Kind,
    Member,
    Rollout,
    Standing,
    State,
    moved,
)
from keyturn.domain.rotation import Rotation
from keyturn.domain.turn import Trigger, Turn
from keyturn.services.identities import caller_of
from keyturn.services.open_turns import open_turn
from keyturn.services.ports import Reading, World, Writing
from keyturn.services.records import note_step
from keyturn.services.rollout_news import tell_rollout
from keyturn.services.rollouts import claim_look, current_rollout, members_of, turns_of
from keyturn.services.rotations import admit
from keyturn.services.turns import start

log = structlog.get_logger(__name__)

PACE = timedelta(seconds=5)
"""How often a rollout is looked at while turns start; a worker that died holds it up no longer."""
QUIET_PACE = timedelta(seconds=30)
"""How often while its turns wait for their overlaps and soaks."""
UNSERVED_MAX = 20
"""So many turns at most are under way at a time that nobody is served yet: what goes wrong in a
wave has gone wrong for no more than these."""
CHUNK = 50
"""As many members are written down in one transaction."""


async def carry_due(world: World) -> int:
    """Carry on what is due; return how many rollouts that was. One keeps no other waiting."""
    async with world.store.reading() as tx:
        due = await tx.list_due_rollouts(world.clock.now())
    return sum([await _guarded(world, each) for each in due if each.kind is Kind.WAVES])


async def _guarded(world: World, rollout: Rollout) -> bool:
    try:
        if not await claim_look(world, rollout.id, PACE):
            return False
        await _follow(world, rollout.id)
        if await _decide(world, rollout.id):
            await _start_some(world, rollout.id)
    except KeyturnError as error:
        log.warning("rollout not carried on", rollout=rollout.id, why=error.message)
    return True


# --- follow ---------------------------------------------------------------------------------------


async def _follow(world: World, rollout_id: RolloutId) -> None:
    """Write down how the members stand whose turns were started."""
    async with world.store.reading() as tx:
        members = await _list_changed(tx, world, await members_of(tx, rollout_id))
    for first in range(0, len(members), CHUNK):
        numbers = frozenset(each.number for each in members[first : first + CHUNK])
        async with world.store.writing() as tx:
            again = await members_of(tx, rollout_id, number=numbers)
            await tx.replace(*await _list_changed(tx, world, again))


async def _list_changed(tx: Reading, world: World, members: Sequence[Member]) -> Sequence[Member]:
    """Return those of some members that stand otherwise by now, as they do."""
    begun_ones = [each for each in members if each.standing in {*ACTING, Standing.DONE}]
    turns = await turns_of(tx, (each for each in begun_ones if each.standing in ACTING))
    drifts = await _drifts(tx, begun_ones)
    now = world.clock.now()
    pairs = [
        (each, followed(each, turns.get(each.turn_id or ""), now, drifts.get(each.rotation_id)))
        for each in begun_ones
    ]
    return [after for before, after in pairs if after != before]


async def _drifts(tx: Reading, members: Sequence[Member]) -> Mapping[RotationId, Finding]:
    """Return what was found to differ from the record since a member's turn began."""
    begun_at = {each.rotation_id: each.begun_at for each in members}
    ids = frozenset(begun_at)
    found = await tx.list(Finding, rotation_id=ids, closed_at=None) if ids else ()
    since = ((each, begun_at[each.rotation_id]) for each in found)
    return {each.rotation_id: each for each, at in since if at and each.found_at >= at}


# --- decide ---------------------------------------------------------------------------------------


async def _decide(world: World, rollout_id: RolloutId) -> bool:
    """Move the rollout on where it is time; say whether turns may start."""
    async with world.store.writing() as tx:
        rollout = await current_rollout(tx, rollout_id)
        after = await _moved_on(tx, world, rollout)
        if after != rollout:
            await tx.replace(after)
            await tell_rollout(tx, world, rollout, after)
    return after.state is State.RUNNING


async def _moved_on(tx: Reading, world: World, rollout: Rollout) -> Rollout:
    """Return a rollout as it goes on; one that stands still is looked at while turns go on."""
    now = world.clock.now()
    members = await members_of(tx, rollout.id)
    turns = await turns_of(tx, (each for each in members if each.standing in ACTING))
    approvals = await tx.list(Approval, rollout_id=rollout.id)
    follows = what_next(rollout, members, turns, approvals, now)
    after = replace(rollout, wave=follows.wave)
    if follows.order:
        after = moved(after, follows.order, now, follows.told)
    acting = any(each.standing in ACTING for each in members)
    if after.state is not State.RUNNING and not acting:
        return replace(after, due_at=None)
    busy = startable(after, members, turns) or unserved(members, turns)
    return replace(after, due_at=now + (PACE if busy else QUIET_PACE))


# --- start ----------------------------------------------------------------------------------------


async def _start_some(world: World, rollout_id: RolloutId) -> None:
    """Start as many turns of the wave that is under way as there is room for."""
    async with world.store.reading() as tx:
        rollout = await current_rollout(tx, rollout_id)
        members = await members_of(tx, rollout_id)
        turns = await turns_of(tx, (each for each in members if each.standing in ACTING))
        waiting = startable(rollout, members, turns)
        taken = await _list_taken(tx, world, waiting)
        creator = await _creator(tx, rollout)
    room = await _room(world) - unserved(members, turns)
    for each in waiting:
        if room <= 0:
            return
        if each.rotation_id not in taken:
            room -= await _start_one(world, rollout, each, creator)


async def _room(world: World) -> int:
    """Return how many turns may be under way at a time that nobody is served yet."""
    shares = world.limits.shares
    windows = await world.okta.list_windows()
    return min([UNSERVED_MAX, *(starts(each.limit, shares) for each in windows)])


async def _list_taken(
    tx: Reading, world: World, members: Sequence[Member]
) -> frozenset[RotationId]:
    """Return the rotations in which another turn goes on, which is waited for.

    One that goes on until the next turn has to be told once to make room.
    """
    now = world.clock.now()
    ids = frozenset(each.rotation_id for each in members)
    turns = await tx.list(Turn, rotation_id=ids, ended_at=None) if ids else ()
    rotations = {each.id: each for each in await tx.list(Rotation, id=ids)} if turns else {}
    return frozenset(
        each.rotation_id
        for each in turns
        if each.running
        and not (
            waits_for_next(each, rotations[each.rotation_id].policy)
            and making_room(each, now) != each
        )
    )


async def _creator(tx: Reading, rollout: Rollout) -> Caller:
    """Return who has started a rollout, with the roles held now; who is gone holds none."""
    found = await tx.find(Identity, id=rollout.created_by)
    if found:
        return await caller_of(tx, found)
    return Caller(rollout.created_by, rollout.creator, rollout.organization_id, ())


async def _start_one(world: World, rollout: Rollout, member: Member, creator: Caller) -> bool:
    """Start the turn of a member, or leave it out; say whether one was started.

    The turn is started in the name of who has started the rollout, and only with their rights now.
    """
    denied = await _denied(world, rollout, member, creator)
    async with world.store.writing() as tx:
        rollout = await current_rollout(tx, rollout.id)
        found = await members_of(tx, rollout.id, number=member.number)
        wrong = await members_of(tx, rollout.id, standing=Standing.FAILED)
        again = next(iter(found))
        halts = rollout.state is not State.RUNNING or rollout.wave != again.wave or wrong
        if halts or again.standing is not Standing.WAITING:
            return False  # somebody was quicker
        after = await _started(tx, world, rollout, again, denied)
        if after != again:
            await tx.replace(after)
    return after.standing is Standing.TURNING


async def _denied(world: World, rollout: Rollout, member: Member, creator: Caller) -> str:
    """Have the gate decide; return why the turn may not be started, or nothing."""
    async with world.store.reading() as tx:
        if await tx.find(Rotation, id=member.rotation_id) is None:
            return ""
    detail = f"rollout {rollout.name}"
    try:
        await admit(world, creator, Verb.ROTATE, member.rotation_id, detail=detail)
    except (Forbidden, NotFound) as error:
        return error.message
    return ""


async def _started(
    tx: Writing, world: World, rollout: Rollout, member: Member, denied: str
) -> Member:
    """Return a member as it stands once its turn is started, where it can be."""
    now = world.clock.now()
    rotation = await tx.find(Rotation, id=member.rotation_id)
    if rotation is None or rotation.ending:
        return skipped(member, GONE, now)
    gate = await tx.find(Member, rollout_id=rollout.id, number=member.behind)
    if why := left_behind(gate):
        return skipped(member, why, now)
    if denied:
        return failed(member, denied, now)
    turn = await open_turn(tx, rotation)
    if turn and turn.paused_at:
        return skipped(member, "Somebody has paused its turn.", now)
    if turn and turn.running:
        if waits_for_next(turn, rotation.policy):
            await tx.replace(making_room(turn, now))
        return member
    turn = await start(tx, world, rotation, Trigger.MANUAL)
    told = f"By rollout {rollout.name}, wave {member.wave}, of {rollout.creator}."
    await note_step(tx, turn, "turn", told, now)
    return begun(member, turn, now)
