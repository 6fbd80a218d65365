"""Who or what is deleted while a request about it is under way is missed in words, never by 500."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace

import httpx2
import pytest
from api_kit import SECRETS, House, problem
from identity_kit import IDENTITIES, TOKEN_AUTH, UNIVERSAL, ask, holding, newcomer
from oauth_house_kit import (
    ALIASES,
    CONNECTIONS,
    LISTENING,
    REGISTRATIONS,
    connect,
    decide,
    register,
)
from route_kit import furnished

from keyturn.api.app import build_api
from keyturn.domain.access import ADMIN, Caller, Holding
from keyturn.domain.audit import Attempt
from keyturn.domain.errors import Unauthenticated
from keyturn.domain.identity import AccessToken, Identity
from keyturn.domain.oauth.registration import ClientRegistration
from keyturn.domain.secret import Receipt, Secret, Version
from keyturn.domain.sensitive import Sensitive
from keyturn.services.identity_changes import OF_IDENTITIES
from keyturn.services.people import create_person, log_in_person
from keyturn.services.ports import Reading, Recorded, Store, Writing
from keyturn.services.removal import remove_registrations

Act = Callable[[Writing], Awaitable[None]]
ONE = f"{SECRETS}/OKTA_CLIENT_SECRET"


class Meddler:
    """A store in which something is deleted just before one of a request's transactions."""

    def __init__(self, store: Store, act: Act, before: int = 1) -> None:
        self._store, self._act, self._left = store, act, before

    def reading(self) -> AbstractAsyncContextManager[Reading]:
        """Open a snapshot."""
        return self._store.reading()

    async def append_audit(self, attempt: Attempt) -> Recorded:
        """Append one audit entry."""
        return await self._store.append_audit(attempt)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Writing]:
        """Let it happen, once, and open a transaction."""
        self._left -= 1
        if self._left == 0:
            async with self._store.writing() as tx:
                await self._act(tx)
        async with self._store.writing() as tx:
            yield tx


@asynccontextmanager
async def meddled(house: House, act: Act, before: int = 1) -> AsyncIterator[httpx2.AsyncClient]:
    """Reach a server under which something is deleted."""
    store: Store = Meddler(house.world.store, act, before)
    transport = httpx2.ASGITransport(
        build_api(replace(house.world, store=store), version="0"), raise_app_exceptions=False
    )
    async with httpx2.AsyncClient(
        transport=transport, base_url="https://other.example.com", headers=house.http.headers
    ) as http:
        yield http


def without(identity_id: str) -> Act:
    """Delete an identity with all that is its own."""

    async def act(tx: Writing) -> None:
        for kind in OF_IDENTITIES:
            await tx.remove(*await tx.list(kind, identity_id=identity_id))
        await tx.remove(*await tx.list(Identity, id=identity_id))

    return act


async def without_secrets(tx: Writing) -> None:
    """Delete every secret."""
    for kind in (Receipt, Version, Secret):
        await tx.remove(*await tx.list(kind))


@pytest.mark.parametrize("query", [{}, {"x": "no plain read has this"}], ids=["plain", "general"])
async def test_a_reader_that_is_deleted_is_given_nothing(
    house: House, query: dict[str, str]
) -> None:
    """Its read ends as every one after it: nobody knows it."""
    await house.rotate_by_order()
    async with holding(house, ("admin", None)) as other:
        async with house.world.store.reading() as tx:
            reader = await tx.find(Identity, name="holder")
        assert reader
        async with meddled(other, without(reader.id)) as http:
            answer = await http.get(ONE, params=house.place | query)
        assert problem(answer) == (401, "UnauthorizedError")


