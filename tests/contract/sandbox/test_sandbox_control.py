"""The control port: truth, journal, faults, settings and somebody else at the console."""

import json
from collections.abc import AsyncIterator

import httpx2
import pytest
from sandbox_kit import World, okta_error, without_id

from keyturn.sandbox import build_control
from keyturn.sandbox.state.snapshot import render_snapshot

pytestmark = pytest.mark.anyio


@pytest.fixture
async def control(world: World) -> AsyncIterator[httpx2.AsyncClient]:
    """Open the control port of the world's org."""
    transport = httpx2.ASGITransport(build_control(world.org, "control-token"))
    headers = {"authorization": "Bearer control-token"}
    async with httpx2.AsyncClient(
        transport=transport, base_url="http://127.0.0.1:8712", headers=headers
    ) as client:
        yield client


@pytest.mark.parametrize("value", ["", "Bearer wrong", "SSWS control-token"])
async def test_token_is_needed(control: httpx2.AsyncClient, value: str) -> None:
    """Without the control token every path is 401."""
    for path in ("/truth", "/nothing"):
        answer = await control.get(path, headers={"authorization": value})
        assert answer.status_code == 401


async def test_truth_remembers_deleted_secrets(world: World, control: httpx2.AsyncClient) -> None:
    """Exact times of each change stay, also after deletion, and no value is shown."""
    first, made = world.secret, await world.make_secret()
    path = f"{world.secrets_path}/{made['id']}"
    world.clock.advance(1.5)
    await world.admin("POST", f"{path}/lifecycle/deactivate")
    await world.admin("DELETE", path)
    answer = await control.get("/truth")
    secret = answer.json()["apps"][0]["secrets"][1]
    assert secret == {
        "id": made["id"],
        "hash": made["secret_hash"],
        "status": "DELETED",
        "created_at": "2026-03-01T12:00:00.250000+00:00",
        "activated_at": "2026-03-01T12:00:00.250000+00:00",
        "deactivated_at": "2026-03-01T12:00:01.750000+00:00",
        "deleted_at": "2026-03-01T12:00:01.750000+00:00",
        "usable_at": "2026-03-01T12:00:00.250000+00:00",
        "last_used_at": None,
        "made_by": world.org.api_tokens[world.org.seeded.api_token].principal,
    }
    assert first not in answer.text
    assert made["client_secret"] not in answer.text


async def test_truth_knows_the_last_use(world: World, control: httpx2.AsyncClient) -> None:
    """A secret that authenticated carries the time of it."""
    await world.probe(world.secret)
    (app, _) = (await control.get("/truth")).json()["apps"]
    assert app["secrets"][0]["last_used_at"] == "2026-03-01T12:00:00.250000+00:00"


async def test_requests_after(world: World, control: httpx2.AsyncClient) -> None:
    """The journal is read from where one stopped; a refused secret is named by its id."""
    await world.admin("GET", "/api/v1/apps")
    made = await world.make_secret()
    path = f"{world.secrets_path}/{made['id']}"
    await world.admin("POST", f"{path}/lifecycle/deactivate")
    await world.probe(made["client_secret"])
    body = (await control.get("/requests", params={"after": 3})).json()
    assert (body["last"], len(body["requests"])) == (4, 1)
    assert body["requests"][0] == {
        "seq": 4,
        "at": "2026-03-01T12:00:00.250000+00:00",
        "method": "POST",
        "route": "/oauth2/v1/introspect",
        "path": "/oauth2/v1/introspect",
        "status": 401,
        "principal": f"client:{world.client_id}",
        "client_id": world.client_id,
        "secret_id": made["id"],
        "outcome": "invalid_client",
        "fault": None,
    }


async def test_counts(world: World, control: httpx2.AsyncClient) -> None:
    """Requests are counted by subject, refusals apart."""
    await world.make_secret()
    await world.probe("wrong-secret-value")
    counts = (await control.get("/counts")).json()
    assert (counts["management"], counts["introspect"], counts["refused"]) == (1, 1, 1)


async def test_faults(world: World, control: httpx2.AsyncClient) -> None:
    """Faults can be set, listed and lifted."""
    added = await control.post("/faults", json={"kind": "error-before-effect", "count": 1})
    assert (await world.admin("GET", "/api/v1/apps")).status_code == 500
    (listed,) = (await control.get("/faults")).json()["faults"]
    assert (listed["id"], listed["struck"]) == (added.json()["id"], 1)
    assert (await control.delete("/faults")).status_code == 200
    assert (await control.get("/faults")).json() == {"faults": []}


