"""No secret value is found in anything that a real server says, prints or leaves.

Every route is used, rightly and wrongly, a client secret is turned, and the process is killed. What
was sent and told is searched for, in every spelling, in all that is left.
"""

import asyncio
import base64
import json
import re
import resource
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count, product
from pathlib import Path
from signal import SIGABRT
from typing import Any, cast

import httpx2
import pytest
from api_kit import CONNECTIONS, NO_ID, ROTATIONS, Body, House
from identity_kit import at, bearer
from leak_kit import SECRET_FIELDS, SPELLINGS, Canaries, Heard, files_of, found, parts
from route_kit import OTHER_KINDS, Furnished, furnish
from server_kit import Server, Site, site

from keyturn.services.ports import World
from keyturn.testing import Backup, ManualClock

pytestmark = pytest.mark.slow

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
ENDLESS = "/api/v1/events/subscribe/project-events"
FOLLOWED = "/api/v1/flow-runs/stream"
LOGIN = "/api/v1/auth/universal-auth/login"
DISCLOSING = re.compile(
    r"(GET|POST|PATCH|DELETE) /api/v[34]/secrets"
    r"|GET /api/v1/secret/[^/]+/secret-versions"
    r"|GET .*/generated-credentials"
    r"|POST /api/v1/auth/(.+/)?(login|renew|client-secrets|tokens)"
    r"|POST /api/v1/connections/([^/]+/)?token"
)
"""What is there to tell values; nothing else may, and no error of these."""


@dataclass(frozen=True)
class RealHouse(House):
    """A house behind a socket."""

    org_url: str = ""

    def connection(self, **changes: object) -> Body:
        """Return the body that creates a connection to the org."""
        credentials = {"instanceUrl": self.org_url, "apiToken": self.org.seeded.api_token}
        return super().connection(credentials=credentials) | changes


@dataclass(frozen=True)
class Outdoors(Furnished):
    """What a real house is furnished with; nothing brings it back to what it was."""

    heard: Heard
    numbers: Iterator[int] = field(default_factory=count)

    def restore(self) -> None:
        """Leave it as it is."""

    def canary(self) -> str:
        """Make up a value that looks different in every spelling."""
        number = next(self.numbers)
        value = f'c{number:05}änary/+"&<>\\ä tail{number:05}'
        self.heard.canaries.add(value)
        return value

    def body(self, route: str) -> Body:
        """Return a body whose secret values can be told from any others."""
        marked: Body = self._marked(super().body(route))
        return marked

    def _marked(self, told: Any) -> Any:  # noqa: ANN401  JSON
        if isinstance(told, list):
            return [self._marked(each) for each in told]
        if not isinstance(told, dict):
            return told
        return {
            name: self.canary() if name in SECRET_FIELDS and one == "x" else self._marked(one)
            for name, one in told.items()
        }


@dataclass(frozen=True)
class Left:
    """What is left of a server, what it answered, and what must be in neither."""

    heard: Heard
    files: dict[str, bytes]
    used: dict[str, int]


def routes_of(description: Body) -> dict[str, bool]:
    """List the routes by method and path, what deletes last, and whether each takes a body."""
    paths = cast("dict[str, dict[str, Body]]", description["paths"])
    found = {
        f"{method.upper()} {path}": "requestBody" in told
        for path, each in paths.items()
        for method, told in each.items()
        if path not in (ENDLESS, FOLLOWED) and not any(f"/{kind}" in path for kind in OTHER_KINDS)
    }
    return dict(sorted(found.items(), key=lambda one: METHODS.index(one[0].split()[0])))


async def misuse(it: Outdoors, route: str) -> None:
    """Put values where none belong: into every field of a body, and into bodies that are none."""
    http, (method, path) = it.house.http, route.split()
    where, good = path.format(**it.named(path)), it.body(route)
    for number, name in enumerate(good):
        odd = {"x": it.canary()} if number % 2 else [it.canary()]
        await http.request(method, where, json=good | {name: odd})
    broken = f'{{"secretValue": "{it.canary()}"'
    await http.request(method, where, content=broken.encode())
    form = {"content-type": "application/x-www-form-urlencoded"}
    await http.request(method, where, content=f"password={it.canary()}".encode(), headers=form)


