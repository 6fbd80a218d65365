"""Put the house together: the one place that knows every room.

Tests call the same functions and put simulators in where the world would be.
"""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path

import httpx2
import uvicorn
from pydantic import SecretStr

from keyturn import __version__
from keyturn.adapters.crypto import (
    SALT_BYTES,
    Argon2Passwords,
    BackupFile,
    Keyring,
    Opener,
    find_prepared,
    install_root_key,
    new_backup,
    prepare_root_key,
    read_backup,
    read_root_key,
    write_root_key,
)
from keyturn.adapters.oidc import HttpIssuers
from keyturn.adapters.okta import Governor, GuardedBackend, GuardedTransport, OktaHttpOrgs
from keyturn.adapters.runner import EmbeddedRunner, Runner
from keyturn.adapters.storage import (
    Dump,
    PostgresStore,
    SqliteStore,
    count_records,
    loading,
    move,
    newest_revision,
    refuse_filled,
    snapshot,
)
from keyturn.adapters.system import SystemChance, SystemClock
from keyturn.adapters.system.witness import FileWitness
from keyturn.api.app import build_api
from keyturn.domain.errors import Refused
from keyturn.domain.project import Organization
from keyturn.domain.sensitive import Sensitive
from keyturn.domain.turn import Policy
from keyturn.services.backups import (
    backed_up,
    parse_rows,
    render_key,
    render_rows,
    restored,
    verify_pieces,
)
from keyturn.services.budgets import SharedPool
from keyturn.services.installation import Installed, install, verify_installation
from keyturn.services.ports import Chance, Clock, Limits, Store, World
from keyturn.services.root_key import count_data_keys, fits, opens, rewrap_data_keys
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
    _require_data(settings)
    async with _world(settings, outside or Outside()) as world:
        await verify_installation(world)
        yield world


def _require_data(settings: Settings) -> None:
    if not (settings.database_url or settings.database_file.exists()):
        raise Refused(
            f"There is no installation in {settings.data_dir}: run `keyturn init` first, or set "
            "KEYTURN_DATA_DIR to where it is."
        )


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


@dataclass(frozen=True)
class RootKeyRotated:
    """How many data keys were rewrapped, and where the old root key is kept."""

    data_keys: int
    kept: Path | None = None


async def rotate_root_key(
    settings: Settings, outside: Outside | None = None, *, plan: bool, forget_old: bool = False
) -> RootKeyRotated:
    """Make a new root key and rewrap every data key by it, or count them only.

    Whenever this dies, the installation opens: with the old key before the transaction, and after
    it with the new one, which the next opening puts in force. Raises Refused as `opened` does, and
    RootKeyUnusable where the key's folder cannot be written, before anything is changed.
    """
    outside = outside or Outside()
    async with opened(settings, outside) as world:
        if plan:
            return RootKeyRotated(await count_data_keys(world))
        chance, file = outside.chance, settings.key_file
        new = prepare_root_key(file, chance.random_bytes(32))
        old = Keyring(read_root_key(file), chance.random_bytes)
        count = await rewrap_data_keys(world, partial(old.rewrapped, under=new))
        kept = install_root_key(file, outside.clock.now())
    if kept and forget_old:
        kept.unlink()
        kept = None
    return RootKeyRotated(count, kept)


async def back_up(
    settings: Settings,
    path: Path,
    opener: Opener | None,
    outside: Outside | None = None,
) -> Mapping[str, int]:
    """Write everything as of one moment, the root key included, to a new sealed file.

    The server may be running. The audit entry comes first, so the backup holds it. Returns how
    many records of each kind there are; without an opener that is all. Raises Refused where there
    is no installation or the root key is not its own, and BackupUnusable where the file exists.
    """
    outside = outside or Outside()
    _require_data(settings)
    store = await _visit_store(settings)
    try:
        key = await _root_key(settings, store, outside)
        if opener:
            await store.append_audit(backed_up(outside.clock.now(), path.name))
        async with snapshot(store) as dump:
            if not opens(Keyring(key, outside.chance.random_bytes), await _organizations(dump)):
                raise Refused("The root key does not open these data: a backup would be worthless.")
            if opener:
                await _write_backup(dump, path, opener, key=key, outside=outside)
            return dump.counts
    finally:
        await store.aclose()


async def _organizations(dump: Dump) -> Sequence[Organization]:
    found = await dump.reading.list(Organization)
    if not found:
        raise Refused("There is nothing to back up: run `keyturn init` first.")
    return found


