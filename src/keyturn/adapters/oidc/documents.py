"""JSON documents of others in which they publish their keys: of bounded size, in bounded time.

Decides how long keys are used, and how often whoever publishes them is asked: whoever sends what
nobody signed must not be able to have Keyturn call others over and over.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import httpx2

from keyturn.domain.addresses import key_url
from keyturn.domain.errors import IssuerUnreachable
from keyturn.network.reading import TooMuch, read_body

FRESH_S = 300.0
"""How long keys are used without asking again."""
KEPT_S = 3600.0
"""How long keys are used while who publishes them does not answer."""
AGAIN_S = 30.0
"""How long they are left in peace after they were asked, whatever came of it."""
CALL_LIMIT_S = 10.0
DOCUMENT_MAX = 262_144

K = TypeVar("K")


class Documents:
    """Read documents over HTTPS; close it with `aclose`.

    ``transport`` makes what leads to the network, past the guard on addresses, once it is needed.
    """

    def __init__(
        self, transport: Callable[[], httpx2.AsyncBaseTransport], *, private_allowed: bool
    ) -> None:
        self._transport = transport
        self._private_allowed = private_allowed
        self._http: httpx2.AsyncClient | None = None

    async def aclose(self) -> None:
        """Close every connection."""
        if self._http:
            await self._http.aclose()

    async def read(self, url: str) -> Mapping[str, object]:
        """Read a JSON object from an allowed address. Raises IssuerUnreachable, AddressRefused."""
        target = key_url(url, private_allowed=self._private_allowed)
        http = self._http = self._http or httpx2.AsyncClient(
            transport=self._transport(), timeout=CALL_LIMIT_S, follow_redirects=False
        )
        try:
            async with asyncio.timeout(CALL_LIMIT_S), http.stream("GET", target) as answer:
                body = await _body(answer)
            told = json.loads(body)
        except TooMuch:
            raise IssuerUnreachable(f"Too much came from {target}.") from None
        except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError, ValueError, RecursionError) as e:
            raise IssuerUnreachable(f"No keys came from {target} ({type(e).__name__}).") from None
        if not isinstance(told, dict):
            raise IssuerUnreachable(f"What came from {target} are no keys.")
        return told


@dataclass
class Kept(Generic[K]):
    """Keys, when they were asked for last, and when they came."""

    keys: K
    asked_s: float = float("-inf")
    came_s: float = float("-inf")
    turnstile: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def renewed(
        self, now_s: Callable[[], float], ask: Callable[[], Awaitable[K | None]], *, anew: bool
    ) -> K:
        """Return the keys, asked for where they are old; ``anew`` is whether one was missing.

        ``ask`` returns None where no answer comes: those that are kept go on for their time then.
        Raises IssuerUnreachable after that.
        """
        async with self.turnstile:
            at_s = now_s()
            fresh = at_s < self.came_s + FRESH_S and not anew
            if not fresh and at_s >= self.asked_s + AGAIN_S:
                self.asked_s = at_s
                if (found := await ask()) is not None:
                    self.keys, self.came_s = found, at_s
            if self.came_s + KEPT_S <= at_s:
                raise IssuerUnreachable
            return self.keys


async def _body(answer: httpx2.Response) -> bytes:
    if answer.status_code != httpx2.codes.OK:
        raise IssuerUnreachable(f"No keys came from {answer.url} (HTTP {answer.status_code}).")
    return await read_body(answer, DOCUMENT_MAX)
