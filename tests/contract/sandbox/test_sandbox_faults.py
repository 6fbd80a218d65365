"""Faults by route, in process: what reaches the client and what happened inside."""

import json

import httpx2
import pytest
from sandbox_kit import World, okta_error, without_id

from keyturn.sandbox import ConnectionDropped, Fault

pytestmark = pytest.mark.anyio

SECRETS = "/api/v1/apps/{appId}/credentials/secrets"


def count_secrets(world: World) -> int:
    """Return how many client secrets the app really has."""
    return len(world.org.read_app(world.app_id).live_secrets)


def break_creation(world: World, kind: str, **options: object) -> None:
    """Put a fault on the creation of client secrets."""
    world.org.add_fault(
        Fault(kind, method="POST", route=SECRETS, **options)  # type: ignore[arg-type]
    )


@pytest.mark.parametrize(("kind", "secrets"), [("drop-before-effect", 1), ("drop-after-effect", 2)])
async def test_dropped_connection(world: World, kind: str, secrets: int) -> None:
    """The client sees a transport error, with the effect or without it."""
    break_creation(world, kind, count=1)
    with pytest.raises(httpx2.TransportError) as caught:
        await world.make_secret()
    assert isinstance(caught.value, ConnectionDropped)
    assert count_secrets(world) == secrets


@pytest.mark.parametrize(
    ("kind", "secrets"), [("error-before-effect", 1), ("error-after-effect", 2)]
)
async def test_server_error(world: World, kind: str, secrets: int) -> None:
    """The client sees 500 E0000009, with the effect or without it."""
    break_creation(world, kind, count=1)
    answer = await world.admin("POST", world.secrets_path)
    assert answer.status_code == 500
    assert without_id(answer) == okta_error("E0000009", "Internal Server Error")
    assert count_secrets(world) == secrets


async def test_error_with_a_status_of_choice(world: World) -> None:
    """An error after the effect may be 503."""
    break_creation(world, "error-after-effect", status=503)
    assert (await world.admin("POST", world.secrets_path)).status_code == 503


async def test_rate_limit(world: World) -> None:
    """A 429 out of turn has no effect and tells when the window ends."""
    break_creation(world, "rate-limit", count=1)
    answer = await world.admin("POST", world.secrets_path)
    assert (answer.status_code, answer.headers["x-rate-limit-remaining"]) == (429, "0")
    assert int(answer.headers["x-rate-limit-reset"]) == 1_772_366_460
    assert count_secrets(world) == 1


@pytest.mark.parametrize(("kind", "second"), [("delay", "05"), ("delay-after-effect", "00")])
async def test_delay(world: World, kind: str, second: str) -> None:
    """A delay holds the request back before its effect, or the answer after it."""
    break_creation(world, kind, seconds=5)
    began = world.clock.at
    made = await world.make_secret()
    assert (world.clock.at - began).total_seconds() == 5
    assert made["created"] == f"2026-03-01T12:00:{second}.000Z"


@pytest.mark.parametrize("status", [200, 502])
async def test_html_page(world: World, status: int) -> None:
    """A gateway's page comes instead of Okta's answer, and nothing happens."""
    break_creation(world, "html", status=status)
    answer = await world.admin("POST", world.secrets_path)
    assert (answer.status_code, answer.text[:6]) == (status, "<html>")
    assert answer.headers["content-type"].startswith("text/html")
    assert count_secrets(world) == 1


async def test_truncated_body(world: World) -> None:
    """Half of the body arrives, although the effect happened."""
    break_creation(world, "truncate")
    answer = await world.admin("POST", world.secrets_path)
    with pytest.raises(json.JSONDecodeError):
        answer.json()
    assert (answer.status_code, count_secrets(world)) == (201, 2)


async def test_stale_read(world: World) -> None:
    """Reads lag behind; writes do not."""
    world.org.add_fault(Fault("stale-read", seconds=4))
    world.clock.advance(60)
    made = await world.make_secret()
    path = f"{world.secrets_path}/{made['id']}"
    assert len((await world.admin("GET", world.secrets_path)).json()) == 1
    assert (await world.admin("GET", path)).status_code == 404
    world.clock.advance(4)
    assert len((await world.admin("GET", world.secrets_path)).json()) == 2
    await world.admin("POST", f"{path}/lifecycle/deactivate")
    assert (await world.admin("GET", path)).json()["status"] == "ACTIVE"


async def test_skip_count_and_route(world: World) -> None:
    """The first requests pass, then so many fail, and other routes are untouched."""
    world.org.add_fault(Fault("error-before-effect", route=SECRETS, skip=1, count=2))
    statuses = [(await world.admin("GET", world.secrets_path)).status_code for _ in range(4)]
    assert statuses == [200, 500, 500, 200]
    assert (await world.admin("GET", "/api/v1/apps")).status_code == 200
    assert world.org.list_faults()[0]["struck"] == 2


async def test_chance_is_seeded() -> None:
    """The same seed strikes the same requests."""
    runs = []
    for _ in range(2):
        world = World(seed=7)
        world.org.add_fault(Fault("error-before-effect", probability=0.5))
        runs.append([(await world.admin("GET", "/api/v1/apps")).status_code for _ in range(20)])
        await world.http.aclose()
    assert runs[0] == runs[1]
    assert {200, 500} == set(runs[0])


async def test_journal_tells_what_happened(world: World) -> None:
    """A dropped answer is in the journal with its real outcome and the hash that was made."""
    break_creation(world, "drop-after-effect", count=1)
    with pytest.raises(ConnectionDropped):
        await world.make_secret()
    (entry,) = world.org.requests()["requests"]
    made = world.org.read_app(world.app_id).live_secrets[-1]
    expected = {
        "seq": 1,
        "method": "POST",
        "route": SECRETS,
        "status": None,
        "principal": "ssws:admin",
        "secret_id": made.id,
        "secret_hash": made.hash,
        "outcome": "ok",
        "fault": "drop-after-effect",
    }
    assert expected.items() <= entry.items()


def test_unknown_kind() -> None:
    """A misspelt kind is refused when the rule is made."""
    with pytest.raises(ValueError, match="unknown fault kind"):
        Fault("explode")  # type: ignore[arg-type]
