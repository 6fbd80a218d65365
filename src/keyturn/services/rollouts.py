"""Rollouts in waves: started by a plan, listed, approved, continued after a halt, and aborted.

What is decided here is carried on by `rollouts_under_way`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from keyturn.domain.access import Caller, Verb
from keyturn.domain.carrying import mended, skipped
from keyturn.domain.errors import FieldProblem, InvalidInput, NotFound, Refused, Taken
from keyturn.domain.ids import IdentityId, RolloutId, RotationId
from keyturn.domain.person import Password
from keyturn.domain.rollout import (
    ENDED,
    Approval,
    Kind,
    Member,
    Order,
    Rollout,
    Standing,
    State,
    moved,
)
from keyturn.domain.turn import UNSERVED, Phase, Turn
from keyturn.domain.waves import Placed
from keyturn.services import gate
from keyturn.services.orders import abort_turn
from keyturn.services.ports import Reading, World, Writing
from keyturn.services.rollout_news import tell_rollout
from keyturn.services.rollout_plans import (
    ALL,
    RolloutDraft,
    RolloutPlan,
    list_warnings,
    plan_rollout,
)

APPROVAL_GOOD_FOR = timedelta(hours=24)
LISTED_MAX = 1000


@dataclass(frozen=True)
class RolloutView:
    """A rollout, how many of each wave stand how, and who has approved what."""

    rollout: Rollout
    counts: Mapping[int, Mapping[Standing, int]]
    approvals: Sequence[Approval]


@dataclass(frozen=True)
class Wanted:
    """Which members somebody wants to see: all, those of a standing, or those of a wave."""

    standing: Standing | None = None
    wave: int | None = None

    def of(self, members: Iterable[Member]) -> Sequence[Member]:
        """Return those."""
        fit = (each for each in members if self.standing in (None, each.standing))
        return [each for each in fit if self.wave in (None, each.wave)]


EVERYBODY = Wanted()


@dataclass(frozen=True)
class MemberPage:
    """Some of the ``total`` members that are wanted, each with the phase of its turn.

    ``warnings`` tell of those that wait what is on record that may stop them.
    """

    members: Sequence[tuple[Member, Phase | None]]
    total: int
    warnings: Mapping[RotationId, Sequence[str]] = field(default_factory=dict)


async def start_rollout(
    world: World, caller: Caller, draft: RolloutDraft, plan_hash: str
) -> RolloutView:
    """Start the rollout that was planned; its first wave waits for an approval where it needs one.

    Raises what `plan_rollout` does, Taken for a name that another has, and Refused where the plan
    is another one by now: nothing is changed then.
    """
    plan = await plan_rollout(world, caller, draft)
    subject = f"rollout {plan.draft.name} (start, plan {plan.plan_hash[:12]})"
    await gate.require(world, caller, Verb.EDIT_ROLLOUTS, ALL, subject=subject)
    if plan.plan_hash != plan_hash:
        raise Refused(
            "The plan has changed since it was shown: rotations, waves or settings are others now. "
            "Nothing was started; plan it again and look at it."
        )
    rollout = _begun(world, caller, plan)
    members = [_member(rollout, each) for each in plan.members]
    async with world.store.writing() as tx:
        same = {"organization_id": rollout.organization_id, "kind": Kind.WAVES}
        if await tx.list(Rollout, name=rollout.name, **same):
            raise Taken(f"There is a rollout {rollout.name} already: choose another name.")
        await tx.add(rollout, *members)
        await tell_rollout(tx, world, None, rollout)
    return await _view(world, rollout.id)


def _begun(world: World, caller: Caller, plan: RolloutPlan) -> Rollout:
    draft, now = plan.draft, world.clock.now()
    return Rollout(
        id=RolloutId(world.chance.uuid()),
        organization_id=caller.organization_id,
        kind=Kind.WAVES,
        name=draft.name,
        reason=draft.reason,
        selector=draft.selector,
        state=State.AWAITING if draft.approvals else State.RUNNING,
        plan_hash=plan.plan_hash,
        created_by=IdentityId(caller.id),
        creator=caller.name,
        created_at=now,
        waves=tuple(draft.waves),
        approvals=draft.approvals,
        go_on_at=draft.go_on_at,
        wave=plan.members[0].wave,
        due_at=now,
    )


def _member(rollout: Rollout, placed: Placed) -> Member:
    candidate = placed.candidate
    return Member(
        rollout_id=rollout.id,
        number=placed.number,
        wave=placed.wave,
        rotation_id=candidate.rotation_id,
        app_id=candidate.app_id,
        why=placed.why,
        name=candidate.name,
        behind=placed.behind,
        until_next=candidate.until_next,
    )


async def list_rollouts(world: World, caller: Caller) -> Sequence[Rollout]:
    """List the newest rollouts in waves, newest first. Raises Forbidden."""
    await gate.require(world, caller, Verb.READ_ROLLOUTS, ALL, subject="rollouts")
    where = {"organization_id": caller.organization_id, "kind": Kind.WAVES}
    async with world.store.reading() as tx:
        return await tx.list_newest(Rollout, limit=LISTED_MAX, **where)


async def read_rollout(world: World, caller: Caller, rollout_id: str) -> RolloutView:
    """Read a rollout. Raises NotFound, Forbidden."""
    return await _view(world, (await admit(world, caller, Verb.READ_ROLLOUTS, rollout_id)).id)


async def list_members(
    world: World,
    caller: Caller,
    rollout_id: str,
    wanted: Wanted = EVERYBODY,
    *,
    offset: int = 0,
    limit: int = 100,
) -> MemberPage:
    """List members of a rollout by number, with warnings. Raises NotFound, Forbidden."""
    rollout = await admit(world, caller, Verb.READ_ROLLOUTS, rollout_id)
    async with world.store.reading() as tx:
        every = await members_of(tx, rollout.id)
        page = await page_of(tx, wanted.of(every), offset, limit)
    waiting = {each.rotation_id for each, _ in page.members if each.standing is Standing.WAITING}
    if rollout.state in ENDED or not waiting:
        return page
    among = {each.rotation_id for each in every}
    return replace(page, warnings=await list_warnings(world, caller, waiting, among))


async def approve_rollout(
    world: World, caller: Caller, rollout_id: str, *, wave: int, plan_hash: str
) -> RolloutView:
    """Let a wave that has not begun go, for a day; a person who has not started the rollout may.

    Raises NotFound, Forbidden, and Refused for its creator, for who has not logged in by
    themselves, for another plan, for a wave that needs none or has begun.
    """
    rollout = await admit(world, caller, Verb.APPROVE_ROLLOUTS, rollout_id, f"approve wave {wave}")
    _refuse_approval(rollout, caller, wave, plan_hash)
    now = world.clock.now()
    async with world.store.writing() as tx:
        rollout = await current_rollout(tx, rollout.id)
        await _refuse_newer(tx, rollout, caller)
        of_wave = await members_of(tx, rollout.id, wave=wave)
        if not of_wave or any(each.begun_at for each in of_wave) or wave < rollout.wave:
            raise Refused(f"Rollout {rollout.name} has no wave {wave} that is still to begin.")
        given = Approval(
            rollout_id=rollout.id,
            wave=wave,
            plan_hash=plan_hash,
            by=IdentityId(caller.id),
            name=caller.name,
            at=now,
            expires_at=now + APPROVAL_GOOD_FOR,
        )
        known = await tx.find(Approval, rollout_id=rollout.id, wave=wave)
        await (tx.replace if known else tx.add)(given)
        await tx.replace(replace(rollout, due_at=now))
    return await _view(world, rollout.id)


def _refuse_approval(rollout: Rollout, caller: Caller, wave: int, plan_hash: str) -> None:
    if not rollout.approvals or rollout.state in ENDED:
        state = f"is {rollout.state}" if rollout.state in ENDED else "was started without approvals"
        raise Refused(f"Rollout {rollout.name} {state}: there is nothing to approve.")
    if caller.id == rollout.created_by:
        raise Refused(
            f"{caller.name} has started rollout {rollout.name}: wave {wave} is for a second person "
            "to approve."
        )
    if not caller.in_person:
        raise Refused(
            f"{caller.name} has not logged in as a person, but by something that somebody else can "
            f"have made. Wave {wave} is for a person to approve, in a browser or with the token of "
            f"`keyturn person log-in`."
        )
    if plan_hash != rollout.plan_hash:
        raise Refused(
            f"Rollout {rollout.name} goes by another plan ({rollout.plan_hash[:12]}): look at it "
            "again and approve that one."
        )


async def _refuse_newer(tx: Reading, rollout: Rollout, caller: Caller) -> None:
    """Raise Refused for a password that is younger than the rollout: its creator may have set it.

    Whom Okta vouches for has none.
    """
    password = await tx.find(Password, identity_id=caller.id)
    if password and password.changed_at > rollout.created_at:
        raise Refused(
            f"The password of {caller.name} was set after rollout {rollout.name} was started: "
            "another person has to approve it, or the rollout is aborted and started anew."
        )


async def continue_rollout(
    world: World, caller: Caller, rollout_id: str, *, skip: Iterable[int] = ()
) -> RolloutView:
    """Let a halted rollout go on: who failed gets another turn, or is left out by ``skip``.

    A wave that has not begun still waits for its approval. Raises NotFound, Forbidden, InvalidInput
    for the number of none that failed or waits, and Refused where it has not halted.
    """
    rollout = await admit(world, caller, Verb.EDIT_ROLLOUTS, rollout_id, "continue")
    numbers, now = frozenset(skip), world.clock.now()
    async with world.store.writing() as tx:
        rollout = moved(await current_rollout(tx, rollout.id), Order.CONTINUE, now)
        open_ones = frozenset({Standing.FAILED, Standing.WAITING})
        found = await members_of(tx, rollout.id, standing=open_ones)
        _require_numbers(numbers, found)
        for each in found:
            if each.number in numbers:
                why = f"Left out by {caller.name}. {each.told}".strip()
                await tx.replace(skipped(each, why, now))
            elif each.standing is Standing.FAILED:
                await tx.replace(mended(each, await turn_of(tx, each), now))
        await tx.replace(rollout)
    return await _view(world, rollout.id)


def _require_numbers(numbers: frozenset[int], found: Sequence[Member]) -> None:
    unknown = numbers - {each.number for each in found}
    if unknown:
        rule = f"must be numbers of members that failed or wait; {min(unknown)} is none"
        raise InvalidInput(FieldProblem(("skip",), rule))


async def abort_rollout(
    world: World, caller: Caller, rollout_id: str, *, abort_turns: bool = False
) -> RolloutView:
    """End a rollout: nothing more starts; turns under way go on, so that nothing is half done.

    With ``abort_turns`` those that nobody has been served yet are taken back. Raises NotFound,
    Forbidden, and Refused where it has finished.
    """
    detail = "abort with turns" if abort_turns else "abort"
    rollout = await admit(world, caller, Verb.EDIT_ROLLOUTS, rollout_id, detail)
    now = world.clock.now()
    async with world.store.writing() as tx:
        rollout = await current_rollout(tx, rollout.id)
        if rollout.state is not State.ABANDONED or not abort_turns:
            rollout = moved(rollout, Order.ABORT, now, f"Aborted by {caller.name}.")
            await tx.replace(rollout)
    if abort_turns:
        await _abort_turns(world, caller, rollout)
    return await _view(world, rollout.id)


async def _abort_turns(world: World, caller: Caller, rollout: Rollout) -> None:
    async with world.store.reading() as tx:
        turning = await members_of(tx, rollout.id, standing=Standing.TURNING)
        turns = await turns_of(tx, turning)
    for each in turning:
        turn = turns.get(each.turn_id or "")
        if turn and turn.phase in UNSERVED:
            try:
                await abort_turn(world, caller, each.rotation_id)
            except Refused:
                continue  # it was served just now, and stays


# --- what others here share -----------------------------------------------------------------------


async def members_of(tx: Reading, rollout_id: RolloutId, **where: object) -> Sequence[Member]:
    """Return members of a rollout by number."""
    found = await tx.list(Member, rollout_id=rollout_id, **where)
    return sorted(found, key=lambda each: each.number)


async def turns_of(tx: Reading, members: Iterable[Member]) -> Mapping[str, Turn]:
    """Return the turns of some members, by id."""
    ids = frozenset(each.turn_id for each in members if each.turn_id)
    return {each.id: each for each in await tx.list(Turn, id=ids)} if ids else {}


async def turn_of(tx: Reading, member: Member) -> Turn | None:
    """Return the turn of a member, if there is one."""
    return await tx.find(Turn, id=member.turn_id) if member.turn_id else None


async def claim_look(world: World, rollout_id: RolloutId, pace: timedelta) -> bool:
    """Put the next look off, so that no other worker looks at the same time; say whether it is due.

    ``pace`` is how long after this look the next one comes. Raises NotFound.
    """
    now = world.clock.now()
    async with world.store.writing() as tx:
        rollout = await current_rollout(tx, rollout_id)
        if rollout.due_at is None or rollout.due_at > now:
            return False
        await tx.replace(replace(rollout, due_at=now + pace))
    return True


async def current_rollout(tx: Reading | Writing, rollout_id: str) -> Rollout:
    """Return a rollout as it stands in this transaction. Raises NotFound."""
    found = await tx.find(Rollout, id=rollout_id)
    if found is None:
        raise NotFound(f"There is no rollout {rollout_id}.")
    return found


async def admit(
    world: World, caller: Caller, verb: Verb, rollout_id: str, detail: str = ""
) -> Rollout:
    """Find a rollout in waves and pass the gate for it. Raises Forbidden, NotFound.

    Who may not see it is refused as if there were none: no refusal tells its name.
    """
    where = {"organization_id": caller.organization_id, "kind": Kind.WAVES}
    async with world.store.reading() as tx:
        found = await tx.find(Rollout, id=rollout_id, **where)
    seen = any(gate.may(caller, each, ALL) for each in (Verb.READ_ROLLOUTS, verb))
    named = found.name if found and seen else rollout_id
    subject = f"rollout {named} ({detail})" if detail else f"rollout {named}"
    await gate.require(world, caller, verb, ALL, subject=subject)
    if found is None:
        raise NotFound(f"There is no rollout {rollout_id}.")
    return found


async def view_rollout(tx: Reading, rollout: Rollout, members: Iterable[Member]) -> RolloutView:
    """Return a rollout with all its members as it is shown."""
    counts: dict[int, dict[Standing, int]] = {}
    for each in members:
        wave = counts.setdefault(each.wave, {})
        wave[each.standing] = wave.get(each.standing, 0) + 1
    return RolloutView(rollout, counts, await tx.list(Approval, rollout_id=rollout.id))


async def page_of(tx: Reading, members: Sequence[Member], offset: int, limit: int) -> MemberPage:
    """Return some of the members that are wanted, each with the phase of its turn."""
    page = members[offset : offset + limit]
    turns = await turns_of(tx, page)
    shown = [(each, _phase(turns.get(each.turn_id or ""))) for each in page]
    return MemberPage(shown, len(members))


async def _view(world: World, rollout_id: RolloutId) -> RolloutView:
    async with world.store.reading() as tx:
        rollout = await current_rollout(tx, rollout_id)
        return await view_rollout(tx, rollout, await members_of(tx, rollout_id))


def _phase(turn: Turn | None) -> Phase | None:
    return turn.phase if turn else None
