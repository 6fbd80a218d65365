"""Somebody at the console of Okta Workflows: what a touched connection leaves at the org."""

from collections.abc import AsyncIterator, Mapping

import httpx2
import pytest
from sandbox_kit import World

from keyturn.sandbox import build_control

pytestmark = pytest.mark.anyio

PROD = {"name": "Okta prod", "change": "reauthorize"}


@pytest.fixture
async def control(world: World) -> AsyncIterator[httpx2.AsyncClient]:
    """Open the control port of the world's org."""
    transport = httpx2.ASGITransport(build_control(world.org, "t"))
    headers = {"authorization": "Bearer t"}
    async with httpx2.AsyncClient(
        transport=transport, base_url="http://127.0.0.1:8712", headers=headers
    ) as client:
        yield client


def with_secret(world: World, secret: str) -> Mapping[str, str]:
    """Return what is entered at the console."""
    return {**PROD, "client_id": world.client_id, "client_secret": secret}


async def logged(world: World, kind: str) -> list[dict[str, object]]:
    """Return the events whose type begins so, as the API shows them."""
    wanted = f'eventType sw "{kind}"'
    events: list[dict[str, object]] = (
        await world.admin("GET", "/api/v1/logs", params={"filter": wanted})
    ).json()
    return events


async def test_a_try_is_an_event_alone(world: World, control: httpx2.AsyncClient) -> None:
    """It names the person, the service, and the connection; no token is asked for."""
    told = await control.post("/workflows-connections", json=PROD | {"change": "create"})
    assert told.json() == {"granted": False}
    (event,) = await logged(world, "workflows")
    assert event["eventType"] == "workflows.user.connection.create"
    assert event["outcome"] == {"result": "SUCCESS", "reason": None}
    targets = event["target"]
    assert isinstance(targets, list)
    assert [each["displayName"] for each in targets] == ["Una User", "Okta", "Okta prod"]
    assert await logged(world, "app.oauth2") == []


async def test_a_good_secret_is_granted_tokens(world: World, control: httpx2.AsyncClient) -> None:
    """As to any client: the log names the secret by its hash, and the refresh token is good."""
    told = await control.post("/workflows-connections", json=with_secret(world, world.secret))
    assert told.json()["granted"] is True
    used = world.org.read_app(world.app_id).live_secrets[0].hash
    events = await logged(world, "app.oauth2.token.grant.")
    shown = [each["debugContext"]["debugData"] for each in events]  # type: ignore[index]  # JSON
    assert {each["clientSecret"] for each in shown} == {used}
    assert {each["grantType"] for each in shown} == {"authorization_code"}
    assert (await world.refresh(told.json()["refresh_token"])).status_code == 200


async def test_a_wrong_secret_is_refused(world: World, control: httpx2.AsyncClient) -> None:
    """The event is there all the same, and says that it went well."""
    told = await control.post("/workflows-connections", json=with_secret(world, "wrong" * 8))
    assert told.json() == {"granted": False, "error": "invalid_client"}
    (event,) = await logged(world, "workflows")
    assert event["outcome"] == {"result": "SUCCESS", "reason": None}


@pytest.mark.parametrize(
    "wrong",
    [
        {"change": "delete"},
        {"user_id": "nobody"},
        {"client_secret": "x" * 40, "client_id": "nobody"},
        {"colour": "red"},
        {"result": "MAYBE"},
    ],
)
async def test_what_cannot_be_is_refused(
    world: World, control: httpx2.AsyncClient, wrong: Mapping[str, str]
) -> None:
    """And leaves no event."""
    assert (await control.post("/workflows-connections", json=PROD | wrong)).status_code == 400
    assert await logged(world, "workflows") == []
