"""Emergencies: begun by a plan, listed, tried again where an app was not closed, and aborted.

What is decided here is carried on by `emergencies_under_way`.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, count

from keyturn.domain.access import Caller, Verb
from keyturn.domain.emergency import STOPPED, again, as_told, is_left_open, is_waiting, left_out
from keyturn.domain.errors import NotFound, Refused
from keyturn.domain.ids import IdentityId, RolloutId, RotationId
from keyturn.domain.rollout import Kind, Member, Order, Rollout, Standing, State, moved
from keyturn.domain.selector import LONGEST
from keyturn.services import gate
from keyturn.services.emergency_news import tell_over
from keyturn.services.emergency_plans import (
    EmergencyDraft,
    EmergencyPlan,
    PlannedClosing,
    plan_emergency,
)
from keyturn.services.ports import Reading, World
from keyturn.services.rollout_plans import ALL
from keyturn.services.rollouts import LISTED_MAX, current_rollout, members_of

NAME = "%Y%m%d-%H%M%S"
Look = Callable[[Reading], Awaitable[None]]
"""What is looked for in the transaction that begins an emergency; it raises Refused."""


@dataclass(frozen=True)
class EmergencyView:
    """An emergency, and how many of its apps stand how; ``revoked`` counts revoked tokens' apps.

    ``left`` counts those that were left out and that, as far as is known, nobody has closed.
    """

    rollout: Rollout
    counts: Mapping[Standing, int]
    revoked: int
    left: int

    @property
    def closed(self) -> int:
        """Return of how many apps Okta has refused the old secret."""
        return sum(self.counts.get(each, 0) for each in (Standing.CLOSED, Standing.DONE))

    @property
    def open(self) -> int:
        """Return of how many apps the old secret may still work; those left out are among them."""
        return self.going + self.counts.get(Standing.FAILED, 0) + self.left

    @property
    def going(self) -> int:
        """Return how many apps wait to be closed, or are being closed."""
        return self.counts.get(Standing.WAITING, 0) + self.counts.get(Standing.TURNING, 0)


@dataclass(frozen=True)
class ClosingPage:
    """Some of the ``total`` apps of an emergency that are wanted."""

    members: Sequence[Member]
    total: int


async def begin_emergency(
    world: World,
    caller: Caller,
    draft: EmergencyDraft,
    plan_hash: str,
    look: Look | None = None,
) -> EmergencyView:
    """Begin to close the apps that were planned, at once; nobody has to approve it.

    Raises what `plan_emergency` and ``look`` do, and Refused where the plan is about others by now,
    and where all of it is being closed already: nothing is changed then.
    """
    plan = await plan_emergency(world, caller, draft)
    name = world.clock.now().strftime(NAME)
    subject = f"emergency {name} (begin, {len(plan.members)} apps, plan {plan.plan_hash[:12]})"
    await gate.require(world, caller, Verb.EDIT_ROLLOUTS, ALL, subject=subject)
    if plan.plan_hash != plan_hash:
        raise Refused(
            "The plan is about other apps now than when it was shown, or says otherwise. Nothing "
            "was begun; plan it again and look at it."
        )
    rollout = _begun(world, caller, plan, name)
    async with world.store.writing() as tx:
        if look:
            await look(tx)
        going = await _list_going(tx, rollout)
        _refuse_doubled(rollout, plan, going)
        rollout = replace(rollout, name=_other_than(name, {each.name for each in going}))
        await tx.add(rollout, *(_member(rollout, each) for each in plan.members))
    return await view_of(world, rollout.id)


Going = Mapping[Rollout, Collection[RotationId]]
"""Emergencies that go on, and which rotations each is still to close."""


async def _list_going(tx: Reading, new: Rollout) -> Going:
    where = {"organization_id": new.organization_id, "kind": Kind.EMERGENCY}
    running = await tx.list(Rollout, state=State.RUNNING, **where)
    return {
        each: {m.rotation_id for m in await members_of(tx, each.id) if _goes_on(m)}
        for each in running
    }


def _goes_on(member: Member) -> bool:
    return member.standing is Standing.TURNING or is_waiting(member)


def _refuse_doubled(new: Rollout, plan: EmergencyPlan, going: Going) -> None:
    """Raise Refused where others close every app as soon, and revoke as much: once is enough."""
    enough = [each for each in going if each.within_s <= new.within_s and each.revoke >= new.revoke]
    wanted = {each.candidate.rotation_id for each in plan.members}
    if wanted <= {rotation for each in enough for rotation in going[each]}:
        names = ", ".join(each.name for each in enough if wanted & {*going[each]})
        raise Refused(
            f"Emergency {names} closes these apps already: look at it (`keyturn emergency show`). "
            "Nothing was begun. Who wants to leave less time, or to revoke, says so."
        )


def _other_than(name: str, taken: Collection[str]) -> str:
    """Return a name that no other emergency of the same second has."""
    others = (f"{name}-{number}" for number in count(2))
    return next(each for each in chain([name], others) if each not in taken)


def _begun(world: World, caller: Caller, plan: EmergencyPlan, name: str) -> Rollout:
    draft, now = plan.draft, world.clock.now()
    apps = " ".join(f"app={each.candidate.app_id}" for each in plan.members)
    apps = apps if len(apps) <= LONGEST else f"{len(plan.members)} apps by id"
    return Rollout(
        id=RolloutId(world.chance.uuid()),
        organization_id=caller.organization_id,
        kind=Kind.EMERGENCY,
        name=name,
        reason=draft.reason,
        selector=draft.selector or ("*" if draft.every else apps),
        state=State.RUNNING,
        plan_hash=plan.plan_hash,
        created_by=IdentityId(caller.id),
        creator=caller.name,
        created_at=now,
        waves=tuple(plan.orgs),
        within_s=draft.within_s,
        revoke=draft.revoke,
        due_at=now,
    )


def _member(rollout: Rollout, planned: PlannedClosing) -> Member:
    candidate = planned.candidate
    return Member(
        rollout_id=rollout.id,
        number=planned.number,
        wave=planned.wave,
        rotation_id=candidate.rotation_id,
        app_id=candidate.app_id,
        exposure=planned.exposure.score,
        why="; ".join(planned.exposure.why),
        name=candidate.name,
    )


async def list_emergencies(world: World, caller: Caller) -> Sequence[EmergencyView]:
    """List the newest emergencies, newest first. Raises Forbidden."""
    await gate.require(world, caller, Verb.READ_ROLLOUTS, ALL, subject="emergencies")
    where = {"organization_id": caller.organization_id, "kind": Kind.EMERGENCY}
    async with world.store.reading() as tx:
        found = await tx.list_newest(Rollout, limit=LISTED_MAX, **where)
        return [await _viewed(tx, each) for each in found]


async def read_emergency(world: World, caller: Caller, emergency_id: str) -> EmergencyView:
    """Read an emergency by its id or name. Raises NotFound, Forbidden."""
    return await view_of(world, (await admit(world, caller, Verb.READ_ROLLOUTS, emergency_id)).id)


async def list_closings(
    world: World,
    caller: Caller,
    emergency_id: str,
    *,
    standing: Standing | None = None,
    offset: int = 0,
    limit: int = 100,
) -> ClosingPage:
    """List apps of an emergency in its order, all or of one standing.

    Raises NotFound, Forbidden.
    """
    rollout = await admit(world, caller, Verb.READ_ROLLOUTS, emergency_id)
    where: dict[str, object] = {"standing": standing} if standing else {}
    async with world.store.reading() as tx:
        every = await members_of(tx, rollout.id, **where)
    shown = [as_told(each, rollout.state) for each in every[offset : offset + limit]]
    return ClosingPage(shown, len(every))


async def retry_emergency(world: World, caller: Caller, emergency_id: str) -> EmergencyView:
    """Let every app that was not closed have another try, also one that was deactivated.

    Raises NotFound, Forbidden, and Refused where the emergency has ended, or all goes well.
    """
    rollout = await admit(world, caller, Verb.EDIT_ROLLOUTS, emergency_id, "retry")
    async with world.store.writing() as tx:
        rollout = await current_rollout(tx, rollout.id)
        failed = await members_of(tx, rollout.id, standing=STOPPED)
        if rollout.state is not State.RUNNING or not failed:
            raise Refused(f"Emergency {rollout.name} has no app that could be tried again.")
        await tx.replace(*map(again, failed))
        await tx.replace(replace(rollout, due_at=world.clock.now()))
    return await view_of(world, rollout.id)


async def leave_out(world: World, caller: Caller, emergency_id: str, app: str) -> EmergencyView:
    """Leave an app that is not closed, or is deactivated at Okta, out of an emergency.

    ``app`` is its id. What was begun for it stays as it is. Raises NotFound, Forbidden, and Refused
    for an app that waits for nobody, and where the emergency has ended.
    """
    detail = f"leave out app {app}"
    rollout = await admit(world, caller, Verb.EDIT_ROLLOUTS, emergency_id, detail)
    now = world.clock.now()
    async with world.store.writing() as tx:
        rollout = await current_rollout(tx, rollout.id)
        found = await members_of(tx, rollout.id, app_id=app, standing=STOPPED)
        if rollout.state is not State.RUNNING or not found:
            which = f"app {app} that has failed or is inactive"
            raise Refused(f"Emergency {rollout.name} has no {which}.")
        await tx.replace(*(left_out(each, caller.name, now) for each in found))
        await tx.replace(replace(rollout, due_at=now))
    return await view_of(world, rollout.id)


async def abort_emergency(world: World, caller: Caller, emergency_id: str) -> EmergencyView:
    """End an emergency: no further app is begun; those that have been go on to their end.

    Raises NotFound, Forbidden, and Refused where it has ended.
    """
    rollout = await admit(world, caller, Verb.EDIT_ROLLOUTS, emergency_id, "abort")
    async with world.store.writing() as tx:
        rollout = await current_rollout(tx, rollout.id)
        told = f"Aborted by {caller.name}."
        after = moved(rollout, Order.ABORT, world.clock.now(), told)
        await tx.replace(after)
        await tell_over(tx, world, after, await members_of(tx, rollout.id))
    return await view_of(world, rollout.id)


async def admit(
    world: World, caller: Caller, verb: Verb, emergency_id: str, detail: str = ""
) -> Rollout:
    """Find an emergency by its id or name and pass the gate for it. Raises Forbidden, NotFound."""
    where = {"organization_id": caller.organization_id, "kind": Kind.EMERGENCY}
    async with world.store.reading() as tx:
        found = await tx.find(Rollout, id=emergency_id, **where)
        named = await tx.list(Rollout, name=emergency_id, **where) if found is None else ()
    found = found or (named[-1] if named else None)
    seen = found and gate.may(caller, Verb.READ_ROLLOUTS, ALL)
    subject = f"emergency {found.name if found and seen else emergency_id}"
    subject = f"{subject} ({detail})" if detail else subject
    await gate.require(world, caller, verb, ALL, subject=subject)
    if found is None:
        raise NotFound(f"There is no emergency {emergency_id}.")
    return found


async def view_of(world: World, rollout_id: RolloutId) -> EmergencyView:
    """Return an emergency that is known to exist, as it stands now."""
    async with world.store.reading() as tx:
        return await _viewed(tx, await current_rollout(tx, rollout_id))


def view_emergency(rollout: Rollout, members: Iterable[Member]) -> EmergencyView:
    """Return an emergency with all its members as it is shown."""
    counts, revoked, left = dict[Standing, int](), 0, 0
    for each in members:
        counts[each.standing] = counts.get(each.standing, 0) + 1
        revoked += each.revoked_at is not None
        left += is_left_open(each)
    return EmergencyView(rollout, counts, revoked, left)


async def _viewed(tx: Reading, rollout: Rollout) -> EmergencyView:
    return view_emergency(rollout, await members_of(tx, rollout.id))
