"""The product as an OAuth client of a running server: by the machine's clock, kept in memory."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from ssl import SSLContext

import httpx2
from authorization_kit import CALLBACK, Client
from browser_kit import Browser, query
from refresh_kit import administrator
from rig import PLACE

from keyturn.adapters.crypto import Keyring
from keyturn.adapters.oauth import HttpAuthorizationServers
from keyturn.adapters.okta import OktaHttpOrgs
from keyturn.adapters.system import SystemChance, SystemClock
from keyturn.domain.access import Caller
from keyturn.domain.oauth.connection import Connection, GrantType
from keyturn.domain.oauth.lifetimes import COOL_DOWN
from keyturn.domain.oauth.registration import ClientRegistration
from keyturn.domain.sensitive import Sensitive
from keyturn.domain.turn import Policy
from keyturn.services.authorizing import begin_authorization, complete_authorization
from keyturn.services.grants import ConnectionDraft
from keyturn.services.installation import install
from keyturn.services.oauth_connections import (
    Pass,
    Wanted,
    authorize_request,
    create_connection,
)
from keyturn.services.ports import Limits, World
from keyturn.services.records import must
from keyturn.services.registrations import Credential, RegistrationDraft, create_registration
from keyturn.testing import MemoryStore

OFFLINE = ("openid", "offline_access", "read")
"""What oidc-provider wants to be asked for a refresh token; the toolkit knows `read` alone."""
CONSENT = {"on": "authorize", "in": "query", "name": "prompt", "value": "consent"}


@dataclass
class House:
    """An installation, and a client of its own at a server."""

    world: World
    admin: Caller
    client: Client

    async def register(self, **provider: object) -> ClientRegistration:
        """Register the client, as its server says that it wants to be spoken to."""
        secret = Sensitive(self.client.secret) if self.client.secret else None
        draft = RegistrationDraft(
            f"peer-{self.world.chance.uuid()[:8]}",
            PLACE,
            Credential(self.client.client_id, secret),
            issuer=str(self.client.server.metadata["issuer"]),
            provider={"auth": self.client.method, "extras": [CONSENT], **provider},
        )
        return (await create_registration(self.world, self.admin, draft)).registration

    async def connect(
        self, registration: ClientRegistration, grant_type: GrantType, *scopes: str
    ) -> Connection:
        """Create a connection; nobody has authorized it where somebody must."""
        name = f"c-{self.world.chance.uuid()[:8]}"
        draft = ConnectionDraft(name, registration.id, grant_type, scopes=scopes)
        return (await create_connection(self.world, self.admin, draft)).connection

    async def authorize(self, registration: ClientRegistration) -> Connection:
        """Have the person agree in a browser, and keep what comes of it."""
        wanted = OFFLINE if self.client.server.name == "oidc-provider" else ("read",)
        one = await self.connect(registration, GrantType.CODE, *wanted)
        begun = await begin_authorization(self.world, self.admin, one.id, redirect_uri=CALLBACK)
        browser = Browser(self.client.server.http)
        came = await browser.visit(begun.address.reveal(), CALLBACK)
        seen = await complete_authorization(self.world, query(came), binding=begun.binding)
        return seen.connection

    async def use(self, one: Connection, *, anew: bool = False) -> Pass:
        """Use a connection, with tokens renewed first where that is wanted."""
        number = await self._aged(one) if anew else None
        wanted = Wanted(number, "GET", "https://api.example.com/things")
        return await authorize_request(self.world, self.admin, one.id, wanted)

    async def _aged(self, one: Connection) -> int:
        """Let tokens be no longer so young that they are kept; return their number."""
        async with self.world.store.writing() as tx:
            stored = await must(tx.find(Connection, id=one.id))
            assert stored.tokens
            issued_at = stored.tokens.issued_at - COOL_DOWN
            await tx.replace(replace(stored, tokens=replace(stored.tokens, issued_at=issued_at)))
        return stored.tokens.number

    async def stored(self, one: Connection) -> Connection:
        """Return a connection as it stands."""
        async with self.world.store.reading() as tx:
            return await must(tx.find(Connection, id=one.id))


@asynccontextmanager
async def housed(client: Client, context: SSLContext | None = None) -> AsyncIterator[House]:
    """Set up an installation that reaches the client's server; ``context`` shows a certificate."""
    clock, chance = SystemClock(), SystemChance()

    def way(_: Sensitive | None) -> httpx2.AsyncBaseTransport:
        return httpx2.AsyncHTTPTransport(verify=context or True, trust_env=False)

    servers = HttpAuthorizationServers(clock, chance, way, private_allowed=True)
    okta = OktaHttpOrgs(clock, chance)
    limits = Limits(Policy(overlap_s=300, soak_s=3600), lease=timedelta(seconds=60))
    vault = Keyring(bytes(32), chance.random_bytes)
    world = World(MemoryStore(), clock, chance, vault, okta, limits, servers=servers)
    try:
        await install(world)
        yield House(world, await administrator(world), client)
    finally:
        await servers.aclose()
        await okta.aclose()
