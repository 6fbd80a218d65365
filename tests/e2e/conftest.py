"""Real processes: a server that can be killed, an org, a consumer that never rests, a browser."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
from chrome_kit import browser
from playwright.async_api import Browser
from site_kit import Site, open_site

from keyturn.bootstrap.opening import initialise
from keyturn.sandbox import Ready, SandboxConfig
from keyturn.sandbox import serving as sandbox_serving
from keyturn.services.installation import Installed
from keyturn.settings import Settings

SERVER = Path(__file__).with_name("server.py")
ROTATIONS = "/api/v2/secret-rotations/okta-client-secret"
QUICK = {
    "KEYTURN_ALLOW_PRIVATE_ADDRESSES": "true",
    "KEYTURN_OVERLAP_S": "1",
    "KEYTURN_OVERLAP_FLOOR_S": "1",
    "KEYTURN_SOAK_S": "1",
    "KEYTURN_TICK_S": "0.1",
}


@dataclass
class Installation:
    """A data directory, the org it is connected to, and the server process that may run on it."""

    folder: Path
    org: Ready
    installed: Installed
    url: str = ""
    process: asyncio.subprocess.Process | None = field(default=None)

    @property
    def settings(self) -> dict[str, str]:
        """The environment of a server."""
        return QUICK | {"KEYTURN_DATA_DIR": str(self.folder / "data")}

    @property
    def app(self) -> dict[str, str]:
        """The org's example app, with its first client secret in clear."""
        app: Any = self.org.as_json()["app"]
        return dict(app)

    async def start(self, *plan: str) -> None:
        """Start a server, on the port that it had before; with a plan it will die by it."""
        url_file = self.folder / "url"
        url_file.unlink(missing_ok=True)
        port = self.url.rpartition(":")[2] or "0"
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, str(SERVER), str(url_file), *plan),
            env=os.environ | self.settings | {"KEYTURN_PORT": port},
        )
        while not url_file.exists():
            assert self.process.returncode is None
            await asyncio.sleep(0.02)
        self.url = url_file.read_text()

    async def died(self) -> int:
        """Wait for the server's end."""
        assert self.process
        return await self.process.wait()

    async def kill(self) -> None:
        """Kill the server as no server can prevent."""
        if self.process and self.process.returncode is None:
            self.process.send_signal(signal.SIGKILL)
            await self.process.wait()

    async def ask(self, method: str, path: str, **more: Any) -> Any:  # noqa: ANN401  JSON
        """Make one request as the administrator; return the answer's JSON."""
        token = self.installed.admin_token.reveal()
        headers = {"authorization": f"Bearer {token}"}
        async with httpx2.AsyncClient(base_url=self.url, headers=headers, timeout=30) as http:
            answer = await http.request(method, path, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def create_rotation(self) -> str:
        """Connect the org and create the documentation's sample rotation; return its id."""
        token = self.org.as_json()["ssws_token"]
        connection = {
            "name": "okta",
            "method": "api-token",
            "credentials": {"instanceUrl": self.org.http_url, "apiToken": token},
        }
        made = await self.ask("POST", "/api/v1/app-connections/okta", json=connection)
        sample = {
            "name": "my-okta-rotation",
            "projectId": self.installed.project.id,
            "description": "my client secret rotation",
            "connectionId": made["appConnection"]["id"],
            "environment": "dev",
            "secretPath": "/",
            "isAutoRotationEnabled": True,
            "rotationInterval": 30,
            "rotateAtUtc": {"hours": 0, "minutes": 0},
            "parameters": {"clientId": self.app["client_id"]},
            "secretsMapping": {"clientId": "OKTA_CLIENT_ID", "clientSecret": "OKTA_CLIENT_SECRET"},
        }
        rotation = await self.ask("POST", ROTATIONS, json=sample)
        return str(rotation["secretRotation"]["id"])

    async def finish(self, rotation_id: str) -> dict[str, Any]:
        """Wait until the rotation's turn has ended, and return it."""
        async with asyncio.timeout(60):
            while True:
                told = await self.ask("GET", f"{ROTATIONS}/{rotation_id}/turns")
                turn: dict[str, Any] = told["turns"][0]
                if turn["endedAt"] or turn["phase"] == "blocked":
                    return turn
                await asyncio.sleep(0.1)

    def secrets_at_okta(self) -> list[dict[str, Any]]:
        """Return the org's own record of the app's secrets, deleted ones included."""
        apps: Any = self.org.org.truth()["apps"]
        (secrets,) = (app["secrets"] for app in apps if app["id"] == self.app["id"])
        return list(secrets)

    def posts(self) -> list[dict[str, Any]]:
        """Return every request to add a client secret that the org has received."""
        told: Any = self.org.org.requests()["requests"]
        return [r for r in told if r["method"] == "POST" and r["route"].endswith("/secrets")]


@dataclass
class Consumer:
    """Somebody who uses the mapped secret all the time.

    Reads it from Keyturn before each use; while Keyturn is away it goes on with what it read last.
    """

    on: Installation
    asked: int = 0
    refused: list[str] = field(default_factory=list)
    value: str = ""

    async def live(self) -> None:
        """Authenticate at Okta again and again."""
        async with httpx2.AsyncClient(timeout=10) as http:
            while True:
                await self._read(http)
                await self._use(http)

    async def _read(self, http: httpx2.AsyncClient) -> None:
        where = {"workspaceId": self.on.installed.project.id, "environment": "dev"}
        token = self.on.installed.admin_token.reveal()
        url = f"{self.on.url}/api/v3/secrets/raw/OKTA_CLIENT_SECRET"
        with suppress(httpx2.TransportError):
            answer = await http.get(url, params=where, headers={"authorization": f"Bearer {token}"})
            if answer.status_code == 200:
                self.value = answer.json()["secret"]["secretValue"]
            else:
                self.refused.append(f"Keyturn {answer.status_code}")

    async def _use(self, http: httpx2.AsyncClient) -> None:
        answer = await http.post(
            f"{self.on.org.http_url}/oauth2/v1/introspect",
            auth=(self.on.app["client_id"], self.value),
            data={"token": "junk"},
        )
        self.asked += 1
        if answer.status_code != 200:
            self.refused.append(f"Okta {answer.status_code} {answer.text}")


@asynccontextmanager
async def consuming(on: Installation) -> AsyncIterator[Consumer]:
    """Let a consumer live beside what happens in the block."""
    consumer = Consumer(on)
    task = asyncio.create_task(consumer.live())
    try:
        yield consumer
        await asyncio.sleep(0.2)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.fixture
def consume() -> Any:  # noqa: ANN401  the context manager above
    """Give tests the consumer."""
    return consuming


@pytest.fixture
async def installation(tmp_path: Path) -> AsyncIterator[Installation]:
    """Set up a data directory beside a fresh org; the test starts the server."""
    installed = await initialise(Settings(data_dir=tmp_path / "data"))
    ports = SandboxConfig(http_port=0, https_port=0, control_port=0, profile="off")
    async with sandbox_serving(ports) as org:
        it = Installation(tmp_path, org, installed)
        try:
            yield it
        finally:
            await it.kill()


@pytest.fixture
async def chrome() -> AsyncIterator[Browser]:
    """Start a browser."""
    async with browser() as chrome:
        yield chrome


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """Serve a new installation beside an org."""
    async with open_site(tmp_path) as site:
        yield site
