"""Event hooks: their life, the challenge of their endpoints, and what is delivered."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import httpx2
import pytest
from sandbox_kit import BASE, World, okta_error, without_id

from keyturn.sandbox.state.event_hooks import HookSender

pytestmark = pytest.mark.anyio

HOOKS = "/api/v1/eventHooks"
SECRET = "whsec-7f3a"
KIND = "app.oauth2.credentials.lifecycle.create"


def body(**changes: object) -> dict[str, object]:
    """Return what registers a hook for new client secrets."""
    config = {
        "uri": "https://hooks.example.com/in",
        "headers": [{"key": "X-Other-Header", "value": "my-header-value"}],
        "authScheme": {"type": "HEADER", "key": "Authorization", "value": SECRET},
    }
    return {
        "name": "Rotations",
        "events": {"type": "EVENT_TYPE", "items": [KIND]},
        "channel": {"type": "HTTP", "version": "1.0.0", "config": config},
        **changes,
    }


@dataclass
class Endpoint:
    """An endpoint that keeps what it was sent; `statuses` are answered first, then 200."""

    statuses: list[int] = field(default_factory=list)
    echo: bool = True
    got: list[httpx2.Request] = field(default_factory=list)

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        """Answer one request."""
        self.got.append(request)
        status = self.statuses.pop(0) if self.statuses else 200
        if status == 0:
            raise httpx2.ReadTimeout("too slow", request=request)
        challenge = request.headers.get("x-okta-verification-challenge")
        told = {"verification": challenge if self.echo else "something else"}
        return httpx2.Response(status, json=told)

    @property
    def posts(self) -> list[httpx2.Request]:
        """Return the deliveries."""
        return [request for request in self.got if request.method == "POST"]


@pytest.fixture
async def endpoint(world: World) -> AsyncIterator[Endpoint]:
    """Give an endpoint that the org can reach."""
    endpoint = Endpoint()
    async with HookSender(httpx2.MockTransport(endpoint)) as sender:
        world.org.hook_sender = sender
        yield endpoint


async def make(world: World, **changes: object) -> str:
    """Register a hook and return its path."""
    made = (await world.admin("POST", HOOKS, body(**changes))).json()
    return f"{HOOKS}/{made['id']}"


async def verified(world: World) -> str:
    """Register and verify a hook and return its path."""
    path = await make(world)
    assert (await world.admin("POST", f"{path}/lifecycle/verify")).status_code == 200
    return path


async def settle(world: World) -> None:
    """Wait until all deliveries arrived."""
    assert world.org.hook_sender is not None
    await world.org.hook_sender.settle()


async def failures(world: World) -> list[str | None]:
    """Return the reasons of failed deliveries in the log."""
    found = [e for e in world.org.system_log.events() if e.type == "event_hook.delivery"]
    return [event.reason for event in found]


# --- their life ---


async def test_creation(world: World) -> None:
    """A hook begins ACTIVE and UNVERIFIED, and never shows the secret of its endpoint."""
    answer = await world.admin("POST", HOOKS, body())
    made = answer.json()
    assert (answer.status_code, made["status"], made["verificationStatus"]) == (
        200,
        "ACTIVE",
        "UNVERIFIED",
    )
    assert (made["id"][:3], made["createdBy"][:3]) == ("who", "00u")
    assert made["channel"]["config"] == {
        "uri": "https://hooks.example.com/in",
        "headers": [{"key": "X-Other-Header", "value": "my-header-value"}],
        "method": "POST",
        "authScheme": {"type": "HEADER", "key": "Authorization"},
    }
    for path in (HOOKS, f"{HOOKS}/{made['id']}"):
        assert SECRET not in (await world.admin("GET", path)).text


async def test_links(world: World) -> None:
    """An ACTIVE hook offers deactivate, an INACTIVE one activate, both verify."""
    path = await make(world)
    post = {"allow": ["POST"]}
    stopped = (await world.admin("POST", f"{path}/lifecycle/deactivate")).json()
    assert stopped["_links"] == {
        "self": {"href": BASE + path},
        "verify": {"href": f"{BASE}{path}/lifecycle/verify", "hints": post},
        "activate": {"href": f"{BASE}{path}/lifecycle/activate", "hints": post},
    }
    started = (await world.admin("POST", f"{path}/lifecycle/activate")).json()
    assert "deactivate" in started["_links"]


async def test_deletion(world: World) -> None:
    """Only an INACTIVE hook is deleted."""
    path = await make(world)
    assert (await world.admin("DELETE", path)).status_code == 400
    await world.admin("POST", f"{path}/lifecycle/deactivate")
    assert (await world.admin("DELETE", path)).status_code == 204
    assert (await world.admin("GET", HOOKS)).json() == []


@pytest.mark.parametrize(
    ("method", "tail"),
    [("GET", ""), ("PUT", ""), ("DELETE", ""), ("POST", "/lifecycle/verify")],
)
async def test_unknown_hook(world: World, method: str, tail: str) -> None:
    """An id that names no hook is 404."""
    answer = await world.admin(method, f"{HOOKS}/whonone{tail}")
    summary = "Not found: Resource not found: whonone (EventHook)"
    assert answer.status_code == 404
    assert without_id(answer) == okta_error("E0000007", summary)


CHANNEL = {"type": "HTTP", "version": "1.0.0"}


@pytest.mark.parametrize(
    "changes",
    [
        {"name": ""},
        {"events": {"type": "EVENT_TYPE", "items": []}},
        {"channel": {**CHANNEL, "version": "2", "config": {"uri": "https://a.example"}}},
        {"channel": {**CHANNEL, "config": {"uri": "http://hooks.example.com"}}},
        {"channel": {**CHANNEL, "config": {"uri": "ftp://127.0.0.1"}}},
        {"channel": {**CHANNEL, "config": {}}},
        {
            "events": {
                "type": "EVENT_TYPE",
                "items": [KIND],
                "filter": {"eventFilterMap": [{"event": KIND}]},
            }
        },
    ],
)
async def test_hooks_that_cannot_be(world: World, changes: dict[str, object]) -> None:
    """Name, events and an https endpoint are needed; filters are refused, not ignored."""
    answer = await world.admin("POST", HOOKS, body(**changes))
    assert (answer.status_code, answer.json()["errorCode"]) == (400, "E0000001")
    assert world.org.event_hooks.list() == []


# --- the challenge ---


async def test_verification(world: World, endpoint: Endpoint) -> None:
    """The endpoint is asked once by GET, with its secret, and must repeat the challenge."""
    path = await make(world)
    answer = await world.admin("POST", f"{path}/lifecycle/verify")
    assert (answer.status_code, answer.json()["verificationStatus"]) == (200, "VERIFIED")
    assert "x-rate-limit-remaining" in answer.headers
    (asked,) = endpoint.got
    assert (asked.method, asked.headers["authorization"]) == ("GET", SECRET)
    assert asked.headers["x-other-header"] == "my-header-value"
    assert world.org.journal.list(0)[-1]["status"] == 200


@pytest.mark.parametrize(
    ("statuses", "asked", "reason"),
    [
        ([500, 500], 2, "the endpoint answered 500"),
        ([0, 0], 2, "the endpoint could not be reached: ReadTimeout"),
        ([404], 1, "the endpoint answered 404"),
        ([200], 1, "the endpoint did not repeat the challenge"),
    ],
)
async def test_failed_verification(
    world: World, endpoint: Endpoint, statuses: list[int], asked: int, reason: str
) -> None:
    """A wrong answer is 400 and the hook stays UNVERIFIED; errors are tried twice."""
    endpoint.statuses, endpoint.echo = statuses, False
    path = await make(world)
    answer = await world.admin("POST", f"{path}/lifecycle/verify")
    assert answer.status_code == 400
    error = okta_error("E0000001", "Api validation failed: eventHook", reason)
    assert without_id(answer) == error
    assert len(endpoint.got) == asked
    assert (await world.admin("GET", path)).json()["verificationStatus"] == "UNVERIFIED"


async def test_second_try_counts(world: World, endpoint: Endpoint) -> None:
    """An endpoint that answers at the second try is verified."""
    endpoint.statuses = [0]
    await verified(world)


async def test_another_channel_is_verified_again(world: World, endpoint: Endpoint) -> None:
    """A new name keeps VERIFIED, and the secret though it is not repeated; a new address not."""
    path = await verified(world)
    config: dict[str, object] = {
        "uri": "https://hooks.example.com/in",
        "headers": [{"key": "X-Other-Header", "value": "my-header-value"}],
        "authScheme": {"type": "HEADER", "key": "Authorization"},
    }
    same = await world.admin("PUT", path, body(name="Other", channel={**CHANNEL, "config": config}))
    assert (same.json()["name"], same.json()["verificationStatus"]) == ("Other", "VERIFIED")
    config["uri"] = "https://hooks.example.com/elsewhere"
    moved = await world.admin("PUT", path, body(channel={**CHANNEL, "config": config}))
    assert moved.json()["verificationStatus"] == "UNVERIFIED"


async def test_nobody_sends_for_a_bare_org(world: World) -> None:
    """Without a sender verification fails, and events go nowhere."""
    path = await make(world)
    assert (await world.admin("POST", f"{path}/lifecycle/verify")).status_code == 400
    await world.make_secret()


# --- deliveries ---


async def test_delivery(world: World, endpoint: Endpoint) -> None:
    """A matching event arrives by POST in Okta's envelope, as the log shows it."""
    path = await verified(world)
    made = await world.make_secret()
    await settle(world)
    (sent,) = endpoint.posts
    told = json.loads(sent.content)
    assert (sent.headers["authorization"], sent.headers["x-other-header"]) == (
        SECRET,
        "my-header-value",
    )
    assert sent.headers["content-type"] == "application/json"
    (event,) = told.pop("data")["events"]
    assert len(told.pop("eventId")) == 36
    assert told == {
        "eventType": "com.okta.event_hook",
        "eventTypeVersion": "1.0",
        "cloudEventsVersion": "0.1",
        "contentType": "application/json",
        "source": BASE + path,
        "eventTime": "2026-03-01T12:00:00.250Z",
    }
    logged = await world.admin("GET", "/api/v1/logs", params={"filter": f'eventType eq "{KIND}"'})
    assert [event] == logged.json()
    assert made["client_secret"] not in sent.content.decode()


