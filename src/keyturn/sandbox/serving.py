"""The org on three loopback ports (http, https, control) inside the running event loop."""

import asyncio
import errno
import secrets
import socket
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from keyturn.sandbox.app import CONNECTION, build_app
from keyturn.sandbox.control import build_control
from keyturn.sandbox.fleet import FIRST, Fleet, build_fleet
from keyturn.sandbox.http import Json
from keyturn.sandbox.state.clock import REAL_TIME, Start, VirtualClock
from keyturn.sandbox.state.event_hooks import HookSender
from keyturn.sandbox.state.limits import Profile
from keyturn.sandbox.state.org import Org, Sleep
from keyturn.sandbox.state.settings import Settings
from keyturn.sandbox.state.snapshot import new_org, read_snapshot, write_snapshot
from keyturn.sandbox.tls import TlsFiles, write_tls_files

HOST = "127.0.0.1"
GRACE_S = 5
KEEP_ALIVE_S = 75
PORT_STEP, LAST_PORT = 10, 65535


@dataclass(frozen=True, slots=True)
class OrgConfig:
    """One org to make: its name in `{name}.localhost`, its seed, whose rate limits it keeps."""

    name: str
    seed: int = 0
    profile: Profile | None = None


@dataclass(frozen=True, slots=True)
class SandboxConfig:
    """Where and how to serve.

    Port 0 means any free one; `directory` receives the CA's certificate (default: a temporary
    one, removed at the end). `org` is made from the seed, `profile` and `propagation_s` unless it
    is given; its delays end early when serving ends. `orgs` are made instead of the one when
    there are any: the first answers on the ports named, further ones also on their own, each ten
    above those of the one before. `load` is a snapshot that takes the place of both, and `save`
    is where everything is written at the end. `clock` is where the clocks of orgs that are not
    given begin, at the start and at each reset.
    """

    http_port: int = 8710
    https_port: int = 8711
    control_port: int = 8712
    seed: int = 0
    profile: Profile = "workforce"
    propagation_s: float = 0.0
    directory: Path | None = None
    org: Org | None = None
    orgs: tuple[OrgConfig, ...] = ()
    load: Path | None = None
    save: Path | None = None
    clock: Start = REAL_TIME


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where one org answers."""

    http_url: str
    https_url: str

    def named(self, name: str) -> "Addresses":
        """Return the same ports by the name of an org."""
        return Addresses(_named(self.http_url, name), _named(self.https_url, name))


@dataclass(frozen=True, slots=True)
class Ready:
    """Where the orgs answer now, and what opens them; `org` is the first."""

    http_url: str
    https_url: str
    control_url: str
    ca_file: Path
    control_token: str = field(repr=False)
    org: Org = field(repr=False)
    fleet: Fleet = field(repr=False)
    own: Mapping[str, Addresses] = field(repr=False)

    def as_json(self) -> dict[str, Json]:
        """Return addresses and credentials, clear secrets included."""
        return {
            "http_url": self.http_url,
            "https_url": self.https_url,
            "control_url": self.control_url,
            "control_token": self.control_token,
            "ca_file": str(self.ca_file),
            **self.org.credentials(),
            "orgs": [self._render(name) for name in self.fleet],
        }

    def _render(self, name: str) -> dict[str, Json]:
        named = Addresses(self.http_url, self.https_url).named(name)
        return {
            "name": name,
            "http_url": self.own[name].http_url,
            "https_url": self.own[name].https_url,
            "named_http_url": named.http_url,
            "named_https_url": named.https_url,
            "control_url": f"{self.control_url}/orgs/{name}",
            **self.fleet[name].credentials(),
        }


@dataclass(frozen=True, slots=True)
class _Door:
    """One application on one port."""

    app: ASGIApp
    listener: socket.socket
    tls: TlsFiles | None = None

    @property
    def url(self) -> str:
        scheme = "http" if self.tls is None else "https"
        return f"{scheme}://{HOST}:{self.listener.getsockname()[1]}"


@asynccontextmanager
async def serving(config: SandboxConfig) -> AsyncIterator[Ready]:
    """Serve orgs until the block ends.

    Raises OSError when a port is taken or a file cannot be used, SnapshotError (a ValueError) for
    a snapshot that is none, ValueError for a name that no host can have.
    """
    closing = asyncio.Event()
    with ExitStack() as stack:
        fleet, token = _make_fleet(config), secrets.token_urlsafe(32)
        for org in fleet.values():
            org.sleep = _sleeper(closing)
        hosts = [f"{name}.localhost" for name in fleet]
        files = write_tls_files(stack.enter_context(_directory(config.directory)), hosts)
        doors = [stack.enter_context(_opened(door)) for door in _doors(config, fleet, token, files)]
        *own, control = doors
        pairs = [Addresses(a.url, b.url) for a, b in zip(own[::2], own[1::2], strict=True)]
        ready = Ready(
            pairs[0].http_url,
            pairs[0].https_url,
            control.url,
            files.authority,
            token,
            fleet.first,
            fleet,
            dict(zip(fleet, pairs, strict=True)),
        )
        _save(config, fleet)  # so that a file that cannot be written is known now
        async with HookSender() as sender, _running(doors, closing):
            for org in fleet.values():
                org.hook_sender = sender
            yield ready
        _save(config, fleet)


@asynccontextmanager
async def serving_app(app: ASGIApp) -> AsyncIterator[str]:
    """Serve any application on a free port, on the server that orgs have, and give its address."""
    with _opened(_Door(app, _listen(0, 0))) as door:
        async with _running([door], asyncio.Event()):
            yield door.url


def _save(config: SandboxConfig, fleet: Fleet) -> None:
    if config.save is not None:
        write_snapshot(config.save, fleet)


@asynccontextmanager
async def _running(doors: Sequence[_Door], closing: asyncio.Event) -> AsyncIterator[None]:
    servers = [_server(door.app, door.tls) for door in doors]
    tasks = [
        asyncio.create_task(server.serve(sockets=[door.listener]))
        for server, door in zip(servers, doors, strict=True)
    ]
    try:
        await _started(servers, tasks)
        yield
    finally:
        closing.set()
        for server in servers:
            server.should_exit = True
        await asyncio.gather(*tasks)


def _doors(config: SandboxConfig, fleet: Fleet, token: str, files: TlsFiles) -> Iterator[_Door]:
    """Yield two doors an org, plain and TLS, and the one to the control port last."""
    others = [org for org in fleet.values() if org is not fleet.first]
    apps = [build_fleet(fleet), *map(build_app, others)]
    for number, app in enumerate(apps):
        yield _Door(app, _listen(config.http_port, number))
        yield _Door(app, _listen(config.https_port, number), files)
    yield _Door(build_control(fleet, token), _listen(config.control_port, 0))


def _listen(port: int, number: int) -> socket.socket:
    port = port and port + PORT_STEP * number
    if port > LAST_PORT:
        raise OSError(errno.EADDRNOTAVAIL, f"there is no port {port}")
    return socket.create_server((HOST, port))


@contextmanager
def _opened(door: _Door) -> Iterator[_Door]:
    with door.listener:
        yield door


def _make_fleet(config: SandboxConfig) -> Fleet:
    if config.load is not None:
        states = read_snapshot(config.load)
        return Fleet({name: _load_org(config, state) for name, state in states.items()})
    if config.org is not None:
        return Fleet({FIRST: config.org})
    wanted = config.orgs or (OrgConfig(FIRST, config.seed),)
    return Fleet({org.name: _make_org(config, org) for org in wanted})


def _make_org(config: SandboxConfig, wanted: OrgConfig) -> Org:
    settings = Settings(wanted.profile or config.profile, config.propagation_s)
    return Org(wanted.seed, VirtualClock(start=config.clock), settings=settings)


def _load_org(config: SandboxConfig, state: Mapping[str, Json]) -> Org:
    """Return a saved org; its clock goes on where it was, unless a start was asked for."""
    org = new_org(state)
    if config.clock != REAL_TIME:
        org.clock = VirtualClock(start=config.clock)
    return org


def _sleeper(closing: asyncio.Event) -> Sleep:
    async def sleep(seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(closing.wait(), seconds)

    return sleep


def _named(url: str, name: str) -> str:
    return url.replace(HOST, f"{name}.localhost")


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
