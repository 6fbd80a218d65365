"""Who is let in to the management API, and what every answer carries."""

import re

import pytest
from sandbox_kit import CALLBACK, World, okta_error, without_id

from keyturn.sandbox import AppDraft

pytestmark = pytest.mark.anyio

ME = "/api/v1/users/me"


@pytest.mark.parametrize("form", ["SSWS {}", "SSWS{}", "ssws {}"])
async def test_api_token_with_and_without_space(world: World, form: str) -> None:
    """The token may be glued to its scheme, as Okta's Python SDK sends it."""
    headers = {"authorization": form.format(world.org.seeded.api_token)}
    answer = await world.http.get(ME, headers=headers)
    assert (answer.status_code, answer.json()["profile"]["login"]) == (200, "admin@example.com")


async def test_api_token_has_oktas_shape(world: World) -> None:
    """The SSWS token looks like one of Okta's."""
    assert re.fullmatch(r"00[a-zA-Z0-9_-]{40}", world.org.seeded.api_token)


@pytest.mark.parametrize("value", ["", "SSWS", "SSWS wrong", "Basic eDp5", "Bearer undefined"])
async def test_strangers_are_refused(world: World, value: str) -> None:
    """No token, a wrong one and an undefined one are all 401 E0000011."""
    answer = await world.http.get(ME, headers={"authorization": value})
    assert answer.status_code == 401
    assert without_id(answer) == okta_error("E0000011", "Invalid token provided")


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


async def test_missing_role(world: World) -> None:
    """A good token of an app without admin role is 403 E0000006."""
    world.org.change_admin_role(world.org.seeded.service_app_id, None)
    token = (await world.service_token()).json()["access_token"]
    headers = {"authorization": f"Bearer {token}"}
    answer = await world.http.get("/api/v1/apps", headers=headers)
    assert answer.status_code == 403
    assert without_id(answer) == okta_error(
        "E0000006", "You do not have permission to perform the requested action"
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


@pytest.mark.parametrize(
    ("method", "path", "status", "error"),
    [
        (
            "PATCH",
            "/api/v1/apps",
            405,
            okta_error("E0000022", "The endpoint does not support the provided HTTP method"),
        ),
        (
            "GET",
            "/api/v1/nothing",
            404,
            okta_error("E0000008", "The requested path was not found"),
        ),
    ],
)
async def test_unknown_operations(
    world: World, method: str, path: str, status: int, error: dict[str, object]
) -> None:
    """A wrong method is 405, an unknown path 404."""
    answer = await world.admin(method, path)
    assert answer.status_code == status
    assert without_id(answer) == error


async def test_headers_of_every_answer(world: World) -> None:
    """Answers forbid caching and carry a request id, a date and plain JSON."""
    headers = (await world.admin("GET", ME)).headers
    assert headers["content-type"] == "application/json"
    assert headers["cache-control"] == "no-cache, no-store"
    assert (headers["pragma"], headers["expires"]) == ("no-cache", "0")
    assert headers["date"] == "Sun, 01 Mar 2026 12:00:00 GMT"
    assert re.fullmatch("[0-9a-f]{32}", headers["x-okta-request-id"])
