"""Faults by somebody else: another admin changes the app that a request names, beside it."""

from collections import Counter

import pytest
from sandbox_kit import World

from keyturn.sandbox import AppDraft, Fault
from keyturn.sandbox.faults import BY_SOMEBODY_ELSE
from keyturn.sandbox.state.systemlog import CONSOLE

pytestmark = pytest.mark.anyio

ONE = "/api/v1/apps/{appId}"
SECRETS = f"{ONE}/credentials/secrets"
LIFECYCLE = "app.oauth2.credentials.lifecycle"
SUBJECTS = ("application.lifecycle", "app.oauth2.client.lifecycle")
UPDATES = [f"{subject}.update" for subject in SUBJECTS]
LOGGED = {
    "app-deactivated": Counter([f"{subject}.deactivate" for subject in SUBJECTS]),
    "app-deleted": Counter(
        [f"{subject}.{step}" for subject in SUBJECTS for step in ("deactivate", "delete")]
    ),
    "secret-added": Counter([f"{LIFECYCLE}.create"]),
    "secret-deactivated": Counter([f"{LIFECYCLE}.deactivate"]),
    "secret-removed": Counter([f"{LIFECYCLE}.deactivate", f"{LIFECYCLE}.delete"]),
    "secrets-switched-to-keys": Counter([*UPDATES, *[f"{LIFECYCLE}.delete"] * 2]),
}


WEB_APP = {
    "name": "oidc_client",
    "label": "One of many",
    "signOnMode": "OPENID_CONNECT",
    "credentials": {"oauthClient": {"token_endpoint_auth_method": "client_secret_basic"}},
    "settings": {
        "oauthClient": {
            "application_type": "web",
            "grant_types": ["authorization_code"],
            "response_types": ["code"],
            "redirect_uris": ["http://127.0.0.1/callback"],
        }
    },
}


async def prepare(world: World, kind: str) -> None:
    """Give the app two client secrets, unless somebody is about to add one."""
    if kind != "secret-added":
        await world.make_secret()


def break_app(world: World, kind: str, **options: object) -> None:
    """Put a fault on every request."""
    world.org.add_fault(Fault(kind, **options))  # type: ignore[arg-type]  # kinds of the table


def strikes(world: World) -> list[object]:
    """Return the kind of fault of each request so far."""
    told = world.org.requests()["requests"]
    assert isinstance(told, list)
    return [entry["fault"] for entry in told]


def told_by_others(world: World) -> Counter[str]:
    """Count the events whose actor is somebody at the console, by type."""
    return Counter(e.type for e in world.org.system_log.events() if e.actor == CONSOLE)


def truth(world: World) -> tuple[object, object, list[object]]:
    """Return status and method of the web app, and the statuses of its client secrets."""
    apps = world.org.truth()["apps"]
    assert isinstance(apps, list)
    app = next(app for app in apps if app["id"] == world.app_id)
    return app["status"], app["auth_method"], [secret["status"] for secret in app["secrets"]]


BASIC = "client_secret_basic"


@pytest.mark.parametrize(
    ("kind", "status", "after"),
    [
        ("app-deactivated", 200, ("INACTIVE", BASIC, ["ACTIVE", "ACTIVE"])),
        ("app-deleted", 404, ("DELETED", BASIC, ["DELETED", "DELETED"])),
        ("secret-added", 200, ("ACTIVE", BASIC, ["ACTIVE", "ACTIVE"])),
        ("secret-deactivated", 200, ("ACTIVE", BASIC, ["ACTIVE", "INACTIVE"])),
        ("secret-removed", 200, ("ACTIVE", BASIC, ["ACTIVE", "DELETED"])),
        (
            "secrets-switched-to-keys",
            200,
            ("ACTIVE", "private_key_jwt", ["DELETED", "DELETED"]),
        ),
    ],
)
async def test_change_before_the_effect(
    world: World, kind: str, status: int, after: tuple[str, str, list[str]]
) -> None:
    """The request meets the changed app; another admin is in the log, and the truth shows it."""
    await prepare(world, kind)
    break_app(world, kind, count=1)
    answer = await world.admin("GET", world.secrets_path)
    assert answer.status_code == status
    live = [state for state in after[2] if state != "DELETED"]
    assert status == 404 or [secret["status"] for secret in answer.json()] == live
    assert truth(world) == after
    assert LOGGED[kind] <= told_by_others(world)
    assert strikes(world)[-1] == kind


@pytest.mark.parametrize("kind", BY_SOMEBODY_ELSE)
async def test_change_after_the_effect(world: World, kind: str) -> None:
    """The request is answered as ever; the next one meets the changed app."""
    await prepare(world, kind)
    break_app(world, kind, count=1, when="after")
    before = truth(world)[2]
    answer = await world.admin("GET", world.secrets_path)
    assert [secret["status"] for secret in answer.json()] == before
    assert LOGGED[kind] <= told_by_others(world)
    assert strikes(world)[-1] == kind


@pytest.mark.parametrize("kind", BY_SOMEBODY_ELSE)
async def test_as_often_as_asked(world: World, kind: str) -> None:
    """The first requests pass, and after so many strikes it is over."""
    await prepare(world, kind)
    break_app(world, kind, route=SECRETS, method="GET", skip=2, count=1)
    for _ in range(5):
        await world.admin("GET", world.secrets_path)
    assert world.org.list_faults()[0]["struck"] == strikes(world).count(kind)
    assert strikes(world)[-5:].index(kind) == 2


async def life(kind: str, seed: int) -> tuple[list[object], dict[str, object]]:
    """Return which requests were struck on many apps, and what became of the apps."""
    world = World(seed)
    async with world.http:
        for _ in range(30):
            prepare_app(world)
        break_app(world, kind, probability=0.4)
        for app in world.org.list_apps():
            await world.admin("GET", f"/api/v1/apps/{app.id}/credentials/secrets")
        return strikes(world), dict(world.org.truth())


