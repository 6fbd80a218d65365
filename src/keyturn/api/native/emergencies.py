"""Emergencies: planned, begun, looked at, tried again and aborted, and their evidence."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import PlainTextResponse, Response

from keyturn.api.authn import TheCaller, TheWorld
from keyturn.api.lenient import LenientRoute
from keyturn.domain.rollout import Standing
from keyturn.services import emergencies, emergency_evidence, emergency_files, emergency_plans
from keyturn.services.emergencies import EmergencyView
from keyturn.services.emergency_plans import EmergencyDraft, EmergencyPlan, PlannedClosing
from keyturn.wire import emergencies as wire
from keyturn.wire.base import Id

router = APIRouter(prefix="/api/v1/emergencies", tags=["Emergencies"], route_class=LenientRoute)


@router.post("/plan")
async def plan_emergency(
    world: TheWorld, caller: TheCaller, body: wire.PlanEmergency
) -> wire.EmergencyPlanAnswer:
    """Tell which apps would be closed in which order and when, and who would have no time.

    Nothing is changed, and Okta is not asked.
    """
    plan = await emergency_plans.plan_emergency(world, caller, _draft(body))
    return wire.EmergencyPlanAnswer(plan=_plan(plan))


@router.post("")
async def begin_emergency(
    world: TheWorld, caller: TheCaller, body: wire.BeginEmergency
) -> wire.EmergencyAnswer:
    """Begin the emergency that was planned, at once; a plan about others is refused."""
    return _answer(await emergencies.begin_emergency(world, caller, _draft(body), body.plan_hash))


@router.get("")
async def list_emergencies(world: TheWorld, caller: TheCaller) -> wire.EmergenciesAnswer:
    """List the emergencies, the newest first."""
    found = await emergencies.list_emergencies(world, caller)
    return wire.EmergenciesAnswer(emergencies=tuple(map(emergency_files.emergency, found)))


@router.get("/{emergency_id}")
async def read_emergency(
    world: TheWorld, caller: TheCaller, emergency_id: Id
) -> wire.EmergencyAnswer:
    """Read an emergency: how many apps are closed, and of how many the old secret may work."""
    return _answer(await emergencies.read_emergency(world, caller, emergency_id))


@router.get("/{emergency_id}/apps")
async def list_closings(
    world: TheWorld,
    caller: TheCaller,
    emergency_id: Id,
    query: Annotated[wire.ClosingsQuery, Query()],
) -> wire.ClosingsAnswer:
    """List the apps of an emergency in its order, and how each stands, page by page."""
    page = await emergencies.list_closings(
        world,
        caller,
        emergency_id,
        standing=Standing(query.standing) if query.standing else None,
        offset=query.offset,
        limit=query.limit,
    )
    shown = tuple(map(emergency_files.closing, page.members))
    return wire.ClosingsAnswer(apps=shown, total=page.total)


@router.get(
    "/{emergency_id}/evidence",
    response_model=wire.EmergencyEvidence,
    responses={200: {"content": {"text/markdown": {"schema": {"type": "string"}}}}},
)
async def read_emergency_evidence(
    world: TheWorld,
    caller: TheCaller,
    emergency_id: Id,
    form: Annotated[Literal["json", "markdown"], Query(alias="format")] = "json",
) -> Response | wire.EmergencyEvidence:
    """Read the record of an emergency as a file to keep, for programs or for people."""
    report = await emergency_evidence.report_emergency(world, caller, emergency_id)
    document = emergency_files.document(report, world.clock.now())
    if form == "json":
        return document
    return PlainTextResponse(emergency_files.markdown(document), media_type="text/markdown")


@router.post("/{emergency_id}/retry")
async def retry_emergency(
    world: TheWorld, caller: TheCaller, emergency_id: Id
) -> wire.EmergencyAnswer:
    """Let every app that was not closed have another try."""
    return _answer(await emergencies.retry_emergency(world, caller, emergency_id))


@router.post("/{emergency_id}/leave-out")
async def leave_out_of_emergency(
    world: TheWorld, caller: TheCaller, emergency_id: Id, body: wire.LeaveOutOfEmergency
) -> wire.EmergencyAnswer:
    """Leave an app that has failed, or is deactivated at Okta, as it is."""
    return _answer(await emergencies.leave_out(world, caller, emergency_id, body.app))


@router.post("/{emergency_id}/abort")
async def abort_emergency(
    world: TheWorld, caller: TheCaller, emergency_id: Id
) -> wire.EmergencyAnswer:
    """End an emergency: no further app is begun; those that have been go on to their end."""
    return _answer(await emergencies.abort_emergency(world, caller, emergency_id))


def _draft(body: wire.PlanEmergency) -> EmergencyDraft:
    return EmergencyDraft(
        reason=body.reason,
        selector=body.selector,
        apps=body.apps,
        every=body.every,
        leaked=body.leaked,
        within_s=body.within_seconds,
        revoke=body.revoke_tokens,
    )


def _answer(seen: EmergencyView) -> wire.EmergencyAnswer:
    return wire.EmergencyAnswer(emergency=emergency_files.emergency(seen))


def _plan(plan: EmergencyPlan) -> wire.EmergencyPlan:
    unmanaged = tuple(wire.UnmanagedApp(**vars(each)) for each in plan.unmanaged)
    return wire.EmergencyPlan(
        members=tuple(map(_planned, plan.members)),
        unmanaged=unmanaged,
        by_hand=emergency_plans.BY_HAND if unmanaged else "",
        calls=plan.calls,
        lasts_seconds=plan.lasts_s,
        apps_per_minute=dict(plan.per_minute),
        plan_hash=plan.plan_hash,
    )


def _planned(one: PlannedClosing) -> wire.PlannedClosing:
    subject = one.candidate.subject
    return wire.PlannedClosing(
        number=one.number,
        app_id=one.candidate.app_id,
        rotation_id=one.candidate.rotation_id,
        name=one.candidate.name,
        label=subject.label,
        owner=subject.owner,
        connection=subject.connection,
        exposure=one.exposure.score,
        why=one.exposure.why,
        calls=one.calls,
        closes_in_seconds=one.closes_in_s,
        without_time=tuple(one.without_time),
        obstacles=tuple(one.obstacles),
    )
