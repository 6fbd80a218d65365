"""What hangs on a client secret, over HTTP; and lists that look no more often than one does."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace

import httpx2
import pytest
from api_kit import NO_ID, PUBLIC_URL, ROTATIONS, Body, House, problem
from identity_kit import ask
from oauth_house_kit import (
    ALIASES,
    CONNECTIONS,
    DOMAIN,
    REGISTRATIONS,
    authorize,
    connect,
    inner,
    order,
    register,
)

from keyturn.api.app import build_api
from keyturn.services.ports import R, Reading, Recorded, Store, Writing

DESTINATION: Body = {
    "name": "hook",
    "kind": "file",
    "projectId": "example",
    "environment": "dev",
    "settings": {"path": "web.json"},
}


async def used(house: House) -> tuple[str, Body]:
    """Let a connection, an alias and a consumer hang on a rotation; return it and them."""
    rotation = await house.rotate_by_order()
    house.org.change_redirect_uris(house.app_id, ("http://127.0.0.1:7777/callback",))
    told = order(clientId=None, clientSecret=None, rotation=rotation["name"])
    told |= {"scheme": "oauth", "connector": "okta", "domain": DOMAIN}
    registration = inner(await ask(house, "POST", REGISTRATIONS, told), "registration")
    one = await authorize(house, await connect(house, registration))
    await ask(house, "POST", ALIASES, {"name": "default", "connectionId": one["id"]})
    consumer = {"name": "etl", "adoption": "restart"}
    await ask(house, "POST", f"{REGISTRATIONS}/{registration['id']}/consumers", consumer)
    await ask(house, "POST", "/api/v1/destinations", DESTINATION)
    await house.served()
    return str(rotation["id"]), one


async def test_a_rotation_tells_what_its_turn_touches(house: House) -> None:
    """Registrations with connections, aliases and consumers; readers; destinations. No value."""
    rotation_id, one = await used(house)
    told = await ask(house, "GET", f"{ROTATIONS}/{rotation_id}/usage")
    assert told["rotation"] == {"id": rotation_id, "name": "my-okta-rotation"}
    assert (told["readers"], told["destinations"]) == (["administrator"], ["hook"])
    (registration,) = told["registrations"] if isinstance(told["registrations"], list) else ()
    assert (registration["name"], registration["standing"]) == ("crm", "accepted")
    (connection,) = registration["connections"]
    assert (connection["id"], connection["light"]) == (one["id"], "healthy")
    assert connection["aliases"] == ["default"]
    (consumer,) = registration["consumers"]
    assert (consumer["name"], consumer["confirmedVersion"]) == ("etl", 1)
    assert await house.served() not in str(told)


async def test_a_connection_tells_what_it_hangs_on(house: House) -> None:
    """Itself alone, its registration, and the rotation that keeps the secret."""
    rotation_id, one = await used(house)
    registration = {"id": one["registrationId"]}
    await connect(house, registration, name="other")
    told = await ask(house, "GET", f"{CONNECTIONS}/{one['id']}/usage")
    assert inner(told, "rotation")["id"] == rotation_id
    (shown,) = told["registrations"] if isinstance(told["registrations"], list) else ()
    assert [each["name"] for each in shown["connections"]] == ["people"]
    own = await register(house, None, name="own")
    plain = await connect(house, own, name="plain", grantType="none", scopes=[])
    alone = await ask(house, "GET", f"{CONNECTIONS}/{plain['id']}/usage")
    assert alone["rotation"] is None


async def test_usage_of_nothing_is_not_found(house: House) -> None:
    """Neither of a rotation nor of a connection."""
    assert problem(await house.http.get(f"{ROTATIONS}/{NO_ID}/usage")) == (404, "NotFound")
    assert problem(await house.http.get(f"{CONNECTIONS}/{NO_ID}/usage")) == (404, "NotFound")


# --- how often a list looks -----------------------------------------------------------------------


class CountedReading:
    """A snapshot that counts the looks at it."""

    def __init__(self, tx: Reading, looks: list[str]) -> None:
        self._tx, self._looks = tx, looks

    async def find(self, kind: type[R], /, **where: object) -> R | None:
        """Return the one record that fits."""
        self._looks.append(kind.__name__)
        return await self._tx.find(kind, **where)

    async def list(self, kind: type[R], /, **where: object) -> Sequence[R]:
        """Return every record that fits."""
        self._looks.append(kind.__name__)
        return await self._tx.list(kind, **where)


class CountingStore:
    """A store that counts looks."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.looks: list[str] = []

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[CountedReading]:
        """Open a snapshot."""
        async with self._store.reading() as tx:
            yield CountedReading(tx, self.looks)

    def writing(self) -> AbstractAsyncContextManager[Writing]:
        """Open a transaction that writes."""
        return self._store.writing()

    async def append_audit(self, attempt: object) -> Recorded:
        """Append one audit entry."""
        return await self._store.append_audit(attempt)  # type: ignore[arg-type]  # passed on

    async def revision(self) -> int:
        """Return the number of the last change to what is served."""
        return await self._store.revision()


async def looks_of(house: House, path: str) -> int:
    """Return how often a list looks into the store."""
    store = CountingStore(house.world.store)
    world = replace(house.world, store=store)
    transport = httpx2.ASGITransport(build_api(world, version="0"))
    async with httpx2.AsyncClient(
        transport=transport, base_url=PUBLIC_URL, headers=house.http.headers
    ) as http:
        answer = await http.get(path, params={"projectId": "example"})
    assert answer.status_code == 200, answer.text
    return len(store.looks)


@pytest.mark.parametrize("path", [CONNECTIONS, REGISTRATIONS, ALIASES])
async def test_a_list_looks_no_more_often_than_one_does(house: House, path: str) -> None:
    """Ten of them take as many looks as one."""
    counted = []
    for number in range(10):
        registration = await register(house, None, name=f"r{number}")
        plain = {"grantType": "none", "scopes": []}
        one = await connect(house, registration, name=f"c{number}", **plain)
        await ask(house, "POST", ALIASES, {"name": f"a{number}", "connectionId": one["id"]})
        counted.append(await looks_of(house, path))
    assert len(set(counted)) == 1
