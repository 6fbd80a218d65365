"""Who is let in to the management API, and what every answer carries."""

import re

import httpx2
import pytest
from sandbox_kit import CALLBACK, World, okta_error, redirect_query, without_id

from keyturn.sandbox import AppDraft

pytestmark = pytest.mark.anyio

ME, APPS = "/api/v1/users/me", "/api/v1/apps"


@pytest.mark.parametrize("form", ["SSWS {}", "SSWS{}", "ssws {}"])
async def test_api_token_with_and_without_space(world: World, form: str) -> None:
    """The token may be glued to its scheme, as Okta's Python SDK sends it."""
    headers = {"authorization": form.format(world.org.seeded.api_token)}
    answer = await world.http.get(ME, headers=headers)
    assert (answer.status_code, answer.json()["profile"]["login"]) == (200, "admin@example.com")


async def test_api_token_has_oktas_shape(world: World) -> None:
    """The SSWS token looks like one of Okta's."""
    assert re.fullmatch(r"00[a-zA-Z0-9_-]{40}", world.org.seeded.api_token)


@pytest.mark.parametrize("form", ["Bearer {}", "Bearer{}"])
async def test_access_token_opens_what_its_scopes_say(world: World, form: str) -> None:
    """An access token of the service app reads apps by its scope."""
    token = (await world.service_token("okta.apps.read")).json()["access_token"]
    headers = {"authorization": form.format(token)}
    assert (await world.http.get(world.secrets_path, headers=headers)).status_code == 200


async def test_missing_scope_is_told_by_a_header_only(world: World) -> None:
    """Without the scope: 403, no body, and the header in Okta's long form."""
    token = (await world.service_token("okta.apps.read")).json()["access_token"]
    headers = {"authorization": f"Bearer {token}"}
    answer = await world.http.post(world.secrets_path, headers=headers)
    assert (answer.status_code, answer.content) == (403, b"")
    assert answer.headers["www-authenticate"] == (
        'Bearer authorization_uri="http://org.example.com/oauth2/v1/authorize", '
        'realm="http://org.example.com", scope="okta.apps.manage", error="insufficient_scope", '
        'error_description="The access token provided does not contain the required scopes.", '
        f'resource="{world.secrets_path}"'
    )


async def test_person_without_role(world: World) -> None:
    """A person's token with the scope opens nothing when the person is no admin."""
    made = world.org.create_app(
        AppDraft("Tool", redirect_uris=(CALLBACK,), granted_scopes=("okta.apps.read",))
    )
    back = await world.log_in("openid okta.apps.read", client_id=made.client_id)
    form = {"grant_type": "authorization_code", "code": back["code"], "redirect_uri": CALLBACK}
    form |= {"client_id": made.client_id, "client_secret": made.live_secrets[0].value}
    tokens = (await world.http.post("/oauth2/v1/token", data=form)).json()
    headers = {"authorization": f"Bearer {tokens['access_token']}"}
    assert tokens["scope"] == "openid okta.apps.read"
    assert (await world.http.get("/api/v1/apps", headers=headers)).status_code == 403


async def test_access_token_expires(world: World) -> None:
    """After an hour the token is 401, with the reason in the header."""
    token = (await world.service_token()).json()["access_token"]
    world.clock.advance(3600)
    headers = {"authorization": f"Bearer {token}"}
    answer = await world.http.get("/api/v1/apps", headers=headers)
    assert (answer.status_code, answer.json()["errorCode"]) == (401, "E0000011")
    assert 'error_description="The token has expired."' in answer.headers["www-authenticate"]


async def test_headers_of_every_answer(world: World) -> None:
    """Answers forbid caching and carry a request id, a date and plain JSON."""
    headers = (await world.admin("GET", ME)).headers
    assert headers["content-type"] == "application/json"
    assert headers["cache-control"] == "no-cache, no-store"
    assert (headers["pragma"], headers["expires"]) == ("no-cache", "0")
    assert headers["date"] == "Sun, 01 Mar 2026 12:00:00 GMT"
    assert re.fullmatch("[0-9a-f]{32}", headers["x-okta-request-id"])


# --- who is let in no longer ----------------------------------------------------------------------


async def is_active(world: World, token: str) -> bool:
    """Introspect a token as an app that is not concerned."""
    app = world.org.create_app(AppDraft("Bystander"))
    auth = httpx2.BasicAuth(app.client_id, app.live_secrets[0].value)
    answer = await world.http.post("/oauth2/v1/introspect", data={"token": token}, auth=auth)
    return bool(answer.json()["active"])


