"""Somebody else at the console: people, devices, tokens, and what apps may do."""

from collections.abc import AsyncIterator

import httpx2
import pytest
from sandbox_kit import World

from keyturn.sandbox import CONTROL_OPERATIONS, build_control
from keyturn.sandbox.journal import Journal

pytestmark = pytest.mark.anyio


@pytest.fixture
async def control(world: World) -> AsyncIterator[httpx2.AsyncClient]:
    """Open the control port of the world's org."""
    transport = httpx2.ASGITransport(build_control(world.org, "t"))
    headers = {"authorization": "Bearer t"}
    async with httpx2.AsyncClient(
        transport=transport, base_url="http://127.0.0.1:8712", headers=headers
    ) as client:
        yield client


async def service_apps(world: World) -> httpx2.Response:
    """List apps with a fresh token of the service app."""
    token = (await world.service_token()).json().get("access_token", "")
    return await world.http.get("/api/v1/apps", headers={"authorization": f"Bearer {token}"})


async def test_role_is_taken_and_given(world: World, control: httpx2.AsyncClient) -> None:
    """Without a role the token's owner may do nothing; with one again they may."""
    base = f"/apps/{world.org.seeded.service_app_id}/admin-role"
    assert (await control.post(base, json={"admin_role": None})).json()["admin_role"] is None
    assert (await service_apps(world)).status_code == 403
    await control.post(base, json={"admin_role": "APP_ADMIN"})
    assert (await service_apps(world)).status_code == 200


async def test_scopes_are_taken_and_given(world: World, control: httpx2.AsyncClient) -> None:
    """A scope that was removed is not granted any more, until it is given again."""
    base = f"/apps/{world.org.seeded.service_app_id}"
    await control.post(f"{base}/remove-scope", json={"scope": "okta.apps.read"})
    assert (await world.service_token()).json()["error"] == "consent_required"
    await control.post(f"{base}/scopes", json={"granted_scopes": ["okta.apps.read"]})
    assert (await service_apps(world)).status_code == 200


async def test_switch_to_keys_is_told(world: World, control: httpx2.AsyncClient) -> None:
    """The update and the end of each client secret stand in the System Log."""
    body = {"auth_method": "private_key_jwt"}
    await control.post(f"/apps/{world.app_id}/auth-method", json=body)
    told = [event.type for event in world.org.system_log.events()]
    assert {"application.lifecycle.update", "app.oauth2.credentials.lifecycle.delete"} <= {*told}


async def test_management_is_counted_wherever_it_is(world: World) -> None:
    """Integrations and the roles of clients are management too, though not below `/api/v1`."""
    await world.admin("GET", "/integrations/api/v1/api-services")
    await world.admin("GET", f"/oauth2/v1/clients/{world.client_id}/roles")
    counts = world.org.counts()
    assert (counts["management"], counts["other"]) == (2, 0)


async def test_tokens_are_listed_and_revoked(world: World, control: httpx2.AsyncClient) -> None:
    """Tokens are listed without values; all of a client can be revoked."""
    tokens = (await world.redeem((await world.log_in())["code"])).json()
    listed = await control.get("/tokens")
    assert [token["client_id"] for token in listed.json()["refresh"]] == [world.client_id]
    assert tokens["refresh_token"] not in listed.text
    assert tokens["access_token"] not in listed.text
    await control.post("/tokens/revoke", json={"client_id": world.client_id})
    assert (await world.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await control.get("/tokens")).json() == {"access": [], "refresh": []}


async def test_one_token_is_revoked(world: World, control: httpx2.AsyncClient) -> None:
    """A token can be revoked by its value."""
    token = (await world.service_token()).json()["access_token"]
    await control.post("/tokens/revoke", json={"token": token})
    headers = {"authorization": f"Bearer {token}"}
    assert (await world.http.get("/api/v1/apps", headers=headers)).status_code == 401


async def test_api_tokens(world: World, control: httpx2.AsyncClient) -> None:
    """An SSWS token works from its making until its label is revoked."""
    made = (await control.post("/api-tokens", json={"label": "other"})).json()
    headers = {"authorization": f"SSWS {made['ssws_token']}"}
    assert (await world.http.get("/api/v1/apps", headers=headers)).status_code == 200
    assert (await control.post("/api-tokens/revoke", json={"label": "other"})).json() == {
        "revoked": 1
    }
    assert (await world.http.get("/api/v1/apps", headers=headers)).status_code == 401


async def test_people(world: World, control: httpx2.AsyncClient) -> None:
    """A person is made with a password shown once, and suspended and let in again."""
    made = (await control.post("/users", json={"login": "new@example.com"})).json()
    assert world.org.log_in("new@example.com", made["password"]) is not None
    changed = await control.post(f"/users/{made['id']}/suspend")
    assert changed.json()["status"] == "SUSPENDED"
    assert world.org.log_in("new@example.com", made["password"]) is None
    assert made["password"] not in (await control.get("/users")).text
    refused = await control.post(f"/users/{made['id']}/explode")
    assert (refused.status_code, "suspend" in refused.json()["error"]) == (400, True)


async def test_devices(world: World, control: httpx2.AsyncClient) -> None:
    """A device is made, given to somebody, and suspended."""
    made = (await control.post("/devices")).json()
    user_id = world.org.seeded.user_id
    given = await control.post(f"/devices/{made['id']}/add-user", json={"user_id": user_id})
    assert given.json()["users"] == [user_id]
    moved = await control.post(f"/devices/{made['id']}/suspend")
    assert moved.json()["status"] == "SUSPENDED"
    assert (await control.post(f"/devices/{made['id']}/explode")).status_code == 400


async def test_log(world: World, control: httpx2.AsyncClient) -> None:
    """The System Log can be read from where one stopped."""
    last = world.org.system_log.last
    await control.post(f"/users/{world.org.seeded.user_id}/suspend")
    events = (await control.get("/log", params={"after": last})).json()["events"]
    assert [event["type"] for event in events] == ["user.lifecycle.suspend"]


def test_every_operation_has_a_line() -> None:
    """Each control operation says in one sentence what it is for, and none is there twice."""
    places = [(operation.method, operation.pattern) for operation in CONTROL_OPERATIONS]
    assert len(set(places)) == len(places)
    for operation in CONTROL_OPERATIONS:
        assert operation.purpose.endswith(".")
        assert "\n" not in operation.purpose


async def test_journal_keeps_the_latest(world: World) -> None:
    """Old entries go, their numbers stay taken, and counts count everything."""
    journal = Journal(kept=3)
    await world.admin("GET", "/api/v1/apps")
    (entry,) = world.org.journal.entries()
    for _ in range(5):
        journal.record(entry)
    assert [shown["seq"] for shown in journal.list()] == [3, 4, 5]
    assert [shown["seq"] for shown in journal.list(4)] == [5]
    assert (journal.last, journal.count()["all"]) == (5, 5)
