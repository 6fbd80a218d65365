"""The System Log: which events are written, how they look, filters, pages."""

import re
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from sandbox_kit import BASE, World

from keyturn.sandbox.state.records import hash_secret
from keyturn.sandbox.state.systemlog import CONSOLE

pytestmark = pytest.mark.anyio

LOGS = "/api/v1/logs"
CREDENTIALS = "app.oauth2.credentials.lifecycle"
Event = dict[str, object]


async def read(world: World, **query: str) -> list[dict[str, object]]:
    """Return the events that a query finds."""
    answer = await world.admin("GET", LOGS, params=query)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, object]] = answer.json()
    return found


async def kinds(world: World, **query: str) -> list[object]:
    """Return the types of the events that a query finds."""
    return [event["eventType"] for event in await read(world, **query)]


def links(answer: httpx2.Response) -> dict[str, str]:
    """Return the Link fields by their relation."""
    fields = answer.headers.get_list("link")
    found = (re.fullmatch('<(.*)>; rel="(.*)"', field) for field in fields)
    return {match[2]: match[1] for match in found if match}


def tell(world: World, count: int, *, every_s: float = 1) -> None:
    """Write so many events, one after another."""
    for number in range(count):
        world.org.tell("test.event", debug={"number": number})
        world.clock.advance(every_s)


def numbers(answer: httpx2.Response) -> list[int]:
    """Return which of the events written by `tell` an answer holds."""
    return [event["debugContext"]["debugData"]["number"] for event in answer.json()]


# --- what is written ---


async def test_a_fresh_log_is_empty(world: World) -> None:
    """What the org begins with is no event."""
    assert await read(world) == []


async def test_life_of_a_client_secret(world: World) -> None:
    """Each step is an event that names the app and shows the secret's hash, never its value."""
    made = await world.make_secret()
    one = f"{world.secrets_path}/{made['id']}"
    for step in ("deactivate", "activate", "deactivate"):
        await world.admin("POST", f"{one}/lifecycle/{step}")
    await world.admin("DELETE", one)
    answer = await world.admin("GET", LOGS)
    steps = ["create", "deactivate", "activate", "deactivate", "delete"]
    assert [e["eventType"] for e in answer.json()] == [f"{CREDENTIALS}.{step}" for step in steps]
    app, client = answer.json()[0]["target"]
    assert (app["type"], app["id"]) == ("AppInstance", world.app_id)
    assert client["detailEntry"] == {
        "ClientSecret": made["secret_hash"],
        "ClientCredentialsType": "secret",
        "Status": "ACTIVE",
    }
    assert answer.json()[1]["target"][1]["detailEntry"]["Status"] == "INACTIVE"
    assert made["client_secret"] not in answer.text


async def test_a_step_that_changes_nothing_is_no_event(world: World) -> None:
    """Activating an ACTIVE secret leaves the log alone, and so does a refusal."""
    secret_id = world.org.read_app(world.app_id).live_secrets[0].id
    one = f"{world.secrets_path}/{secret_id}"
    assert (await world.admin("POST", f"{one}/lifecycle/activate")).status_code == 200
    assert (await world.admin("POST", f"{one}/lifecycle/deactivate")).status_code == 400
    assert await read(world) == []


async def test_reading_secrets_is_audited(world: World) -> None:
    """Every list and every single read is an event."""
    listed = (await world.admin("GET", world.secrets_path)).json()
    await world.admin("GET", f"{world.secrets_path}/{listed[0]['id']}")
    assert await kinds(world) == ["app.oauth2.client.read_client_secret"] * 2
    (one,) = await read(world, filter="target.detailEntry.ClientSecret pr")
    assert one["target"][1]["detailEntry"]["ClientSecret"] == hash_secret(world.secret)  # type: ignore[index]  # JSON


async def test_life_of_an_app(world: World) -> None:
    """Creation, stop, start and deletion of an app are events."""
    path = f"/api/v1/apps/{world.app_id}"
    for step in ("deactivate", "activate", "deactivate"):
        await world.admin("POST", f"{path}/lifecycle/{step}")
    await world.admin("DELETE", path)
    steps = ["deactivate", "activate", "deactivate", "delete"]
    found = await kinds(world, filter='eventType sw "application.lifecycle"')
    assert found == [f"application.lifecycle.{step}" for step in steps]


async def test_who_did_it(world: World) -> None:
    """The caller of the API is the actor; at the console it is somebody else."""
    await world.make_secret()
    world.org.deactivate_secret(world.app_id, world.org.read_app(world.app_id).live_secrets[1].id)
    by_api, by_hand = await read(world)
    assert by_api["actor"]["alternateId"] == "admin@example.com"  # type: ignore[index]  # JSON
    token_id = world.org.api_tokens[world.org.seeded.api_token].id
    assert by_api["transaction"]["detail"] == {"requestApiTokenId": token_id}  # type: ignore[index]  # JSON
    assert by_hand["actor"]["alternateId"] == CONSOLE.alternate_id  # type: ignore[index]  # JSON
    assert by_hand["transaction"]["type"] == "JOB"  # type: ignore[index]  # JSON