DEFAULT_SERVER = "/authorization-servers/default"


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("/faults", {"kind": "explode"}, "unknown fault kind"),
        ("/faults", {"method": "GET"}, "unknown fault kind"),
        ("/faults", {"kind": "delay", "when": "now"}, "when"),
        ("/faults", {"kind": "delay", "colour": "red"}, "unknown members: ['colour']"),
        ("/settings", {"profile": "huge"}, "profile is one of free, workforce, off"),
        ("/settings", {"profile": ["free"]}, "profile is one of free"),
        ("/settings", {"profile": None}, "profile is one of free"),
        ("/settings", {"profile": "free", "colour": "red"}, "unknown members: ['colour']"),
        ("/settings", {"profile": "free", "propagation_s": "2"}, "propagation_s is a number of"),
        ("/settings", {"profile": "free", "propagation_s": -1}, "from 0 to 31536000"),
        ("/settings", {"propagation_s": True}, "propagation_s is a number"),
        ("/settings", {"max_secrets_wording": 2026}, "max_secrets_wording is one of"),
        ("/settings", {"profile": "free", "max_apps": -1}, "max_apps is a whole number from 0"),
        ("/settings", {"profile": "free", "read_only": "no"}, "read_only is true or false"),
        ("/apps", {"colour": "red"}, "unknown members: ['colour']"),
        ("/reset", {"seed": "x"}, "seed is a whole number"),
        ("/reset", {"seed": True}, "seed is a whole number"),
        ("/reset", {"seed": 2.5}, "seed is a whole number"),
        ("/reset", {"seed": 2, "clock": "now"}, "clock is a time with a zone"),
        ("/reset", {"seed": 2, "rate": 0}, "unknown members: ['rate']; known: ['clock', 'seed']"),
        (DEFAULT_SERVER, {"active": False, "access_lifetime_s": 299}, "from 300 to 86400"),
        (DEFAULT_SERVER, {"access_lifetime_s": "300"}, "access_lifetime_s is a number"),
        (DEFAULT_SERVER, {"access_lifetime_s": 300, "refresh_idle_s": 0}, "from 600 to 157680000"),
        (DEFAULT_SERVER, {"access_lifetime_s": 300, "active": "no"}, "active is true or false"),
        (DEFAULT_SERVER, {"access_lifetime_s": 300, "name": "x"}, "unknown members: ['name']"),
    ],
)
async def test_what_cannot_be_changes_nothing(
    world: World, control: httpx2.AsyncClient, path: str, body: dict[str, object], words: str
) -> None:
    """A value or name that cannot be is 400 with what can, and the whole org is what it was."""
    before = json.dumps(render_snapshot({"main": world.org}))
    answer = await control.post(path, json=body)
    assert (answer.status_code, words in answer.json()["error"]) == (400, True), answer.text
    assert json.dumps(render_snapshot({"main": world.org})) == before


CLOCK = {"at": "2027-01-01T00:00:00+00:00", "rate": 1}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"colour": "red"}, "differ in what org is: colour"),
        ({"clock": CLOCK | {"rate": -1}}, "the rate is a number from 0"),
        ({"clock": CLOCK | {"at": "2027-01-01"}}, "a time with a zone"),
        ({"clock": {"at": CLOCK["at"]}}, "clock is a time `at` and a number `rate`"),
        ({"clock": "2027-01-01T00:00:00Z"}, "clock is a time `at` and a number `rate`"),
        ({"journal": []}, "org.journal is a Journal, not list"),
        ({"apps": None}, "org.apps is a Timeline, not NoneType"),
        ({"apps": []}, "org.apps is a Timeline, not list"),
        ({"seeded": None}, "org.seeded is a Seeded, not NoneType"),
        ({"journal": {"$is": "journal.Journal", "no": 99, "of": {}}}, "what org.journal is"),
        (
            {"settings": {"$is": "state.settings.Settings", "of": {"profile": "huge"}}},
            "profile is one",
        ),
        (
            {"settings": {"$is": "state.settings.Settings", "of": {"colour": 1}}},
            "has no ['colour']",
        ),
    ],
)
async def test_a_snapshot_that_cannot_be(
    world: World, control: httpx2.AsyncClient, change: dict[str, object], words: str
) -> None:
    """One member of another kind or range is 400 with its name, and the org is what it was."""
    before = (await control.get("/snapshot")).json()
    state = before["orgs"]["main"] | change
    answer = await control.post("/snapshot", json=before | {"orgs": {"main": state}})
    assert (answer.status_code, words in answer.json()["error"]) == (400, True), answer.text
    assert (await control.get("/snapshot")).json() == before


async def test_a_snapshot_with_more_beside_it(control: httpx2.AsyncClient) -> None:
    """A name that no snapshot has is told."""
    document = (await control.get("/snapshot")).json() | {"colour": "red"}
    answer = await control.post("/snapshot", json=document)
    assert (answer.status_code, answer.json()["error"]) == (400, "a snapshot has no colour")


