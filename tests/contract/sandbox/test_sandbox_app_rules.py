"""What an app may be: kinds, grants and addresses that go together, and what the log says of it."""

from typing import Any

import httpx2
import pytest
from sandbox_kit import CALLBACK, World, okta_error, without_id

from keyturn.sandbox.state.records import hash_secret

pytestmark = pytest.mark.anyio

APPS = "/api/v1/apps"
# JSON from the wire, changed freely.
Document = dict[str, Any]
CREDENTIALS = ("client_id", "client_secret", "token_endpoint_auth_method", "pkce_required")
GRANTS = (
    "authorization_code, client_credentials, implicit, interaction_code, password, refresh_token, "
    "urn:ietf:params:oauth:grant-type:device_code, urn:ietf:params:oauth:grant-type:jwt-bearer, "
    "urn:ietf:params:oauth:grant-type:saml2-bearer, "
    "urn:ietf:params:oauth:grant-type:token-exchange, urn:openid:params:grant-type:ciba, "
    "urn:okta:params:oauth:grant-type:otp, urn:okta:params:oauth:grant-type:oob, "
    "http://auth0.com/oauth/grant-type/mfa-otp, http://auth0.com/oauth/grant-type/mfa-oob"
)
SERVICE = {
    "application_type": "service",
    "grant_types": ["client_credentials"],
    "response_types": ["token"],
    "redirect_uris": [],
}


def body_with(**members: object) -> Document:
    """Return the body of a web app with changes to its OAuth client."""
    settings: Document = {
        "application_type": "web",
        "grant_types": ["authorization_code"],
        "response_types": ["code"],
        "redirect_uris": [CALLBACK],
    }
    client = {name: members.pop(name) for name in CREDENTIALS if name in members}
    return {
        "name": "oidc_client",
        "label": "Ruled",
        "signOnMode": "OPENID_CONNECT",
        "credentials": {"oauthClient": client},
        "settings": {"oauthClient": settings | members},
    }


async def send(world: World, method: str, body: Document) -> httpx2.Response:
    """Make an app of this body, or the web app into it."""
    path = APPS if method == "POST" else f"{APPS}/{world.app_id}"
    return await world.admin(method, path, body)


@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize(
    ("changes", "member", "rule"),
    [
        (
            {"application_type": "banana"},
            "application_type",
            "must be one of the following: [browser, native, service, web].",
        ),
        ({"grant_types": ["banana"]}, "grant_types", f"must be one of the following: [{GRANTS}]."),
        (
            SERVICE | {"grant_types": ["authorization_code"]},
            "grant_types",
            "can't contain 'authorization_code' when 'application_type' is 'service'.",
        ),
        (
            {"application_type": "browser", "grant_types": ["client_credentials"]},
            "grant_types",
            "can't contain 'client_credentials' when 'application_type' is 'browser'.",
        ),
        (
            {"response_types": ["banana"]},
            "response_types",
            "must be one of the following: [code, id_token, token].",
        ),
        (
            {"response_types": ["token"]},
            "response_types",
            "must contain 'code' when 'grant_types' contains 'authorization_code'.",
        ),
        (
            {"redirect_uris": ["/cb"]},
            "redirect_uris",
            "must be absolute URIs without a fragment.",
        ),
        (
            {"redirect_uris": ["https://a.example/cb#top"]},
            "redirect_uris",
            "must be absolute URIs without a fragment.",
        ),
        (
            SERVICE | {"token_endpoint_auth_method": "none"},
            "token_endpoint_auth_method",
            "can't be 'none' when 'application_type' is 'service'.",
        ),
        (
            {"token_endpoint_auth_method": "none", "pkce_required": False},
            "pkce_required",
            "must be 'true' when 'token_endpoint_auth_method' is 'none'.",
        ),
    ],
)
async def test_what_does_not_go_together(
    world: World, method: str, changes: Document, member: str, rule: str
) -> None:
    """Each is 400 E0000001 about the member, for a new app and for a changed one."""
    before = world.org.truth()
    answer = await send(world, method, body_with(**changes))
    cause = f"{member}: '{member}' {rule}"
    assert answer.status_code == 400
    assert without_id(answer) == okta_error("E0000001", f"Api validation failed: {member}", cause)
    assert world.org.truth() == before


