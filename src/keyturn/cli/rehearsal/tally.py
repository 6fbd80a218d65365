"""What a consumer asked for, and what of it failed, by kind."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field

import httpx2


@dataclass
class Tally:
    """Counts of requests."""

    made: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    _counted: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    def count(self, kind: str, *, ok: bool) -> None:
        """Count one request."""
        self.made[kind] += 1
        if not ok:
            self.failed[kind] += 1
        self._counted.set()

    async def reach(self, requests: int) -> None:
        """Return once so many requests were made."""
        while self.made.total() < requests:
            self._counted.clear()
            await self._counted.wait()

    def __str__(self) -> str:
        return f"{self.made.total()} requests, {self.failed.total()} failed"


class Counted(httpx2.AsyncBaseTransport):
    """A way to a server that counts what passes; anything but 200 has failed."""

    def __init__(self, tally: Tally, kind: str) -> None:
        self._tally, self._kind = tally, kind
        self._under = httpx2.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request and count it."""
        ok = False
        try:
            answer = await self._under.handle_async_request(request)
            ok = answer.status_code == httpx2.codes.OK
        finally:
            self._tally.count(self._kind, ok=ok)
        return answer

    async def aclose(self) -> None:
        """Close the connections."""
        await self._under.aclose()
