"""Rate windows: buckets by path family, counted for each principal, over 60 seconds."""

import asyncio
from typing import get_args

import httpx2
import pytest
from sandbox_kit import World, okta_error, without_id

from keyturn.sandbox import Fault
from keyturn.sandbox.state.limits import PROFILES, Family, Profile, bucket_of

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


async def test_the_whole_org_has_a_budget(free: World) -> None:
    """Three callers, each with half, get no more than the org has between them."""
    admin_id = free.org.api_tokens[free.org.seeded.api_token].user_id
    tokens = [free.org.create_api_token(f"t{n}", admin_id) for n in range(3)]
    path, answers = "/api/v1/apps", []
    for token in tokens:
        headers = {"authorization": f"SSWS {token}"}
        answers += [await free.http.get(path, headers=headers) for _ in range(8)]
    statuses = [answer.status_code for answer in answers]
    assert statuses == [200] * 20 + [429] * 4
    assert rate(answers[15]) == (10, 2, START + 60)
    assert rate(answers[-1]) == (20, 0, START + 60)


async def test_two_principals_fill_the_org(free: World) -> None:
    """Half each is all that there is: a third caller is refused at once, by the org's limit."""
    admin_id = free.org.api_tokens[free.org.seeded.api_token].user_id
    statuses = []
    for label, calls in (("one", 10), ("two", 10), ("three", 1)):
        headers = {"authorization": f"SSWS {free.org.create_api_token(label, admin_id)}"}
        for _ in range(calls):
            answer = await free.http.get("/api/v1/apps", headers=headers)
            statuses.append(answer.status_code)
    assert statuses == [200] * 20 + [429]
    assert rate(answer) == (20, 0, START + 60)


# What the org may in a minute: path of a call, free, workforce.
BUCKETS = {
    "apps": ("/api/v1/apps", 20, 100),
    "secrets": ("/api/v1/apps/{app}/credentials/secrets", 20, 100),
    "one secret": ("/api/v1/apps/{app}/credentials/secrets/{secret}", 20, 100),
    "keys": ("/api/v1/apps/{app}/credentials/jwks", 20, 100),
    "grants": ("/api/v1/apps/{app}/grants", 20, 100),
    "tokens": ("/api/v1/apps/{app}/tokens", 20, 100),
    "one app": ("/api/v1/apps/{app}", 100, 500),
    "logs": ("/api/v1/logs", 20, 120),
    "clients": ("/oauth2/v1/clients/{app}/roles", 25, 100),
    "devices": ("/api/v1/devices", 100, 100),
    "people of a device": ("/api/v1/devices/{device}/users", 600, 600),
    "token": ("/oauth2/v1/token", 300, 2000),
    "custom token": ("/oauth2/default/v1/token", 300, 2000),
    "authorize": ("/oauth2/v1/authorize", 300, 2000),
    "introspect": ("/oauth2/v1/introspect", 300, 2000),
    "people": ("/api/v1/users", 100, 1200),
    "servers": ("/api/v1/authorizationServers", 100, 1200),
}


async def call_bucket(world: World, path: str) -> httpx2.Response:
    """Call a path in the way that it wants."""
    app = world.org.read_app(world.app_id)
    device = world.org.devices.list()[0].id
    path = path.format(app=app.id, secret=app.live_secrets[0].id, device=device)
    if path.endswith(("/token", "/introspect")):
        return await world.http.post(path, data={"client_id": app.client_id})
    return await world.admin("GET", path)


@pytest.mark.parametrize("name", BUCKETS)
@pytest.mark.parametrize("profile", ["free", "workforce"])
async def test_published_figures(world: World, profile: Profile, name: str) -> None:
    """Each family of paths has the published figure, of which one caller has half."""
    world.org.change_settings(profile=profile)
    path, free, workforce = BUCKETS[name]
    share = (free if profile == "free" else workforce) // 2
    assert rate(await call_bucket(world, path)) == (share, share - 1, START + 60)


async def test_the_family_of_apps_shares_a_bucket(free: World) -> None:
    """All that is below an app counts with the list of apps; the app itself does not."""
    family = [name for name, bucket in BUCKETS.items() if bucket[1] == 20 and name != "logs"]
    left = [rate(await call_bucket(free, BUCKETS[name][0]))[1] for name in family]
    assert left == [10 - number for number in range(1, len(family) + 1)]
    assert rate(await call_bucket(free, BUCKETS["one app"][0]))[:2] == (50, 49)
    assert rate(await call_bucket(free, BUCKETS["logs"][0]))[:2] == (10, 9)


async def test_a_refused_call_does_not_count(free: World) -> None:
    """Calls that were refused take nothing from the org, and do not prolong the window."""
    for _ in range(30):
        await free.admin("GET", "/api/v1/apps")
        free.clock.advance(1)
    free.clock.advance(29)
    assert rate(await free.admin("GET", "/api/v1/apps")) == (10, 0, START + 60)
    free.clock.advance(1)
    assert rate(await free.admin("GET", "/api/v1/apps")) == (10, 9, START + 120)


def test_custom_servers_count_apart() -> None:
    """The org's token endpoint and those of custom servers have a bucket each."""
    assert bucket_of("token", "/oauth2/v1/token") != bucket_of("token", "/oauth2/{asId}/v1/token")
    assert bucket_of("token").name == "/oauth2/v1/token"


async def test_near_and_over_the_limit_are_logged_once(free: World) -> None:
    """At 60 % the System Log has a warning, at the first refusal a violation, once a window."""
    for _ in range(13):
        await free.admin("GET", "/api/v1/apps")
    events = [e for e in free.org.system_log.events() if "rate_limit" in e.type]
    assert [event.type for event in events] == [
        "system.org.rate_limit.warning",
        "system.org.rate_limit.violation",
    ]
    warning = events[0]
    assert next((t.id, t.type) for t in warning.targets) == ("/api/v1/apps", "URL Pattern")
    expected = {
        "rateLimitScopeType": "PRINCIPAL",
        "rateLimitSecondsToReset": "60",
        "threshold": "10",
        "timeSpan": "1",
        "timeUnit": "MINUTES",
        "warningPercent": "60",
    }
    assert expected.items() <= warning.debug.items()


@pytest.mark.parametrize(("profile", "limit"), [("free", 35), ("workforce", 75)])
async def test_too_many_at_once(world: World, profile: Profile, limit: int) -> None:
    """A request beyond the limit in hand is 429 with zeros, and the next one after is answered."""
    world.org.change_settings(profile=profile)
    held = asyncio.Event()

    async def hold(_: float) -> None:
        await held.wait()

    world.org.sleep = hold
    fault = world.org.add_fault(Fault("delay", seconds=9))
    asked = [asyncio.create_task(world.http.get("/oauth2/v1/authorize")) for _ in range(limit)]
    while world.org.list_faults()[0]["struck"] != limit:  # nobody announces it
        await asyncio.sleep(0)
    refused = await world.admin("GET", "/api/v1/apps")
    assert (refused.status_code, rate(refused)) == (429, (0, 0, START + 1))
    held.set()
    await asyncio.gather(*asked)
    world.org.remove_fault(fault)
    assert (await world.admin("GET", "/api/v1/apps")).status_code == 200
    kinds = [event.type for event in world.org.system_log.events()]
    assert kinds.count("core.concurrency.org.limit.violation") == 1


def test_every_family_has_a_figure() -> None:
    """No profile forgets a family of paths."""
    assert {*PROFILES["free"]} == {*PROFILES["workforce"]} == {*PROFILES["off"]}
    assert {*PROFILES["free"]} == {*get_args(Family)}
