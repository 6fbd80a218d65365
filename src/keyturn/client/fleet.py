"""The rotations that a caller may see, and the apps of their orgs, as typed calls."""

from keyturn.client.calls import Calls, Query, part
from keyturn.wire.apps import AppsAnswer
from keyturn.wire.fleet import FleetAnswer, FleetRotationsAnswer

FLEET = "/api/v1/fleet"
OKTA = "/api/v1/app-connections/okta"


class FleetCalls(Calls):
    """What the API can be asked of many rotations together. Every call raises what `Calls` says."""

    async def read_fleet(self, project: str | None = None) -> FleetAnswer:
        """Look at the rotations of a project, or of all: ages, next turns, what needs somebody."""
        query = {"projectId": project} if project else {}
        return await self.call(FleetAnswer, "GET", FLEET, query=query)

    async def search_rotations(self, wanted: Query) -> FleetRotationsAnswer:
        """Search the rotations of a project, or of all, page by page."""
        return await self.call(FleetRotationsAnswer, "GET", f"{FLEET}/rotations", query=wanted)

    async def list_apps(
        self, connection_id: str, label: str = "", *, limit: int = 20
    ) -> AppsAnswer:
        """List the OAuth apps of a connection's org whose label begins so."""
        path, query = f"{OKTA}/{part(connection_id)}/apps", {"label": label, "limit": str(limit)}
        return await self.call(AppsAnswer, "GET", path, query=query)
