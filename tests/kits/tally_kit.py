"""A service that flows call: it counts what it was asked, and takes its time to answer."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field


@dataclass
class Tally:
    """What was asked so far: by path, and by the number that came along."""

    url: str = ""
    asked: Counter[tuple[str, int]] = field(default_factory=Counter)

    @property
    def twice(self) -> list[tuple[str, int]]:
        """Return what was asked more than once."""
        return [each for each, count in self.asked.items() if count > 1]


@asynccontextmanager
async def tallying(answer_after_s: float) -> AsyncIterator[Tally]:
    """Serve on a free port of this machine, counting each request as it arrives."""
    tally = Tally()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):  # who asked was killed
            await answer(reader, writer)
        writer.close()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = int(head.lower().partition("content-length:")[2].split("\r\n")[0] or 0)
        body = json.loads(await reader.readexactly(length) or b"{}")
        tally.asked[head.split(" ")[1], body.get("n", -1)] += 1
        await asyncio.sleep(answer_after_s)
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
            b"content-length: 2\r\nconnection: close\r\n\r\n{}"
        )
        await writer.drain()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    tally.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield tally
