"""Readers at full rate, somebody who writes, and turns beside them; each judges what it is told.

Nobody here believes a server: what a reader is given is held against what anybody was told before
it asked, and against what Okta has and accepts.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import httpx2
from api_kit import CONNECTIONS, ROTATIONS
from server_kit import Server, Site

from keyturn.domain.okta import secret_hash
from keyturn.domain.sensitive import Sensitive

ONE = "/api/v3/secrets/raw/OKTA_CLIENT_SECRET"
LIST = "/api/v4/secrets"
BATCH = "/api/v4/secrets/batch"
LEFT, RIGHT = "LEFT", "RIGHT"
"""Two secrets that are only ever written together, with one number."""

UNHURRIED = {"KEYTURN_OVERLAP_S": "3", "KEYTURN_TICK_S": "0.5"}
"""Between a read and the use of what was read a busy machine may take a second."""


@dataclass
class Load:
    """What is asked of some servers, and what was wrong with the answers."""

    on: Site
    servers: Sequence[Server]
    http: httpx2.AsyncClient
    rotation_id: str = ""
    answers: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    tried: int = 0
    acknowledged: int = 0
    version: int = 0
    hashes: dict[int, str] = field(default_factory=dict)
    turns: set[str] = field(default_factory=set)

    @property
    def place(self) -> dict[str, str]:
        """Where everything is."""
        return {"workspaceId": self.on.installed.project.id, "environment": "dev"}

    @property
    def app(self) -> Any:  # noqa: ANN401  JSON
        """The org's own record of the app, deleted secrets included."""
        org = self.on.org.org
        truth: Any = org.truth()["apps"]
        return next(app for app in truth if app["id"] == org.seeded.web_app_id)

    async def until(self, *, reads: int, turns: int, limit_s: float = 45) -> None:
        """Let it go on until so much has been answered, on a machine of whatever speed."""
        async with asyncio.timeout(limit_s):
            while len(self.turns) < turns or self.answers["200"] + self.answers["304"] < reads:
                await asyncio.sleep(0.1)

    def require(self, holds: object, otherwise: str) -> None:
        """Note what does not hold."""
        if not holds:
            self.wrong.append(otherwise)

    async def ask(self, turn: int, method: str, path: str, **more: Any) -> httpx2.Response | None:  # noqa: ANN401
        """Ask one of the servers; None where none answers, or where it says that it cannot now."""
        url = self.servers[turn % len(self.servers)].url
        try:
            answer = await self.http.request(method, url + path, **more)
        except httpx2.TransportError:
            self.answers["none"] += 1
            await asyncio.sleep(0.05)
            return None
        self.answers[str(answer.status_code)] += 1
        if answer.status_code == 503:
            self.require("retry-after" in answer.headers, "503 without Retry-After")
            self.require("reqId" in answer.json(), "503 without reqId")
            await asyncio.sleep(0.02)
            return None
        return answer

    async def set_up(self) -> None:
        """Make what is read: a rotation, and the two that are written together."""
        org = self.on.org
        credentials = {"instanceUrl": org.http_url, "apiToken": org.org.seeded.api_token}
        connection = {"name": "okta", "method": "api-token", "credentials": credentials}
        made = await self.told("POST", CONNECTIONS, json=connection)
        order = {
            "name": "turned",
            "projectId": self.on.installed.project.id,
            "connectionId": made["appConnection"]["id"],
            "environment": "dev",
            "secretPath": "/",
            "rotationInterval": 30,
            "parameters": {"clientId": org.org.seeded.web_app_id},
            "secretsMapping": {"clientId": "OKTA_CLIENT_ID", "clientSecret": "OKTA_CLIENT_SECRET"},
        }
        self.rotation_id = (await self.told("POST", ROTATIONS, json=order))["secretRotation"]["id"]
        pair = [{"secretKey": name, "secretValue": "0"} for name in (LEFT, RIGHT)]
        await self.told("POST", BATCH, json=self.place | {"secrets": pair})

    async def told(self, method: str, path: str, **more: Any) -> Any:  # noqa: ANN401  JSON
        """Ask until there is an answer, which is to be a good one."""
        for turn in range(200):
            if answer := await self.ask(turn, method, path, **more):
                assert answer.status_code == 200, answer.text
                return answer.json()
        raise AssertionError(f"nobody answers {method} {path}")

    @asynccontextmanager
    async def going_on(self, readers: int) -> AsyncIterator[None]:
        """Let everybody live beside what happens in the block."""
        lives = [self.read_one(n) if n % 2 else self.read_list(n) for n in range(readers)]
        tasks = [asyncio.create_task(life) for life in (*lives, self.write(), self.turn())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            ends = await asyncio.gather(*tasks, return_exceptions=True)
        assert {type(end) for end in ends} == {asyncio.CancelledError}, ends

    async def read_one(self, first: int) -> None:
        """Read the client secret, every other time if it changed, and use it at once."""
        held = tag = ""
        for n in count(first):
            known, named = self.version, {"if-none-match": tag} if tag and n % 2 else {}
            answer = await self.ask(n, "GET", ONE, params=self.place, headers=named)
            if answer is None:
                continue
            if answer.status_code == 200:
                tag = answer.headers["etag"]
                held = self.judge_secret(answer.json()["secret"], known)
            else:
                self.require(answer.status_code == 304 and named, f"a read: {answer.status_code}")
                own = self.hashes.get(known) in (None, secret_hash(Sensitive(held)))
                self.require(own, "304 for an older version than was told before")
            await self.use(held)

    async def read_list(self, first: int) -> None:
        """Read everything, and compare what belongs together."""
        client_id = self.on.org.org.read_app(self.on.org.org.seeded.web_app_id).client_id
        for n in count(first):
            known, written = self.version, self.acknowledged
            answer = await self.ask(n, "GET", LIST, params=self.place)
            if answer is None:
                continue
            self.require(answer.status_code == 200, f"a list: {answer.status_code}")
            every = {each["secretKey"]: each for each in answer.json()["secrets"]}
            left, right = (int(every[name]["secretValue"]) for name in (LEFT, RIGHT))
            self.require(left == right, f"torn: {left} beside {right}")
            self.require(written <= left <= self.tried, f"{left} after {written} was acknowledged")
            self.require(every["OKTA_CLIENT_ID"]["secretValue"] == client_id, "another client id")
            self.judge_secret(every["OKTA_CLIENT_SECRET"], known)

    def judge_secret(self, secret: Any, known: int) -> str:  # noqa: ANN401  JSON
        """Hold a client secret against what was told before it was asked for; return its value."""
        version, value = int(secret["version"]), str(secret["secretValue"])
        hashed = secret_hash(Sensitive(value))
        self.require(version >= known, f"version {version} after {known}")
        if self.hashes.setdefault(version, hashed) != hashed:
            self.wrong.append(f"version {version} has two values")
        self.version = max(self.version, version)
        return value

    async def use(self, value: str) -> None:
        """Prove oneself at Okta by what was read."""
        client_id = self.on.org.org.read_app(self.on.org.org.seeded.web_app_id).client_id
        url = f"{self.on.org.http_url}/oauth2/v1/introspect"
        auth = httpx2.BasicAuth(client_id, value)
        answer = await self.http.post(url, auth=auth, data={"token": "junk"})
        self.require(answer.status_code == 200, f"Okta refuses what is served: {answer.text}")

    async def write(self) -> None:
        """Write the two, again and again."""
        for n in count():
            self.tried += 1
            pair = [{"secretKey": name, "secretValue": str(self.tried)} for name in (LEFT, RIGHT)]
            answer = await self.ask(n, "PATCH", BATCH, json=self.place | {"secrets": pair})
            if answer:
                self.require(answer.status_code == 200, f"a write: {answer.text}")
                self.acknowledged = self.tried

    async def turn(self) -> None:
        """Turn the client secret, again and again."""
        path = f"{ROTATIONS}/{self.rotation_id}/rotate-secrets"
        for n in count():
            answer = await self.ask(n, "POST", path)
            if answer and answer.status_code == 200:
                self.turns.add(answer.json()["secretRotation"]["lastRotationJobId"])
            await asyncio.sleep(0.3)  # inside of an overlap it is refused

    async def judge_the_end(self) -> None:
        """Look at what is left once everybody is gone and the last turn has ended."""
        async with asyncio.timeout(40):
            while True:
                told = await self.told("GET", f"{ROTATIONS}/{self.rotation_id}/turns")
                phases = {turn["id"]: turn["phase"] for turn in told["turns"]}
                if all(turn["endedAt"] or turn["blocked"] for turn in told["turns"]):
                    break
                await asyncio.sleep(0.2)
        self.require(self.turns <= set(phases), "a turn that was acknowledged is lost")
        self.require(set(phases.values()) == {"finished"}, f"turns ended as {phases.values()}")
        listed = (await self.told("GET", LIST, params=self.place))["secrets"]
        every = {each["secretKey"]: each["secretValue"] for each in listed}
        self.require(self.acknowledged <= int(every[LEFT]), "what was acknowledged is lost")
        served = secret_hash(Sensitive(every["OKTA_CLIENT_SECRET"]))
        living = [one["hash"] for one in self.app["secrets"] if not one["deleted_at"]]
        self.require(living == [served], "Okta's one secret is not the one that is served")
        known = {one["hash"] for one in self.app["secrets"]}
        self.require(set(self.hashes.values()) <= known, "a value that was never at Okta")
        audit = await self.told("GET", "/api/v1/audit/verify")
        self.require(audit["problem"] is None, f"audit log: {audit['problem']}")


@asynccontextmanager
async def loaded(on: Site, *servers: Server) -> AsyncIterator[Load]:
    """Start servers, and set up what is read of them."""
    limits = httpx2.Limits(max_connections=50)
    bearer = {"authorization": f"Bearer {on.installed.admin_token.reveal()}"}
    try:
        for server in servers:
            await server.start()
        async with httpx2.AsyncClient(headers=bearer, timeout=20, limits=limits) as http:
            load = Load(on, servers, http)
            await load.set_up()
            yield load
    finally:
        for server in servers:
            await server.strike()
