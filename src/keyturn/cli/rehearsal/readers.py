"""How consumers read while the server is killed under them: again, until it answers.

A read that finds nobody, or loses its answer, is asked again; only an answer that is no, or none
for a long time, counts as failed. Versions that a reader is given may never go back.
"""

import asyncio
import time
from dataclasses import dataclass, field

import httpx2

from keyturn.cli.rehearsal.tally import Tally
from keyturn.client import Identity, KeyturnApi, Place
from keyturn.wire.secrets import Secret

AGAIN_S = 0.25
PATIENCE_S = 120.0


@dataclass
class Reads:
    """What readers met: reads that were asked again, and versions that went back."""

    again: int = 0
    longest_s: float = 0.0
    went_back: list[str] = field(default_factory=list)
    last: dict[str, int] = field(default_factory=dict)


class Patient(httpx2.AsyncBaseTransport):
    """A way to a server that may be dead just now; counts what was asked and what was answered."""

    def __init__(self, tally: Tally, reads: Reads) -> None:
        self._tally, self._reads = tally, reads
        self._under = httpx2.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a read or a log-in until it is answered."""
        began_s, ok = time.monotonic(), False
        try:
            answer = await self._answered(request, until_s=began_s + PATIENCE_S)
            ok = answer.status_code == httpx2.codes.OK
        finally:
            self._reads.longest_s = max(self._reads.longest_s, time.monotonic() - began_s)
            self._tally.count("keyturn", ok=ok)
        return answer

    async def _answered(self, request: httpx2.Request, *, until_s: float) -> httpx2.Response:
        while True:
            try:
                answer = await self._under.handle_async_request(request)
                await answer.aread()
            except httpx2.TransportError:
                if time.monotonic() > until_s:
                    raise
                self._reads.again += 1
                await asyncio.sleep(AGAIN_S)
            else:
                return answer

    async def aclose(self) -> None:
        """Close the connections."""
        await self._under.aclose()


class WatchedApi(KeyturnApi):
    """The API as one consumer of each secret uses it."""

    def __init__(self, url: str, identity: Identity, tally: Tally, reads: Reads) -> None:
        super().__init__(url, identity, transport=Patient(tally, reads))
        self._reads = reads

    async def read_secret(self, place: Place, name: str) -> Secret:
        """Read a secret, and see that its version is no older than the one before."""
        secret = await super().read_secret(place, name)
        before = self._reads.last.get(name, 0)
        if secret.version < before:
            self._reads.went_back.append(f"{name}: version {secret.version} after {before}")
        self._reads.last[name] = max(secret.version, before)
        return secret
