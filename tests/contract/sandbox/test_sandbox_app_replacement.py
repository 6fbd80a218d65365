"""PUT of an app: a full replacement with side effects on secrets, keys and tokens."""

from typing import Any

import pytest
from sandbox_kit import World, okta_error, without_id

from keyturn.sandbox import Keys
from keyturn.sandbox.state.keys import render_public
from keyturn.sandbox.state.records import hash_secret

pytestmark = pytest.mark.anyio

# JSON from the wire, changed freely.
Document = dict[str, Any]
OWN = "a-value-kept-in-somebodys-state-file-0123456789"


async def body_of(world: World, **client: object) -> Document:
    """Return the web app as read, to be put back with changes to its OAuth client."""
    body: Document = (await world.admin("GET", f"/api/v1/apps/{world.app_id}")).json()
    body["credentials"]["oauthClient"] |= client
    return body


async def put(world: World, body: object) -> Document:
    """Replace the web app and return what was answered."""
    answer = await world.admin("PUT", f"/api/v1/apps/{world.app_id}", body)
    assert answer.status_code == 200
    replaced: Document = answer.json()
    return replaced


@pytest.mark.parametrize("value", ["", None])
async def test_put_echoes_the_secret_and_leaves_it(world: World, value: str | None) -> None:
    """No value and an empty one leave the secret, which the answer shows and GET does not."""
    before = world.secret
    made = await put(world, await body_of(world, client_secret=value))
    assert made["credentials"]["oauthClient"]["client_secret"] == before == world.secret
    assert before not in (await world.admin("GET", f"/api/v1/apps/{world.app_id}")).text


async def test_put_overwrites_the_newest_secret_in_place(world: World) -> None:
    """A value given takes the place of the newest secret: same id, another value and hash."""
    oldest, made = world.secret, await world.make_secret()
    answer = await put(world, await body_of(world, client_secret=OWN))
    old, new = (await world.admin("GET", world.secrets_path)).json()
    assert answer["credentials"]["oauthClient"]["client_secret"] == OWN
    assert (old["client_secret"], new["id"]) == (oldest, made["id"])
    assert (new["client_secret"], new["secret_hash"]) == (OWN, hash_secret(OWN))
    entry = world.org.journal.list()[-2]
    assert (entry["secret_id"], entry["secret_hash"]) == (made["id"], hash_secret(OWN))
    assert [await world.probe(made["client_secret"]), await world.probe(OWN)] == [401, 200]


async def test_put_replaces_everything_that_can_be_set(world: World) -> None:
    """Members left out of a part that is given fall back to their defaults; the id stays."""
    client = {"grant_types": ["authorization_code"], "redirect_uris": ["https://a.example/cb"]}
    client["response_types"] = ["code"]
    body = {"signOnMode": "OPENID_CONNECT", "label": "New", "settings": {"oauthClient": client}}
    made = await put(world, {**body, "name": "ignored", "status": "INACTIVE"})
    assert (made["id"], made["name"], made["label"]) == (world.app_id, "oidc_client", "New")
    assert made["status"] == "ACTIVE"
    assert made["settings"]["oauthClient"]["grant_types"] == ["authorization_code"]
    assert made["credentials"]["oauthClient"]["client_id"] == world.client_id


async def test_changed_client_loses_its_tokens(world: World) -> None:
    """Refresh and access tokens end when the client app is changed."""
    back = await world.log_in()
    tokens = (await world.redeem(back["code"])).json()
    await put(world, {**await body_of(world), "label": "Another"})
    assert (await world.refresh(tokens["refresh_token"])).status_code == 400
    seen = await world.post("introspect", {"token": tokens["access_token"]})
    assert seen.json() == {"active": False}


async def test_unchanged_client_keeps_its_tokens(world: World) -> None:
    """Putting back what was read changes nothing and ends no token."""
    back = await world.log_in()
    tokens = (await world.redeem(back["code"])).json()
    await put(world, await body_of(world))
    assert (await world.refresh(tokens["refresh_token"])).status_code == 200


async def test_switch_to_private_key_deletes_the_secrets(world: World) -> None:
    """An app that goes over to signed assertions has no client secret left."""
    secret = world.secret
    body = await body_of(world, token_endpoint_auth_method="private_key_jwt")
    body["settings"]["oauthClient"]["jwks"] = {"keys": [render_public(Keys.of_seed(2).service)]}
    made = await put(world, body)
    assert "client_secret" not in made["credentials"]["oauthClient"]
    assert (await world.admin("GET", world.secrets_path)).json() == []
    (key,) = (await world.admin("GET", f"/api/v1/apps/{world.app_id}/credentials/jwks")).json()
    assert made["settings"]["oauthClient"]["jwks"]["keys"][0]["id"] == key["id"]
    assert await world.probe(secret) == 401


async def test_secret_with_private_key_is_refused(world: World) -> None:
    """A client secret cannot be given to an app that signs assertions."""
    body = await body_of(world, token_endpoint_auth_method="private_key_jwt", client_secret=OWN)
    answer = await world.admin("PUT", f"/api/v1/apps/{world.app_id}", body)
    cause = "'client_secret' can't be used when 'token_endpoint_auth_method' is 'private_key_jwt'."
    assert answer.status_code == 400
    assert without_id(answer) == okta_error(
        "E0000001", "Api validation failed: client_secret", cause
    )


async def test_refused_put_changes_nothing(world: World) -> None:
    """A value that is too short is refused and the app stays as it was."""
    before = await body_of(world)
    answer = await world.admin(
        "PUT", f"/api/v1/apps/{world.app_id}", await body_of(world, client_secret="short")
    )
    cause = "client_secret: 'client_secret' must be at least '14' characters long."
    assert without_id(answer) == okta_error(
        "E0000001", "Api validation failed: client_secret", cause
    )
    assert await body_of(world) == before


async def test_put_is_told_in_the_system_log(world: World) -> None:
    """The app's update, the client's update and each credential that went are events."""
    last, hashed = world.org.system_log.last, hash_secret(world.secret)
    await put(world, await body_of(world, token_endpoint_auth_method="private_key_jwt"))
    update, client, deletion = world.org.system_log.events(last)
    assert update.type == "application.lifecycle.update"
    assert client.type == "app.oauth2.client.lifecycle.update"
    assert deletion.type == "app.oauth2.credentials.lifecycle.delete"
    assert deletion.targets[1].detail["ClientSecret"] == hashed
    assert update.actor.alternate_id == "admin@example.com"
