"""Set up an installation, and open it."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

import httpx2
import structlog
from pydantic import SecretStr

from keyturn.adapters.crypto import Argon2Passwords, Keyring
from keyturn.adapters.delivery import CALL_LIMIT_S, ChannelNotifier, KindCarriers
from keyturn.adapters.oauth import CALL_LIMIT_S as OAUTH_CALL_LIMIT_S
from keyturn.adapters.oauth import HttpAuthorizationServers
from keyturn.adapters.oidc import GitHubScanner, HttpIssuers
from keyturn.adapters.okta import Governor, OktaHttpOrgs
from keyturn.adapters.resources import HttpResourceServers
from keyturn.adapters.storage import PostgresStore, SqliteStore, moved_file
from keyturn.adapters.system import SystemChance, SystemClock
from keyturn.adapters.system.archive import FileArchive
from keyturn.adapters.system.tracing import tracer_of_process
from keyturn.adapters.system.witness import FileWitness
from keyturn.bootstrap.rereading import Rereading
from keyturn.bootstrap.root_keys import RootKeys
from keyturn.domain.errors import Refused
from keyturn.domain.inventory import group_list
from keyturn.domain.project import Organization
from keyturn.domain.sensitive import Sensitive
from keyturn.domain.turn import Policy
from keyturn.jose.signing import JoseSigner
from keyturn.network.guard import GuardedBackend, GuardedTransport, trusting
from keyturn.services.budgets import SharedPool
from keyturn.services.installation import Installed, install, verify_installation
from keyturn.services.ports import (
    Chance,
    Clock,
    Limits,
    NoScanners,
    Store,
    Vitals,
    World,
)
from keyturn.services.ports.sandbox import SandboxControls
from keyturn.settings import Settings

_log = structlog.get_logger("keyturn.keys")


def _as_it_is(store: Store) -> Store:
    return store


@dataclass(frozen=True)
class Outside:
    """What may be replaced around the house: time, chance, the way to Okta, and the store's rim.

    ``sandbox`` is the org in a box that people may break from the pages, where there is one.
    """

    clock: Clock = field(default_factory=SystemClock)
    chance: Chance = field(default_factory=SystemChance)
    okta_transport: Callable[[], httpx2.AsyncBaseTransport] | None = None
    wrap_store: Callable[[Store], Store] = _as_it_is
    sandbox: SandboxControls | None = None


@asynccontextmanager
async def opened(settings: Settings, outside: Outside | None = None) -> AsyncIterator[World]:
    """Open the installation, in the database or else in the data directory.

    Raises Refused where none has been set up, where the root key is not its own, and where another
    process has the data directory open.
    """
    require_data(settings)
    async with _world(settings, outside or Outside()) as world:
        await verify_installation(world)
        yield world


def require_data(settings: Settings) -> None:
    """Raise Refused where no installation has been set up."""
    refuse_moved(settings)
    if not (settings.database_url or settings.database_file.exists()):
        raise Refused(
            f"There is no installation in {settings.data_dir}: run `keyturn init` first, or set "
            "KEYTURN_DATA_DIR to where it is."
        )


def refuse_moved(settings: Settings) -> None:
    """Raise Refused where the installation went to PostgreSQL: a second one would undo its turns.

    Both would take each other's secrets for foreign ones.
    """
    aside = moved_file(settings.database_file)
    if aside.exists() and not (settings.database_url or settings.database_file.exists()):
        raise Refused(
            f"There is no installation in {settings.data_dir} any more: it was moved to PostgreSQL "
            f"({aside.name}). Set KEYTURN_DATABASE_URL to where it is now."
        )


async def initialise(settings: Settings, outside: Outside | None = None) -> Installed:
    """Set up a new installation: data directory, root key, organization, project, identities.

    Raises Refused where there is one already; nothing is changed then.
    """
    refuse_moved(settings)
    if settings.database_url or settings.database_file.exists():
        await _refuse_installed(settings)
    outside = outside or Outside()
    await root_keys(settings, outside).make()
    async with _world(settings, outside) as world:
        return await install(world)


async def _refuse_installed(settings: Settings) -> None:
    """Refuse to set up twice; a set-up that was interrupted may be made again."""
    store = await open_store(settings)
    try:
        async with store.reading() as tx:
            if await tx.list(Organization):
                where = "The database" if settings.database_url else settings.data_dir
                raise Refused(f"{where} is set up already; nothing was changed.")
    finally:
        await store.aclose()


async def open_store(settings: Settings) -> PostgresStore | SqliteStore:
    """Open the store of the settings, made or brought up to date where it must be."""
    if settings.database_url:
        return await PostgresStore.open(url_of(settings.database_url))
    return await SqliteStore.open(settings.database_file)


async def visit_store(settings: Settings) -> PostgresStore | SqliteStore:
    """Open the store as it is, beside the process that serves it."""
    if settings.database_url:
        return await PostgresStore.visit(url_of(settings.database_url))
    return await SqliteStore.visit(settings.database_file)


def root_keys(settings: Settings, outside: Outside) -> RootKeys:
    """Return the places of the root key."""
    return RootKeys(settings, outside.clock, outside.chance)


def witness(settings: Settings) -> FileWitness:
    """Return where the head of the audit log is noted."""
    return FileWitness(settings.data_dir / "audit.head")


def url_of(setting: SecretStr) -> Sensitive:
    """Return a database's address, password and all."""
    return Sensitive(setting.get_secret_value())


