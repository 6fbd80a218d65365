"""API service integrations made at the control port, to rehearse their rotation on."""

import httpx2
import pytest
from sandbox_kit import World

from keyturn.sandbox import build_control

pytestmark = pytest.mark.anyio
SERVICES = "/integrations/api/v1/api-services"


async def make(world: World, body: dict[str, object]) -> httpx2.Response:
    """Make an integration at the control port of the world's org."""
    transport = httpx2.ASGITransport(build_control(world.org, "t"))
    headers = {"authorization": "Bearer t"}
    async with httpx2.AsyncClient(
        transport=transport, base_url="http://127.0.0.1:8712", headers=headers
    ) as control:
        return await control.post("/api-services", json=body)


async def test_integration_is_made_with_its_secret_shown_once(world: World) -> None:
    """The control port tells the value; Okta's own list of it masks it."""
    made = (await make(world, {"granted_scopes": ["okta.users.read"]})).json()
    [secret] = made["secrets"]
    listed = await world.admin("GET", f"{SERVICES}/{made['id']}/credentials/secrets")
    [kept] = listed.json()
    assert (kept["id"], kept["status"]) == (secret["id"], "ACTIVE")
    assert secret["client_secret"] not in listed.text
    kinds = [one["type"] for one in (await world.admin("GET", SERVICES)).json()]
    assert kinds == ["example_service"]
    assert (await world.admin("GET", f"/api/v1/apps/{made['id']}")).status_code == 404


@pytest.mark.parametrize(("asked", "count"), [({}, 1), ({"secrets": 2}, 2), ({"secrets": 0}, 0)])
async def test_number_of_secrets_is_chosen(
    world: World, asked: dict[str, object], count: int
) -> None:
    """One as Okta makes it, or as many as a rehearsal begins with."""
    assert len((await make(world, {"type": "crm", **asked})).json()["secrets"]) == count


async def test_unknown_members_are_refused(world: World) -> None:
    """What nobody would read is an error."""
    answer = await make(world, {"typ": "crm"})
    assert answer.status_code == 400
    assert "typ" in answer.text
