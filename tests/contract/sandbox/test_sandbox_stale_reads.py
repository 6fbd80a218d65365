"""Reads that lag: every list and every object of the management API as it was a moment before."""

import json
from datetime import timedelta

import pytest
from sandbox_kit import BASE, ManualClock, World

from keyturn.sandbox import Fault
from keyturn.sandbox.state.snapshot import new_org, parse_snapshot, render_snapshot
from keyturn.sandbox.state.timeline import Timeline, look_back

pytestmark = pytest.mark.anyio

CHANNEL = {
    "type": "HTTP",
    "version": "1.0.0",
    "config": {"uri": "https://hooks.example.com", "headers": [], "method": "POST"},
}
HOOK = {
    "name": "A hook",
    "events": {"type": "EVENT_TYPE", "items": ["user.lifecycle.create"]},
    "channel": CHANNEL,
}
PERSON = {"profile": {"login": "n@example.com", "firstName": "N", "lastName": "N", "email": ""}}
INTEGRATION = {"type": "my_app_cie", "grantedScopes": ["okta.logs.read"]}
SERVER = {"name": "another", "description": "d", "audiences": ["api://another"]}
GRANT = {"scopeId": "okta.users.read", "issuer": BASE}
MADE: dict[str, object] = {
    "/api/v1/users": PERSON,
    "/oauth2/v1/clients/{service}/roles": {"type": "APP_ADMIN"},
    "/api/v1/authorizationServers": SERVER,
    "/api/v1/authorizationServers/default/scopes": {"name": "another"},
    "/integrations/api/v1/api-services": INTEGRATION,
    "/api/v1/eventHooks": HOOK,
    "/api/v1/apps/{app}/credentials/secrets": {},
    "/api/v1/apps/{app}/grants": GRANT,
}


def lag(world: World, seconds: float = 10) -> None:
    """Let all reads lag, after the org has stood for a while."""
    world.clock.advance(600)
    world.org.add_fault(Fault("stale-read", seconds=seconds))


@pytest.mark.parametrize("path", MADE)
async def test_what_is_new_shows_later(world: World, path: str) -> None:
    """A list is what it was before something was made, and soon is what it is now."""
    lag(world)
    collection = path.format(app=world.app_id, service=world.service_client_id)
    before = (await world.admin("GET", collection)).json()
    made = await world.admin("POST", collection, MADE[path])
    assert made.is_success, made.text
    assert (await world.admin("GET", collection)).json() == before
    assert (await world.admin("GET", f"{collection}/{made.json()['id']}")).is_error
    world.clock.advance(10)
    assert len((await world.admin("GET", collection)).json()) == len(before) + 1


async def test_tokens_of_an_app(world: World) -> None:
    """A refresh token shows up later, and one that was revoked is still there for a while."""
    lag(world)
    path = f"/api/v1/apps/{world.app_id}/tokens"
    await world.redeem((await world.log_in())["code"])
    assert (await world.admin("GET", path)).json() == []
    world.clock.advance(10)
    (token,) = (await world.admin("GET", path)).json()
    assert (await world.admin("DELETE", f"{path}/{token['id']}")).status_code == 204
    assert (await world.admin("GET", path)).json() == [token]
    assert (await world.admin("GET", f"{path}/{token['id']}")).json() == token
    world.clock.advance(10)
    assert (await world.admin("GET", path)).json() == []


async def test_one_that_is_gone_is_still_in_its_place(world: World) -> None:
    """What was deleted stands where it stood, so that pages hold together."""
    hooks = [
        (await world.admin("POST", "/api/v1/eventHooks", HOOK | {"name": name})).json()["id"]
        for name in ("one", "two", "three")
    ]
    lag(world)
    await world.admin("POST", f"/api/v1/eventHooks/{hooks[1]}/lifecycle/deactivate")
    await world.admin("DELETE", f"/api/v1/eventHooks/{hooks[1]}")
    assert [hook["id"] for hook in (await world.admin("GET", "/api/v1/eventHooks")).json()] == hooks


