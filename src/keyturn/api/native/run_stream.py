"""Follow runs of flows: when each began, slept, went on and ended, and nothing of what they did."""

from collections.abc import AsyncGenerator
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request

from keyturn.api.authn import TheCaller, TheWorld, address_of, token_of
from keyturn.api.description import COUNTS_ATTEMPTS, STREAM
from keyturn.api.eventstream import EventStream
from keyturn.api.lenient import LenientRoute
from keyturn.domain.flows.run import ENDS, Phase, RunMark
from keyturn.services.events import Newsroom
from keyturn.services.run_news import RunNotice, RunStream, RunsWanted
from keyturn.services.streams import BELOW, Scope, Subscriber
from keyturn.wire import flows as wire
from keyturn.wire.base import FolderPath, Id, Text

router = APIRouter(prefix="/api/v1", tags=["Flows"], route_class=LenientRoute)


@router.get(
    "/flow-runs/stream",
    response_class=EventStream,
    responses=STREAM | COUNTS_ATTEMPTS,
    status_code=200,
)
async def follow_runs(
    request: Request,
    world: TheWorld,
    caller: TheCaller,
    project_id: Annotated[Text, Query(alias="projectId")],
    environment: Annotated[Text | None, Query(description="Of all where there is none.")] = None,
    secret_path: Annotated[
        FolderPath,
        Query(alias="secretPath", description="One that ends in `/**` is it with all below."),
    ] = BELOW,
    flow_id: Annotated[Id | None, Query(alias="flowId")] = None,
    phase: Annotated[tuple[wire.Phase, ...], Query(description="Of all where there is none.")] = (),
    last: Annotated[
        str,
        Header(
            alias="Last-Event-ID",
            pattern=r"^([0-9]{1,18}\.[0-9]{1,18})?$",
            description="Go on after this event. `0.0` is before all that is kept.",
        ),
    ] = "",
) -> EventStream:
    """Be told when runs begin, sleep, go on and end; nothing of what cards took or gave.

    Each event has an id, by which whoever comes again goes on.
    """
    room: Newsroom = request.app.state.newsroom
    who = Subscriber(caller, token_of(request), address_of(request))
    scope = Scope(environment or "", secret_path)
    wanted = RunsWanted(scope, flow_id or "", frozenset(map(Phase, phase)))
    after = RunMark(*map(int, last.split("."))) if last else None
    stream = await room.runs.follow(who, project_id, wanted, after)
    return EventStream(_frames(stream), stopped=room.closes, done=stream.close)


async def _frames(stream: RunStream) -> AsyncGenerator[str]:
    async for notices in stream.news():
        told = "".join(
            _frame(each.mark, f"data: {_told(each).model_dump_json()}") for each in notices
        )
        yield told or _frame(stream.mark, "event: ping\ndata: {}")


def _frame(mark: RunMark, text: str) -> str:
    return f"id: {mark.begun}.{mark.changed}\n{text}\n\n"


def _told(notice: RunNotice) -> wire.RunTold:
    run = notice.run
    lasted = run.ended_at - run.created_at if run.ended_at else None
    environment, path = notice.spot
    return wire.RunTold(
        event=_event(notice),
        run_id=run.id,
        flow_id=run.flow_id,
        flow_name=notice.flow.name,
        environment=environment,
        secret_path=path,
        version=run.number,
        cause=run.cause.value,
        phase=run.phase.value,
        started_at=run.created_at,
        wake_at=run.wake_at if run.phase is Phase.SLEEPING else None,
        ended_at=run.ended_at,
        duration_s=lasted.total_seconds() if lasted is not None else None,
        steps=run.steps,
        status=run.status,
        failure=run.failure,
        card=run.card,
    )


def _event(notice: RunNotice) -> wire.RunEvent:
    if notice.begun:
        return "started"
    if notice.run.phase in ENDS:
        return "ended"
    return "sleeping" if notice.run.phase is Phase.SLEEPING else "resumed"