async def test_service_app_as_actor(world: World) -> None:
    """A service app acts under its client id."""
    token = (await world.service_token()).json()["access_token"]
    await world.http.get(world.secrets_path, headers={"authorization": f"Bearer {token}"})
    (event,) = await read(world, filter='eventType eq "app.oauth2.client.read_client_secret"')
    assert event["actor"]["type"] == "PublicClientApp"  # type: ignore[index]  # JSON
    assert event["actor"]["id"] == world.service_client_id  # type: ignore[index]  # JSON


async def test_log_ins(world: World) -> None:
    """Log-ins are events, the failed ones with their reason."""
    login = world.org.users[world.org.seeded.user_id].login
    body = {"username": login, "password": "wrong"}
    await world.http.post("/api/v1/authn", json=body)
    await world.log_in()
    failed, done = await read(world, filter='eventType eq "user.session.start"')
    assert failed["outcome"] == {"result": "FAILURE", "reason": "INVALID_CREDENTIALS"}
    assert failed["legacyEventType"] == "core.user_auth.login_failed"
    assert done["outcome"] == {"result": "SUCCESS", "reason": None}
    assert done["actor"]["alternateId"] == login  # type: ignore[index]  # JSON


async def test_life_of_a_device(world: World) -> None:
    """Each step of a device is an event that names it."""
    device = world.org.devices.list()[0]
    for step in ("suspend", "unsuspend", "deactivate"):
        await world.admin("POST", f"/api/v1/devices/{device.id}/lifecycle/{step}")
    await world.admin("DELETE", f"/api/v1/devices/{device.id}")
    steps = ["suspend", "unsuspend", "deactivate", "delete"]
    found = await kinds(world, filter=f'target.id eq "{device.id}"')
    assert found == [f"device.lifecycle.{step}" for step in steps]


async def test_rate_limit_violation(world: World) -> None:
    """A refused call is told once a window."""
    world.org.change_settings(profile="free")
    for _ in range(12):
        await world.admin("GET", "/api/v1/apps")
    found = await kinds(world, filter='outcome.result eq "DENY"')
    assert found == ["system.org.rate_limit.violation"]


# --- how it looks ---


async def test_all_members(world: World) -> None:
    """An event has every member of Okta's object, and tells of the request it came from."""
    answer = await world.admin("POST", world.secrets_path)
    (event,) = await read(world)
    assert list(event) == [
        *("actor", "client", "device", "authenticationContext", "displayMessage", "eventType"),
        *("outcome", "published", "securityContext", "severity", "debugContext"),
        *("legacyEventType", "transaction", "uuid", "version", "request", "target"),
    ]
    request_id = answer.headers["x-okta-request-id"]
    assert event["debugContext"] == {
        "debugData": {
            "requestId": request_id,
            "requestUri": world.secrets_path,
            "url": f"{world.secrets_path}?",
        }
    }
    assert event["transaction"]["id"] == request_id  # type: ignore[index]  # JSON
    assert (event["published"], event["version"]) == ("2026-03-01T12:00:00.250Z", "0")
    assert event["client"]["ipAddress"] == "127.0.0.1"  # type: ignore[index]  # JSON
    assert str(event["client"]["userAgent"]["rawUserAgent"]).startswith("python-httpx")  # type: ignore[index]  # JSON


# --- filters ---


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ('eventType eq "test.event" and debugContext.debugData.number gt 1', [2, 3]),
        ("debugContext.debugData.number le 0 or debugContext.debugData.number eq 3", [0, 3]),
        ('not (debugContext.debugData.number lt 3) and outcome.result eq "SUCCESS"', [3]),
        ('eventType co "other"', []),
        ('severity eq "INFO" and transaction.type eq "JOB"', [0, 1, 2, 3]),
    ],
)
async def test_filter(world: World, expression: str, found: list[int]) -> None:
    """Expressions may name any member of the event."""
    tell(world, 4)
    assert numbers(await world.admin("GET", LOGS, params={"filter": expression})) == found


async def test_filter_for_drained_secrets(world: World) -> None:
    """A rotation can ask whether anybody used the secret with this hash since a moment."""
    for value in ("old", "new", "old"):
        world.org.tell("app.oauth2.token.grant", debug={"clientSecret": hash_secret(value)})
        world.clock.advance(60)
    wanted = f'debugContext.debugData.clientSecret eq "{hash_secret("old")}"'
    expression = f'eventType sw "app.oauth2" and {wanted}'
    assert len(await read(world, filter=expression)) == 2
    assert len(await read(world, filter=expression, since="2026-03-01T12:01:00Z")) == 1
    assert await read(world, filter=expression, since="2026-03-01T12:03:00Z") == []


@pytest.mark.parametrize(
    ("q", "count"),
    [("read secret", 1), ("READ", 1), ("secre", 0), ("example web app", 1), ("read absent", 0)],
)
async def test_keywords(world: World, q: str, count: int) -> None:
    """All keywords must be words of the event, in any case."""
    await world.admin("GET", world.secrets_path)
    assert len(await read(world, q=q)) == count