@pytest.mark.parametrize("member", ["redirect_uris", "response_types"])
@pytest.mark.parametrize("value", [None, []])
async def test_a_log_in_needs_an_address(
    world: World, member: str, value: list[str] | None
) -> None:
    """An app that redirects people says where to and with what, unless it has another grant."""
    refused = await send(world, "POST", body_with(**{member: value}))
    cause = f"{member}: The field cannot be left blank"
    assert without_id(refused) == okta_error("E0000001", f"Api validation failed: {member}", cause)
    grants = ["authorization_code", "client_credentials"]
    taken = await send(world, "POST", body_with(grant_types=grants, **{member: value}))
    assert taken.status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        SERVICE,
        SERVICE | {"grant_types": ["urn:ietf:params:oauth:grant-type:token-exchange"]},
        {"application_type": "native", "redirect_uris": ["com.example.app:/cb"]},
        {"application_type": "native", "grant_types": ["password"], "redirect_uris": None},
        {"application_type": "browser", "token_endpoint_auth_method": "none"},
        {"grant_types": ["implicit", "refresh_token"], "response_types": ["id_token", "token"]},
    ],
)
async def test_what_goes_together(world: World, changes: Document) -> None:
    """Every kind of app can be made in its own way, and put back as it is."""
    answer = await send(world, "POST", body_with(**changes))
    assert answer.status_code == 200
    put = await world.admin("PUT", f"{APPS}/{answer.json()['id']}", answer.json())
    assert put.status_code == 200


@pytest.mark.parametrize("kind", ["native", "browser", "web"])
async def test_pkce_by_kind(world: World, kind: str) -> None:
    """Native and browser apps need PKCE unless they say otherwise, web apps only if they do."""
    made = (await send(world, "POST", body_with(application_type=kind))).json()
    assert made["credentials"]["oauthClient"]["pkce_required"] is (kind != "web")


@pytest.mark.parametrize("client_id", ["short", "with space", "x" * 101, "ALL_CLIENTS", "snow☃man"])
async def test_client_ids(world: World, client_id: str) -> None:
    """A client id of one's own has 6 to 100 of certain characters, and is not the reserved one."""
    answer = await send(world, "POST", body_with(client_id=client_id))
    assert answer.json()["errorSummary"] == "Api validation failed: client_id"


async def test_room_can_be_made(world: World) -> None:
    """A full org takes an app again once one is deleted, or once there is no limit."""
    world.org.change_settings(max_apps=2)
    assert (await send(world, "POST", body_with())).status_code == 400
    world.org.deactivate_app(world.app_id)
    world.org.delete_app(world.app_id)
    assert (await send(world, "POST", body_with())).status_code == 200
    world.org.change_settings(max_apps=None)
    assert (await send(world, "POST", body_with())).status_code == 200


# --- the System Log -------------------------------------------------------------------------------


def told(world: World, last: int) -> list[str]:
    """Return the types of the events after a number."""
    return [event.type for event in world.org.system_log.events(last)]


async def test_each_change_is_one_of_app_and_client(world: World) -> None:
    """Creating, changing, stopping, starting and deleting an app are told of its client too."""
    last = world.org.system_log.last
    made = (await send(world, "POST", body_with())).json()
    path = f"{APPS}/{made['id']}"
    await world.admin("PUT", path, made | {"label": "Renamed"})
    for step in ("deactivate", "activate", "deactivate"):
        await world.admin("POST", f"{path}/lifecycle/{step}")
    await world.admin("DELETE", path)
    steps = ("create", "update", "deactivate", "activate", "deactivate", "delete")
    assert told(world, last) == [
        f"{subject}.lifecycle.{step}"
        for step in steps
        for subject in ("application", "app.oauth2.client")
    ]


async def test_an_old_secret_written_back_shows(world: World) -> None:
    """A PUT with another value is the end of one client secret and another one, by whom."""
    old = world.secret
    app = (await world.admin("GET", f"{APPS}/{world.app_id}")).json()
    last, written = world.org.system_log.last, "a-value-from-a-state-file-0123456789"
    app["credentials"]["oauthClient"]["client_secret"] = written
    await world.admin("PUT", f"{APPS}/{world.app_id}", app)
    *_, gone, made = world.org.system_log.events(last)
    assert [event.type.rpartition(".")[2] for event in (gone, made)] == ["delete", "create"]
    hashes = [event.targets[1].detail["ClientSecret"] for event in (gone, made)]
    assert hashes == [hash_secret(old), hash_secret(written)]
    assert {gone.actor.alternate_id, made.actor.alternate_id} == {"admin@example.com"}
    caller = world.org.api_tokens[world.org.seeded.api_token].principal
    assert world.org.read_app(world.app_id).live_secrets[0].made_by == caller


async def test_reading_no_secret_is_no_event(world: World) -> None:
    """Only a list that holds client secrets is told as a reading of them."""
    world.org.change_auth_method(world.app_id, "private_key_jwt")
    last = world.org.system_log.last
    assert (await world.admin("GET", world.secrets_path)).json() == []
    assert told(world, last) == []
