"""Parts of pages that follow what happens: a stream of events for as long as somebody looks.

Each stream looks by itself, twice a second, and sends its part anew when it reads otherwise than
before; so nothing of what another process does is missed. How many are open is limited.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from datetime import datetime
from math import inf
from typing import Final

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from keyturn.domain.errors import KeyturnError, TooManyAttempts
from keyturn.services.ports import Clock
from keyturn.web.rendering import HEADERS

PAUSE_S: Final = 0.5
PING_S: Final = 15.0
SEND_S: Final = 30.0
"""How long a browser may take to accept what is sent."""

JUMP_S: Final = 2.0
"""A clock that is further off than it was has jumped: a sandbox's, or a machine's that was set."""

EACH: Final = 12
MOST: Final = 200

Look = Callable[[], Awaitable[str]]
"""Return the part as it is now. Raises KeyturnError where it may not be seen any more."""


class Watchers:
    """Who looks on, in this process."""

    def __init__(self, *, pause_s: float = PAUSE_S) -> None:
        self.pause_s: Final = pause_s
        self._open = Counter[str]()
        self._closing: Final = asyncio.Event()

    def close(self) -> None:
        """End every stream: the server stops."""
        self._closing.set()

    async def closed(self) -> None:
        """Return when the server stops."""
        await self._closing.wait()

    def admit(self, who: str) -> None:
        """Count a stream more. Raises TooManyAttempts where too many are open."""
        if self._open[who] >= EACH or self._open.total() >= MOST:
            raise TooManyAttempts(
                "Too many pages that follow what happens are open: close some.",
                retry_after_s=10,
            )
        self._open[who] += 1

    def leave(self, who: str) -> None:
        """Count a stream less."""
        self._open[who] -= 1
        self._open += Counter()  # who has none is forgotten


class Following(Response):
    """A stream of one part of a page (server-sent events, WHATWG HTML 9.2).

    What time it is by the clock is told at first, and once that has jumped: times relative to it
    are told by the browser. Raises TooManyAttempts where too many are open; who was let in leaves
    when it ends.
    """

    media_type = "text/event-stream"

    def __init__(self, watchers: Watchers, who: str, look: Look, clock: Clock) -> None:
        super().__init__(headers={**HEADERS, "X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._watchers, self._who, self._look, self._clock = watchers, who, look, clock
        watchers.admit(who)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the browser goes, the server stops, or the part may not be seen any more."""
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            endings = (self._tell(send), _hung_up(receive), self._watchers.closed())
            running = [asyncio.ensure_future(each) for each in endings]
            try:
                await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for each in running:
                    each.cancel()
                await asyncio.gather(*running, return_exceptions=True)
            await send({"type": "http.response.body", "body": b""})
        finally:
            self._watchers.leave(self._who)

    async def _tell(self, send: Send) -> None:
        async for frame in self._frames():
            async with asyncio.timeout(SEND_S):
                await send({"type": "http.response.body", "body": frame, "more_body": True})

    async def _frames(self) -> AsyncGenerator[bytes]:
        shown, quiet_s, ahead_s = "", 0.0, -inf
        yield b"retry: 2000\n\n"
        while True:
            now = self._clock.now()
            if abs(self._ahead_s(now) - ahead_s) > JUMP_S:
                ahead_s = self._ahead_s(now)
                yield frame("now", f"{now:%Y-%m-%dT%H:%M:%SZ}")
            try:
                part = await self._look()
            except KeyturnError:
                yield frame("end", "")
                return
            if part != shown:
                shown, quiet_s = part, 0.0
                yield frame("part", part)
            elif quiet_s >= PING_S:
                quiet_s = 0.0
                yield b": still here\n\n"
            await asyncio.sleep(self._watchers.pause_s)
            quiet_s += self._watchers.pause_s

    @staticmethod
    def _ahead_s(now: datetime) -> float:
        """Return how far the clock is ahead of this process, whose own time never jumps."""
        return now.timestamp() - asyncio.get_running_loop().time()


def frame(event: str, text: str) -> bytes:
    """Return one event; each line of its text is a line of data."""
    lines = "".join(f"data: {line}\n" for line in text.split("\n"))
    return f"event: {event}\n{lines}\n".encode()


async def _hung_up(receive: Receive) -> None:
    try:
        while (await receive())["type"] != "http.disconnect":
            pass
    except ClientDisconnect:
        return