# --- bounds and pages ---


async def test_seven_days_back(world: World) -> None:
    """Without `since` nothing older than seven days is found; with it, up to ninety."""
    tell(world, 1)
    world.clock.advance(7 * 86_400)
    assert numbers(await world.admin("GET", LOGS)) == []
    since = {"since": "2026-02-01T00:00:00Z"}
    assert numbers(await world.admin("GET", LOGS, params=since)) == [0]
    for _ in range(3):  # an API token that is not used for a month is no good any more
        world.clock.advance(28 * 86_400)
        await world.admin("GET", LOGS)
    assert numbers(await world.admin("GET", LOGS, params=since)) == []


async def test_bounds(world: World) -> None:
    """`since` and `until` bound what was published."""
    tell(world, 5)
    bounds = {"since": "2026-03-01T12:00:01Z", "until": "2026-03-01T14:00:03+02:00"}
    assert numbers(await world.admin("GET", LOGS, params=bounds)) == [1, 2]


async def test_bounds_count_whole_milliseconds(world: World) -> None:
    """What is shown with the milliseconds of a bound is within it, whatever comes after them."""
    world.clock.advance(0.0505)
    tell(world, 1)
    world.clock.advance(1)
    at = "2026-03-01T12:00:00."
    for since, until, found in (
        ("300", "300", [0]),
        ("3001", "9", []),
        ("301", "9", []),
        ("0", "299999", []),
        ("0", "3009", [0]),
    ):
        bounds = {"since": f"{at}{since}Z", "until": f"{at}{until}Z"}
        assert numbers(await world.admin("GET", LOGS, params=bounds)) == found, bounds
    bounds = {"since": "9999-12-31T23:59:59.9999Z", "until": "9999-12-31T23:59:59.9999Z"}
    assert numbers(await world.admin("GET", LOGS, params=bounds)) == []


@pytest.mark.parametrize(
    ("order", "pages"),
    [("ASCENDING", [[0, 1], [2, 3], [4]]), ("DESCENDING", [[4, 3], [2, 1], [0]])],
)
async def test_bounded_pages(world: World, order: str, pages: list[list[int]]) -> None:
    """Pages go on by `next` and end without it, in either order."""
    tell(world, 5)
    query = {"until": "2026-03-01T13:00:00Z", "sortOrder": order, "limit": "2"}
    answer, seen = await world.admin("GET", LOGS, params=query), []
    seen.append(numbers(answer))
    while "next" in links(answer):
        answer = await world.admin("GET", links(answer)["next"])
        seen.append(numbers(answer))
    assert seen == pages


async def test_self_link(world: World) -> None:
    """`self` repeats the query."""
    answer = await world.admin("GET", f"{LOGS}?sortOrder=DESCENDING&q=a+b")
    assert links(answer) == {"self": f"{BASE}{LOGS}?sortOrder=DESCENDING&q=a+b"}


async def test_polling_never_ends(world: World) -> None:
    """A polling request always has a `next` link, which later finds what is new, and only that."""
    answer = await world.admin("GET", f"{LOGS}?limit=2")
    assert numbers(answer) == []
    tell(world, 3)
    seen = []
    for _ in range(3):
        answer = await world.admin("GET", links(answer)["next"])
        seen.append(numbers(answer))
    tell(world, 1)
    seen.append(numbers(await world.admin("GET", links(answer)["next"])))
    assert seen == [[0, 1], [2], [], [0]]


async def test_polling_goes_on_past_what_a_filter_leaves_out(world: World) -> None:
    """The cursor moves with the log, not with what was found."""
    tell(world, 5)
    query = {"filter": 'eventType eq "wanted"', "limit": "1"}
    first = await world.admin("GET", LOGS, params=query)
    world.org.tell("wanted")
    second = await world.admin("GET", links(first)["next"])
    assert (first.json(), len(second.json())) == ([], 1)
    assert parse_qs(urlsplit(links(second)["next"]).query)["filter"] == [query["filter"]]


async def test_polling_follows_arrival(world: World) -> None:
    """An event that arrives late is not missed, though it was published earlier."""
    tell(world, 1)
    answer = await world.admin("GET", LOGS)
    world.clock.advance(-30)
    tell(world, 1)
    world.clock.advance(30)
    assert numbers(await world.admin("GET", links(answer)["next"])) == [0]


async def test_limit_zero(world: World) -> None:
    """A limit of zero finds nothing, and a poll goes on from where it was."""
    tell(world, 1)
    answer = await world.admin("GET", f"{LOGS}?limit=0")
    assert answer.json() == []
    follow = links(answer)["next"].replace("limit=0", "limit=5")
    assert numbers(await world.admin("GET", follow)) == [0]


async def test_a_hundred_by_default(world: World) -> None:
    """Without a limit a page holds a hundred."""
    tell(world, 101, every_s=0)
    assert len(await read(world)) == 100
