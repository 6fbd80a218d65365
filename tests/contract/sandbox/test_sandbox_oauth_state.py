"""What the authorization servers hold outlives a snapshot, and can be changed at the console."""

import json

import httpx2
import pytest
from sandbox_kit import World
from sandbox_oauth_kit import make_client

from keyturn.sandbox import build_control
from keyturn.sandbox.state.snapshot import new_org, parse_snapshot, render_snapshot

pytestmark = pytest.mark.anyio


async def test_whatever_waits_survives_a_snapshot(world: World) -> None:
    """Pushed requests, device codes, consents, sessions and rotated tokens are read back."""
    world.org.servers.add_scope("default", "asks", consent="REQUIRED")
    extras = {"consent_method": "REQUIRED", "refresh_token": {"rotation_type": "ROTATE"}}
    client = make_client(world, "default", extras=extras)
    await client.post("par", **client.asked())
    await client.post("device/authorize", scope="openid")
    page = await client.sign_in(scope="openid asks")
    await client.submit(page, consent="allow")
    await client.refresh((await client.tokens())["refresh_token"])
    before = json.dumps(render_snapshot({"a": world.org}))
    again = new_org(parse_snapshot(json.loads(before))["a"])
    after = json.dumps(render_snapshot({"a": again}))
    assert [json.loads(text)["orgs"]["a"]["interactions"] for text in (before, after)] == (
        [json.loads(before)["orgs"]["a"]["interactions"]] * 2
    )
    assert again.servers.find("default") == world.org.servers.find("default")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"access_lifetime_s": 300, "active": False}, 200),
        ({"access_lifetime_s": 299}, 400),
        ({"audience": "x"}, 400),
    ],
)
async def test_a_server_is_changed_at_the_console(
    world: World, body: dict[str, object], status: int
) -> None:
    """Lifetimes and status are set through the control port, within Okta's bounds."""
    transport = httpx2.ASGITransport(build_control(world.org, "t"))
    headers = {"authorization": "Bearer t"}
    async with httpx2.AsyncClient(
        transport=transport, base_url="http://127.0.0.1:8712", headers=headers
    ) as control:
        answer = await control.post("/authorization-servers/default", json=body)
        (seen,) = (await control.get("/authorization-servers")).json()["servers"]
    assert answer.status_code == status
    changed = (300, "INACTIVE") if status == 200 else (3600, "ACTIVE")
    assert (seen["access_lifetime_s"], seen["status"]) == changed