@pytest.mark.parametrize("steps", [("deactivate",), ("deactivate", "delete")])
async def test_token_of_a_stopped_app(world: World, steps: tuple[str, ...]) -> None:
    """Once its app is stopped or gone an access token is worth nothing, here and introspected."""
    token = (await world.service_token()).json()["access_token"]
    for step in steps:
        change = {"deactivate": world.org.deactivate_app, "delete": world.org.delete_app}[step]
        change(world.org.seeded.service_app_id)
    answer = await world.http.get(APPS, headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 401
    assert without_id(answer) == okta_error("E0000011", "Invalid token provided")
    revoked = 'error="invalid_token", error_description="The access token has been revoked."'
    assert revoked in answer.headers["www-authenticate"]
    assert not await is_active(world, token)


async def test_token_works_again_with_its_app(world: World) -> None:
    """An app that is started again has its tokens back."""
    token = (await world.service_token()).json()["access_token"]
    world.org.deactivate_app(world.org.seeded.service_app_id)
    world.org.activate_app(world.org.seeded.service_app_id)
    answer = await world.http.get(APPS, headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 200


@pytest.mark.parametrize("step", ["deactivate", "suspend", "delete"])
async def test_token_of_a_person_shut_out(world: World, step: str) -> None:
    """So are the tokens of a person who is shut out or gone; userinfo refuses them as well."""
    admin = next(user for user in world.org.users.values() if user.admin)
    token = await log_in_as(world, admin.login, admin.password)
    headers = {"authorization": f"Bearer {token}"}
    assert (await world.http.get(APPS, headers=headers)).status_code == 200
    if step == "delete":
        world.org.people.deactivate(admin.id)
    getattr(world.org.people, step)(admin.id)
    for path in (APPS, "/oauth2/v1/userinfo"):
        assert (await world.http.get(path, headers=headers)).status_code == 401
    assert not await is_active(world, token)


async def log_in_as(world: World, login: str, password: str) -> str:
    """Return an access token of a person for the apps of the org."""
    app = world.org.create_app(
        AppDraft("Tool", redirect_uris=(CALLBACK,), granted_scopes=("okta.apps.read",))
    )
    proved = {"username": login, "password": password}
    session = (await world.http.post("/api/v1/authn", json=proved)).json()["sessionToken"]
    asked = {
        "client_id": app.client_id,
        "redirect_uri": CALLBACK,
        "response_type": "code",
        "scope": "openid okta.apps.read",
        "state": "s",
        "sessionToken": session,
    }
    code = redirect_query(await world.http.get("/oauth2/v1/authorize", params=asked))["code"]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
    form |= {"client_id": app.client_id, "client_secret": app.live_secrets[0].value}
    token: str = (await world.http.post("/oauth2/v1/token", data=form)).json()["access_token"]
    return token


async def test_api_token_dies_of_disuse(world: World) -> None:
    """Thirty days without a call end an API token; each call begins them anew."""
    for _ in range(3):
        world.clock.advance(30 * 86_400 - 1)
        assert (await world.admin("GET", ME)).status_code == 200
    world.clock.advance(30 * 86_400)
    for _ in range(2):
        answer = await world.admin("GET", ME)
        assert answer.status_code == 401
        assert without_id(answer) == okta_error("E0000011", "Invalid token provided")


async def test_api_tokens_of_one_label_are_two_callers(world: World) -> None:
    """What one API token has used up is left to another of the same name and owner."""
    world.org.change_settings(profile="free")
    owner = world.org.api_tokens[world.org.seeded.api_token].user_id
    remaining = []
    for token in (world.org.create_api_token("twin", owner) for _ in range(2)):
        answer = await world.http.get(APPS, headers={"authorization": f"SSWS {token}"})
        remaining.append(answer.headers["x-rate-limit-remaining"])
    assert remaining == ["9", "9"]


async def test_a_browser_knows_who_it_is(world: World) -> None:
    """The cookie of a session opens one's own name and nothing else; once over, not even that."""
    await world.log_in()
    person = await world.http.get(ME)
    assert person.json()["profile"]["login"] == "user@example.com"
    assert (await world.http.get(APPS)).status_code == 401
    world.clock.advance(2 * 3600)
    assert without_id(await world.http.get(ME)) == okta_error("E0000005", "Invalid session")


async def test_session_of_a_person_shut_out(world: World) -> None:
    """A session is over at once for a person who is shut out."""
    await world.log_in()
    world.org.people.suspend(world.org.seeded.user_id)
    assert without_id(await world.http.get(ME)) == okta_error("E0000005", "Invalid session")


async def test_bad_days_end(world: World) -> None:
    """While it is read only the org still answers questions; the settings can be taken back."""
    world.org.change_settings(read_only=True)
    assert (await world.admin("GET", APPS)).status_code == 200
    assert (await world.admin("POST", world.secrets_path)).status_code == 503
    world.org.change_settings(read_only=False)
    assert (await world.admin("POST", world.secrets_path)).status_code == 201


@pytest.mark.parametrize("accept", ["*/*", "application/json", "text/html, application/*;q=0.1"])
async def test_json_that_may_be_sent(world: World, accept: str) -> None:
    """Whoever takes JSON among others gets it."""
    headers = {"authorization": f"SSWS {world.org.seeded.api_token}", "accept": accept}
    assert (await world.http.get(APPS, headers=headers)).status_code == 200
