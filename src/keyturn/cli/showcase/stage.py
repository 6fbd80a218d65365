"""The stage: an installation in memory beside an org in this process, by one clock.

Nothing is faked but time and the network between the two. Sets up and decides nothing of what
happens on it.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final

import httpx2

from keyturn.adapters.crypto import Argon2Passwords, Keyring
from keyturn.adapters.delivery import KindCarriers
from keyturn.adapters.oauth import HttpAuthorizationServers
from keyturn.adapters.okta import OktaHttpOrgs
from keyturn.adapters.resources import HttpResourceServers
from keyturn.adapters.system import SystemChance
from keyturn.domain.access import ADMIN, Caller, Holding
from keyturn.domain.identity import Identity
from keyturn.domain.turn import Policy
from keyturn.jose.signing import JoseSigner
from keyturn.sandbox import Org, build_app
from keyturn.services.identities import caller_of
from keyturn.services.installation import install
from keyturn.services.ports import Limits, World
from keyturn.services.records import must
from keyturn.settings import Settings
from keyturn.testing import AppTransport, ManualClock, MemoryStore

RECONCILE: Final = timedelta(days=1)
"""How often the org is compared with the record; every hour, as a server does it, takes longer."""


@dataclass
class Stage:
    """An org, an installation, and what people made on it: ids and callers by name."""

    org: Org
    org_url: str
    clock: ManualClock
    store: MemoryStore
    world: World
    transport: httpx2.AsyncBaseTransport
    admin: Caller
    connection_id: str = ""
    app_ids: dict[str, str] = field(default_factory=dict)
    rotation_ids: dict[str, str] = field(default_factory=dict)
    registration_ids: dict[str, str] = field(default_factory=dict)
    connection_ids: dict[str, str] = field(default_factory=dict)
    flow_ids: dict[str, str] = field(default_factory=dict)
    identity_ids: dict[str, str] = field(default_factory=dict)

    async def caller(self, name: str) -> Caller:
        """Return somebody by name, with what they hold now."""
        async with self.store.reading() as tx:
            identity = await must(tx.find(Identity, id=self.identity_ids[name]))
            return await caller_of(tx, identity)


@asynccontextmanager
async def set_up(
    org: Org, org_url: str, clock: ManualClock, key: bytes, settings: Settings
) -> AsyncIterator[Stage]:
    """Set up an installation under a root key, as these settings have it, and nothing else yet."""
    transport, chance, store = AppTransport(build_app(org)), SystemChance(), MemoryStore()
    async with AsyncExitStack() as stack:
        okta = OktaHttpOrgs(clock, chance, transport=lambda: transport, private_allowed=True)
        stack.push_async_callback(okta.aclose)
        servers = HttpAuthorizationServers(clock, chance, lambda _: transport, private_allowed=True)
        stack.push_async_callback(servers.aclose)
        resources = HttpResourceServers(clock, lambda _: transport, private_allowed=True)
        stack.push_async_callback(resources.aclose)
        carriers = KindCarriers(lambda _: transport, folder=settings.delivery_dir)
        stack.push_async_callback(carriers.aclose)
        world = World(
            store,
            clock,
            chance,
            Keyring(key, chance.random_bytes),
            okta,
            _limits(settings),
            passwords=Argon2Passwords(chance.random_bytes),
            carriers=carriers,
            servers=servers,
            resources=resources,
            signer=JoseSigner(),
        )
        await install(world)
        admin = await _administrator(world)
        yield Stage(org, org_url, clock, store, world, transport, admin)


def _limits(settings: Settings) -> Limits:
    return Limits(
        Policy(settings.overlap_s, settings.soak_s, settings.patience_s),
        overlap_floor_s=settings.overlap_floor_s,
        token_ttl_s=settings.token_ttl_s,
        reconcile=RECONCILE,
        private_addresses_allowed=True,
        public_url=settings.public_url,
    )


async def _administrator(world: World) -> Caller:
    async with world.store.reading() as tx:
        identity = await must(tx.find(Identity, name="administrator"))
    return Caller(identity.id, identity.name, identity.organization_id, (Holding(ADMIN),))
