"""Leak reports, as typed calls."""

from keyturn.client.calls import Calls, Query, part
from keyturn.wire.emergencies import Emergency, EmergencyAnswer
from keyturn.wire.leaks import (
    CloseLeak,
    EndLeak,
    Leak,
    LeakAnswer,
    LeaksAnswer,
    ReceivedAnswer,
    ReportLeaks,
)

LEAKS = "/api/v1/leaks"


class LeakCalls(Calls):
    """What the API can be asked about leak reports. Every call raises what `Calls` says."""

    async def report_leaks(self, body: ReportLeaks) -> ReceivedAnswer:
        """Report secrets that were seen where they must not be."""
        return await self.call(ReceivedAnswer, "POST", LEAKS, body=body)

    async def list_leaks(self, wanted: Query) -> tuple[Leak, ...]:
        """List leak reports, the newest first."""
        return (await self.call(LeaksAnswer, "GET", LEAKS, query=wanted)).leaks

    async def read_leak(self, leak_id: str) -> Leak:
        """Read a leak report."""
        return (await self.call(LeakAnswer, "GET", f"{LEAKS}/{part(leak_id)}")).leak

    async def end_leak(self, leak_id: str, body: EndLeak) -> Leak:
        """End a leak report."""
        path = f"{LEAKS}/{part(leak_id)}/end"
        return (await self.call(LeakAnswer, "POST", path, body=body)).leak

    async def close_leak(self, leak_id: str, body: CloseLeak) -> Emergency:
        """Begin the emergency that closes the app of a leak report."""
        path = f"{LEAKS}/{part(leak_id)}/emergency"
        return (await self.call(EmergencyAnswer, "POST", path, body=body)).emergency