async def knock_wrongly(it: Outdoors, org_url: str) -> None:
    """Try wrong credentials of every sort, and values where nobody looks."""
    http, canary = it.house.http, it.canary
    for told in ("kt_at_canary-of-a-wrong-token", "canary-of-a-cookie-of-mine"):
        it.heard.canaries.add(told)
        headers = {**bearer(told), "cookie": f"session={told}", "user-agent": told}
        await http.get("/api/v1/workspace", headers=headers)
    await http.get("/api/v1/workspace", params={"token": canary()})
    await http.get(f"/nowhere/{canary()}")
    await http.post(CONNECTIONS, content=canary().encode() * 40_000)
    told = {"clientId": it.house.installed.client_id, "clientSecret": canary()}
    await http.post(LOGIN, json=told)
    for method, wrong in (
        ("api-token", {"apiToken": "00" + "canaryCanary" * 3 + "none"}),
        ("oauth-service-app", {"clientId": "0oaNobody", "privateKey": canary()}),
    ):
        credentials = {"instanceUrl": org_url, **wrong}
        body = it.house.connection(name="odd", method=method, credentials=credentials)
        assert (await http.post(CONNECTIONS, json=body)).status_code in {401, 422}


async def babble(it: Outdoors, url: str) -> None:
    """Say what is no HTTP, and keep what is answered."""
    host, _, port = url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"GET /{it.canary()} HTTP/9.9\r\nx: {it.canary()}\r\n\r\n".encode())
    writer.write_eof()
    it.heard.answers["babble"] = await reader.read()
    writer.close()


async def connect_by_key(it: Outdoors, org_url: str) -> None:
    """Connect the org by a private key, and have Keyturn turn it."""
    told = it.house.org.credentials()
    jwk = json.dumps(told["service_private_jwk"])
    credentials = {"instanceUrl": org_url, "privateKey": jwk, "clientId": told["service_client_id"]}
    body = it.house.connection(name="by-key", method="oauth-service-app", credentials=credentials)
    made = await it.house.http.post(CONNECTIONS, json=body)
    path = f"{CONNECTIONS}/{at(made.json(), 'appConnection', 'id')}/turn-key"
    assert (await it.house.http.post(path)).status_code == 200


async def bring(it: Outdoors) -> None:
    """Have what is stored brought to somebody who is not there, by a key of theirs."""
    key = "whsec_" + base64.b64encode(b"canary of a key for a hook").decode()
    body: Body = {
        "name": "nobody",
        "kind": "webhook",
        "projectId": "example",
        "environment": "dev",
        "settings": {"url": "http://127.0.0.1:9/hook"},
        "credential": {"secret": key},
    }
    made = await it.house.http.post("/api/v1/destinations", json=body)
    assert made.status_code == 200, made.text


async def overhear(it: Outdoors, url: str) -> None:
    """Keep what is told to subscribers, and to followers of runs."""
    body = it.body(f"POST {ENDLESS}")
    query = {"projectId": str(body["projectId"])}
    await asyncio.gather(
        listen(it, url, "a subscriber", "POST", ENDLESS, json=body),
        listen(it, url, "a follower", "GET", FOLLOWED, params=query),
    )


async def listen(it: Outdoors, url: str, name: str, *asked: str, **more: Any) -> None:  # noqa: ANN401
    """Keep what is told until it ends with the server."""
    told = it.heard.answers
    client = httpx2.AsyncClient(base_url=url, headers=it.house.http.headers, timeout=60)
    with suppress(httpx2.TransportError):
        async with client as http, http.stream(*asked, **more) as stream:
            async for chunk in stream.aiter_bytes():
                told[name] = told.get(name, b"") + chunk


async def finished(house: House, rotation_id: str) -> None:
    """Wait until the turn of the rotation has ended."""
    async with asyncio.timeout(30):
        while True:
            told = (await house.http.get(f"{ROTATIONS}/{rotation_id}/turns")).json()
            if at(told, "turns", 0, "endedAt"):
                return
            await asyncio.sleep(0.1)


async def use(it: Outdoors, server: Server) -> dict[str, int]:
    """Use a server in every way; return the statuses of what was asked for rightly."""
    await finished(it.house, it.names["rotation_id"])
    org_url = cast("RealHouse", it.house).org_url
    routes = routes_of((await it.house.http.get("/openapi.json")).json())
    for route in (route for route, takes_body in routes.items() if takes_body):
        await misuse(it, route)
    await knock_wrongly(it, org_url)
    await babble(it, server.url)
    await bring(it)
    await connect_by_key(it, org_url)
    return {route: (await it.ask(route)).status_code for route in routes}


def learn_the_rest(on: Site, canaries: Canaries) -> None:
    """Look for the root key, too, and for what the org and the first identities were given."""
    key = (on.folder / "data" / "root.key").read_text().strip()
    canaries.add(key)
    canaries.add(base64.b64decode(key))
    org = on.org.org
    for secret in (secret for app in org.list_apps() for secret in app.secrets):
        canaries.add(secret.value)
    canaries.add(on.installed.admin_token.reveal())
    canaries.add(on.installed.client_secret.reveal())
    canaries.add(org.seeded.api_token)


