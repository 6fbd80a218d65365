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
        "principal": world.org.api_tokens[world.org.seeded.api_token].principal,
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


# --- clocks, pages and bytes --------------------------------------------------------------------


async def test_wrong_clock(world: World) -> None:
    """The Date header is off by so many seconds; the end of the rate window stays true."""
    world.org.add_fault(Fault("wrong-clock", seconds=-90))
    answer = await world.admin("GET", "/api/v1/apps")
    assert answer.headers["date"] == "Sun, 01 Mar 2026 11:58:30 GMT"
    assert answer.headers["x-rate-limit-reset"] == "1772366460"


async def test_slow_answer(world: World) -> None:
    """The body comes in pieces, over so many seconds, and is whole."""
    world.org.add_fault(Fault("slow", seconds=8))
    began = world.clock.at
    answer = await world.admin("GET", "/api/v1/apps")
    assert (world.clock.at - began).total_seconds() == 8
    assert len(answer.json()) == 2


async def test_cut_connection(world: World) -> None:
    """The headers promise more than comes; the effect has happened."""
    break_creation(world, "cut", count=1)
    with pytest.raises(httpx2.TransportError):
        await world.make_secret()
    assert count_secrets(world) == 2


async def pages(world: World) -> tuple[httpx2.Response, httpx2.Response]:
    """Return both pages of the two apps, one each."""
    first = await world.admin("GET", "/api/v1/apps?limit=1")
    return first, await world.admin("GET", first.links["next"]["url"])


async def test_looping_page(world: World) -> None:
    """The next link leads to the page itself, also from the last page."""
    world.org.add_fault(Fault("looping-page"))
    for answer in await pages(world):
        assert answer.links["next"]["url"] == answer.links["self"]["url"]


async def test_duplicate_page(world: World) -> None:
    """A further page brings the first one's objects again, under its own links."""
    world.org.add_fault(Fault("duplicate-page"))
    first, second = await pages(world)
    assert first.json() == second.json()
    assert "after=" in second.links["self"]["url"]
    assert (world.org.list_faults()[0]["seen"], world.org.list_faults()[0]["struck"]) == (1, 1)


async def test_empty_list(world: World) -> None:
    """A list is empty and ends there; one object is not touched, nor a refusal."""
    world.org.add_fault(Fault("empty-list"))
    answer = await world.admin("GET", "/api/v1/apps?limit=1")
    assert (answer.status_code, answer.json(), "next" in answer.links) == (200, [], False)
    assert (await world.admin("GET", f"/api/v1/apps/{world.app_id}")).json()["id"] == world.app_id


# --- what is taken away -------------------------------------------------------------------------


async def bearer(world: World) -> dict[str, str]:
    """Return the header of the service app's token."""
    return {"authorization": f"Bearer {(await world.service_token()).json()['access_token']}"}


async def test_token_revoked_on_the_way(world: World) -> None:
    """The call that is struck, and every later one with the token, is 401."""
    headers = await bearer(world)
    world.org.add_fault(Fault("token-revoked", skip=1, count=1))
    statuses = [
        (await world.http.get("/api/v1/apps", headers=headers)).status_code for _ in range(3)
    ]
    assert statuses == [200, 401, 401]
    again = await bearer(world)
    assert (await world.http.get("/api/v1/apps", headers=again)).status_code == 200


async def test_api_token_revoked_on_the_way(world: World) -> None:
    """An SSWS token can be taken away in the same manner."""
    world.org.add_fault(Fault("token-revoked", count=1))
    assert [(await world.admin("GET", "/api/v1/apps")).status_code for _ in range(2)] == [401, 401]


async def test_scope_removed_on_the_way(world: World) -> None:
    """The route's scope is gone from the token and from the app: 403, and none with a new token."""
    headers = await bearer(world)
    world.org.add_fault(Fault("scope-removed", count=1))
    answer = await world.http.get("/api/v1/apps", headers=headers)
    assert (answer.status_code, answer.content) == (403, b"")
    assert 'error="insufficient_scope"' in answer.headers["www-authenticate"]
    assert (await world.service_token()).json()["error"] == "consent_required"


async def test_role_removed_on_the_way(world: World) -> None:
    """The app keeps its token and its scopes and may do nothing."""
    headers = await bearer(world)
    world.org.add_fault(Fault("role-removed", count=1))
    for _ in range(2):
        answer = await world.http.get("/api/v1/apps", headers=headers)
        assert (answer.status_code, answer.json()["errorCode"]) == (403, "E0000006")
    world.org.change_admin_role(world.org.seeded.service_app_id, "APP_ADMIN")
    assert (await world.http.get("/api/v1/apps", headers=headers)).status_code == 200
