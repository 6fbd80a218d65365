"""Fleet files, as typed calls."""

from keyturn.client.calls import Calls
from keyturn.wire.fleet_files import (
    ApplyFleet,
    FleetAppliedAnswer,
    FleetFileAnswer,
    FleetPlanAnswer,
    PlanFleet,
)

FLEET = "/api/v1/fleet"


class FleetFileCalls(Calls):
    """What the API can be asked of fleet files. Every call raises what `Calls` says."""

    async def plan_fleet(self, body: PlanFleet) -> FleetPlanAnswer:
        """Have a fleet file planned; nothing is changed."""
        return await self.call(FleetPlanAnswer, "POST", f"{FLEET}/plan", body=body)

    async def apply_fleet(self, body: ApplyFleet) -> FleetAppliedAnswer:
        """Have the first changes of a plan done."""
        return await self.call(FleetAppliedAnswer, "POST", f"{FLEET}/apply", body=body)

    async def export_fleet(self) -> str:
        """Read what there is as a fleet file."""
        return (await self.call(FleetFileAnswer, "GET", f"{FLEET}/export")).text
