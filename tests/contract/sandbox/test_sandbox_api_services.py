"""API service integrations: secrets shown once and masked, and the clients they belong to."""

import re

import httpx2
import pytest
from sandbox_kit import BASE, World, okta_error, without_id

from keyturn.sandbox.state.records import hash_secret

pytestmark = pytest.mark.anyio

SERVICES = "/integrations/api/v1/api-services"
BODY = {"type": "my_app_cie", "grantedScopes": ["okta.logs.read", "okta.apps.read"]}
MEDIATED = "Api validation failed: OAuth2ClientSecretMediated"


async def authorize(world: World) -> dict[str, str]:
    """Create an integration and return what the answer showed."""
    made: dict[str, str] = (await world.admin("POST", SERVICES, BODY)).json()
    return made


async def token(world: World, client_id: str, secret: str) -> httpx2.Response:
    """Ask the org's own server for a token by client_secret_basic."""
    form = {"grant_type": "client_credentials", "scope": "okta.apps.read"}
    auth = httpx2.BasicAuth(client_id, secret)
    return await world.http.post("/oauth2/v1/token", data=form, auth=auth)


async def test_creation_shows_the_secret_once(world: World) -> None:
    """POST answers 201 with the secret; reading and listing show none."""
    answer = await world.admin("POST", SERVICES, {**BODY, "properties": {"orgId": "42"}})
    made = answer.json()
    names = "id type name createdAt createdBy clientSecret configGuideUrl grantedScopes"
    assert (answer.status_code, list(made)) == (201, [*names.split(), "properties", "_links"])
    assert (made["name"], len(made["clientSecret"])) == ("My App Cie", 64)
    shown = {name: value for name, value in made.items() if name != "clientSecret"}
    assert (await world.admin("GET", f"{SERVICES}/{made['id']}")).json() == shown
    assert (await world.admin("GET", SERVICES)).json() == [shown]


async def test_secrets_are_masked(world: World) -> None:
    """Lists show three stars and four letters, and always the hash."""
    made = await authorize(world)
    (item,) = (await world.admin("GET", f"{SERVICES}/{made['id']}/credentials/secrets")).json()
    names = "id status client_secret secret_hash created lastUpdated _links"
    assert list(item) == names.split()
    assert item["client_secret"] == "***" + made["clientSecret"][-4:]
    assert item["secret_hash"] == hash_secret(made["clientSecret"])


async def test_new_secret_is_of_oktas_choice(world: World) -> None:
    """A value in the body is not taken; the clear value is in the 201 only."""
    path = f"{SERVICES}/{(await authorize(world))['id']}/credentials/secrets"
    answer = await world.admin("POST", path, {"client_secret": "x" * 40})
    made = answer.json()
    assert answer.status_code == 201
    assert re.fullmatch(r"[\w-]{64}", made["client_secret"])
    assert made["client_secret"] != "x" * 40
    one = f"{BASE}{path}/{made['id']}"
    post = {"allow": ["POST"]}
    assert made["_links"] == {"deactivate": {"href": f"{one}/lifecycle/deactivate", "hints": post}}
    stopped = (await world.admin("POST", f"{one}/lifecycle/deactivate")).json()
    assert stopped["client_secret"] == "***" + made["client_secret"][-4:]
    assert stopped["_links"] == {
        "activate": {"href": f"{one}/lifecycle/activate", "hints": post},
        "delete": {"href": one, "hints": {"allow": ["DELETE"]}},
    }


async def test_rotation(world: World) -> None:
    """Old and new both authenticate until the old one is stopped; then it can be deleted."""
    made = await authorize(world)
    path = f"{SERVICES}/{made['id']}/credentials/secrets"
    new = (await world.admin("POST", path)).json()["client_secret"]
    old, _ = (await world.admin("GET", path)).json()
    values = (made["clientSecret"], new)
    assert [(await token(world, made["id"], value)).status_code for value in values] == [200, 200]
    await world.admin("POST", f"{path}/{old['id']}/lifecycle/deactivate")
    assert [(await token(world, made["id"], value)).status_code for value in values] == [401, 200]
    assert (await world.admin("DELETE", f"{path}/{old['id']}")).status_code == 204
    assert len((await world.admin("GET", path)).json()) == 1


