"""Connections made at the rig's own org: a client of it, people who consent, and refreshes."""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace

import httpx2
from browser_kit import Browser, query
from connections_kit import stored
from rig import ORG_URL, PLACE, Rig

from keyturn.adapters.oauth import HttpAuthorizationServers
from keyturn.domain.errors import NotReady
from keyturn.domain.oauth.connection import Connection, GrantType
from keyturn.sandbox import build_app
from keyturn.services.authorizing import begin_authorization, complete_authorization
from keyturn.services.credentials import Credential
from keyturn.services.grants import ConnectionDraft
from keyturn.services.oauth_connections import Wanted, authorize_request, create_connection
from keyturn.services.registrations import RegistrationDraft, create_registration

DOMAIN = ORG_URL.removeprefix("https://")


@asynccontextmanager
async def at_its_org(rig: Rig) -> AsyncIterator[Rig]:
    """Have the rig's authorization server be that of its org."""
    servers = HttpAuthorizationServers(
        rig.clock, rig.world.chance, lambda _: httpx2.ASGITransport(build_app(rig.org))
    )
    rig.world = replace(rig.world, servers=servers)
    async with aclosing(servers):
        yield rig


async def register(rig: Rig, credential: Credential) -> str:
    """Register the app as a client of its own org."""
    draft = RegistrationDraft("workflows", PLACE, credential, connector="okta", domain=DOMAIN)
    return (await create_registration(rig.world, rig.admin, draft)).registration.id


async def authorize(rig: Rig, registration_id: str, name: str) -> Connection:
    """Have the seeded person authorize a new connection in a browser."""
    scopes = ("openid", "email", "offline_access")
    draft = ConnectionDraft(name, registration_id, GrantType.CODE, scopes=scopes)
    one = (await create_connection(rig.world, rig.admin, draft)).connection
    back = rig.org.read_app(rig.app_id).redirect_uris[0]
    begun = await begin_authorization(rig.world, rig.admin, one.id, redirect_uri=back)
    user = rig.org.users[rig.org.seeded.user_id]
    told = {"login": user.login, "password": user.password}
    transport = httpx2.ASGITransport(build_app(rig.org))
    async with httpx2.AsyncClient(transport=transport, base_url=ORG_URL) as http:
        came = await Browser(http, told).visit(begun.address.reveal(), back)
    seen = await complete_authorization(rig.world, query(came), binding=begun.binding)
    rig.clock.advance(1)
    return seen.connection


async def refresh(rig: Rig, one: Connection) -> bool:
    """Have a connection refreshed, whose tokens are old enough; say whether that went well."""
    tokens = (await stored(rig, one)).tokens
    assert tokens
    try:
        passed = await authorize_request(rig.world, rig.admin, one.id, Wanted(tokens.number))
    except NotReady:
        return False
    return passed.number == tokens.number + 1
