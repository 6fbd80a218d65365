"""Rollouts, as typed calls."""

from keyturn.client.calls import Calls, Query, part
from keyturn.wire.rollouts import (
    AbortRollout,
    ApproveRollout,
    ContinueRollout,
    PlanRollout,
    Rollout,
    RolloutAnswer,
    RolloutMembersAnswer,
    RolloutPlan,
    RolloutPlanAnswer,
    RolloutsAnswer,
    RolloutSummary,
    StartRollout,
)

ROLLOUTS = "/api/v1/rollouts"


class RolloutCalls(Calls):
    """What the API can be asked about rollouts. Every call raises what `Calls` says."""

    async def plan_rollout(self, body: PlanRollout) -> RolloutPlan:
        """Plan a rollout; nothing is changed."""
        return (await self.call(RolloutPlanAnswer, "POST", f"{ROLLOUTS}/plan", body=body)).plan

    async def start_rollout(self, body: StartRollout) -> Rollout:
        """Start the rollout that was planned."""
        return (await self.call(RolloutAnswer, "POST", ROLLOUTS, body=body)).rollout

    async def list_rollouts(self) -> tuple[RolloutSummary, ...]:
        """List the rollouts, the newest first."""
        return (await self.call(RolloutsAnswer, "GET", ROLLOUTS)).rollouts

    async def read_rollout(self, rollout_id: str) -> Rollout:
        """Read a rollout."""
        path = f"{ROLLOUTS}/{part(rollout_id)}"
        return (await self.call(RolloutAnswer, "GET", path)).rollout

    async def list_rollout_members(self, rollout_id: str, wanted: Query) -> RolloutMembersAnswer:
        """List members of a rollout, page by page."""
        path = f"{ROLLOUTS}/{part(rollout_id)}/members"
        return await self.call(RolloutMembersAnswer, "GET", path, query=wanted)

    async def approve_rollout(self, rollout_id: str, body: ApproveRollout) -> Rollout:
        """Let a wave go."""
        path = f"{ROLLOUTS}/{part(rollout_id)}/approve"
        return (await self.call(RolloutAnswer, "POST", path, body=body)).rollout

    async def continue_rollout(self, rollout_id: str, body: ContinueRollout) -> Rollout:
        """Let a halted rollout go on."""
        path = f"{ROLLOUTS}/{part(rollout_id)}/continue"
        return (await self.call(RolloutAnswer, "POST", path, body=body)).rollout

    async def abort_rollout(self, rollout_id: str, body: AbortRollout) -> Rollout:
        """End a rollout."""
        path = f"{ROLLOUTS}/{part(rollout_id)}/abort"
        return (await self.call(RolloutAnswer, "POST", path, body=body)).rollout