async def test_its_token_opens_what_its_scopes_say(world: World) -> None:
    """No admin role is needed: the scopes granted decide."""
    made = await authorize(world)
    answer = (await token(world, made["id"], made["clientSecret"])).json()
    headers = {"authorization": f"Bearer {answer['access_token']}"}
    assert (await world.http.get("/api/v1/apps", headers=headers)).status_code == 200
    assert (await world.http.post(world.secrets_path, headers=headers)).status_code == 403


async def test_ordinary_apps_may_not(world: World) -> None:
    """A web app with a client secret gets no client_credentials token at the org server."""
    answer = await token(world, world.client_id, world.secret)
    assert answer.status_code == 401
    assert answer.json() == {
        "error": "invalid_client",
        "error_description": "Client Credentials requests to the Org Authorization Server must "
        "use the private_key_jwt token_endpoint_auth_method.",
    }


async def test_integrations_are_no_apps(world: World) -> None:
    """They are not among the apps, nor are their secrets reachable there."""
    made = await authorize(world)
    await world.admin("POST", f"{SERVICES}/{made['id']}/credentials/secrets")
    listed = (await world.admin("GET", "/api/v1/apps")).json()
    assert made["id"] not in [app["id"] for app in listed]
    path = f"/api/v1/apps/{made['id']}/credentials/secrets"
    held = world.org.read_integration(made["id"]).live_secrets[0].id
    world.org.deactivate_secret(made["id"], held)
    calls = (("GET", path), ("GET", f"{path}/{held}"), ("DELETE", f"{path}/{held}"))
    assert [(await world.admin(*call)).status_code for call in calls] == [404, 404, 404]


@pytest.mark.parametrize(
    ("changes", "member", "rule"),
    [
        ({"type": None}, "type", "The field cannot be left blank"),
        ({"grantedScopes": []}, "grantedScopes", "The field cannot be left blank"),
        ({"grantedScopes": ["okta.nothing.read"]}, "grantedScopes", "Invalid scope."),
    ],
)
async def test_refused_integrations(
    world: World, changes: dict[str, object], member: str, rule: str
) -> None:
    """A type and known scopes are required."""
    answer = await world.admin("POST", SERVICES, {**BODY, **changes})
    assert answer.status_code == 400
    assert without_id(answer) == okta_error(
        "E0000001", f"Api validation failed: {member}", f"{member}: {rule}"
    )


async def test_deletion_ends_everything(world: World) -> None:
    """After DELETE the integration is gone, its client unknown and its token worthless."""
    made = await authorize(world)
    access = (await token(world, made["id"], made["clientSecret"])).json()["access_token"]
    assert (await world.admin("DELETE", f"{SERVICES}/{made['id']}")).status_code == 204
    gone = await world.admin("GET", f"{SERVICES}/{made['id']}")
    assert without_id(gone) == okta_error(
        "E0000007", f"Not found: Resource not found: {made['id']} (AppInstance)"
    )
    assert (await token(world, made["id"], made["clientSecret"])).status_code == 401
    headers = {"authorization": f"Bearer {access}"}
    assert (await world.http.get("/api/v1/apps", headers=headers)).status_code == 401


async def test_scopes_of_the_routes(world: World) -> None:
    """A token without okta.oauthIntegrations.read is told which scope it lacks."""
    access = (await world.service_token("okta.apps.read")).json()["access_token"]
    answer = await world.http.get(SERVICES, headers={"authorization": f"Bearer {access}"})
    assert answer.status_code == 403
    assert 'scope="okta.oauthIntegrations.read"' in answer.headers["www-authenticate"]


async def test_integrations_are_told_in_the_system_log(world: World) -> None:
    """Authorising, each step of a secret, and revoking are events; masked lists are none."""
    last = world.org.system_log.last
    made = await authorize(world)
    path = f"{SERVICES}/{made['id']}/credentials/secrets"
    new = (await world.admin("POST", path)).json()
    await world.admin("GET", path)
    await world.admin("POST", f"{path}/{new['id']}/lifecycle/deactivate")
    await world.admin("DELETE", f"{SERVICES}/{made['id']}")
    events = list(world.org.system_log.events(last))
    assert [event.type for event in events] == [
        "integration.api_service.lifecycle.authorize",
        "app.oauth2.credentials.lifecycle.create",
        "app.oauth2.credentials.lifecycle.deactivate",
        "integration.api_service.lifecycle.revoke",
    ]
    assert events[1].targets[1].detail["ClientSecret"] == new["secret_hash"]