async def test_only_what_was_subscribed_to(world: World, endpoint: Endpoint) -> None:
    """Other events, unverified hooks and INACTIVE ones are not told."""
    path = await verified(world)
    await make(world)
    await world.admin("GET", world.secrets_path)
    await world.admin("POST", f"{path}/lifecycle/deactivate")
    await world.make_secret()
    await settle(world)
    assert endpoint.posts == []


@pytest.mark.parametrize(
    ("statuses", "sent", "reasons"),
    [
        ([500], 2, []),
        ([0], 2, []),
        ([500, 503], 2, ["the endpoint answered 503"]),
        ([400], 1, ["the endpoint answered 400"]),
    ],
)
async def test_one_retry(
    world: World, endpoint: Endpoint, statuses: list[int], sent: int, reasons: list[str]
) -> None:
    """Errors are tried once more, refusals not; what fails for good is in the log."""
    await verified(world)
    endpoint.statuses = statuses
    await world.make_secret()
    await settle(world)
    assert len(endpoint.posts) == sent
    assert await failures(world) == reasons


async def test_a_failed_delivery_is_not_delivered(world: World, endpoint: Endpoint) -> None:
    """Whoever subscribes to failures gets no endless echo of their own."""
    events = {"type": "EVENT_TYPE", "items": [KIND, "event_hook.delivery"]}
    path = await make(world, events=events)
    await world.admin("POST", f"{path}/lifecycle/verify")
    endpoint.statuses = [400]
    await world.make_secret()
    await settle(world)
    assert (len(endpoint.posts), len(await failures(world))) == (1, 1)


async def test_a_full_queue(world: World, endpoint: Endpoint) -> None:
    """Only so many deliveries wait; the rest have failed."""
    await verified(world)
    for _ in range(1_003):
        world.org.tell(KIND)
    assert await failures(world) == ["too many deliveries are waiting"] * 3
    await settle(world)
    assert len(endpoint.posts) == 1_000


async def test_closing_stops_what_is_waiting(world: World, endpoint: Endpoint) -> None:
    """A closed sender sends nothing more, and nothing fails for it."""
    await verified(world)
    assert world.org.hook_sender is not None
    world.org.tell(KIND)
    await world.org.hook_sender.close()
    world.org.tell(KIND)
    assert endpoint.posts == []
