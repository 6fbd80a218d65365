"""`keyturn serve` as a process of its own, whose every word is kept, and which can be struck."""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from signal import SIGKILL, SIGTERM

import httpx2

from keyturn.bootstrap.opening import initialise
from keyturn.sandbox import Ready, SandboxConfig
from keyturn.sandbox import serving as sandbox_serving
from keyturn.services.installation import Installed
from keyturn.settings import Settings

QUICK = {
    "KEYTURN_ALLOW_PRIVATE_ADDRESSES": "true",
    "KEYTURN_OVERLAP_S": "1",
    "KEYTURN_OVERLAP_FLOOR_S": "1",
    "KEYTURN_SOAK_S": "1",
    "KEYTURN_TICK_S": "0.1",
}
SERVES = re.compile(r"serves at (http://\S+)")


@dataclass
class Server:
    """One process, in a folder of its own: what it prints, logs and leaves lies there."""

    folder: Path
    settings: Mapping[str, str]
    url: str = ""
    process: asyncio.subprocess.Process | None = field(default=None)

    @property
    def pid(self) -> int:
        """The number of the process that runs."""
        assert self.process
        return self.process.pid

    async def start(self) -> None:
        """Start the process, on the port that it had before, and wait until it serves."""
        self.folder.mkdir(exist_ok=True)
        kept = self.folder / "tmp"
        kept.mkdir(exist_ok=True)
        told = self.folder / "stdout"
        told.write_bytes(b"")
        port = self.url.rpartition(":")[2] or "0"
        with told.open("ab") as out, (self.folder / "stderr").open("ab") as err:
            self.process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "keyturn", "serve", "--port", port),
                env=os.environ | {"TMPDIR": str(kept)} | dict(self.settings),
                stdout=out,
                stderr=err,
                cwd=self.folder,
            )
        while not (found := SERVES.search(told.read_text())):
            assert self.process.returncode is None, (self.folder / "stderr").read_text()
            await asyncio.sleep(0.02)
        self.url = found[1]

    async def strike(self, signal: int = SIGKILL) -> None:
        """Send the process a signal, and wait for its end."""
        if self.process and self.process.returncode is None:
            self.process.send_signal(signal)
            await self.process.wait()

    async def restart(self, signal: int = SIGTERM) -> None:
        """End the process by a signal, and start another in its place."""
        await self.strike(signal)
        await self.start()


@dataclass(frozen=True)
class Site:
    """A new installation beside a fresh org, and what a server of it is told."""

    folder: Path
    org: Ready
    installed: Installed
    settings: Mapping[str, str]

    def server(self, name: str = "server", **settings: str) -> Server:
        """Return a server that is not started yet."""
        return Server(self.folder / name, {**self.settings, **settings})

    def client(self, url: str) -> httpx2.AsyncClient:
        """Reach a server as its administrator."""
        token = self.installed.admin_token.reveal()
        bearer = {"authorization": f"Bearer {token}"}
        return httpx2.AsyncClient(base_url=url, headers=bearer, timeout=30)


@asynccontextmanager
async def site(folder: Path, **settings: str) -> AsyncIterator[Site]:
    """Set up an installation, in the folder or where the settings say, and an org."""
    told = QUICK | {"KEYTURN_DATA_DIR": str(folder / "data")} | settings
    values = {name.removeprefix("KEYTURN_").lower(): value for name, value in told.items()}
    installed = await initialise(Settings.model_validate(values))
    ports = SandboxConfig(http_port=0, https_port=0, control_port=0, profile="off")
    async with sandbox_serving(ports) as org:
        yield Site(folder, org, installed, told)
