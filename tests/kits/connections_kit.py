"""Registrations and connections made in a line, at an authorization server in memory."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from rig import PLACE, Rig

from keyturn.domain.errors import DatabaseAway
from keyturn.domain.oauth.connection import Connection, GrantType
from keyturn.domain.oauth.lifetimes import COOL_DOWN
from keyturn.domain.oauth.registration import ClientRegistration
from keyturn.domain.sensitive import Sensitive
from keyturn.services.authorizing import begin_authorization, complete_authorization
from keyturn.services.grants import ConnectionDraft
from keyturn.services.oauth_connections import create_connection
from keyturn.services.ports import Reading, Store, Writing
from keyturn.services.registrations import (
    Credential,
    RegistrationDraft,
    RegistrationView,
    create_registration,
)
from keyturn.testing import FakeServers

CLIENT = "client-1"
SECRET = "canary-client-secret"
AT = "https://as.example.com"
BACK = "http://127.0.0.1:7777/callback"
DOCUMENT = {
    "issuer": AT,
    "endpoints": {
        "authorization": f"{AT}/authorize",
        "token": f"{AT}/token",
        "revocation": f"{AT}/revoke",
        "introspection": f"{AT}/introspect",
    },
}
DRAFT = RegistrationDraft("crm", PLACE, Credential(CLIENT, Sensitive(SECRET)), provider=DOCUMENT)


def servers(rig: Rig) -> FakeServers:
    """Return the authorization server of a rig."""
    assert isinstance(rig.world.servers, FakeServers)
    return rig.world.servers


async def registration(rig: Rig, **changes: Any) -> RegistrationView:  # noqa: ANN401  of the draft
    """Create a registration whose secret the server accepts."""
    servers(rig).secrets.setdefault(CLIENT, set()).add(SECRET)
    return await create_registration(rig.world, rig.admin, replace(DRAFT, **changes))


async def brought(rig: Rig, name: str = "people", scope: str = "read") -> Connection:
    """Create a connection by a refresh token that somebody was granted elsewhere."""
    made = await _registered(rig)
    token = Sensitive(servers(rig).grant(CLIENT, scope))
    draft = ConnectionDraft(
        name, made.id, GrantType.REFRESH, scopes=("read",), given={"refresh_token": token}
    )
    return (await create_connection(rig.world, rig.admin, draft)).connection


async def minted(rig: Rig, name: str = "robot", **changes: Any) -> Connection:  # noqa: ANN401  of the draft
    """Create a connection by client credentials."""
    made = await _registered(rig)
    draft = ConnectionDraft(name, made.id, GrantType.CLIENT_CREDENTIALS, scopes=("read",))
    return (await create_connection(rig.world, rig.admin, replace(draft, **changes))).connection


async def unauthorized(rig: Rig, name: str = "person", *scopes: str) -> Connection:
    """Create a connection that somebody has to authorize."""
    made = await _registered(rig)
    draft = ConnectionDraft(name, made.id, GrantType.CODE, scopes=scopes or ("read", "write"))
    return (await create_connection(rig.world, rig.admin, draft)).connection


async def authorized(rig: Rig, name: str = "person") -> Connection:
    """Create a connection that somebody has authorized in a browser."""
    return await authorize(rig, await unauthorized(rig, name))


async def authorize(rig: Rig, one: Connection) -> Connection:
    """Have somebody authorize a connection in a browser, for the first time or again."""
    begun = await begin_authorization(rig.world, rig.admin, one.id, redirect_uri=BACK)
    asked = asked_in(begun.address.reveal())
    told = {"state": asked["state"], "code": servers(rig).grant_code(asked)}
    return (await complete_authorization(rig.world, told, binding=begun.binding)).connection


def asked_in(address: str) -> dict[str, str]:
    """Return the parameters of an authorization address."""
    return dict(parse_qsl(urlsplit(address).query))


async def stored(rig: Rig, one: Connection) -> Connection:
    """Return a connection as it stands."""
    async with rig.world.store.reading() as tx:
        found = await tx.find(Connection, id=one.id)
    assert found is not None
    return found


async def aged(rig: Rig, one: Connection) -> Connection:
    """Let its tokens be so old that they are renewed where a resource refuses them."""
    rig.clock.advance(COOL_DOWN.total_seconds())
    return await stored(rig, one)


async def registered(rig: Rig) -> ClientRegistration:
    """Return the one registration as it stands."""
    async with rig.world.store.reading() as tx:
        (found,) = await tx.list(ClientRegistration)
    return found


async def _registered(rig: Rig) -> ClientRegistration:
    """Return the one registration, made where there is none yet."""
    async with rig.world.store.reading() as tx:
        every = await tx.list(ClientRegistration)
    return every[0] if every else (await registration(rig)).registration


class Death(Exception):
    """What stands for the end of a process."""


class DyingStore:
    """A store whose process dies at a commit: 0 before the first, 1 after it, 2 before the next."""

    def __init__(self, store: Store, deadly: int) -> None:
        self._store = store
        self._left = deadly

    def reading(self) -> AbstractAsyncContextManager[Reading]:
        """Open a snapshot."""
        return self._store.reading()

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Writing]:
        """Open a transaction that may not live to see its commit, or what follows."""
        async with self._store.writing() as tx:
            yield tx
            self._step()
        self._step()

    def _step(self) -> None:
        self._left -= 1
        if self._left < 0:
            raise Death


class AwayStore:
    """A store that is away at some commits: True for each, in their order."""

    def __init__(self, store: Store, away: list[bool]) -> None:
        self._store = store
        self._away = away

    def reading(self) -> AbstractAsyncContextManager[Reading]:
        """Open a snapshot."""
        return self._store.reading()

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Writing]:
        """Open a transaction that may come to nothing."""
        async with self._store.writing() as tx:
            yield tx
            if self._away.pop(0):
                raise DatabaseAway
