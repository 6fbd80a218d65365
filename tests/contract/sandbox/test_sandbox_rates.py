"""Rate windows: buckets by path family, counted for each principal, over 60 seconds."""

import httpx2
import pytest
from sandbox_kit import World, okta_error, without_id

pytestmark = pytest.mark.anyio

START = 1_772_366_400


def rate(answer: httpx2.Response) -> tuple[int, int, int]:
    """Return limit, remaining and reset of an answer."""
    limit, remaining, reset = (
        int(answer.headers[f"x-rate-limit-{name}"]) for name in ("limit", "remaining", "reset")
    )
    return limit, remaining, reset


@pytest.fixture
def free(world: World) -> World:
    """Make it a free org."""
    world.org.change_settings(profile="free")
    return world


async def test_the_secret_lifecycle_shares_one_bucket(free: World) -> None:
    """Lists, creation and lifecycle count down one bucket of 10 on a free org."""
    made = await free.make_secret()
    path = f"{free.secrets_path}/{made['id']}"
    answers = [
        await free.admin("GET", "/api/v1/apps"),
        await free.admin("GET", path),
        await free.admin("POST", f"{path}/lifecycle/deactivate"),
        await free.admin("DELETE", path),
    ]
    assert [rate(answer) for answer in answers] == [(10, left, START + 60) for left in (8, 7, 6, 5)]
    assert rate(await free.admin("GET", f"/api/v1/apps/{free.app_id}"))[:2] == (50, 49)


async def test_too_many_calls(free: World) -> None:
    """The eleventh call is 429 as recorded, has no effect, and the window ends at reset."""
    for _ in range(10):
        await free.admin("GET", free.secrets_path)
    refused = await free.admin("POST", free.secrets_path)
    assert (refused.status_code, rate(refused)) == (429, (10, 0, START + 60))
    assert without_id(refused) == okta_error(
        "E0000047", "API call exceeded rate limit due to too many requests."
    )
    assert not {"retry-after", "cache-control"} & set(refused.headers)
    assert len(free.org.read_app(free.app_id).live_secrets) == 1
    free.clock.advance(59.75)
    assert rate(await free.admin("GET", free.secrets_path)) == (10, 9, START + 120)


async def test_window_starts_at_the_first_request(world: World) -> None:
    """The window is fixed and begins with the first call, not at a full minute."""
    world.clock.advance(17)
    assert rate(await world.admin("GET", "/api/v1/apps")) == (50, 49, START + 77)
    world.clock.advance(40)
    assert rate(await world.admin("GET", "/api/v1/apps")) == (50, 48, START + 77)


async def test_principals_have_their_own_budget(free: World) -> None:
    """What one token uses is not taken from another's."""
    for _ in range(10):
        await free.admin("GET", free.secrets_path)
    token = (await free.service_token()).json()["access_token"]
    headers = {"authorization": f"Bearer {token}"}
    assert rate(await free.http.get("/api/v1/apps", headers=headers))[:2] == (10, 9)


async def test_token_endpoint_has_its_bucket(free: World) -> None:
    """The token endpoint counts for each client; refusals count as well."""
    assert rate(await free.post("token", {}))[:2] == (150, 149)
    assert rate(await free.post("token", {}, "wrong"))[:2] == (150, 148)
    assert rate(await free.service_token())[:2] == (150, 149)


async def test_keys_and_discovery_are_not_limited(world: World) -> None:
    """Public documents carry no rate headers."""
    answer = await world.http.get("/oauth2/v1/keys")
    assert "x-rate-limit-limit" not in answer.headers


async def test_profile_off(world: World) -> None:
    """With the profile `off` the limit is out of reach and the headers stay."""
    world.org.change_settings(profile="off")
    assert rate(await world.admin("GET", "/api/v1/apps"))[0] == 1_000_000
