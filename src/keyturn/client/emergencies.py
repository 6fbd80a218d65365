"""Emergencies, as typed calls."""

from keyturn.client.calls import Calls, Query, part
from keyturn.wire.emergencies import (
    BeginEmergency,
    ClosingsAnswer,
    EmergenciesAnswer,
    Emergency,
    EmergencyAnswer,
    EmergencyPlan,
    EmergencyPlanAnswer,
    LeaveOutOfEmergency,
    PlanEmergency,
)

EMERGENCIES = "/api/v1/emergencies"


class EmergencyCalls(Calls):
    """What the API can be asked about emergencies. Every call raises what `Calls` says."""

    async def plan_emergency(self, body: PlanEmergency) -> EmergencyPlan:
        """Plan an emergency; nothing is changed."""
        path = f"{EMERGENCIES}/plan"
        return (await self.call(EmergencyPlanAnswer, "POST", path, body=body)).plan

    async def begin_emergency(self, body: BeginEmergency) -> Emergency:
        """Begin the emergency that was planned."""
        return (await self.call(EmergencyAnswer, "POST", EMERGENCIES, body=body)).emergency

    async def list_emergencies(self) -> tuple[Emergency, ...]:
        """List the emergencies, the newest first."""
        return (await self.call(EmergenciesAnswer, "GET", EMERGENCIES)).emergencies

    async def read_emergency(self, emergency_id: str) -> Emergency:
        """Read an emergency."""
        path = f"{EMERGENCIES}/{part(emergency_id)}"
        return (await self.call(EmergencyAnswer, "GET", path)).emergency

    async def list_closings(self, emergency_id: str, wanted: Query) -> ClosingsAnswer:
        """List apps of an emergency, page by page."""
        path = f"{EMERGENCIES}/{part(emergency_id)}/apps"
        return await self.call(ClosingsAnswer, "GET", path, query=wanted)

    async def read_emergency_evidence(self, emergency_id: str, *, form: str = "json") -> str:
        """Read the record of an emergency as it is kept: JSON, or Markdown for people."""
        path = f"{EMERGENCIES}/{part(emergency_id)}/evidence"
        return (await self.answer("GET", path, query={"format": form})).text

    async def retry_emergency(self, emergency_id: str) -> Emergency:
        """Let every app that was not closed have another try."""
        path = f"{EMERGENCIES}/{part(emergency_id)}/retry"
        return (await self.call(EmergencyAnswer, "POST", path)).emergency

    async def leave_out_of_emergency(
        self, emergency_id: str, body: LeaveOutOfEmergency
    ) -> Emergency:
        """Leave an app that is not closed out of an emergency."""
        path = f"{EMERGENCIES}/{part(emergency_id)}/leave-out"
        return (await self.call(EmergencyAnswer, "POST", path, body=body)).emergency

    async def abort_emergency(self, emergency_id: str) -> Emergency:
        """End an emergency; what was begun goes on."""
        path = f"{EMERGENCIES}/{part(emergency_id)}/abort"
        return (await self.call(EmergencyAnswer, "POST", path)).emergency
