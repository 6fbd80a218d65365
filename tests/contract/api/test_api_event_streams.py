"""How a stream ends: with its reader, with a reader that takes nothing, with the server."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from api_kit import House, open_house
from starlette.requests import ClientDisconnect
from starlette.types import Message
from stream_kit import LIMIT_S, SUBSCRIBE, wired
from surface_kit import put

from keyturn.adapters.storage import PostgresStore
from keyturn.api.eventstream import EventStream
from keyturn.bootstrap.opening import initialise
from keyturn.bootstrap.serving import serving
from keyturn.domain.sensitive import Sensitive
from keyturn.services.ports import Record
from keyturn.settings import Settings
from keyturn.testing import MemoryStore


async def never() -> Any:  # noqa: ANN401  it returns nothing, ever
    """Wait for ever."""
    await asyncio.Event().wait()


class Ending:
    """Frames that go on until they are no longer wanted, and what was called in the end."""

    def __init__(self) -> None:
        self.closed, self.done = False, 0

    async def frames(self) -> AsyncGenerator[str]:
        """Give frames for ever."""
        try:
            while True:
                yield "data: 1\n\n"
                await asyncio.sleep(0)
        finally:
            self.closed = True

    def stream(self, **more: Any) -> EventStream:  # noqa: ANN401  its other arguments
        """Return the answer that tells them."""
        return EventStream(self.frames(), **{"stopped": never, "done": self.end} | more)

    def end(self) -> None:
        """Note that it was the end."""
        self.done += 1


async def test_a_reader_that_takes_nothing_is_left() -> None:
    """Nothing waits for it longer than so long, and nothing of it is kept."""
    ending = Ending()
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)
        if message.get("body"):
            await never()

    with pytest.raises(ClientDisconnect):
        async with asyncio.timeout(LIMIT_S):
            await ending.stream(send_s=0.01)({}, never, send)
    assert (ending.closed, ending.done, len(sent)) == (True, 1, 2)


async def test_a_reader_that_takes_nothing_from_the_beginning_is_left() -> None:
    """Not even the head of the answer is waited for longer."""
    ending = Ending()
    with pytest.raises(ClientDisconnect):
        async with asyncio.timeout(LIMIT_S):
            await ending.stream(send_s=0.01)({}, never, lambda message: never())
    assert ending.done == 1


@pytest.mark.parametrize("who", ["reader", "server"])
async def test_whoever_ends_it_ends_it_whole(who: str) -> None:
    """The frames are closed, the answer is completed, and the end is told once."""
    ending, sent = Ending(), list[Message]()

    async def send(message: Message) -> None:
        sent.append(message)

    async def hang_up() -> Message:
        while len(sent) < 5:
            await asyncio.sleep(0)
        return {"type": "http.disconnect"}

    receive, stopped = (hang_up, never) if who == "reader" else (never, hang_up)
    await ending.stream(stopped=stopped)({}, receive, send)
    assert sent[-1] == {"type": "http.response.body", "body": b""}
    assert (ending.closed, ending.done) == (True, 1)


async def test_what_telling_raises_is_raised() -> None:
    """A fault of ours is no silent end."""

    async def broken() -> AsyncGenerator[str]:
        yield "data: 1\n\n"
        raise ZeroDivisionError

    async def send(message: Message) -> None:
        pass

    ending = Ending()
    with pytest.raises(ZeroDivisionError):
        await EventStream(broken(), stopped=never, done=ending.end)({}, never, send)
    assert ending.done == 1


async def test_a_server_that_stops_ends_its_streams(tmp_path: Path) -> None:
    """They end as a whole answer does, and are not cut off when the time to stop is over."""
    settings = Settings(data_dir=tmp_path, port=0)
    installed = await initialise(settings)
    body = {"projectId": "example", "register": [{"event": "secret:update"}]}
    headers = {"authorization": f"Bearer {installed.admin_token.reveal()}"}
    server = serving(settings)
    url = await server.__aenter__()
    async with httpx2.AsyncClient(base_url=url, headers=headers, trust_env=False) as http:
        async with http.stream("POST", SUBSCRIBE, json=body) as answer:
            lines = answer.aiter_lines()
            assert await anext(lines) == "event: ping"
            stopping = asyncio.create_task(server.__aexit__(None, None, None))
            assert [line async for line in lines if line not in ("data: {}", "")] == []
        await stopping


@pytest.fixture
async def two(database: Sensitive) -> AsyncIterator[tuple[House, House]]:
    """Reach one installation on PostgreSQL by two servers, each with connections of its own."""
    async with open_house() as house:
        stores = [await PostgresStore.open(database) for _ in range(2)]
        memory = house.world.store
        assert isinstance(memory, MemoryStore)
        async with memory.reading() as reading, stores[0].writing() as writing:
            for kind in Record.__args__:
                await writing.add(*await reading.list(kind))
        worlds = [replace(house.world, store=store) for store in stores]
        async with (
            wired(replace(house, world=worlds[0])) as one,
            wired(replace(house, world=worlds[1])) as other,
        ):
            yield replace(one.house, http=one.http), replace(other.house, http=other.http)
        for store in stores:
            await store.aclose()


@pytest.mark.slow
async def test_what_another_process_commits_is_told(two: tuple[House, House]) -> None:
    """Who listens to one server hears of what was written by another on the same database."""
    here, there = two
    async with wired(here) as wire:
        stream = await wire.subscribe(wire.wanted())
        await put(there, "KEY", "1")
        assert (await stream.next())["payload"][0]["secretKey"] == "KEY"
