"""Flows and their runs, as typed calls."""

from collections.abc import Mapping

from pydantic import JsonValue

from keyturn.client.calls import Calls, part
from keyturn.wire.flows import (
    CheckFlow,
    ClientTokenAnswer,
    Flow,
    FlowAnswer,
    FlowCheckAnswer,
    FlowsAnswer,
    FlowVersion,
    FlowVersionsAnswer,
    ReplayRun,
    Run,
    RunAnswer,
    RunFlow,
    RunResultAnswer,
    RunsAnswer,
    RunStepsAnswer,
    SaveFlow,
    SwitchFlow,
)

FLOWS = "/api/v1/flows"
RUNS = "/api/v1/flow-runs"


class FlowCalls(Calls):
    """What the API can be asked about flows. Every call raises what `Calls` says."""

    async def save_flow(self, body: SaveFlow) -> Flow:
        """Save a flow under the name in its file, as its next version."""
        return (await self.call(FlowAnswer, "POST", FLOWS, body=body)).flow

    async def check_flow(self, body: CheckFlow) -> FlowCheckAnswer:
        """Say what is wrong in a flow's file by what there is in a folder; nothing is saved."""
        return await self.call(FlowCheckAnswer, "POST", f"{FLOWS}/check", body=body)

    async def list_flows(self, project: str) -> tuple[Flow, ...]:
        """List the flows of a project, without their files."""
        query = {"projectId": project}
        return (await self.call(FlowsAnswer, "GET", FLOWS, query=query)).flows

    async def read_flow(self, flow_id: str, version: int | None = None) -> Flow:
        """Read a flow with its file, in its newest version or in another."""
        query = {"version": str(version)} if version else {}
        return (await self.call(FlowAnswer, "GET", _flow(flow_id), query=query)).flow

    async def list_flow_versions(self, flow_id: str) -> tuple[FlowVersion, ...]:
        """List the versions of a flow, the oldest first."""
        path = f"{_flow(flow_id)}/versions"
        return (await self.call(FlowVersionsAnswer, "GET", path)).versions

    async def switch_flow(self, flow_id: str, *, enabled: bool) -> Flow:
        """Switch a flow on or off."""
        body = SwitchFlow(enabled=enabled)
        return (await self.call(FlowAnswer, "PATCH", _flow(flow_id), body=body)).flow

    async def delete_flow(self, flow_id: str) -> Flow:
        """Remove a flow with its versions and its history."""
        return (await self.call(FlowAnswer, "DELETE", _flow(flow_id))).flow

    async def make_client_token(self, flow_id: str) -> ClientTokenAnswer:
        """Make the token that opens a flow's endpoint; the last one ends."""
        return await self.call(ClientTokenAnswer, "POST", f"{_flow(flow_id)}/client-token")

    # --- runs ---------------------------------------------------------------------------------

    async def run_flow(
        self, flow_id: str, given: Mapping[str, JsonValue], *, wait_s: float = 0
    ) -> RunResultAnswer:
        """Run a flow by hand, and wait for its answer for a while."""
        body = RunFlow(given=dict(given), wait_s=wait_s)
        return await self.call(RunResultAnswer, "POST", f"{_flow(flow_id)}/run", body=body)

    async def list_runs(
        self, flow_id: str, *, search: str = "", limit: int = 20
    ) -> tuple[Run, ...]:
        """List the runs of a flow, the newest first; those whose history holds a text."""
        query = {"limit": str(limit)} | ({"search": search} if search else {})
        return (await self.call(RunsAnswer, "GET", f"{_flow(flow_id)}/runs", query=query)).runs

    async def read_run(self, run_id: str) -> RunStepsAnswer:
        """Read a run card by card."""
        return await self.call(RunStepsAnswer, "GET", _run(run_id))

    async def read_run_result(self, run_id: str) -> RunResultAnswer:
        """Read what a run answered, in full."""
        return await self.call(RunResultAnswer, "GET", f"{_run(run_id)}/result")

    async def cancel_run(self, run_id: str) -> Run:
        """End a run."""
        return (await self.call(RunAnswer, "POST", f"{_run(run_id)}/cancel")).run

    async def replay_run(self, run_id: str, from_card: str | None = None) -> Run:
        """Run again what was run; from a card on, what was before stays."""
        body = ReplayRun(from_card=from_card)
        return (await self.call(RunAnswer, "POST", f"{_run(run_id)}/replay", body=body)).run


def _flow(flow_id: str) -> str:
    return f"{FLOWS}/{part(flow_id)}"


def _run(run_id: str) -> str:
    return f"{RUNS}/{part(run_id)}"