async def test_writes_and_callers_are_of_the_present(world: World) -> None:
    """A lagging read neither undoes nor repeats anything, and its caller must be good now."""
    lag(world)
    user = world.org.people.read(world.org.seeded.user_id)
    world.org.people.suspend(user.id)
    path = f"/api/v1/users/{user.id}"
    assert (await world.admin("GET", path)).json()["status"] == "ACTIVE"
    assert (await world.admin("POST", f"{path}/lifecycle/suspend")).is_error
    world.org.api_tokens.clear()
    assert (await world.admin("GET", path)).status_code == 401
    assert world.org.people.read(user.id).status == "SUSPENDED"


async def test_log_in_does_not_lag(world: World) -> None:
    """The OAuth endpoints are no reads: an app may be used as soon as it is there."""
    lag(world, 700)
    assert "code" in await world.log_in()


async def test_reads_that_lag_are_audited_now(world: World) -> None:
    """The System Log says when client secrets were read, not what the reader saw."""
    lag(world, 30)
    await world.admin("GET", world.secrets_path)
    (event,) = (e for e in world.org.system_log.events() if "read_client_secret" in e.type)
    assert event.at == world.org.now()


async def test_a_saved_org_still_lags(world: World) -> None:
    """What was before is saved and loaded with the org, and so is every field of a fault."""
    world.org.add_fault(Fault("secret-added", when="after", route="/nowhere"))
    world.clock.advance(600)
    await world.make_secret()
    text = json.dumps(render_snapshot({"main": world.org}))
    org = new_org(parse_snapshot(json.loads(text))["main"])
    assert org.list_faults() == world.org.list_faults()
    before = look_back(org, world.clock.at - timedelta(seconds=1))
    assert [len(o.read_app(world.app_id).secrets) for o in (before, org)] == [1, 2]


async def test_nothing_was_before_the_org(world: World) -> None:
    """A read that lags behind the beginning shows the org as it began, under any clock."""
    world.org.add_fault(Fault("stale-read", seconds=3600))
    before = (await world.admin("GET", "/api/v1/apps")).json()
    assert before[0]["id"] == world.app_id
    await world.make_secret()
    assert len((await world.admin("GET", world.secrets_path)).json()) == 1
    assert (await world.admin("GET", "/api/v1/users/me")).status_code == 200
    assert (await world.admin("GET", "/api/v1/authorizationServers")).json()


# --- the timeline -------------------------------------------------------------------------------


def test_timeline_forgets_after_an_hour() -> None:
    """What is older than an hour is not kept, neither values nor the places of removed ones."""
    clock = ManualClock()
    timeline: Timeline[int] = Timeline(clock)
    began = clock.at
    timeline["a"] = timeline["b"] = 1
    clock.advance(10)
    del timeline["a"]
    assert (dict(timeline), dict(timeline.at(began))) == ({"b": 1}, {"a": 1, "b": 1})
    clock.advance(3611)
    timeline["b"] = 2
    assert dict(timeline.at(began)) == {"b": 1}
    assert list(vars(timeline)["_current"]) == ["b"]
    assert len(vars(timeline)["_before"]) == 1


def test_timeline_is_a_mapping() -> None:
    """A value that was removed is as absent as one that never was, and may come again."""
    timeline: Timeline[int] = Timeline(ManualClock())
    timeline["a"], timeline["b"] = 1, 2
    assert (timeline.pop("a"), timeline.get("a"), len(timeline)) == (1, None, 1)
    for key in ("a", "c"):
        with pytest.raises(KeyError):
            del timeline[key]
    timeline["a"] = 3
    assert list(timeline.items()) == [("a", 3), ("b", 2)]


def test_timeline_of_a_standing_clock_is_bounded() -> None:
    """Under a clock that never moves only so many changes are kept."""
    timeline: Timeline[int] = Timeline(ManualClock())
    timeline.CHANGES_KEPT = 10
    for number in range(50):
        timeline["a"] = number
    assert len(vars(timeline)["_before"]) == 10