@asynccontextmanager
async def _world(settings: Settings, outside: Outside) -> AsyncIterator[World]:
    keys = root_keys(settings, outside)
    await keys.require()  # without one, no database is made
    async with AsyncExitStack() as stack:
        store = await open_store(settings)
        stack.push_async_callback(store.aclose)
        vault = await _vault(keys, store, outside)
        limits, vitals = _limits(settings), Vitals(tracer_of_process())
        pool = SharedPool(store, limits.shares) if settings.database_url else None
        okta = OktaHttpOrgs(
            outside.clock,
            outside.chance,
            transport=outside.okta_transport,
            ca_file=settings.ca_file,
            private_allowed=settings.allow_private_addresses,
            call_limit_s=settings.okta_call_limit_s,
            governor=Governor(outside.clock, limits.shares, pool),
            vitals=vitals,
        )
        stack.push_async_callback(okta.aclose)
        issuers = _issuers(settings, outside)
        stack.push_async_callback(issuers.aclose)
        scanner = _scanner(settings, outside)
        stack.push_async_callback(scanner.aclose)
        carriers = _carriers(settings)
        stack.push_async_callback(carriers.aclose)
        servers = _servers(settings, outside)
        stack.push_async_callback(servers.aclose)
        resources = _resources(settings, outside)
        stack.push_async_callback(resources.aclose)
        notifier = _notifier(settings)
        stack.push_async_callback(notifier.aclose)
        yield World(
            store=outside.wrap_store(store),
            clock=outside.clock,
            chance=outside.chance,
            vault=vault,
            okta=okta,
            limits=limits,
            witness=witness(settings),
            archive=FileArchive(settings.data_dir / "audit"),
            issuers=issuers,
            scanners=scanner if settings.github_keys_url else NoScanners(),
            passwords=Argon2Passwords(outside.chance.random_bytes),
            carriers=carriers,
            servers=servers,
            notifier=notifier,
            resources=resources,
            signer=JoseSigner(),
            settings=settings.described,
            vitals=vitals,
        )


async def _vault(keys: RootKeys, store: Store, outside: Outside) -> Keyring:
    """Return the keyring of the root key in force; it follows a rotation by another process."""
    found = await keys.in_force(store)
    place = keys.place(found)
    if place.advice:
        _log.warning("root key", place=str(place), advice=place.advice)
    again = Rereading(keys.look, outside.clock)
    return Keyring(found.key, outside.chance.random_bytes, again)


def _issuers(settings: Settings, outside: Outside) -> HttpIssuers:
    allowed = settings.allow_private_addresses
    return HttpIssuers(outside.clock, _to_keys(settings, outside), private_allowed=allowed)


def _scanner(settings: Settings, outside: Outside) -> GitHubScanner:
    allowed, way = settings.allow_private_addresses, _to_keys(settings, outside)
    return GitHubScanner(settings.github_keys_url, outside.clock, way, private_allowed=allowed)