def prepare_app(world: World) -> None:
    """Make an app with two client secrets, or one and room for another."""
    world.org.change_settings(profile="off")
    made = world.org.create_app(AppDraft("one of many"))
    if len(world.org.list_apps()) % 2:
        world.org.create_secret(made.id)


@pytest.mark.parametrize("kind", BY_SOMEBODY_ELSE)
async def test_chance_is_seeded(kind: str) -> None:
    """The same seed strikes the same requests and leaves the same org; another one does not."""
    once, again, other = await life(kind, 7), await life(kind, 7), await life(kind, 8)
    assert once == again
    assert {None, kind} == set(once[0])
    assert once[0] != other[0]


# --- which requests, which client secret --------------------------------------------------------


async def test_requests_that_name_no_app_do_not_fit(world: World) -> None:
    """Lists, other subjects, apps that do not exist and unknown clients are not even counted."""
    gone = (await world.admin("POST", "/api/v1/apps", WEB_APP)).json()["id"]
    world.org.deactivate_app(gone)
    world.org.delete_app(gone)
    break_app(world, "app-deactivated")
    for name in (
        "users/me",
        "apps",
        f"apps?client_id={world.client_id}",
        "apps/none",
        f"apps/{gone}",
    ):
        await world.admin("GET", f"/api/v1/{name}")
    await world.http.post("/oauth2/v1/introspect", data={"client_id": "unknown"})
    assert (world.org.list_faults()[0]["seen"], truth(world)[0]) == (0, "ACTIVE")


async def test_client_of_an_oauth_request(world: World) -> None:
    """The secret that authenticates is gone before it does, whatever way the client is named."""
    new = (await world.make_secret())["client_secret"]
    break_app(world, "secret-removed", route="/oauth2/v1/introspect", count=1)
    assert await world.probe(new) == 401
    assert strikes(world)[-1] == "secret-removed"
    assert await world.probe(world.secret) == 200


@pytest.mark.parametrize(
    "path", ["/oauth2/v1/authorize?client_id={0}", "/oauth2/v1/clients/{0}/roles"]
)
async def test_client_in_an_address(world: World, path: str) -> None:
    """A client in the path or in the query is an app named."""
    break_app(world, "app-deactivated")
    await world.admin("GET", path.format(world.client_id))
    assert truth(world)[0] == "INACTIVE"


async def test_secret_in_the_path_is_the_one(world: World) -> None:
    """Not the newest client secret is deactivated, but the one that the request is about."""
    old = world.org.read_app(world.app_id).live_secrets[0].id
    await world.make_secret()
    break_app(world, "secret-deactivated", count=1)
    await world.admin("GET", f"{world.secrets_path}/{old}")
    assert truth(world)[2] == ["INACTIVE", "ACTIVE"]


async def test_what_okta_refuses_is_not_done(world: World) -> None:
    """The only ACTIVE secret stays, and the strike waits for the first request that allows it."""
    break_app(world, "secret-deactivated", method="GET", count=1)
    await world.admin("GET", world.secrets_path)
    assert (world.org.list_faults()[0]["struck"], strikes(world)) == (0, [None])
    await world.make_secret()
    await world.admin("GET", world.secrets_path)
    assert truth(world)[2] == ["ACTIVE", "INACTIVE"]


async def test_new_secret_gone_before_its_answer_arrives(world: World) -> None:
    """A secret removed just after its creation is shown as made, and no longer there."""
    break_app(world, "secret-removed", method="POST", route=SECRETS, when="after", count=1)
    made = await world.make_secret()
    assert (await world.admin("GET", f"{world.secrets_path}/{made['id']}")).status_code == 404


async def test_what_is_so_already_is_not_done(world: World) -> None:
    """An app that is INACTIVE is not deactivated again, nor told of."""
    world.org.deactivate_app(world.app_id)
    before = world.org.system_log.last
    break_app(world, "app-deactivated")
    await world.admin("GET", f"/api/v1/apps/{world.app_id}")
    assert (world.org.list_faults()[0]["struck"], world.org.system_log.last) == (0, before)


async def test_two_rules_alike_count_apart(world: World) -> None:
    """One rule put in force twice waits twice."""
    fault = Fault("secret-deactivated", method="GET", count=1)
    world.org.add_fault(fault)
    world.org.add_fault(fault)
    await world.admin("GET", world.secrets_path)
    assert [rule["struck"] for rule in world.org.list_faults()] == [0, 0]


@pytest.mark.parametrize("kind", BY_SOMEBODY_ELSE)
async def test_api_service_integrations_are_no_apps(world: World, kind: str) -> None:
    """An integration stays as it is, named in a path or as a client."""
    body = {"type": "my_app_cie", "grantedScopes": ["okta.logs.read"]}
    made = (await world.admin("POST", "/integrations/api/v1/api-services", body)).json()
    break_app(world, kind)
    path = f"/integrations/api/v1/api-services/{made['id']}/credentials/secrets"
    assert [secret["status"] for secret in (await world.admin("GET", path)).json()] == ["ACTIVE"]
    await world.admin("GET", f"/api/v1/apps/{made['id']}")
    await world.http.post("/oauth2/v1/introspect", data={"client_id": made["id"]})
    assert world.org.list_faults()[0]["seen"] == 0


def test_only_these_come_after() -> None:
    """`when` with another kind is refused, for it would mean nothing."""
    with pytest.raises(ValueError, match="after"):
        Fault("html", when="after")
    with pytest.raises(ValueError, match="when is"):
        Fault("secret-added", when="later")  # type: ignore[arg-type]  # the point