async def test_a_server_is_changed(control: httpx2.AsyncClient) -> None:
    """Lifetimes and status of a custom server are set, and what is left out stays."""
    await control.post(DEFAULT_SERVER, json={"access_lifetime_s": 300, "refresh_idle_s": 600})
    changed = (await control.post(DEFAULT_SERVER, json={"active": False})).json()
    assert (changed["access_lifetime_s"], changed["refresh_idle_s"]) == (300, 600)
    assert changed["status"] == "INACTIVE"
    assert (await control.post(DEFAULT_SERVER, json={})).json() == changed


async def test_settings(world: World, control: httpx2.AsyncClient) -> None:
    """Profile, propagation and wording can be set while running."""
    answer = await control.post("/settings", json={"profile": "free", "propagation_s": 2})
    assert answer.json() == {
        "profile": "free",
        "propagation_s": 2,
        "max_secrets_wording": "2026",
        "max_apps": None,
        "read_only": False,
        "reconciling": False,
        "custom_servers": True,
    }
    assert (await world.admin("GET", "/api/v1/apps")).headers["x-rate-limit-limit"] == "10"


async def test_reset(world: World, control: httpx2.AsyncClient) -> None:
    """A reset begins again; its answer holds the new credentials."""
    old = world.org.seeded.api_token
    await world.make_secret()
    fresh = (await control.post("/reset", json={"seed": 2})).json()
    assert fresh["ssws_token"] != old
    assert fresh["app"]["client_secret"] == world.secret
    assert (await control.get("/requests")).json() == {"requests": [], "last": 0}


async def test_app_for_a_test(world: World, control: httpx2.AsyncClient) -> None:
    """An app is made with clear secrets that work, without any rate budget."""
    body = {
        "label": "Shop",
        "client_id": "shop_client",
        "secrets": 2,
        "auth_method": "client_secret_post",
        "redirect_uris": ["https://shop.example.com/cb"],
    }
    made = (await control.post("/apps", json=body)).json()
    assert (made["client_id"], len(made["secrets"])) == ("shop_client", 2)
    for secret in made["secrets"]:
        form = {"client_id": "shop_client", "client_secret": secret["client_secret"]}
        answer = await world.http.post("/oauth2/v1/introspect", data=form | {"token": "x"})
        assert answer.status_code == 200
    assert world.org.counts()["management"] == 0


async def test_somebody_else_turns_a_secret(world: World, control: httpx2.AsyncClient) -> None:
    """The console makes, stops and deletes secrets, signed by somebody else."""
    base = f"/apps/{world.app_id}/secrets"
    made = (await control.post(base)).json()
    assert await world.probe(made["client_secret"]) == 200
    for change, status in (("deactivate", "INACTIVE"), ("delete", "INACTIVE")):
        answer = await control.post(f"{base}/{made['id']}/{change}")
        assert (answer.status_code, answer.json()["status"]) == (200, status)
    truth = world.org.truth()["apps"][0]["secrets"]  # type: ignore[index]
    assert [secret["made_by"] for secret in truth] == ["seed", "somebody else"]
    entries = world.org.requests()["requests"]
    done = [e["route"] for e in entries if e["principal"] == "somebody else"]  # type: ignore[index]
    assert done[0] == "/console/apps/{appId}/secrets"


async def test_console_obeys_the_same_rules(world: World, control: httpx2.AsyncClient) -> None:
    """Okta's refusals reach the console as well."""
    only = world.org.read_app(world.app_id).live_secrets[0].id
    answer = await control.post(f"/apps/{world.app_id}/secrets/{only}/deactivate")
    assert answer.status_code == 400
    assert without_id(answer) == okta_error(
        "E0000001",
        "Api validation failed: OAuth2ClientSecretMediated",
        "You can't deactivate the only active client secret.",
    )


async def test_changes_of_an_app(world: World, control: httpx2.AsyncClient) -> None:
    """The console stops, starts and deletes an app, and changes how its client authenticates."""
    base = f"/apps/{world.app_id}"
    assert (await control.post(f"{base}/deactivate")).json()["status"] == "INACTIVE"
    assert (await control.post(f"{base}/activate")).json()["status"] == "ACTIVE"
    uris = {"redirect_uris": ["http://localhost:3000/cb"]}
    assert (await control.post(f"{base}/redirect-uris", json=uris)).json().items() >= uris.items()
    changed = await control.post(f"{base}/auth-method", json={"auth_method": "private_key_jwt"})
    assert changed.json()["secrets"] == []
    await control.post(f"{base}/deactivate")
    assert (await control.post(f"{base}/delete")).json()["status"] == "DELETED"