def _to_keys(settings: Settings, outside: Outside) -> Callable[[], httpx2.AsyncBaseTransport]:
    """Return what makes the way to the keys that others publish."""

    def guarded() -> httpx2.AsyncBaseTransport:
        backend = GuardedBackend(private_allowed=settings.allow_private_addresses)
        return GuardedTransport(backend, ca_file=settings.ca_file)

    return outside.okta_transport or guarded


def _carriers(settings: Settings) -> KindCarriers:
    private_allowed = settings.allow_private_addresses

    def guarded(ca_pem: str) -> httpx2.AsyncBaseTransport:
        backend = GuardedBackend(private_allowed=private_allowed)
        return GuardedTransport(backend, ca_file=settings.ca_file, ca_pem=ca_pem)

    return KindCarriers(
        guarded,
        folder=settings.delivery_dir,
        private_allowed=private_allowed,
        call_limit_s=min(CALL_LIMIT_S, settings.lease_s / 3),
    )


def _servers(settings: Settings, outside: Outside) -> HttpAuthorizationServers:
    private_allowed = settings.allow_private_addresses

    def guarded(certificate: Sensitive | None) -> httpx2.AsyncBaseTransport:
        backend = GuardedBackend(private_allowed=private_allowed)
        return GuardedTransport(backend, ca_file=settings.ca_file, certificate=certificate)

    return HttpAuthorizationServers(
        outside.clock,
        outside.chance,
        guarded,
        private_allowed=private_allowed,
        call_limit_s=min(OAUTH_CALL_LIMIT_S, settings.lease_s / 3),
    )


def _resources(settings: Settings, outside: Outside) -> HttpResourceServers:
    private_allowed = settings.allow_private_addresses

    def guarded(certificate: Sensitive | None) -> httpx2.AsyncBaseTransport:
        backend = GuardedBackend(private_allowed=private_allowed)
        return GuardedTransport(backend, ca_file=settings.ca_file, certificate=certificate)

    return HttpResourceServers(outside.clock, guarded, private_allowed=private_allowed)


def _notifier(settings: Settings) -> ChannelNotifier:
    private_allowed = settings.allow_private_addresses
    backend = GuardedBackend(private_allowed=private_allowed)
    return ChannelNotifier(
        GuardedTransport(backend, ca_file=settings.ca_file),
        backend,
        partial(trusting, settings.ca_file),
        private_allowed=private_allowed,
        call_limit_s=min(CALL_LIMIT_S, settings.lease_s / 3),
    )


def _limits(settings: Settings) -> Limits:
    return Limits(
        policy=Policy(settings.overlap_s, settings.soak_s, settings.patience_s),
        overlap_floor_s=settings.overlap_floor_s,
        lease=timedelta(seconds=settings.lease_s),
        token_ttl_s=settings.token_ttl_s,
        reconcile=timedelta(seconds=settings.reconcile_s),
        run_history=timedelta(days=settings.run_history_days),
        keep_turns=timedelta(days=settings.keep_turns_days),
        keep_receipts=timedelta(days=settings.keep_receipts_days),
        keep_audit=timedelta(days=settings.keep_audit_days),
        flow_answer_s=settings.flow_answer_s,
        flow_per_s=settings.flow_per_s,
        flow_table_rows=settings.flow_table_rows,
        flow_runs_at_once=settings.flow_runs_at_once,
        flow_cpu_s=settings.flow_cpu_s,
        flow_steps=settings.flow_steps,
        flow_memory_mb=settings.flow_memory_mb,
        flow_card_s=settings.flow_card_s,
        flow_wait_days=settings.flow_wait_days,
        flow_helpers=settings.flow_helpers,
        flow_depth=settings.flow_depth,
        flows_active=settings.flows_active,
        private_addresses_allowed=settings.allow_private_addresses,
        public_url=settings.public_url,
        okta_log_in=settings.okta_log_in,
        owner_pattern=settings.owner_pattern,
        inventory_groups=group_list(settings.inventory_groups),
        leak_closes=settings.leak_closes,
    )
