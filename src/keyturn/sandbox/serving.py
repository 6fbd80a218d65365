"""The org on three loopback ports (http, https, control) inside the running event loop."""

import asyncio
import secrets
import socket
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from keyturn.sandbox.app import CONNECTION, build_app
from keyturn.sandbox.control import build_control
from keyturn.sandbox.directory import Settings
from keyturn.sandbox.http import Json
from keyturn.sandbox.limits import Profile
from keyturn.sandbox.org import Org
from keyturn.sandbox.tls import TlsFiles, write_tls_files

HOST = "127.0.0.1"
GRACE_S = 5
KEEP_ALIVE_S = 75


@dataclass(frozen=True, slots=True)
class SandboxConfig:
    """Where and how to serve.

    Port 0 means any free one; `directory` receives the CA's certificate (default: a temporary
    one, removed at the end). `org` is made from the seed, `profile` and `propagation_s` unless it
    is given; its delays end early when serving ends.
    """

    http_port: int = 8710
    https_port: int = 8711
    control_port: int = 8712
    seed: int = 0
    profile: Profile = "workforce"
    propagation_s: float = 0.0
    directory: Path | None = None
    org: Org | None = None


@dataclass(frozen=True, slots=True)
class Ready:
    """Where the org answers now, and what opens it."""

    http_url: str
    https_url: str
    control_url: str
    ca_file: Path
    control_token: str = field(repr=False)
    org: Org = field(repr=False)

    def as_json(self) -> dict[str, Json]:
        """Return addresses and credentials, clear secrets included."""
        return {
            "http_url": self.http_url,
            "https_url": self.https_url,
            "control_url": self.control_url,
            "control_token": self.control_token,
            "ca_file": str(self.ca_file),
            **self.org.credentials(),
        }


@asynccontextmanager
async def serving(config: SandboxConfig) -> AsyncIterator[Ready]:
    """Serve an org until the block ends; OSError when a port is taken."""
    closing = asyncio.Event()
    with ExitStack() as stack:
        files = write_tls_files(stack.enter_context(_directory(config.directory)))
        listeners = [
            stack.enter_context(socket.create_server((HOST, port)))
            for port in (config.http_port, config.https_port, config.control_port)
        ]
        org, token = _make_org(config, closing), secrets.token_urlsafe(32)
        app, control = build_app(org), build_control(org, token)
        servers = [_server(app), _server(app, files), _server(control)]
        http, https, control_port = (listener.getsockname()[1] for listener in listeners)
        ready = Ready(
            f"http://{HOST}:{http}",
            f"https://{HOST}:{https}",
            f"http://{HOST}:{control_port}",
            files.authority,
            token,
            org,
        )
        tasks = [
            asyncio.create_task(server.serve(sockets=[listener]))
            for server, listener in zip(servers, listeners, strict=True)
        ]
        try:
            await _started(servers, tasks)
            yield ready
        finally:
            closing.set()
            for server in servers:
                server.should_exit = True
            await asyncio.gather(*tasks)


def _make_org(config: SandboxConfig, closing: asyncio.Event) -> Org:
    async def sleep(seconds: float) -> None:
        try:
            await asyncio.wait_for(closing.wait(), seconds)
        except TimeoutError:
            return

    org = config.org
    if org is None:
        settings = Settings(config.profile, config.propagation_s)
        org = Org(config.seed, settings=settings)
    org.sleep = sleep
    return org


async def _started(servers: list["_Server"], tasks: list[asyncio.Task[None]]) -> None:
    while not all(server.started for server in servers):
        for task in tasks:
            if task.done():
                task.result()
        await asyncio.sleep(0.005)


@contextmanager
def _directory(given: Path | None) -> Iterator[Path]:
    if given is not None:
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="keyturn-sandbox-") as path:
        yield Path(path)


class _Server(uvicorn.Server):
    """A server that leaves the signals of its process alone."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _Protocol(HttpToolsProtocol):
    """Writes no access log, and hands the application its connection so that it can cut it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.access_log = False

    def on_message_begin(self) -> None:
        super().on_message_begin()
        extensions: dict[str, dict[object, object]] = {CONNECTION: {"transport": self.transport}}
        self.scope["extensions"] = extensions


def _server(app: ASGIApp, files: TlsFiles | None = None) -> _Server:
    config = uvicorn.Config(
        cast(Callable[..., object], app),
        http=_Protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
        ssl_certfile=str(files.certificate) if files else None,
        ssl_keyfile=str(files.key) if files else None,
    )
    return _Server(config)
