"""What each of Infisical's clients sends, as it was recorded, and what it needs of the answer."""

import json

import httpx2
import pytest
from api_kit import CONNECTIONS, SECRETS, House, problem
from identity_kit import credentials, token_of
from issuer_kit import Issuer, signed
from stream_kit import EVENTS, wired
from surface_kit import make_folder, make_import, put
from wire_places import PLACE_ROWS
from wire_row import OPERATOR, Row, S
from wire_secrets import SECRET_ROWS
from wire_unserved import SERVICE_TOKEN, UNSERVED_ROWS
from workload_kit import FOUND, GIVEN, JWT, OIDC, claims, trusting, workload

ROWS = (*SECRET_ROWS, *PLACE_ROWS)


async def what_is_named(house: House, told: str) -> dict[str, object]:
    """Make what only few rows name, and return what each is called."""
    named: dict[str, object] = {"app": house.app_id, "api_token": house.org.seeded.api_token}
    named["client_id"], named["client_secret"] = credentials(house).values()
    if "{workload}" in told:
        way, rules = (OIDC, FOUND) if OIDC in told else (JWT, GIVEN)
        named |= {"workload": await workload(house, way, rules), "jwt": signed(claims(house))}
    if "{token}" in told:
        named["token"] = await token_of(house)
    if "{rotation}" in told:
        named["rotation"] = (await house.rotate_by_order())["id"]
    elif "{connection}" in told or told.startswith(f'["{CONNECTIONS}", {{}}, null'):
        named["connection"] = await house.connect()
    return named


async def ask(house: House, row: Row) -> httpx2.Response:
    """Stock a house, and ask it what a row asks."""
    house = await trusting(house, Issuer().transport())
    ids = {
        "project": house.installed.project.id,
        "secret": (await put(house, "KEY", "value"))["id"],
        "folder": (await make_folder(house, "/app"))["id"],
    }
    await put(house, "INNER", "value", "/app")
    ids["import"] = (await make_import(house, "/", env="prod"))["id"]
    told = json.dumps([row.path, row.params, row.body])
    ids |= await what_is_named(house, told)
    for name, one in ids.items():
        told = told.replace(f"{{{name}}}", str(one))
    path, params, body = json.loads(told)
    return await house.http.request(row.method, path, params=params, json=body, headers=row.headers)


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
async def test_each_client_is_given_what_it_needs(house: House, row: Row) -> None:
    """Every row of the matrix is answered with 200, without redirect, with the fields needed."""
    answer = await ask(house, row)
    assert answer.status_code == 200, answer.text
    found = answer.json()[row.under] if row.under else answer.json()
    every = found if isinstance(found, list) else [found]
    assert every
    for one in every:
        assert one.keys() >= row.fields
        assert all(one[name] is not None for name in row.fields)
    if "/secrets" in row.path and row.method == "GET":
        assert answer.headers["etag"].startswith('"')


@pytest.mark.parametrize("row", UNSERVED_ROWS, ids=[row.name for row in UNSERVED_ROWS])
async def test_what_is_not_served_is_told_plainly(house: House, row: Row) -> None:
    """Clients show the message, which says that it is the route, and name the request by its id."""
    answer = await ask(house, row)
    assert problem(answer) == (404, "NotFound")
    assert "no such route" in answer.json()["message"]


async def test_a_service_token_opens_nothing(house: House) -> None:
    """A token of a kind that is not served is as good as a wrong one."""
    answer = await house.http.get(SECRETS, params=house.place, headers=SERVICE_TOKEN)
    assert problem(answer) == (401, "UnauthorizedError")


async def test_the_operator_hears_of_changes_at_once(house: House) -> None:
    """It subscribes to all events of a folder, and reads anew as each comes; silence is pinged."""
    await make_folder(house, "/app")
    async with wired(house, ping_s=0.01) as wire:
        wire.http.headers |= OPERATOR | {"Accept": "text/event-stream"}
        stream = await wire.subscribe(wire.wanted("/app"))
        assert stream.answer.headers["content-type"].startswith("text/event-stream")
        await put(house, "KEY", "value", "/app")
        told = await stream.next()
        assert told["eventType"] in EVENTS
        assert [one["secretKey"] for one in told["payload"]] == ["KEY"]
        assert "event: ping" in [await anext(stream.lines) for _ in range(4)]


async def test_no_fields_are_null_that_clients_take_for_text(house: House) -> None:
    """Strict clients fail on null where they expect a text, and on a missing list of imports."""
    row = next(row for row in ROWS if row.name == "P list")
    listed = (await ask(house, row)).json()
    assert isinstance(listed["imports"], list)
    (secret,) = listed["secrets"]
    texts = S - {"version"}
    assert all(isinstance(secret[name], str) for name in texts)
    assert isinstance(secret["version"], int)