async def _write_backup(
    dump: Dump, path: Path, opener: Opener, *, key: bytes, outside: Outside
) -> None:
    header = {
        "keyturn": __version__,
        "created": outside.clock.now().isoformat(),
        "schema": dump.schema,
        "records": dump.counts,
    }
    with new_backup(path, header, opener, salt=outside.chance.random_bytes(SALT_BYTES)) as add:
        add(render_key(key))
        async for table, rows in dump.batches():
            add(render_rows(table, rows))


async def restore(
    settings: Settings,
    path: Path,
    opener: Opener,
    outside: Outside | None = None,
    *,
    plan: bool = False,
) -> Mapping[str, int]:
    """Put everything of a backup into an empty installation, the root key included.

    The whole file is opened before anything is written, and everything comes in one transaction.
    Returns how many records of each kind there are; with ``plan`` nothing is written. Raises
    BackupUnusable, and Refused where there are records, or another root key, already.
    """
    outside = outside or Outside()
    file = read_backup(path)
    _require_same_schema(file)
    counts = file.counts
    key = verify_pieces(file.pieces(opener), counts)
    await _refuse_filled(settings)
    if settings.key_file.exists() and read_root_key(settings.key_file) != key:
        raise Refused(f"{settings.key_file} holds another root key: name a new data directory.")
    if not plan:
        await _restore(settings, file, opener, key=key, outside=outside)
    return counts


async def _restore(
    settings: Settings, file: BackupFile, opener: Opener, *, key: bytes, outside: Outside
) -> None:
    """Write root key, records and the audit log's head; until the commit it can be done again."""
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not settings.key_file.exists():
        write_root_key(settings.key_file, key)
    store = await _open_store(settings)
    attempt = restored(outside.clock.now(), file.path.name, str(file.header["created"]))
    try:
        async with loading(store, parse_rows(file.pieces(opener)), attempt) as entry:
            await _witness(settings).write(entry.head)
    finally:
        await store.aclose()


def _require_same_schema(file: BackupFile) -> None:
    if file.header["schema"] != newest_revision():
        raise Refused(
            f"Keyturn {file.header['keyturn']} made the backup: restore it with that version."
        )


async def _refuse_filled(settings: Settings) -> None:
    """Refuse to restore over records; nothing is made where there is nothing."""
    if settings.database_url:
        await refuse_filled(PostgresStore(_url(settings.database_url)))
    elif settings.database_file.exists():
        await refuse_filled(SqliteStore(settings.database_file))


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


async def _visit_store(settings: Settings) -> PostgresStore | SqliteStore:
    if settings.database_url:
        return await PostgresStore.visit(_url(settings.database_url))
    return await SqliteStore.visit(settings.database_file)


async def _root_key(settings: Settings, store: Store, outside: Outside) -> bytes:
    """Return the root key, once a rotation of it that died after its commit is finished."""
    key = read_root_key(settings.key_file)
    if await fits(store, Keyring(key, outside.chance.random_bytes)):
        return key
    prepared = find_prepared(settings.key_file)
    if prepared and await fits(store, Keyring(prepared, outside.chance.random_bytes)):
        install_root_key(settings.key_file, outside.clock.now())
        return prepared
    return read_root_key(settings.key_file)  # another process may have put the new one in force


def _witness(settings: Settings) -> FileWitness:
    return FileWitness(settings.data_dir / "audit.head")


def _url(setting: SecretStr) -> Sensitive:
    return Sensitive(setting.get_secret_value())


@asynccontextmanager
async def _world(settings: Settings, outside: Outside) -> AsyncIterator[World]:
    read_root_key(settings.key_file)  # without one, no database is made
    async with AsyncExitStack() as stack:
        store = await _open_store(settings)
        stack.push_async_callback(store.aclose)
        key = await _root_key(settings, store, outside)
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
        issuers = _issuers(settings, outside)
        stack.push_async_callback(issuers.aclose)
        yield World(
            store=outside.wrap_store(store),
            clock=outside.clock,
            chance=outside.chance,
            vault=Keyring(key, outside.chance.random_bytes),
            okta=okta,
            limits=limits,
            witness=_witness(settings),
            issuers=issuers,
            passwords=Argon2Passwords(outside.chance.random_bytes),
        )


def _issuers(settings: Settings, outside: Outside) -> HttpIssuers:
    private_allowed = settings.allow_private_addresses

    def guarded() -> httpx2.AsyncBaseTransport:
        backend = GuardedBackend(private_allowed=private_allowed)
        return GuardedTransport(backend, ca_file=settings.ca_file)

    transport = outside.okta_transport or guarded
    return HttpIssuers(outside.clock, transport, private_allowed=private_allowed)


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
        proxy_headers=False,  # who speaks for whom would be anybody's word
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