async def scan(folder: Path) -> Left:
    """Use a server in every way, turn a secret, kill it, and gather what is left."""
    async with site(folder) as on:
        org = on.org.org
        canaries = Canaries(harmless={org.read_app(org.seeded.web_app_id).client_id})
        heard = Heard(canaries, lambda asked: bool(DISCLOSING.match(asked)))
        log = str(folder / "log")
        delivered = folder.with_name("delivered")
        delivered.mkdir()
        told = {"KEYTURN_LOG_FILE": log, "KEYTURN_DELIVERY_DIR": str(delivered)}
        server = on.server(KEYTURN_LOG_LEVEL="debug", **told)
        await server.start()
        try:
            async with on.client(server.url) as http:
                http.event_hooks["response"] = [heard.note]
                nowhere = cast("World", None)  # its store is another process's
                url = on.org.http_url
                house = RealHouse(
                    ManualClock(datetime.now(UTC)), org, nowhere, on.installed, http, url
                )
                names = await furnish(house) | {"finding_id": NO_ID}
                it = Outdoors(house, names, cast("Backup", None), heard)
                subscriber = asyncio.create_task(overhear(it, server.url))
                used = await use(it, server)
                async with asyncio.timeout(10):
                    while b"secret:" not in heard.answers["a subscriber"]:
                        await asyncio.sleep(0.1)
            words = Path(f"/proc/{server.pid}/cmdline").read_bytes()
        finally:
            await server.strike()
        await subscriber
        learn_the_rest(on, canaries)
        files = files_of(folder, without=folder.glob("data/root.key*"))
        return Left(heard, files | {"command line": words}, used)


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Left:
    """Use a server up."""
    return asyncio.run(scan(tmp_path_factory.mktemp("leaks")))


def test_no_file_holds_a_value(left: Left) -> None:
    """Database, its log and free pages, log lines, prints, temporary files and arguments: none."""
    assert found(left.heard.canaries, left.files) == []


def test_no_answer_tells_a_value_but_those_that_are_for_it(left: Left) -> None:
    """No error does, and of the rest only reads of secrets and what is made to be told once."""
    assert found(left.heard.canaries, left.heard.answers) == []


def test_the_search_looks_at_what_is_left(left: Left) -> None:
    """The routes did answer, values were learned, and the files are those of this very server."""
    bad = {route: status for route, status in left.used.items() if status != 200}
    assert len(bad) < 0.4 * len(left.used), bad
    assert len(left.heard.canaries.values) > 300
    named = {Path(name).name: blob for name, blob in left.files.items()}
    assert b"OKTA_CLIENT_SECRET" in named["keyturn.db"] + named["keyturn.db-wal"]
    assert named["log"].count(b'"event": "request"') > 500
    assert b"serves at" in named["stdout"]
    assert b"serve" in named["command line"]
    assert b"secret:" in left.heard.answers["a subscriber"]
    assert b'"event":"ended"' in left.heard.answers["a follower"]
    assert any("openapi.json" in where for where in left.heard.answers)
    assert any("audit/export" in where for where in left.heard.answers)


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_value_would_be_found_in_every_spelling(left: Left, spelling: str) -> None:
    """Put into a file, in the middle of other bytes, half of a value is found."""
    value = max(one for one in left.heard.canaries.values if isinstance(one, str))
    for ahead, part in product(range(3), parts(value)):
        for told in SPELLINGS[spelling](part):
            blob = bytes(range(ahead)) + told + b"..."
            assert f"planted: {spelling}" in found(Canaries({value}), {"planted": blob})


def test_base64_is_found_wherever_it_begins(left: Left) -> None:
    """Inside of a longer text a value is spelled in one of three ways."""
    value = "canary-of-some-length"
    for ahead in range(6):
        told = base64.b64encode(b"x" * ahead + value.encode() + b"yz")
        assert found(Canaries({value}), {"planted": told}) == ["planted: base64"]


async def crashed(server: Server) -> list[str]:
    """Let a process crash that may write a core of any size; return the cores in its folder."""
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    resource.prlimit(server.pid, resource.RLIMIT_CORE, unlimited)
    await server.strike(SIGABRT)
    return [path.name for path in server.folder.iterdir() if path.name.startswith("core")]


async def idle(folder: Path) -> Server:
    """Start a process that is none of ours."""
    folder.mkdir()
    other = Server(folder, {})
    words = (sys.executable, "-c", "import time; time.sleep(60)")
    other.process = await asyncio.create_subprocess_exec(*words, cwd=folder)
    return other


async def test_a_crash_leaves_no_core(tmp_path: Path) -> None:
    """Where another process leaves its memory in a file, the server leaves nothing."""
    if not await crashed(await idle(tmp_path / "other")):
        pytest.skip("this machine writes no core into the folder of whoever crashes")
    async with site(tmp_path) as on:
        server = on.server()
        await server.start()
        assert await crashed(server) == []
