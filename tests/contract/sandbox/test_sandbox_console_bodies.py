"""What the control port is asked and cannot do is refused in a sentence, and nothing is changed."""

import json
from collections.abc import AsyncIterator

import httpx2
import pytest
from sandbox_kit import World

from keyturn.sandbox import build_control
from keyturn.sandbox.state.snapshot import render_snapshot

pytestmark = pytest.mark.anyio

SECRETS = "/api/v1/apps/{appId}/credentials/secrets"
HTML = {"kind": "html"}


@pytest.fixture
async def control(world: World) -> AsyncIterator[httpx2.AsyncClient]:
    """Open the control port of the world's org."""
    transport = httpx2.ASGITransport(build_control(world.org, "t"))
    headers = {"authorization": "Bearer t"}
    async with httpx2.AsyncClient(
        transport=transport, base_url="http://127.0.0.1:8712", headers=headers
    ) as client:
        yield client


async def refused(
    world: World, control: httpx2.AsyncClient, method: str, path: str, body: object = None
) -> str:
    """Send what cannot be done, and return the sentence of the refusal."""
    place = path.format(
        app=world.app_id,
        secret=world.org.read_app(world.app_id).live_secrets[0].id,
        user=world.org.seeded.user_id,
        device=world.org.devices.list()[0].id,
    )
    before = json.dumps(render_snapshot({"main": world.org}))
    answer = await control.request(method, place, json=body)
    assert answer.status_code in (400, 404), answer.text
    assert json.dumps(render_snapshot({"main": world.org})) == before
    told = answer.json()
    return str(told.get("error") or told["errorSummary"])


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("/apps", {"label": 7}, "label is a string"),
        ("/apps", {"client_id": ["x"]}, "client_id is a string"),
        ("/apps", {"admin_role": {}}, "admin_role is a string"),
        ("/apps", {"auth_method": ["none"]}, "auth_method is one of client_secret_basic, "),
        ("/apps", {"application_type": "desktop"}, "application_type is one of browser, native, "),
        ("/apps", {"redirect_uris": [1]}, "redirect_uris is a list of strings"),
        ("/apps", {"granted_scopes": "okta.apps.read"}, "granted_scopes is a list of strings"),
        ("/apps", {"pkce_required": "no"}, "pkce_required is true or false"),
        ("/apps", {"dpop_bound": 0}, "dpop_bound is true or false"),
        ("/apps", {"jwks": {"keys": []}}, "jwks is a list of objects"),
        ("/apps", {"secrets": 3}, "secrets is a whole number from 0 to 2"),
        ("/apps", {"secrets": -1}, "secrets is a whole number from 0 to 2"),
        ("/apps", {"secrets": 2**70}, "secrets is a whole number from 0 to 2"),
        ("/apps", {"secrets": 10**9}, "secrets is a whole number from 0 to 2"),
        ("/apps", {"secrets": True}, "secrets is a whole number from 0 to 2"),
        ("/apps/{app}/secrets", {"value": "x"}, "unknown members: ['value']"),
        ("/apps/{app}/secrets", {"client_secret": 12}, "client_secret is a string"),
        ("/apps/{app}/secrets", {"status": "inactive"}, "status is one of ACTIVE, INACTIVE"),
        ("/apps/{app}/secrets", {"status": ["ACTIVE"]}, "status is one of ACTIVE, INACTIVE"),
        ("/apps/{app}/secrets/{secret}/activate", {"x": 1}, "unknown members: ['x']"),
        ("/apps/{app}/activate", {"x": 1}, "unknown members: ['x']"),
        ("/apps/{app}/dpop", {"dpop": True}, "unknown members: ['dpop']"),
        ("/apps/{app}/dpop", {"bound": "yes"}, "bound is true or false"),
        ("/apps/{app}/redirect-uris", {"redirect_uris": [None]}, "is a list of strings"),
        ("/apps/{app}/scopes", {"scopes": []}, "unknown members: ['scopes']"),
        ("/api-tokens", {"name": "x"}, "unknown members: ['name']"),
        ("/api-tokens", {"label": None}, "label is a string"),
        ("/api-tokens", {"user_id": "nobody"}, "user_id: there is no such person"),
        ("/api-tokens/revoke", {"label": "x", "y": 1}, "unknown members: ['y']"),
        ("/tokens/revoke", {"token": "unknown"}, "there is no such token"),
        ("/tokens/revoke", {"client_id": "unknown"}, "there is no such client"),
        ("/tokens/revoke", {}, "either token or client_id"),
        ("/users", {"login": "a@example.com", "admin": "no"}, "admin is true or false"),
        ("/users/{user}/suspend", {"for": "a while"}, "unknown members: ['for']"),
        ("/devices", {"displayName": "x"}, "unknown members: ['displayName']"),
        ("/devices/{device}/add-user", {"user_id": "nobody"}, "user_id: there is no such person"),
        ("/devices/{device}/add-user", {"user_id": 1}, "user_id is a string"),
        ("/devices/{device}/add-user", {"user": "x"}, "unknown members: ['user']"),
        ("/devices/{device}/suspend", {"x": 1}, "unknown members: ['x']"),
    ],
)
async def test_bodies(
    world: World, control: httpx2.AsyncClient, path: str, body: object, words: str
) -> None:
    """Unknown members, values of another kind and ids of nothing are each named."""
    assert words in await refused(world, control, "POST", path, body)


@pytest.mark.parametrize("path", ["/requests", "/log"])
@pytest.mark.parametrize("after", ["abc", "-1", "1.5", "½", ""])
async def test_after_what(world: World, control: httpx2.AsyncClient, path: str, after: str) -> None:
    """One reads on from a number."""
    told = await refused(world, control, "GET", f"{path}?after={after}")
    assert told.startswith("after is a number")


async def test_a_fault_that_is_not_in_force(world: World, control: httpx2.AsyncClient) -> None:
    """It cannot be lifted, and those that could are named."""
    assert "none" in await refused(world, control, "DELETE", "/faults/flt9")
    fault_id = (await control.post("/faults", json=HTML)).json()["id"]
    assert f"in force: {fault_id}" in await refused(world, control, "DELETE", "/faults/unknown")
    assert (await control.delete(f"/faults/{fault_id}")).status_code == 200
    assert world.org.list_faults() == []


@pytest.mark.parametrize(
    ("route", "near"),
    [
        ("/api/v1/apps/{id}/credentials/secrets", SECRETS),
        ("/api/v1/apps/0oa1/credentials/secrets", SECRETS),
        ("/api/v1/app", "/api/v1/apps"),
        ("/oauth2/default/v1/token", "/oauth2/{asId}/v1/token"),
    ],
)
async def test_a_fault_where_nothing_is(
    world: World, control: httpx2.AsyncClient, route: str, near: str
) -> None:
    """A route that no request can have is refused, and the one that was meant is named."""
    told = await refused(world, control, "POST", "/faults", HTML | {"route": route})
    assert told == f"route: there is no {route}; near it is {near}"


async def test_a_fault_on_a_method_that_is_not_taken(
    world: World, control: httpx2.AsyncClient
) -> None:
    """So is a method that the route does not take."""
    body = HTML | {"route": SECRETS, "method": "PUT"}
    told = await refused(world, control, "POST", "/faults", body)
    assert told == f"method: {SECRETS} takes only GET, POST"
    assert (await control.post("/faults", json=body | {"method": "POST"})).status_code == 200
