"""Rollouts in waves: planned, started, looked at, approved, continued and aborted."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query

from keyturn.api.authn import TheCaller, TheWorld
from keyturn.api.lenient import LenientRoute
from keyturn.domain.rollout import Approval, Member, Rollout, Standing
from keyturn.domain.turn import Phase
from keyturn.domain.waves import Estimate, Placed
from keyturn.services import rollout_plans, rollouts
from keyturn.services.rollout_plans import RolloutDraft, RolloutPlan
from keyturn.services.rollouts import RolloutView
from keyturn.wire import rollouts as wire
from keyturn.wire.base import Id

router = APIRouter(prefix="/api/v1/rollouts", tags=["Rollouts"], route_class=LenientRoute)


@router.post("/plan")
async def plan_rollout(
    world: TheWorld, caller: TheCaller, body: wire.PlanRollout
) -> wire.RolloutPlanAnswer:
    """Tell who would turn in which wave and why, what may stop it, and what it costs.

    Nothing is changed, and Okta is not asked.
    """
    plan = await rollout_plans.plan_rollout(world, caller, _draft(body))
    return wire.RolloutPlanAnswer(plan=_plan(plan))


@router.post("")
async def start_rollout(
    world: TheWorld, caller: TheCaller, body: wire.StartRollout
) -> wire.RolloutAnswer:
    """Start the rollout that was planned, by the hash of its plan; another plan is refused."""
    return _answer(await rollouts.start_rollout(world, caller, _draft(body), body.plan_hash))


@router.get("")
async def list_rollouts(world: TheWorld, caller: TheCaller) -> wire.RolloutsAnswer:
    """List the rollouts, the newest first."""
    found = await rollouts.list_rollouts(world, caller)
    return wire.RolloutsAnswer(rollouts=tuple(map(_summary, found)))


@router.get("/{rollout_id}")
async def read_rollout(world: TheWorld, caller: TheCaller, rollout_id: Id) -> wire.RolloutAnswer:
    """Read a rollout: its waves, how many stand how, and why it halted."""
    return _answer(await rollouts.read_rollout(world, caller, rollout_id))


@router.get("/{rollout_id}/members")
async def list_rollout_members(
    world: TheWorld,
    caller: TheCaller,
    rollout_id: Id,
    query: Annotated[wire.RolloutMembersQuery, Query()],
) -> wire.RolloutMembersAnswer:
    """List the rotations of a rollout by number, and how each stands, page by page."""
    wanted = rollouts.Wanted(Standing(query.standing) if query.standing else None, query.wave)
    page = await rollouts.list_members(
        world, caller, rollout_id, wanted, offset=query.offset, limit=query.limit
    )
    shown = tuple(
        _member(each, phase, page.warnings.get(each.rotation_id, ()))
        for each, phase in page.members
    )
    return wire.RolloutMembersAnswer(members=shown, total=page.total)


@router.post("/{rollout_id}/approve")
async def approve_rollout(
    world: TheWorld, caller: TheCaller, rollout_id: Id, body: wire.ApproveRollout
) -> wire.RolloutAnswer:
    """Let a wave go, for a day; a person may who has not started the rollout.

    That is somebody who has logged in with a password, set before the rollout was started, or with
    Okta. Any other token is refused with 400: somebody else can have made it.
    """
    seen = await rollouts.approve_rollout(
        world, caller, rollout_id, wave=body.wave, plan_hash=body.plan_hash
    )
    return _answer(seen)


@router.post("/{rollout_id}/continue")
async def continue_rollout(
    world: TheWorld, caller: TheCaller, rollout_id: Id, body: wire.ContinueRollout
) -> wire.RolloutAnswer:
    """Let a halted rollout go on; who failed gets another turn, or is left out."""
    return _answer(await rollouts.continue_rollout(world, caller, rollout_id, skip=body.skip))


@router.post("/{rollout_id}/abort")
async def abort_rollout(
    world: TheWorld, caller: TheCaller, rollout_id: Id, body: wire.AbortRollout
) -> wire.RolloutAnswer:
    """End a rollout: nothing more starts, and turns under way go on unless they are taken back."""
    seen = await rollouts.abort_rollout(world, caller, rollout_id, abort_turns=body.abort_turns)
    return _answer(seen)


def _draft(body: wire.PlanRollout) -> RolloutDraft:
    return RolloutDraft(
        name=body.name,
        reason=body.reason,
        selector=body.selector,
        waves=body.waves,
        approvals=body.approvals,
        go_on_at=Phase(body.go_on_at),
    )


def _plan(plan: RolloutPlan) -> wire.RolloutPlan:
    draft, none = plan.draft, Estimate(0, 0, 0)
    counts = [each.wave for each in plan.members]
    waves = tuple(
        wire.PlannedWave(
            number=number,
            cut=text,
            members=counts.count(number),
            calls=plan.estimates.get(number, none).calls,
            lasts_s=plan.estimates.get(number, none).lasts_s,
        )
        for number, text in enumerate(draft.waves, 1)
    )
    return wire.RolloutPlan(
        name=draft.name,
        reason=draft.reason,
        selector=draft.selector,
        approvals=draft.approvals,
        go_on_at=_go_on_at(draft.go_on_at),
        waves=waves,
        members=tuple(_planned(plan, each) for each in plan.members),
        calls=plan.calls,
        last_begins_s=plan.last_begins_s,
        lasts_s=plan.lasts_s,
        plan_hash=plan.plan_hash,
    )


def _planned(plan: RolloutPlan, placed: Placed) -> wire.PlannedMember:
    candidate = placed.candidate
    return wire.PlannedMember(
        number=placed.number,
        wave=placed.wave,
        rotation_id=candidate.rotation_id,
        app_id=candidate.app_id,
        name=candidate.name,
        label=candidate.subject.label,
        owner=candidate.subject.owner,
        connection=candidate.subject.connection,
        why=placed.why,
        behind=placed.behind or None,
        warnings=tuple(plan.warnings.get(candidate.rotation_id, ())),
    )


def _summary(one: Rollout) -> wire.RolloutSummary:
    return wire.RolloutSummary(
        id=one.id,
        name=one.name,
        reason=one.reason,
        state=one.state.value,
        told=one.told,
        wave=one.wave,
        waves=len(one.waves),
        creator=one.creator,
        created_at=one.created_at,
        ended_at=one.ended_at,
    )


def _answer(seen: RolloutView) -> wire.RolloutAnswer:
    return wire.RolloutAnswer(rollout=_rollout(seen))


def _rollout(seen: RolloutView) -> wire.Rollout:
    one = seen.rollout
    return wire.Rollout(
        id=one.id,
        name=one.name,
        reason=one.reason,
        selector=one.selector,
        state=one.state.value,
        told=one.told,
        wave=one.wave,
        waves=tuple(_wave(seen, number, text) for number, text in enumerate(one.waves, 1)),
        approvals_wanted=one.approvals,
        approvals=tuple(map(_approval, seen.approvals)),
        go_on_at=_go_on_at(one.go_on_at),
        plan_hash=one.plan_hash,
        created_by=one.created_by,
        creator=one.creator,
        created_at=one.created_at,
        ended_at=one.ended_at,
    )


def _wave(seen: RolloutView, number: int, text: str) -> wire.RolloutWave:
    standings = {each.value: count for each, count in seen.counts.get(number, {}).items()}
    members = sum(standings.values())
    return wire.RolloutWave(number=number, cut=text, members=members, standings=standings)


def _approval(given: Approval) -> wire.RolloutApproval:
    return wire.RolloutApproval(
        wave=given.wave, by=given.by, name=given.name, at=given.at, expires_at=given.expires_at
    )


def _member(one: Member, phase: Phase | None, warnings: Sequence[str]) -> wire.RolloutMember:
    return wire.RolloutMember(
        number=one.number,
        wave=one.wave,
        rotation_id=one.rotation_id,
        app_id=one.app_id,
        name=one.name,
        why=one.why,
        behind=one.behind or None,
        standing=one.standing.value,
        told=one.told,
        turn_id=one.turn_id,
        phase=phase.value if phase else None,
        begun_at=one.begun_at,
        closed_at=one.closed_at,
        ended_at=one.ended_at,
        warnings=tuple(warnings),
    )


def _go_on_at(phase: Phase) -> wire.GoOnAt:
    if phase is Phase.OVERLAPPING:
        return "overlapping"
    return "soaking" if phase is Phase.SOAKING else "finished"
