"""Flows: saved, looked at, switched, run by hand, and their runs."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response

from keyturn.api.authn import TheCaller, TheWorld
from keyturn.api.lenient import LenientRoute
from keyturn.api.native import flow_shapes as shapes
from keyturn.api.native.invoke import server_of
from keyturn.domain.flows.catalogue import CARDS
from keyturn.domain.flows.schema import flow_schema
from keyturn.services import awaiting, flow_checks, flows, run_history
from keyturn.services.projects import Where
from keyturn.wire import flows as wire
from keyturn.wire.base import Id, Text

router = APIRouter(prefix="/api/v1", tags=["Flows"], route_class=LenientRoute)

ROOTS = "/flows"
RUNS = "/flow-runs"
_SCHEMA = {"application/schema+json": {"schema": {"type": "object"}}}


@router.post(ROOTS)
async def save_flow(
    world: TheWorld, caller: TheCaller, request: Request, body: wire.SaveFlow
) -> wire.FlowAnswer:
    """Save a flow under the name in its file, as its next version."""
    where = Where(body.project_id, body.environment, body.secret_path)
    seen = await flows.save_flow(world, caller, where, body.source, base=body.base)
    return shapes.one(seen, server_of(request))


@router.post(ROOTS + "/check")
async def check_flow(
    world: TheWorld, caller: TheCaller, body: wire.CheckFlow
) -> wire.FlowCheckAnswer:
    """Say what is wrong in a flow's file, or doubtful, also by what there is in a folder."""
    where = Where(body.project_id, body.environment, body.secret_path)
    found = await flow_checks.check_flow(world, caller, where, body.source, beside=body.beside)
    findings = tuple(map(shapes.finding, found.findings))
    return wire.FlowCheckAnswer(findings=findings, unchecked=found.unchecked)


@router.get(ROOTS)
async def list_flows(
    world: TheWorld,
    caller: TheCaller,
    request: Request,
    project_id: Annotated[Text, Query(alias="projectId")],
) -> wire.FlowsAnswer:
    """List the flows of a project."""
    found, server = await flows.list_flows(world, caller, project=project_id), server_of(request)
    return wire.FlowsAnswer(flows=tuple(shapes.flow(each, server) for each in found))


@router.get(ROOTS + "/{flow_id}")
async def read_flow(
    world: TheWorld,
    caller: TheCaller,
    request: Request,
    flow_id: Id,
    version: Annotated[
        int | None, Query(ge=1, le=wire.NUMBER_MAX, description="Another than the newest.")
    ] = None,
) -> wire.FlowAnswer:
    """Read a flow with its file."""
    seen = await flows.read_flow_by_id(world, caller, flow_id, number=version)
    return shapes.one(seen, server_of(request), whole=True)


@router.get(ROOTS + "/{flow_id}/versions")
async def list_flow_versions(
    world: TheWorld, caller: TheCaller, flow_id: Id
) -> wire.FlowVersionsAnswer:
    """List the versions of a flow with their files, the oldest first."""
    found = await flows.list_flow_versions(world, caller, flow_id)
    return wire.FlowVersionsAnswer(versions=tuple(map(shapes.version, found)))


@router.patch(ROOTS + "/{flow_id}")
async def switch_flow(
    world: TheWorld, caller: TheCaller, request: Request, flow_id: Id, body: wire.SwitchFlow
) -> wire.FlowAnswer:
    """Switch a flow on or off; what runs goes on."""
    seen = await flows.switch_flow(world, caller, flow_id, enabled=body.enabled)
    return shapes.one(seen, server_of(request))


@router.delete(ROOTS + "/{flow_id}")
async def delete_flow(
    world: TheWorld, caller: TheCaller, request: Request, flow_id: Id
) -> wire.FlowAnswer:
    """Remove a flow with its versions and its history."""
    return shapes.one(await flows.delete_flow(world, caller, flow_id), server_of(request))


@router.post(ROOTS + "/{flow_id}/client-token")
async def make_client_token(
    world: TheWorld, caller: TheCaller, request: Request, flow_id: Id
) -> wire.ClientTokenAnswer:
    """Make the token that opens a flow's endpoint; it is shown this once, and the last one ends."""
    seen, token = await flows.make_client_token(world, caller, flow_id)
    shown = shapes.flow(seen, server_of(request))
    return wire.ClientTokenAnswer(flow=shown, client_token=token.reveal())


@router.post(ROOTS + "/{flow_id}/run")
async def run_flow(
    world: TheWorld, caller: TheCaller, flow_id: Id, body: wire.RunFlow | None = None
) -> wire.RunResultAnswer:
    """Run a flow by hand, and wait for its answer for a while."""
    asked = body or wire.RunFlow()
    started = await awaiting.run_by_hand(world, caller, flow_id, asked.given, wait_s=asked.wait_s)
    run = shapes.run(run_history.RunView(started.run, started.view))
    return wire.RunResultAnswer(run=run, result=shapes.result(started.response))


@router.get(ROOTS + "/{flow_id}/runs")
async def list_runs(
    world: TheWorld,
    caller: TheCaller,
    flow_id: Id,
    search: Annotated[str, Query(max_length=255, description="A text in their history.")] = "",
    limit: Annotated[int, Query(ge=1, le=1000, description="At most so many.")] = 100,
) -> wire.RunsAnswer:
    """List the runs of a flow, the newest first."""
    found = await run_history.list_runs(world, caller, flow_id, limit=limit, text=search)
    return wire.RunsAnswer(runs=tuple(map(shapes.run, found)))


@router.get(RUNS + "/{run_id}")
async def read_run(world: TheWorld, caller: TheCaller, run_id: Id) -> wire.RunStepsAnswer:
    """Read a run card by card."""
    found = await run_history.read_run(world, caller, run_id)
    steps = tuple(wire.Step.model_validate(each) for each in found.steps)
    return wire.RunStepsAnswer(run=shapes.run(found), steps=steps)


@router.get(RUNS + "/{run_id}/result")
async def read_result(world: TheWorld, caller: TheCaller, run_id: Id) -> wire.RunResultAnswer:
    """Read what a run answered, in full, as its history does not show it."""
    found, response = await run_history.read_result(world, caller, run_id)
    return wire.RunResultAnswer(run=shapes.run(found), result=shapes.result(response))


@router.post(RUNS + "/{run_id}/cancel")
async def cancel_run(world: TheWorld, caller: TheCaller, run_id: Id) -> wire.RunAnswer:
    """End a run; a card that is under way is the last."""
    found = await run_history.cancel_run(world, caller, run_id)
    return wire.RunAnswer(run=shapes.run(found))


@router.post(RUNS + "/{run_id}/replay")
async def replay_run(
    world: TheWorld, caller: TheCaller, run_id: Id, body: wire.ReplayRun | None = None
) -> wire.RunAnswer:
    """Run again what was run, in the version of then; from a card on, what was before stays."""
    card = body.from_card if body else None
    found = await run_history.replay_run(world, caller, run_id, from_card=card or "")
    return wire.RunAnswer(run=shapes.run(found))


@router.get("/flow-cards")
async def list_cards(caller: TheCaller) -> wire.FlowCardsAnswer:
    """List the cards that flows are made of."""
    return wire.FlowCardsAnswer(cards=tuple(map(shapes.card, CARDS.values())))


@router.get("/flow-schema", response_class=Response, responses={200: {"content": _SCHEMA}})
async def read_schema(caller: TheCaller) -> Response:
    """Read the JSON Schema of flow files, for editors."""
    return JSONResponse(flow_schema(), media_type="application/schema+json")
