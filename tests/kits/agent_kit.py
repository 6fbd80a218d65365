"""What the agent's tests share: a host folder, a way to Keyturn that can be cut, time by hand."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import httpx2
from api_kit import ROTATIONS, SECRETS, House

from keyturn.client.agent import Agent, Config
from keyturn.client.agent.config import parse_config
from keyturn.client.agent.serving import Asked, Host, serve

LIMIT_S = 60
CANARY = "canary-that-nobody-may-tell"

HEAD = """
server = "https://keyturn.example.com"

[login]
method = "token"
token = { env = "AGENT_TOKEN" }
"""
CACHE = """
[cache]
file = "FOLDER/cache"
key = { file = "FOLDER/cache.key" }
max_age = "1h"
"""
FILES = """
[[folder]]
project = "example"
environment = "dev"

[[folder.file]]
destination = "FOLDER/app.json"
format = "json"
template = '''{"id": ${OKTA_CLIENT_ID}, "secret": ${OKTA_CLIENT_SECRET}}'''

[[folder.file]]
destination = "FOLDER/app.env"
mode = "0640"
format = "dotenv"
"""
HOOK = """
[folder.hook]
command = ["sh", "-c", "cat FOLDER/app.json >>FOLDER/hooked; test ! -e FOLDER/broken"]
"""
ALL = HEAD + CACHE + FILES + HOOK


class Line(httpx2.AsyncBaseTransport):
    """The way to a server, which can be cut, or made to answer by a status."""

    def __init__(self, to: httpx2.AsyncBaseTransport) -> None:
        self._to = to
        self.cut = False
        self.status = 0

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Pass a request on."""
        if self.cut:
            raise httpx2.ConnectError("cut", request=request)
        if self.status:
            body = {"reqId": "r", "statusCode": self.status, "message": "no", "error": "No"}
            return httpx2.Response(self.status, json=body)
        return await self._to.handle_async_request(request)


@dataclass
class Bench:
    """An agent's host: a folder, what is told, and time that passes when the test says so."""

    house: House
    folder: Path
    line: Line
    rotation_id: str
    said: list[str] = field(default_factory=list)
    looks: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))
    tries: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))

    def config(self, text: str = ALL) -> Config:
        """Return a config whose files are in the folder."""
        return parse_config(text.replace("FOLDER", str(self.folder)), "agent.toml")

    @property
    def host(self) -> Host:
        """Return what is outside of the agent."""

        async def look() -> None:
            await self.looks.acquire()

        async def rest(_: float) -> None:
            await self.tries.acquire()

        token = self.house.http.headers["authorization"].removeprefix("Bearer ")
        environ = {"AGENT_TOKEN": token, "PATH": "/usr/bin:/bin"}
        now = self.house.clock.now
        return Host(environ, self.said.append, now, rest, look, self.line)

    async def turn(self) -> None:
        """Turn the secret; the new one is served."""
        path = f"{ROTATIONS}/{self.rotation_id}/rotate-secrets"
        self.house.clock.advance(86_400)
        answer = await self.house.http.post(path)
        assert answer.status_code == 200, answer.text

    async def once(self, text: str = ALL) -> bool:
        """Bring the files up to date."""
        agent = Agent(self.config(text), self.host)
        agent.open()
        return await agent.run_once()

    @asynccontextmanager
    async def running(self, read: Callable[[], Config] | None = None) -> AsyncIterator[Asked]:
        """Run an agent beside what happens in the block, and ask it to stop."""
        asked = Asked()
        task = asyncio.create_task(serve(read or self.config, self.host, asked))
        try:
            yield asked
            asked.stop.set()
            async with asyncio.timeout(LIMIT_S):
                await task
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait until something is seen."""
        async with asyncio.timeout(LIMIT_S):
            while not true():
                await anyio.sleep(0.01)

    @property
    def pair(self) -> dict[str, str]:
        """Return what is in the file of client id and secret."""
        pair: dict[str, str] = json.loads((self.folder / "app.json").read_text())
        return pair

    @property
    def hooked(self) -> int:
        """Return how often the hook has run."""
        file = self.folder / "hooked"
        return file.read_text().count("}") if file.exists() else 0

    @property
    def told(self) -> str:
        """Return all that was said."""
        return "\n".join(self.said)

    async def acknowledged(self, name: str = "OKTA_CLIENT_SECRET") -> int | None:
        """Return the version of a secret that the agent has acknowledged."""
        query = self.house.place | {"secretName": name}
        answer = await self.house.http.get("/api/v1/secrets/holders", params=query)
        (holder,) = answer.json()["holders"] or ({"acknowledgedVersion": None},)
        version: int | None = holder["acknowledgedVersion"]
        return version

    async def until_acknowledged(self, version: int, name: str = "OKTA_CLIENT_SECRET") -> None:
        """Wait until the agent has acknowledged a version."""
        async with asyncio.timeout(LIMIT_S):
            while await self.acknowledged(name) != version:
                await anyio.sleep(0.01)


async def bench_of(house: House, folder: Path) -> Bench:
    """Set up a host beside a house that has a rotation and another secret."""
    rotation = await house.rotate_by_order()
    where = house.place | {"secretValue": CANARY}
    await house.http.post(f"{SECRETS}/OTHER", json=where)
    line = Line(house.http._transport)  # noqa: SLF001  the same server, another caller
    return Bench(house, folder, line, str(rotation["id"]))
