"""A fault that finds nothing to change in a request is not spent on it."""

from contextlib import suppress

import pytest
from sandbox_kit import World

from keyturn.sandbox import ConnectionDropped, Fault
from keyturn.sandbox.faults import KINDS

pytestmark = pytest.mark.anyio

APPS = "/api/v1/apps"
DISCOVERY = "/.well-known/openid-configuration"
INSTEAD = ("html", "error-before-effect", "drop-before-effect")


async def bearer(world: World) -> dict[str, str]:
    """Return the header of the service app's token."""
    return {"authorization": f"Bearer {(await world.service_token()).json()['access_token']}"}


def struck(world: World) -> tuple[object, list[object]]:
    """Return how often the only fault struck, and the fault of each request so far."""
    told = world.org.requests()["requests"]
    assert isinstance(told, list)
    (rule,) = world.org.list_faults()
    return rule["struck"], [entry["fault"] for entry in told]


@pytest.mark.parametrize("kind", ["scope-removed", "role-removed"])
async def test_what_a_caller_loses_waits_for_that_caller(world: World, kind: str) -> None:
    """Neither the token request nor a call by API token spends it; the first call it hits does."""
    world.org.add_fault(Fault(kind, count=1))  # type: ignore[arg-type]  # one of the kinds
    headers = await bearer(world)
    await world.admin("GET", APPS)
    assert struck(world) == (0, [None, None])
    assert (await world.http.get(APPS, headers=headers)).status_code == 403
    assert struck(world) == (1, [None, None, kind])


async def test_only_what_is_there_can_be_revoked(world: World) -> None:
    """A request without a token, or with one that is revoked already, spends nothing."""
    headers = await bearer(world)
    world.org.add_fault(Fault("token-revoked", count=1))
    await world.http.get(DISCOVERY)
    await world.http.get(APPS, headers={"authorization": "Bearer nonsense"})
    assert struck(world)[0] == 0
    assert (await world.http.get(APPS, headers=headers)).status_code == 401
    assert struck(world)[0] == 1


@pytest.mark.parametrize("kind", ["role-removed", "scope-removed", "token-revoked"])
async def test_what_is_lost_already_is_not_lost_again(world: World, kind: str) -> None:
    """The second call of a caller without role, scope or token is no strike."""
    headers = await bearer(world)
    world.org.add_fault(Fault(kind))  # type: ignore[arg-type]  # one of the kinds
    for _ in range(2):
        await world.http.get(APPS, headers=headers)
    assert struck(world) == (1, [None, kind, None])


async def test_stale_read_waits_for_a_read_that_can_lag(world: World) -> None:
    """Discovery does not lag, nor a refused caller, nor an org in which nothing has changed."""
    world.org.add_fault(Fault("stale-read", seconds=10, count=1))
    await world.http.get(DISCOVERY)
    await world.http.get(APPS)
    await world.admin("GET", world.secrets_path)
    assert struck(world) == (0, [None, None, None])
    await world.make_secret()
    assert len((await world.admin("GET", world.secrets_path)).json()) == 1
    assert struck(world)[0] == 1


@pytest.mark.parametrize("kind", ["empty-list", "looping-page", "duplicate-page"])
async def test_pages_wait_for_a_page(world: World, kind: str) -> None:
    """One object, a list without pages and a refusal spend nothing; the page that changes does."""
    world.org.add_fault(Fault(kind, count=1))  # type: ignore[arg-type]  # one of the kinds
    await world.admin("GET", f"{APPS}/{world.app_id}?after=x")
    await world.admin("GET", f"{APPS}?after=unknown")
    if kind != "empty-list":
        await world.admin("GET", f"{world.secrets_path}?after=x")
    assert struck(world)[0] == 0
    await world.admin("GET", f"{APPS}?limit=1&after={world.app_id}")
    assert struck(world)[0] == 1


@pytest.mark.parametrize("kind", ["truncate", "cut"])
async def test_a_body_is_needed_to_lose_half(world: World, kind: str) -> None:
    """An answer without a body spends nothing."""
    made = await world.make_secret()
    path = f"{world.secrets_path}/{made['id']}"
    await world.admin("POST", f"{path}/lifecycle/deactivate")
    world.org.add_fault(Fault(kind, count=1))  # type: ignore[arg-type]  # one of the kinds
    assert (await world.admin("DELETE", path)).status_code == 204
    assert struck(world)[0] == 0


async def test_no_window_no_limit(world: World) -> None:
    """A path that does not exist has no rate window: it stays 404."""
    world.org.add_fault(Fault("rate-limit", count=1))
    assert (await world.admin("GET", "/nowhere")).status_code == 404
    assert struck(world) == (0, [None])


# --- who called ---------------------------------------------------------------------------------


async def call(world: World, headers: dict[str, str]) -> None:
    """Call the management API and the token endpoint, whatever becomes of it."""
    for path, form in ((APPS, None), ("/oauth2/v1/token", {"client_id": "someone"})):
        with suppress(ConnectionDropped):
            method = "POST" if form else "GET"
            await world.http.request(method, path, headers={} if form else headers, data=form)


@pytest.mark.parametrize("kind", INSTEAD)
async def test_principal_of_what_never_happened(world: World, kind: str) -> None:
    """The journal tells who called, also when a fault took the place of the effect."""
    headers = await bearer(world)
    world.org.add_fault(Fault(kind))  # type: ignore[arg-type]  # one of the kinds
    await call(world, headers)
    await call(world, {"authorization": f"SSWS {world.org.seeded.api_token}"})
    await call(world, {"authorization": "SSWS unknown"})
    told = world.org.requests(1)["requests"]
    assert isinstance(told, list)
    named = [entry["principal"] for entry in told]
    ssws = world.org.api_tokens[world.org.seeded.api_token].principal
    assert named[::2] == [f"client:{world.service_client_id}", ssws, "nobody"]
    assert named[1::2] == ["client:someone"] * 3
    assert {entry["outcome"] for entry in told} == {"none"}


async def test_to_be_recognised_is_no_use(world: World) -> None:
    """A request that never came does not keep an API token alive."""
    before = dict(world.org.api_tokens)
    world.clock.advance(60)
    world.org.add_fault(Fault("html", count=1))
    await world.admin("GET", APPS)
    assert dict(world.org.api_tokens) == before
    await world.admin("GET", APPS)
    assert dict(world.org.api_tokens) != before


async def test_every_kind_is_given_back_or_shows(world: World) -> None:
    """A request to a path that does not exist meets only faults that need nothing of the org."""
    showing = set()
    for kind in KINDS:
        world.org.remove_fault()
        world.org.add_fault(Fault(kind, seconds=1, count=1))  # type: ignore[arg-type]  # one of them
        with suppress(ConnectionDropped):
            await world.http.get("/nowhere?after=1")
        showing |= {kind} if struck(world)[0] else set()
    assert showing == {
        *INSTEAD,
        *("drop-after-effect", "error-after-effect", "delay", "delay-after-effect"),
        *("truncate", "cut", "slow", "wrong-clock"),
    }
