"""Log-in on another device: polling, the page, and every way it can end."""

import httpx2
import pytest
from sandbox_kit import BASE, World
from sandbox_oauth_kit import DEVICE_CODE, Client, make_client, oauth_error, person

pytestmark = pytest.mark.anyio

PENDING = (
    400,
    "authorization_pending",
    "The device authorization is pending. Please try again later.",
)
SLOW_DOWN = (400, "slow_down", "Slow down the polling frequency. Please try again later.")
UNKNOWN = (400, "invalid_grant", "The device code is invalid or has expired.")


async def begin(client: Client) -> dict[str, str]:
    """Ask for a device code."""
    answer = await client.post("device/authorize", scope="openid offline_access")
    assert answer.status_code == 200
    codes: dict[str, str] = answer.json()
    return codes


async def poll(client: Client, codes: dict[str, str]) -> httpx2.Response:
    """Ask for the tokens of a device code."""
    return await client.grant(DEVICE_CODE, device_code=codes["device_code"])


async def decide(world: World, codes: dict[str, str], decision: str) -> httpx2.Response:
    """Post the page as the seeded person."""
    form = {"user_code": codes["user_code"], "decision": decision, **person(world)}
    return await world.http.post("/activate", data=form)


async def test_what_the_device_is_told(world: World) -> None:
    """Codes, address and interval come as Okta gives them."""
    codes = await begin(make_client(world))
    page = f"{BASE}/activate"
    assert {**codes, "user_code": "", "device_code": ""} == {
        "user_code": "",
        "device_code": "",
        "interval": 5,
        "verification_uri_complete": f"{page}?user_code={codes['user_code']}",
        "verification_uri": page,
        "expires_in": 600,
    }
    shown = await world.http.get(codes["verification_uri_complete"])
    assert f'value="{codes["user_code"]}"' in shown.text


@pytest.mark.parametrize("server", [None, "default"])
async def test_an_approved_device_gets_tokens_once(world: World, server: str | None) -> None:
    """Once somebody approves, the next poll has tokens; the code is then used up."""
    client = make_client(world, server)
    codes = await begin(client)
    assert oauth_error(await poll(client, codes)) == PENDING
    assert "Device activated" in (await decide(world, codes, "approve")).text
    tokens = (await poll(client, codes)).json()
    assert {"access_token", "id_token", "refresh_token"} <= tokens.keys()
    assert oauth_error(await poll(client, codes)) == UNKNOWN


async def test_polling_too_fast(world: World) -> None:
    """A poll before the interval is over makes the interval five seconds longer."""
    client = make_client(world)
    codes = await begin(client)
    seen = []
    for wait_s in (0, 4, 9, 15):
        world.clock.advance(wait_s)
        seen.append(oauth_error(await poll(client, codes)))
    assert seen == [PENDING, SLOW_DOWN, SLOW_DOWN, PENDING]
    world.clock.advance(15)
    assert oauth_error(await poll(client, codes)) == PENDING


async def test_a_denied_device(world: World) -> None:
    """Who denies sends the device away."""
    client = make_client(world)
    codes = await begin(client)
    assert "Device denied" in (await decide(world, codes, "deny")).text
    assert oauth_error(await poll(client, codes)) == (
        403,
        "access_denied",
        "The resource owner or authorization server denied the request.",
    )


async def test_a_device_code_is_over_after_ten_minutes(world: World) -> None:
    """An old code is no longer approved, and polling says that it is over."""
    client = make_client(world)
    codes = await begin(client)
    world.clock.advance(600)
    assert (
        "The user code is invalid or has expired." in (await decide(world, codes, "approve")).text
    )
    assert oauth_error(await poll(client, codes)) == (
        400,
        "expired_token",
        "The device code has expired.",
    )


async def test_the_page_wants_a_person_or_a_session(world: World) -> None:
    """A wrong password approves nothing; a browser that is signed in needs none."""
    client = make_client(world)
    codes = await begin(client)
    form = {"user_code": codes["user_code"].lower(), "login": "user@example.com", "password": "no"}
    refused = await world.http.post("/activate", data=form)
    assert (refused.status_code, "Unable to sign in" in refused.text) == (400, True)
    await client.sign_in()
    form = {"user_code": codes["user_code"].lower()}
    assert "Device activated" in (await world.http.post("/activate", data=form)).text


async def test_a_device_code_belongs_to_its_client(world: World) -> None:
    """Another client's poll finds nothing."""
    codes = await begin(make_client(world))
    assert oauth_error(await poll(make_client(world), codes)) == UNKNOWN


async def test_an_app_without_the_grant(world: World) -> None:
    """An app that is not registered for devices gets no code."""
    client = make_client(world, grant_types=("authorization_code",))
    answer = await client.post("device/authorize", scope="openid")
    assert oauth_error(answer)[:2] == (400, "unauthorized_client")
