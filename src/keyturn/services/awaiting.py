"""Wait for what a run answers, and run flows by hand.

A run that sleeps, or whose process died, is gone on with elsewhere: its answer is looked for where
it will be written down.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from keyturn.domain.access import Caller, Verb
from keyturn.domain.errors import FieldProblem, InvalidInput
from keyturn.domain.flows.codec import read_response
from keyturn.domain.flows.intake import Unfit, read_inputs
from keyturn.domain.flows.run import ENDS, Cause, Run
from keyturn.domain.flows.spec import StartKind
from keyturn.domain.flows.values import Value, seen
from keyturn.domain.flows.walk import Response
from keyturn.services.flows import FlowView, admit, require_on
from keyturn.services.ports import World
from keyturn.services.runs import run_here
from keyturn.services.starting import open_text

LOOK_S: Final = 0.2
"""How often it is looked whether a run that goes on elsewhere has answered."""
WAIT_MAX_S: Final = 60.0


@dataclass(frozen=True)
class Started:
    """A run that was started by hand, as it is now, and what it answered, if it has."""

    run: Run
    view: FlowView
    response: Response | None


async def run_by_hand(
    world: World, caller: Caller, flow_id: str, given: Mapping[str, Value], *, wait_s: float = 0.0
) -> Started:
    """Run a flow with what it is given, and wait for its answer for a while.

    A helper is given its inputs, and any other what it starts with. Raises NotFound, Forbidden,
    InvalidInput for an input that does not fit, Refused for a flow that is switched off, and Busy.
    """
    view = await admit(world, caller, Verb.RUN_FLOWS, flow_id, "run")
    require_on(view)
    start = _start(world, view, given)
    run, reply = await run_here(world, view, start, cause=Cause.BY_HAND, by=caller.id)
    within_s = min(wait_s, WAIT_MAX_S)
    response = await answer_within(world, view, run, reply, within_s=within_s)
    async with world.store.reading() as tx:
        run = await tx.find(Run, id=run.id) or run
    return Started(run, view, response)


def _start(world: World, view: FlowView, given: Mapping[str, Value]) -> Value:
    start = view.flow.start
    match start.kind:
        case StartKind.HELPER | StartKind.DELEGATED:
            try:
                return {"inputs": read_inputs(start, given)}
            except Unfit as error:
                raise InvalidInput(FieldProblem(("given",), error.message)) from None
        case StartKind.ENDPOINT:
            raw: Value = {"query": {}, "headers": {}, "body": ""}
            empty: dict[str, Value] = {"query": {}, "headers": {}, "body": {}, "raw": raw}
            return {"method": "POST", **empty, **given}
        case StartKind.SCHEDULE:
            return {"time": world.clock.now().isoformat(), **given}
        case StartKind.EVENT:
            return dict(given)


async def answer_within(
    world: World,
    view: FlowView,
    run: Run,
    reply: "asyncio.Future[Response]",
    *,
    within_s: float,
) -> Response | None:
    """Return what a run answers within so many seconds, here or elsewhere; None where it has not.

    The run goes on whatever becomes of this.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            await asyncio.wait([reply])
            return await _elsewhere(world, view, run) if reply.cancelled() else reply.result()
    return None


async def _elsewhere(world: World, view: FlowView, run: Run) -> Response:
    """Look for an answer until it is there."""
    while True:
        async with world.store.reading() as tx:
            now = await tx.find(Run, id=run.id)
        if now is None or (now.phase in ENDS and now.sealed_result is None):
            told: Value = {"error": "cancelled", "message": "The run was cancelled."}
            return Response(500, seen(told))
        if now.sealed_result is not None:
            return read_response(open_text(world, view, f"{run.id}/result", now.sealed_result))
        await asyncio.sleep(LOOK_S)
