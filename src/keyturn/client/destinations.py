"""Destinations, as typed calls."""

from keyturn.client.calls import Calls, part
from keyturn.wire.destinations import (
    CreateDestination,
    DeliveriesAnswer,
    Delivery,
    Destination,
    DestinationAnswer,
    DestinationsAnswer,
    UpdateDestination,
)

DESTINATIONS = "/api/v1/destinations"


class DestinationCalls(Calls):
    """What the API can be asked about destinations. Every call raises what `Calls` says."""

    async def list_destinations(self, project: str) -> tuple[Destination, ...]:
        """List the destinations of a project, and how each stands."""
        query = {"projectId": project}
        answer = await self.call(DestinationsAnswer, "GET", DESTINATIONS, query=query)
        return answer.destinations

    async def create_destination(self, body: CreateDestination) -> Destination:
        """Create a destination; what its folder holds is brought to it at once."""
        return (await self.call(DestinationAnswer, "POST", DESTINATIONS, body=body)).destination

    async def read_destination(self, destination_id: str) -> Destination:
        """Read one destination."""
        return (await self.call(DestinationAnswer, "GET", _at(destination_id))).destination

    async def update_destination(self, destination_id: str, body: UpdateDestination) -> Destination:
        """Change, pause or resume a destination; what the body does not name stays as it is."""
        path = _at(destination_id)
        return (await self.call(DestinationAnswer, "PATCH", path, body=body)).destination

    async def delete_destination(self, destination_id: str) -> Destination:
        """Delete a destination; what was brought to it stays there."""
        return (await self.call(DestinationAnswer, "DELETE", _at(destination_id))).destination

    async def list_deliveries(self, destination_id: str) -> tuple[Delivery, ...]:
        """List the secrets that a destination covers, and which versions it has confirmed."""
        path = f"{_at(destination_id)}/deliveries"
        return (await self.call(DeliveriesAnswer, "GET", path)).deliveries

    async def deliver(self, destination_id: str) -> Destination:
        """Bring everything to a destination again now."""
        path = f"{_at(destination_id)}/deliver"
        return (await self.call(DestinationAnswer, "POST", path)).destination


def _at(destination_id: str) -> str:
    return f"{DESTINATIONS}/{part(destination_id)}"
