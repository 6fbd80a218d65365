"""Answers that do not end, in one process: a transport that carries them, and what reads them."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
from api_kit import House
from identity_kit import bearer
from starlette.types import ASGIApp, Message

from keyturn.api.app import build_api
from keyturn.services.events import Newsroom
from keyturn.testing.asgi import _scope

SUBSCRIBE = "/api/v1/events/subscribe/project-events"
FOLLOW = "/api/v1/flow-runs/stream"
LIMIT_S = 20
"""After this time nothing comes any more; what works takes milliseconds."""

EVENTS = ("secret:create", "secret:update", "secret:delete", "secret:import-mutation")


class StreamTransport(httpx2.AsyncBaseTransport):
    """Brings requests to an application and carries answers as they come; readers may hang up."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Return the answer once it has begun."""
        body, told, hung_up = await request.aread(), asyncio.Queue[Message](), asyncio.Event()
        asked: list[Message] = [{"type": "http.request", "body": body}]

        async def receive() -> Message:
            if asked:
                return asked.pop()
            await hung_up.wait()
            return {"type": "http.disconnect"}

        task = asyncio.create_task(self._app(_scope(request), receive, told.put))
        head = await told.get()
        stream = _Answer(told, hung_up, task)
        return httpx2.Response(head["status"], headers=head["headers"], stream=stream)


class _Answer(httpx2.AsyncByteStream):
    def __init__(
        self, told: asyncio.Queue[Message], hung_up: asyncio.Event, task: asyncio.Task[None]
    ) -> None:
        self._told, self._hung_up, self._task = told, hung_up, task

    async def __aiter__(self) -> AsyncIterator[bytes]:
        more = True
        while more:
            part = await self._told.get()
            more = part.get("more_body", False)
            yield part.get("body", b"")

    async def aclose(self) -> None:
        self._hung_up.set()
        await self._task


@dataclass
class Stream:
    """One subscriber's answer, frame by frame."""

    answer: httpx2.Response
    lines: AsyncIterator[str]
    frames: list[str] = field(default_factory=list)

    async def next(self) -> Any:  # noqa: ANN401  JSON
        """Return the data of the next event that is no ping, or None where the stream ends."""
        event = ""
        async with asyncio.timeout(LIMIT_S):
            async for line in self.lines:
                self.frames.append(line)
                if line.startswith("event:"):
                    event = line
                if line.startswith("data:") and event != "event: ping":
                    return json.loads(line[5:])["data"]
                event = "" if not line else event
        return None


@dataclass
class Followed:
    """The answer to somebody who follows runs; ``last`` is the id of what was told last."""

    answer: httpx2.Response
    lines: AsyncIterator[str]
    last: str = ""
    heard: str = ""

    async def frame(self) -> Any:  # noqa: ANN401  JSON
        """Return the data of the next frame, or None where the stream ends."""
        async with asyncio.timeout(LIMIT_S):
            async for line in self.lines:
                self.heard += line
                if line.startswith("id:"):
                    self.last = line[4:]
                if line.startswith("data:"):
                    return json.loads(line[5:])
        return None

    async def next(self) -> Any:  # noqa: ANN401  JSON
        """Return the next event that is no ping, or None where the stream ends."""
        while (told := await self.frame()) == {}:
            pass
        return told

    async def events(self, number: int) -> list[tuple[str, str]]:
        """Return what so many events are, and of which flow."""
        return [
            (told["event"], told["flowName"]) for _ in range(number) if (told := await self.next())
        ]


@dataclass
class Wire:
    """The API of a house over a transport that carries streams."""

    house: House
    room: Newsroom
    http: httpx2.AsyncClient
    stack: AsyncExitStack

    def wanted(self, path: str = "/", env: str = "dev", *events: str) -> dict[str, object]:
        """Return a subscription to a folder."""
        where = {"environmentSlug": env, "secretPath": path}
        register = [{"event": each, "conditions": where} for each in events or EVENTS]
        return {"projectId": self.house.installed.project.id, "register": register}

    async def follow(self, last: str = "", token: str = "", **query: object) -> "Followed":
        """Follow runs, after an event or from now on; return the stream once it has begun."""
        headers = {**({"last-event-id": last} if last else {}), **(bearer(token) if token else {})}
        asked: Any = {"projectId": "example"} | query
        request = self.http.build_request("GET", FOLLOW, params=asked, headers=headers)
        answer = await self.http.send(request, stream=True)
        self.stack.push_async_callback(answer.aclose)
        stream = Followed(answer, answer.aiter_lines())
        if not answer.is_success:
            await answer.aread()
            return stream
        assert await stream.frame() == {}
        return stream

    async def subscribe(self, body: object, token: str = "") -> Stream:
        """Subscribe, and return the stream once it tells that it has begun."""
        request = self.http.build_request(
            "POST", SUBSCRIBE, json=body, headers=bearer(token) if token else {}
        )
        answer = await self.http.send(request, stream=True)
        self.stack.push_async_callback(answer.aclose)
        stream = Stream(answer, answer.aiter_lines())
        if not answer.is_success:
            await answer.aread()
            return stream
        begun = [await anext(stream.lines) for _ in range(3)]
        assert begun == ["event: ping", "data: {}", ""]
        return stream


@asynccontextmanager
async def wired(house: House, *, ping_s: float = 60.0, most: int = 100) -> AsyncIterator[Wire]:
    """Reach a house by a transport that carries streams, whose newsroom looks often."""
    api = build_api(house.world, version="0")
    room = api.state.newsroom = Newsroom(house.world, pause_s=0.005, ping_s=ping_s, most=most)
    async with (
        httpx2.AsyncClient(
            transport=StreamTransport(api),
            base_url="https://keyturn.example.com",
            headers=house.http.headers,
        ) as http,
        AsyncExitStack() as stack,
    ):
        yield Wire(house, room, http, stack)