@pytest.mark.parametrize("query", [{}, {"x": "no plain read has this"}], ids=["plain", "general"])
async def test_a_secret_that_is_deleted_leaves_no_receipt(
    house: House, query: dict[str, str]
) -> None:
    """Who asked before that is answered, or told that it is gone; nobody is told of a fault."""
    await house.rotate_by_order()
    async with meddled(house, without_secrets) as http:
        answer = await http.get(ONE, params=house.place | query)
    assert answer.status_code in (200, 404)
    async with house.world.store.reading() as tx:
        assert await tx.list(Receipt) == []


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", f"{IDENTITIES}/{{}}", {"name": "another"}),
        ("POST", f"{UNIVERSAL}/{{}}", {}),
        ("POST", f"{TOKEN_AUTH}/identities/{{}}/tokens", {"name": "it"}),
        ("POST", f"{UNIVERSAL}/{{}}/client-secrets", {}),
    ],
)
async def test_what_is_changed_of_one_that_is_deleted_is_not_found(
    house: House, method: str, path: str, body: dict[str, str]
) -> None:
    """The answer is the one that comes a moment later."""
    identity_id, _ = await newcomer(house)
    async with meddled(house, without(identity_id)) as http:
        answer = await http.request(method, path.format(identity_id), json=body)
    assert problem(answer) == (404, "NotFound")


async def without_registrations(tx: Writing) -> None:
    """Delete every client registration with its connections."""
    await remove_registrations(tx, await tx.list(ClientRegistration))


@pytest.mark.parametrize(
    ("method", "path", "before"),
    [
        ("POST", f"{REGISTRATIONS}/{{registration_id}}/prove", 1),
        ("PATCH", f"{REGISTRATIONS}/{{registration_id}}", 1),
        ("POST", f"{REGISTRATIONS}/{{registration_id}}/consumers", 1),
        ("POST", f"{REGISTRATIONS}/{{registration_id}}/consumers/etl/confirm", 1),
        ("POST", CONNECTIONS, 1),
        ("PATCH", f"{CONNECTIONS}/{{people}}", 1),
        ("DELETE", f"{CONNECTIONS}/{{header}}", 1),
        ("POST", f"{CONNECTIONS}/{{people}}/authorize", 1),
        ("POST", f"{CONNECTIONS}/{{device}}/device", 1),
        ("POST", ALIASES, 1),
        ("PATCH", f"{ALIASES}/{{alias_id}}", 1),
    ],
)
async def test_a_connection_that_is_deleted_is_not_found(
    method: str, path: str, before: int
) -> None:
    """Nor is its registration; what an authorization server says meanwhile takes its time."""
    body = {"name": "new", "adoption": "live", "grantType": "device_code"}
    body |= {"redirectUri": LISTENING}
    async with furnished("admin", everywhere=True) as it:
        named = {"registrationId": it.names["registration_id"], "connectionId": it.names["people"]}
        async with meddled(it.house, without_registrations, before) as http:
            answer = await http.request(method, path.format(**it.names), json=body | named)
    assert problem(answer) == (404, "NotFound")


@pytest.mark.parametrize("before", [1, 2])
async def test_a_grant_for_what_is_deleted_is_not_found(house: House, before: int) -> None:
    """Whoever waits at another device learns that nobody waits any more."""
    one = await connect(house, await register(house), grantType="device_code")
    at = f"{CONNECTIONS}/{one['id']}/device"
    begun = await ask(house, "POST", at)
    await decide(house, begun)
    house.clock.advance(6)
    async with meddled(house, without_registrations, before) as http:
        answer = await http.post(f"{at}/{begun['requestId']}")
    assert problem(answer) == (404, "NotFound")


async def test_a_person_who_is_deleted_is_not_logged_in(house: House) -> None:
    """Not even where the password was right a moment ago."""
    world = replace(house.world, passwords=Anything())
    admin = Caller("a", "admin", house.installed.organization.id, (Holding(ADMIN),))
    words = Sensitive("several words that nobody guesses")
    made = await create_person(world, admin, "ada@example.com", words)
    before = 3  # the guess is counted, and forgotten; then the token is made
    store: Store = Meddler(world.store, without(made.identity.id), before)
    with pytest.raises(Unauthenticated):
        await log_in_person(replace(world, store=store), "ada@example.com", words)
    async with world.store.reading() as tx:
        assert await tx.list(AccessToken, identity_id=made.identity.id) == []


class Anything:
    """A hash that every password has."""

    async def hash(self, password: Sensitive) -> str:
        """Return it."""
        return "it"

    async def verify(self, password: Sensitive, hashed: str) -> bool:
        """Say yes."""
        return True
