"""The manners of the token endpoint, and client_secret_jwt."""

import jwt as pyjwt
import pytest
from sandbox_kit import BASE, JWT_BEARER, World, okta_error, without_id
from sandbox_oauth_kit import Client, events, make_client, oauth_error

pytestmark = pytest.mark.anyio

TOKEN = "/oauth2/v1/token"
WRONG_TYPE = okta_error(
    "E0000021",
    "Bad request. Accept and/or Content-Type headers likely do not match supported values.",
)


async def test_get_is_refused(world: World) -> None:
    """Tokens are never asked for by GET."""
    for path in (TOKEN, "/oauth2/default/v1/token"):
        answer = await world.http.get(path)
        assert (answer.status_code, without_id(answer)["errorCode"]) == (405, "E0000022")


async def test_json_is_refused(world: World) -> None:
    """OAuth endpoints take forms only."""
    for path in ("token", "introspect", "revoke", "par", "device/authorize"):
        answer = await world.http.post(f"/oauth2/v1/{path}", json={"token": "x"})
        assert (answer.status_code, without_id(answer)) == (400, WRONG_TYPE)


async def test_a_repeated_parameter_is_refused(world: World) -> None:
    """A parameter given twice is refused before anything is believed."""
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer = await world.http.post(TOKEN, content="scope=a&scope=b", headers=headers)
    text = "The request contained multiple parameters with the same name."
    assert oauth_error(answer) == (400, "invalid_request", text)


async def test_a_type_with_parameters_is_taken(world: World) -> None:
    """A charset behind the content type, and raw spaces in the body, do no harm."""
    headers = {"content-type": "application/x-www-form-urlencoded; charset=UTF-8"}
    body = f"client_id={world.client_id}&client_secret={world.secret}&token=a b"
    answer = await world.http.post("/oauth2/v1/introspect", content=body, headers=headers)
    assert answer.json() == {"active": False}


# --- client_secret_jwt ----------------------------------------------------------------------------


def make_signer(world: World) -> Client:
    """Make an app that signs with its client secret."""
    return make_client(world, auth_method="client_secret_jwt")


async def introspect_signed(
    client: Client, secret: str, algorithm: str = "HS256", **changes: object
) -> tuple[int, str]:
    """Introspect junk with a signed assertion; return status and error text."""
    now = int(client.world.clock.at.timestamp())
    claims: dict[str, object] = {
        "iss": client.app.client_id,
        "sub": client.app.client_id,
        "aud": f"{BASE}/oauth2/v1/introspect",
        "iat": now,
        "exp": now + 60,
    }
    form = {
        "token": "junk",
        "client_assertion_type": JWT_BEARER,
        "client_assertion": pyjwt.encode(claims | changes, secret, algorithm),
    }
    answer = await client.world.http.post("/oauth2/v1/introspect", data=form)
    return answer.status_code, answer.json().get("error_description", "")


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
async def test_signed_by_the_client_secret(world: World, algorithm: str) -> None:
    """An assertion signed with an ACTIVE client secret proves the client; its use is noted."""
    client = make_signer(world)
    assert await introspect_signed(client, client.secret, algorithm) == (200, "")
    (used,) = world.org.read_app(client.app.id).live_secrets
    assert world.org.last_used[used.id] == world.clock.at
    last = world.org.requests()["requests"][-1]  # type: ignore[index]  # a list of entries
    assert last["secret_id"] == used.id


BAD_SIGNATURE = (401, "The client_assertion signature is invalid.")


async def test_signed_by_an_inactive_secret(world: World) -> None:
    """Of two client secrets each signs while it is ACTIVE."""
    client = make_signer(world)
    old = client.secret
    new = world.org.create_secret(client.app.id)
    for secret in (old, new.value):
        assert await introspect_signed(client, secret) == (200, "")
    world.org.deactivate_secret(client.app.id, world.org.read_app(client.app.id).live_secrets[0].id)
    assert await introspect_signed(client, old) == BAD_SIGNATURE
    assert await introspect_signed(client, new.value) == (200, "")


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"aud": BASE}, "The audience claim for client_assertion must be the endpoint invoked"),
        ({"sub": "x"}, "The subject claim for client_assertion is not a valid client_id."),
        ({"exp": 1}, "The client_assertion token is expired."),
    ],
)
async def test_claims_are_checked(world: World, changes: dict[str, object], text: str) -> None:
    """The rules for claims are those of private_key_jwt."""
    client = make_signer(world)
    status, found = await introspect_signed(client, client.secret, **changes)
    assert (status, found[: len(text)]) == (401, text)


