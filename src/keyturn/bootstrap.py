"""Put the house together: the one place that knows every room.

Tests call the same functions and put simulators in where the world would be.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import httpx2
import uvicorn
from pydantic import SecretStr

from keyturn import __version__
from keyturn.adapters.crypto import Keyring, read_root_key, write_root_key
from keyturn.adapters.okta import Governor, OktaHttpOrgs
from keyturn.adapters.runner import EmbeddedRunner, Runner
from keyturn.adapters.storage import PostgresStore, SqliteStore, count_records, move
from keyturn.adapters.system import SystemChance, SystemClock
from keyturn.api.app import build_api
from keyturn.domain.errors import Refused
from keyturn.domain.project import Organization
from keyturn.domain.sensitive import Sensitive
from keyturn.domain.turn import Policy
from keyturn.services.budgets import SharedPool
from keyturn.services.installation import Installed, install, verify_installation
from keyturn.services.ports import Chance, Clock, Limits, Store, World
from keyturn.settings import Settings


def _as_it_is(store: Store) -> Store:
    return store


@dataclass(frozen=True)
class Outside:
    """What may be replaced around the house: time, chance, the way to Okta, and the store's rim."""

    clock: Clock = field(default_factory=SystemClock)
    chance: Chance = field(default_factory=SystemChance)
    okta_transport: Callable[[], httpx2.AsyncBaseTransport] | None = None
    wrap_store: Callable[[Store], Store] = _as_it_is


@asynccontextmanager
async def opened(settings: Settings, outside: Outside | None = None) -> AsyncIterator[World]:
    """Open the installation, in the database or else in the data directory.

    Raises Refused where none has been set up, where the root key is not its own, and where another
    process has the data directory open.
    """
    if not (settings.database_url or settings.database_file.exists()):
        raise Refused(
            f"There is no installation in {settings.data_dir}: run `keyturn init` first, or set "
            "KEYTURN_DATA_DIR to where it is."
        )
    async with _world(settings, outside or Outside()) as world:
        await verify_installation(world)
        yield world


async def initialise(settings: Settings, outside: Outside | None = None) -> Installed:
    """Set up a new installation: data directory, root key, organization, project, identities.

    Raises Refused where there is one already; nothing is changed then.
    """
    if settings.database_url or settings.database_file.exists():
        await _refuse_installed(settings)
    outside = outside or Outside()
    if not settings.key_file.exists():
        write_root_key(settings.key_file, outside.chance.random_bytes(32))
    async with _world(settings, outside) as world:
        return await install(world)


async def _refuse_installed(settings: Settings) -> None:
    """Refuse to set up twice; a set-up that was interrupted may be made again."""
    store = await _open_store(settings)
    try:
        async with store.reading() as tx:
            if await tx.list(Organization):
                where = "The database" if settings.database_url else settings.data_dir
                raise Refused(f"{where} is set up already; nothing was changed.")
    finally:
        await store.aclose()


@asynccontextmanager
async def serving(settings: Settings, outside: Outside | None = None) -> AsyncIterator[str]:
    """Serve the API and run turns in this event loop; yield the server's address."""
    async with AsyncExitStack() as stack:
        world = await stack.enter_async_context(opened(settings, outside))
        listener = socket.create_server((settings.host, settings.port))
        stack.callback(listener.close)
        await stack.enter_async_context(_runner(world, settings))
        await stack.enter_async_context(_listening(world, listener))
        host, port = listener.getsockname()[:2]
        yield f"http://{host}:{port}"


@asynccontextmanager
async def working(settings: Settings, outside: Outside | None = None) -> AsyncIterator[Runner]:
    """Run turns in this event loop, beside whatever other processes are on the database.

    Raises Refused as `opened` does, and on SQLite, which is one process's own.
    """
    if settings.database_url is None:
        raise Refused(
            "A SQLite file has one process: `keyturn serve`, which runs turns itself. For more, "
            "set KEYTURN_DATABASE_URL; `keyturn migrate` moves an installation there."
        )
    async with opened(settings, outside) as world, _runner(world, settings) as runner:
        yield runner


async def migrate(settings: Settings, target: Sensitive, *, plan: bool) -> Mapping[str, int]:
    """Move the installation in the data directory to an empty PostgreSQL database, or count only.

    Returns how many records of each kind there are. Raises Refused where there is no installation,
    where another process has it open, where the target is not empty or cannot be reached.
    """
    if not settings.database_file.exists():
        raise Refused(
            f"There is no installation in {settings.data_dir}: set KEYTURN_DATA_DIR to where it is."
        )
    work = count_records if plan else move
    return await work(settings.database_file, target)


def _runner(world: World, settings: Settings) -> Runner:
    tick_s, concurrency = settings.tick_s, settings.concurrency
    if settings.database_url is None or settings.engine_in_force == "embedded":
        return EmbeddedRunner(world, tick_s=tick_s, concurrency=concurrency)
    from keyturn.adapters.runner.queued import QueuedRunner  # noqa: PLC0415  an extra

    url = _url(settings.database_url)
    return QueuedRunner(world, url, tick_s=tick_s, concurrency=concurrency)


async def _open_store(settings: Settings) -> PostgresStore | SqliteStore:
    if settings.database_url:
        return await PostgresStore.open(_url(settings.database_url))
    return await SqliteStore.open(settings.database_file)


def _url(setting: SecretStr) -> Sensitive:
    return Sensitive(setting.get_secret_value())


@asynccontextmanager
async def _world(settings: Settings, outside: Outside) -> AsyncIterator[World]:
    keyring = Keyring(read_root_key(settings.key_file), outside.chance.random_bytes)
    async with AsyncExitStack() as stack:
        store = await _open_store(settings)
        stack.push_async_callback(store.aclose)
        limits = _limits(settings)
        pool = SharedPool(store, limits.shares) if settings.database_url else None
        okta = OktaHttpOrgs(
            outside.clock,
            outside.chance,
            transport=outside.okta_transport,
            ca_file=settings.ca_file,
            private_allowed=settings.allow_private_addresses,
            call_limit_s=settings.okta_call_limit_s,
            governor=Governor(outside.clock, limits.shares, pool),
        )
        stack.push_async_callback(okta.aclose)
        yield World(
            store=outside.wrap_store(store),
            clock=outside.clock,
            chance=outside.chance,
            vault=keyring,
            okta=okta,
            limits=limits,
        )


def _limits(settings: Settings) -> Limits:
    return Limits(
        policy=Policy(settings.overlap_s, settings.soak_s, settings.patience_s),
        overlap_floor_s=settings.overlap_floor_s,
        lease=timedelta(seconds=settings.lease_s),
        token_ttl_s=settings.token_ttl_s,
        reconcile=timedelta(seconds=settings.reconcile_s),
        private_addresses_allowed=settings.allow_private_addresses,
    )


class _QuietServer(uvicorn.Server):
    """A server inside a larger program: signals are that program's business."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield


@asynccontextmanager
async def _listening(world: World, listener: socket.socket) -> AsyncIterator[None]:
    config = uvicorn.Config(
        build_api(world, version=__version__),
        log_config=None,
        access_log=False,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=10,
    )
    server = _QuietServer(config)
    serving_task = asyncio.create_task(server.serve([listener]), name="api")
    try:
        while not (server.started or serving_task.done()):  # noqa: ASYNC110  uvicorn has no event
            await asyncio.sleep(0.01)
        yield
    finally:
        server.should_exit = True
        await serving_task
