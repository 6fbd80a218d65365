"""What the org says of itself."""

import pytest
from sandbox_kit import BASE, World

pytestmark = pytest.mark.anyio


async def test_metadata_is_for_anybody(world: World) -> None:
    """Id, address and engine need no credentials and count in no rate window."""
    answer = await world.http.get("/.well-known/okta-organization")
    assert answer.json() == {
        "id": world.org.seeded.org_id,
        "_links": {"organization": {"href": BASE}},
        "pipeline": "idx",
    }
    assert "x-rate-limit-limit" not in answer.headers


async def test_settings_are_for_admins(world: World) -> None:
    """The settings name the same org, by the first part of the address that was called."""
    body = (await world.admin("GET", "/api/v1/org")).json()
    assert (body["id"], body["subdomain"]) == (world.org.seeded.org_id, "org")
    assert body["created"] == "2026-03-01T12:00:00.000Z"
    assert body["address1"] is None


async def test_settings_need_their_scope(world: World) -> None:
    """A service app without okta.orgs.read gets an empty body and the challenge."""
    token = (await world.service_token("okta.apps.read")).json()["access_token"]
    headers = {"authorization": f"Bearer {token}"}
    answer = await world.http.get("/api/v1/org", headers=headers)
    assert (answer.status_code, answer.content) == (403, b"")
    assert 'scope="okta.orgs.read"' in answer.headers["www-authenticate"]