async def test_an_assertion_is_used_once(world: World) -> None:
    """A jti is single use here as well."""
    client = make_signer(world)
    assert (await introspect_signed(client, client.secret, jti="j"))[0] == 200
    text = "The client_assertion token has already been used."
    assert await introspect_signed(client, client.secret, jti="j") == (401, text)


async def test_only_the_registered_way(world: World) -> None:
    """An app registered for plain secrets may not sign, nor a signing one send its secret."""
    text = "Client authentication failed. Either the client or the client credentials are invalid."
    plain, signer = make_client(world), make_signer(world)
    assert await introspect_signed(plain, plain.secret) == (401, text)
    answer = await signer.post("introspect", token="junk")
    assert oauth_error(answer) == (401, "invalid_client", text)


# --- the log --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("server", "prefix"), [(None, "app.oauth2"), ("default", "app.oauth2.as")])
async def test_every_token_is_logged_with_the_secret_used(
    world: World, server: str | None, prefix: str
) -> None:
    """One event a token, with the hash of the client secret and what was asked and granted."""
    client = make_client(world, server)
    await client.tokens(scope="openid offline_access")
    (secret,) = world.org.read_app(client.app.id).live_secrets
    for kind in ("access_token", "id_token", "refresh_token"):
        (event,) = events(world, f"{prefix}.token.grant.{kind}")
        (target,) = event.pop("targets")  # type: ignore[misc,attr-defined]  # a tuple of one
        assert target.type == kind
        assert event == {
            "requestUri": f"{client.root}/token",
            "clientId": client.app.client_id,
            "clientAuthType": "client_secret_basic",
            "clientSecret": secret.hash,
            "grantType": "authorization_code",
            "grantedScopes": "openid,offline_access",
            "result": "SUCCESS",
            "reason": None,
        }


async def test_a_refresh_is_logged(world: World) -> None:
    """A static refresh gives an access and an ID token, no new refresh token."""
    client = make_client(world)
    tokens = await client.tokens()
    await client.refresh(tokens["refresh_token"])
    found = [e["grantType"] for e in events(world, "app.oauth2.token.grant.access_token")]
    assert found == ["authorization_code", "refresh_token"]
    assert len(events(world, "app.oauth2.token.grant.refresh_token")) == 1


async def test_a_retired_secret_is_named_when_it_fails(world: World) -> None:
    """A refused token request carries the hash of the known secret, deleted ones too."""
    client = make_client(world)
    old = world.org.read_app(client.app.id).live_secrets[0]
    world.org.create_secret(client.app.id)
    world.org.deactivate_secret(client.app.id, old.id)
    auth = (client.app.client_id, old.value)
    for _ in range(2):
        await world.http.post(TOKEN, data={"grant_type": "refresh_token"}, auth=auth)
        if client.secret == old.value:
            world.org.delete_secret(client.app.id, old.id)
    found = events(world, "app.oauth2.token.grant")
    assert [(e["clientSecret"], e["result"], e["reason"]) for e in found] == (
        [(old.hash, "FAILURE", "invalid_client")] * 2
    )
    assert old.value not in str(found)


async def test_an_unknown_secret_is_not_named(world: World) -> None:
    """Of a secret that the org does not know, nothing is logged."""
    client = make_client(world)
    auth = (client.app.client_id, "w" * 40)
    await world.http.post(TOKEN, data={"grant_type": "refresh_token"}, auth=auth)
    (event,) = events(world, "app.oauth2.token.grant")
    assert "clientSecret" not in event
    assert event["errorDescription"] == (
        "The client secret supplied for a confidential client is invalid."
    )


async def test_five_failures_in_a_row_are_an_event(world: World) -> None:
    """Every fifth failure in a row is told; a success begins a new row."""
    client = make_client(world)
    right, wrong = (client.secret, 1), ("w" * 40, 4)
    for secret, times in (wrong, right, wrong, (wrong[0], 1)):
        for _ in range(times):
            auth = (client.app.client_id, secret)
            await world.http.post("/oauth2/v1/introspect", data={"token": "x"}, auth=auth)
    (event,) = events(world, "app.oauth2.invalid_client_credentials")
    assert (event["clientId"], event["result"]) == (client.app.client_id, "FAILURE")


async def test_a_revocation_is_logged(world: World) -> None:
    """Revoking a token of one's own is an event, revoking junk is none."""
    client = make_client(world)
    tokens = await client.tokens()
    for token in ("junk", tokens["refresh_token"]):
        await client.post("revoke", token=token)
    (event,) = events(world, "app.oauth2.token.revoke")
    assert event["clientId"] == client.app.client_id
