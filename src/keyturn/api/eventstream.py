"""An answer that does not end: server-sent events (WHATWG HTML, 9.2).

Decides when a stream ends: with what it tells, with its reader, when the server stops, and where
the reader takes nothing for too long. Knows nothing of what is told.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from typing import Any, Final

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

SEND_S: Final = 30.0
"""How long a reader may take to accept what is sent."""


class EventStream(Response):
    """Send frames as they come.

    ``stopped`` returns when the server stops; ``done`` is called in the end, however it comes.
    """

    media_type = "text/event-stream"

    def __init__(
        self,
        frames: AsyncGenerator[str],
        *,
        stopped: Callable[[], Coroutine[Any, Any, None]],
        done: Callable[[], None],
        send_s: float = SEND_S,
    ) -> None:
        super().__init__(headers={"X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._frames, self._stopped, self._done = frames, stopped, done
        self._send_s = send_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send until something ends it. Raises ClientDisconnect where the reader takes nothing."""
        try:
            head = {"type": "http.response.start", "status": 200, "headers": self.raw_headers}
            await self._sent(send, head)
            await self._until_ended(receive, send)
            await self._sent(send, {"type": "http.response.body", "body": b""})
        except TimeoutError:
            raise ClientDisconnect from None
        finally:
            self._done()

    async def _until_ended(self, receive: Receive, send: Send) -> None:
        endings = [self._tell(send), _hung_up(receive), self._stopped()]
        running = [asyncio.ensure_future(each) for each in endings]
        try:
            await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in running:
                each.cancel()
            await asyncio.wait(running)
        for each in running:
            if not each.cancelled():
                each.result()

    async def _tell(self, send: Send) -> None:
        async with aclosing(self._frames) as frames:
            async for frame in frames:
                body = {"type": "http.response.body", "body": frame.encode(), "more_body": True}
                await self._sent(send, body)

    async def _sent(self, send: Send, message: Message) -> None:
        async with asyncio.timeout(self._send_s):
            await send(message)


async def _hung_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
