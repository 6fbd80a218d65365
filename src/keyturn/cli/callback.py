"""A loopback address that a browser is sent back to (RFC 8252, 7.3).

Takes one answer, and only one to the question that was put. What it means is the server's matter:
the page tells no more than that it has arrived.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from urllib.parse import parse_qsl, urlsplit

HOST = "127.0.0.1"
PATH = "/callback"
HEAD_MAX = 32_768
READ_S = 10.0
HEADERS = (
    "Content-Type: text/html; charset=utf-8\r\n"
    "Content-Security-Policy: default-src 'none'\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "Cache-Control: no-store\r\n"
    "Connection: close\r\n"
)
ARRIVED = (HTTPStatus.OK, "The answer has arrived: the command tells what came of it.")
UNASKED = (HTTPStatus.BAD_REQUEST, "This command did not ask for that.")
NOTHING = (HTTPStatus.NOT_FOUND, "There is nothing here.")


class Callback:
    """Waits for one answer at ``address``."""

    def __init__(self) -> None:
        self.address = ""
        self._state = ""
        self._arrived: asyncio.Future[Mapping[str, str]] = asyncio.Future()

    async def answer(self, asked: str, *, limit_s: float) -> Mapping[str, str]:
        """Return what a browser brings from the address ``asked``. Raises TimeoutError."""
        self._state = _query(asked).get("state", "")  # what was pushed has none (RFC 9126, 4)
        async with asyncio.timeout(limit_s):
            return await self._arrived

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request, or let go of whoever makes none."""
        try:
            async with asyncio.timeout(READ_S):
                line = await reader.readuntil(b"\r\n")
                while await reader.readuntil(b"\r\n") != b"\r\n":
                    pass  # a socket that is closed on unread bytes takes the answer with it
            status, text = self._take(line.decode("latin-1"))
            writer.write(_page(status, text))
            await writer.drain()
        except (TimeoutError, EOFError, asyncio.LimitOverrunError, OSError):
            pass
        finally:
            writer.close()

    def _take(self, line: str) -> tuple[HTTPStatus, str]:
        method, _, rest = line.partition(" ")
        target = rest.partition(" ")[0]
        if method != "GET" or target.partition("?")[0] != PATH:
            return NOTHING
        told = _query(target)
        if not told.get("state") or self._state not in {"", told["state"]}:
            return UNASKED
        if not self._arrived.done():
            self._arrived.set_result(told)
        return ARRIVED


@asynccontextmanager
async def listening(port: int = 0) -> AsyncIterator[Callback]:
    """Listen until the block ends, on any free port unless one is named. Raises OSError."""
    callback = Callback()
    server = await asyncio.start_server(callback.serve, HOST, port, limit=HEAD_MAX)
    try:
        taken: int = server.sockets[0].getsockname()[1]
        callback.address = f"http://{HOST}:{taken}{PATH}"
        yield callback
    finally:
        server.close()


def _query(address: str) -> Mapping[str, str]:
    return dict(parse_qsl(urlsplit(address).query, keep_blank_values=True))


def _page(status: HTTPStatus, text: str) -> bytes:
    body = f"<!doctype html><title>Keyturn</title><p>{text}</p>"
    head = f"HTTP/1.1 {status} {status.phrase}\r\nContent-Length: {len(body)}\r\n"
    return f"{head}{HEADERS}\r\n{body}".encode()
