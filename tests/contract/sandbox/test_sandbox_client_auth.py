"""How clients authenticate: forms of sending a secret, assertions and their exact refusals."""

import pytest
from joserfc.jwk import RSAKey
from sandbox_kit import BASE, World, basic

pytestmark = pytest.mark.anyio

CLIENT_CREDENTIALS = {"grant_type": "client_credentials", "scope": "okta.apps.read"}


async def introspect(world: World, form: dict[str, str], header: str = "") -> tuple[int, str]:
    """Return status and error text of an introspection of junk."""
    headers = {"authorization": header} if header else {}
    answer = await world.http.post(
        "/oauth2/v1/introspect", data={"token": "junk", **form}, headers=headers
    )
    return answer.status_code, answer.json().get("error_description", "")


async def test_secret_in_header_or_body(world: World) -> None:
    """Both client_secret_basic and client_secret_post are taken."""
    both = {"client_id": world.client_id, "client_secret": world.secret}
    assert await introspect(world, both) == (200, "")
    assert await introspect(world, {}, basic(world.client_id, world.secret)) == (200, "")


async def test_secret_may_come_form_encoded_in_the_header(world: World) -> None:
    """A secret with reserved characters is known encoded (RFC 6749) and as it is."""
    world.org.create_secret(world.app_id, "50%+1 secret:value")
    for spelling in ("50%+1 secret:value", "50%25%2B1+secret%3Avalue"):
        assert await introspect(world, {}, basic(world.client_id, spelling)) == (200, "")


async def test_refusals(world: World) -> None:
    """No, two, unknown and misplaced credentials are told apart."""
    one = basic(world.client_id, world.secret)
    assert await introspect(world, {}) == (401, "No client credentials found.")
    status, text = await introspect(world, {"client_secret": "x"}, one)
    assert (status, text[:41]) == (401, "Cannot supply multiple client credentials")
    assert await introspect(world, {}, basic("nobody", "x")) == (
        401,
        "Invalid value for 'client_id' parameter.",
    )
    assert await introspect(world, {}, "Basic !") == (
        401,
        "Found Authentication header but was not valid client credentials.",
    )
    assert await introspect(world, {"client_id": world.client_id}) == (
        401,
        "Client authentication failed. Either the client or the client credentials are invalid.",
    )


async def test_secret_in_the_query(world: World) -> None:
    """A client secret in the address is refused, whatever it is."""
    query = {"client_id": world.client_id, "client_secret": world.secret}
    answer = await world.http.post("/oauth2/v1/introspect", params=query, data={"token": "x"})
    assert answer.status_code == 400
    assert world.secret not in str(world.org.requests())


async def test_public_client_revokes_with_its_id_only(world: World) -> None:
    """A public client may revoke with a basic header that holds only its id."""
    world.org.change_auth_method(world.app_id, "none")
    header = basic(world.client_id, "")
    for spelling in (header, basic(world.client_id, "").replace("Og==", "")):
        answer = await world.http.post(
            "/oauth2/v1/revoke", data={"token": "x"}, headers={"authorization": spelling}
        )
        assert answer.status_code == 200


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": ""}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        (CLIENT_CREDENTIALS, "invalid_client"),
    ],
)
async def test_web_app_grants(world: World, form: dict[str, str], error: str) -> None:
    """A web app with a secret cannot use client_credentials on the org server."""
    answer = await world.post("token", form)
    assert answer.json()["error"] == error


async def test_service_app_gets_a_token(world: World) -> None:
    """private_key_jwt and granted scopes earn an access token for an hour."""
    answer = await world.service_token("okta.apps.read okta.apps.manage okta.users.read")
    body = answer.json()
    assert answer.status_code == 200
    assert list(body) == ["token_type", "expires_in", "access_token", "scope"]
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 3600)
    assert body["scope"] == "okta.apps.read okta.apps.manage"


async def test_scope_not_granted(world: World) -> None:
    """When none of the scopes was granted: consent_required; an unknown one: invalid_scope."""
    answer = await world.service_token("okta.users.read")
    assert (answer.status_code, answer.json()) == (
        400,
        {
            "error": "consent_required",
            "error_description": "You are not allowed any of the requested scopes.",
        },
    )
    assert (await world.service_token("openid")).json()["error"] == "invalid_scope"
    assert (await world.service_token(" ")).json()["error_description"] == (
        "No scopes were requested."
    )


AUDIENCE = "The audience claim for client_assertion must be the endpoint invoked for the request."
NOW = 1_772_366_400


@pytest.mark.parametrize(
    ("claim", "value", "text"),
    [
        ("aud", BASE, AUDIENCE),
        ("aud", f"{BASE}/oauth2/v1/introspect", AUDIENCE),
        ("exp", None, "The client_assertion must contain the 'exp' claim as seconds since epoch."),
        ("exp", NOW, "The client_assertion token is expired."),
        (
            "exp",
            NOW + 3700,
            "The client_assertion token has an expiration too far into the future.",
        ),
        (
            "iat",
            NOW + 60,
            "The client_assertion token must be issued before the current time.",
        ),
        ("iss", "nobody", "Invalid value for 'client_id' parameter."),
        ("sub", "nobody", "The subject claim for client_assertion is not a valid client_id."),
    ],
)
async def test_assertion_claims(world: World, claim: str, value: object, text: str) -> None:
    """Each wrong claim has a text of its own."""
    answer = await world.service_token(assertion=world.assertion(**{claim: value}))
    assert answer.status_code == 401
    assert answer.json() == {"error": "invalid_client", "error_description": text}


async def test_assertion_is_used_once(world: World) -> None:
    """A jti is single use while the assertion lives; one without jti can be repeated."""
    assertion, plain = world.assertion(jti="once"), world.assertion(jti=None)
    assert (await world.service_token(assertion=assertion)).status_code == 200
    again = await world.service_token(assertion=assertion)
    assert again.json()["error_description"] == (
        "The client_assertion token has already been used."
    )
    for _ in range(2):
        assert (await world.service_token(assertion=plain)).status_code == 200


async def test_assertion_by_another_key(world: World) -> None:
    """A signature by another key under a known kid is invalid."""
    forged = world.assertion(key=RSAKey.generate_key(2048))
    answer = await world.service_token(assertion=forged)
    assert answer.json()["error_description"] == "The client_assertion signature is invalid."


async def test_junk_assertion(world: World) -> None:
    """A string that is no JWT cannot be parsed."""
    answer = await world.service_token(assertion="junk")
    assert answer.json()["error_description"] == "The parsing of the client_assertion failed."
