"""Bad input: each gets its documented answer, names whose fault it is, and changes nothing."""

from collections.abc import Awaitable, Callable

import httpx2
import pytest
from api_kit import CONNECTIONS, ROTATIONS, SECRETS, House

from keyturn.domain.connection import OktaConnection
from keyturn.domain.rotation import Rotation
from keyturn.domain.secret import Secret, Version
from keyturn.domain.turn import Turn
from keyturn.sandbox import Fault

APP = "/api/v1/apps/{appId}"
KEPT = (OktaConnection, Rotation, Turn, Secret, Version)
Ask = Callable[[House, str], Awaitable[httpx2.Response]]


async def wrong_token(house: House, connection_id: str) -> httpx2.Response:
    """Ask with a token that nobody was given."""
    bearer = {"authorization": "Bearer kt_at_wrong"}
    return await house.http.post(ROTATIONS, json=house.order(connection_id), headers=bearer)


async def unknown_app(house: House, connection_id: str) -> httpx2.Response:
    """Name an app that the org does not have."""
    order = house.order(connection_id, parameters={"clientId": "0oaNobody"})
    return await house.http.post(ROTATIONS, json=order)


async def no_slug(house: House, connection_id: str) -> httpx2.Response:
    """Give a name with capitals and spaces."""
    return await house.http.post(ROTATIONS, json=house.order(connection_id, name="My Rotation"))


async def interval_0(house: House, connection_id: str) -> httpx2.Response:
    """Ask for a turn every 0 days."""
    order = house.order(connection_id, rotationInterval=0)
    return await house.http.post(ROTATIONS, json=order)


async def name_taken(house: House, connection_id: str) -> httpx2.Response:
    """Map to the name of a secret that exists."""
    order = house.order(
        connection_id, secretsMapping={"clientId": "OKTA_CLIENT_ID", "clientSecret": "TAKEN"}
    )
    return await house.http.post(ROTATIONS, json=order)


async def foreign_secret(house: House, connection_id: str) -> httpx2.Response:
    """Ask for an app to which somebody has given a second secret."""
    house.org.create_secret(house.app_id, None)
    return await house.http.post(ROTATIONS, json=house.order(connection_id))


async def unreachable(house: House, connection_id: str) -> httpx2.Response:
    """Ask while no answer comes from the org."""
    house.org.add_fault(Fault("drop-before-effect"))
    return await house.http.post(ROTATIONS, json=house.order(connection_id))


async def html(house: House, connection_id: str) -> httpx2.Response:
    """Ask while the org answers with a page."""
    house.org.add_fault(Fault("html", "GET", APP, status=200))
    return await house.http.post(ROTATIONS, json=house.order(connection_id))


async def unreachable_connection(house: House, connection_id: str) -> httpx2.Response:
    """Connect an org from which no answer comes."""
    house.org.add_fault(Fault("drop-before-effect"))
    return await house.http.post(CONNECTIONS, json=house.connection(name="second"))


async def html_connection(house: House, connection_id: str) -> httpx2.Response:
    """Connect an address at which a page answers."""
    house.org.add_fault(Fault("html", status=200))
    return await house.http.post(CONNECTIONS, json=house.connection(name="second"))


BAD = [
    (wrong_token, 401, "UnauthorizedError", "log in again"),
    (unknown_app, 400, "BadRequest", "0oaNobody"),
    (no_slug, 422, "ValidationFailure", "'name'"),
    (interval_0, 422, "ValidationFailure", "'rotationInterval'"),
    (name_taken, 400, "BadRequest", "TAKEN"),
    (foreign_secret, 400, "BadRequest", "parameters.retireExisting"),
    (unreachable, 400, "BadRequest", "Okta could not be reached"),
    (html, 400, "BadRequest", "Okta gave no clear answer"),
    (unreachable_connection, 401, "UnauthorizedError", "Okta could not be reached"),
    (html_connection, 401, "UnauthorizedError", "Okta gave no clear answer"),
]


async def kept(house: House) -> list[object]:
    """Return everything that is stored, but for the audit log and log-ins."""
    async with house.world.store.reading() as tx:
        return [await tx.list(kind) for kind in KEPT]


def written(house: House) -> list[object]:
    """Return every request that changed something at Okta through its API."""
    told = house.org.requests()["requests"]
    assert isinstance(told, list)
    return [r for r in told if isinstance(r, dict) and r["method"] not in ("GET", "HEAD")]


@pytest.mark.parametrize(
    ("ask", "status", "error", "says"), BAD, ids=lambda v: getattr(v, "__name__", "")
)
async def test_bad_input_is_named_and_changes_nothing(
    house: House, ask: Ask, status: int, error: str, says: str
) -> None:
    """The answer has the documented status and body, and store and org are as they were."""
    connection_id = await house.connect()
    taken = {**house.place, "secretPath": "/", "secretValue": "x"}
    assert (await house.http.post(f"{SECRETS}/TAKEN", json=taken)).status_code == 200
    before = await kept(house)
    answer = await ask(house, connection_id)
    body = answer.json()
    assert (answer.status_code, body["statusCode"], body["error"]) == (status, status, error)
    assert says in str(body["message"])
    assert body["reqId"]
    assert await kept(house) == before
    assert written(house) == []
