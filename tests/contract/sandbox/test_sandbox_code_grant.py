"""The code grant, refreshing, and what becomes of tokens when a client secret is deactivated."""

import hashlib
from base64 import urlsafe_b64encode

import jwt as pyjwt
import pytest
from sandbox_kit import BASE, CALLBACK, World, redirect_query

pytestmark = pytest.mark.anyio

WRONG_SECRET = {
    "error": "invalid_client",
    "error_description": "The client secret supplied for a confidential client is invalid.",
}
VERIFIER = "v" * 43
CHALLENGE = urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")


async def retire_first(world: World) -> tuple[str, str]:
    """Make a second client secret, deactivate the first; return the old and the new value."""
    old = world.org.read_app(world.app_id).live_secrets[0]
    new = await world.make_secret()
    await world.admin("POST", f"{world.secrets_path}/{old.id}/lifecycle/deactivate")
    return old.value, new["client_secret"]


async def test_a_script_logs_in(world: World) -> None:
    """Posting the form yields a code and the state; the code yields tokens in recorded order."""
    back = await world.log_in(nonce="n1")
    assert back["state"] == "s1"
    answer = await world.redeem(back["code"])
    assert answer.status_code == 200
    assert list(answer.json()) == [
        "token_type",
        "expires_in",
        "access_token",
        "scope",
        "refresh_token",
        "id_token",
    ]
    assert answer.json()["expires_in"] == 3600
    assert answer.headers["x-robots-tag"] == "noindex,nofollow"


async def test_id_token_verifies_by_the_published_key(world: World) -> None:
    """The ID token is RS256 by the key at the keys endpoint, for this client and nonce."""
    back = await world.log_in(nonce="n1")
    tokens = (await world.redeem(back["code"])).json()
    (jwk,) = (await world.http.get("/oauth2/v1/keys")).json()["keys"]
    claims = pyjwt.decode(
        tokens["id_token"],
        pyjwt.PyJWK(jwk),
        ["RS256"],
        audience=world.client_id,
        issuer=BASE,
        options={"verify_iat": False, "verify_exp": False},
    )
    assert (claims["nonce"], claims["email"]) == ("n1", "user@example.com")
    assert claims["exp"] - claims["iat"] == 3600
    assert pyjwt.get_unverified_header(tokens["access_token"])["typ"] == (
        "application/okta-internal-at+jwt"
    )


async def test_wrong_password_shows_the_form_again(world: World) -> None:
    """A wrong password yields no code."""
    form = {"client_id": world.client_id, "redirect_uri": CALLBACK, "response_type": "code"}
    form |= {"scope": "openid", "state": "<&>", "login": "user@example.com", "password": "no"}
    answer = await world.http.post("/oauth2/v1/authorize", data=form)
    assert answer.status_code == 401
    assert "Unable to sign in" in answer.text
    assert "<&>" not in answer.text


@pytest.mark.parametrize(
    "change", [{"redirect_uri": CALLBACK + "/"}, {"client_id": "unknown"}, {"redirect_uri": ""}]
)
async def test_never_redirects_to_strangers(world: World, change: dict[str, str]) -> None:
    """An unknown client or a redirect URI that does not match exactly gets a page, no redirect."""
    asked = {"client_id": world.client_id, "redirect_uri": CALLBACK, "response_type": "code"}
    answer = await world.http.get("/oauth2/v1/authorize", params=asked | change)
    assert answer.status_code == 400
    assert "location" not in answer.headers


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": ""}, "invalid_scope"),
        ({"scope": "openid nonsense"}, "invalid_scope"),
        ({"scope": "okta.apps.read"}, "consent_required"),
        ({"code_challenge": "x", "code_challenge_method": "plain"}, "invalid_request"),
        ({"prompt": "none"}, "login_required"),
    ],
)
async def test_refusals_go_back_to_the_client(
    world: World, change: dict[str, str], error: str
) -> None:
    """What the client did wrong is told in the redirect, with its state."""
    asked = {"client_id": world.client_id, "redirect_uri": CALLBACK, "response_type": "code"}
    asked |= {"scope": "openid", "state": "s1"}
    answer = await world.http.get("/oauth2/v1/authorize", params=asked | change)
    assert redirect_query(answer) == {
        "error": error,
        "state": "s1",
        "error_description": redirect_query(answer)["error_description"],
    }


async def test_code_works_once_for_300_seconds(world: World) -> None:
    """A used code and an old code are refused alike."""
    first, second = await world.log_in(), await world.log_in()
    assert (await world.redeem(first["code"])).status_code == 200
    world.clock.advance(300)
    for code in (first["code"], second["code"]):
        answer = await world.redeem(code)
        assert answer.status_code == 400
        assert answer.json() == {
            "error": "invalid_grant",
            "error_description": "The authorization code is invalid or has expired.",
        }


@pytest.mark.parametrize(("verifier", "status"), [(VERIFIER, 200), ("w" * 43, 400), ("", 400)])
async def test_pkce(world: World, verifier: str, status: int) -> None:
    """A challenge sent at authorize is verified at token."""
    back = await world.log_in(code_challenge=CHALLENGE, code_challenge_method="S256")
    answer = await world.redeem(back["code"], code_verifier=verifier)
    assert answer.status_code == status


async def test_redirect_uri_must_be_repeated(world: World) -> None:
    """Another redirect URI at the token endpoint is refused."""
    back = await world.log_in()
    answer = await world.redeem(back["code"], redirect_uri="http://127.0.0.1/other")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


async def test_refresh_token_is_static(world: World) -> None:
    """Refreshing gives a new access token and the same refresh token, again and again."""
    tokens = (await world.redeem((await world.log_in())["code"])).json()
    for _ in range(2):
        world.clock.advance(3600)
        answer = await world.refresh(tokens["refresh_token"])
        assert answer.status_code == 200
        assert answer.json()["refresh_token"] == tokens["refresh_token"]
        assert answer.json()["access_token"] != tokens["access_token"]


async def test_refresh_token_of_another_client(world: World) -> None:
    """A refresh token belongs to its client."""
    tokens = (await world.redeem((await world.log_in())["code"])).json()
    app = (await world.admin("GET", f"/api/v1/apps/{world.app_id}")).json()
    del app["credentials"]["oauthClient"]["client_id"]
    other = (await world.admin("POST", "/api/v1/apps", app)).json()
    client = other["credentials"]["oauthClient"]
    form = {
        "grant_type": "refresh_token",
        "refresh_token": tokens["refresh_token"],
        "client_id": client["client_id"],
        "client_secret": client["client_secret"],
    }
    answer = await world.http.post("/oauth2/v1/token", data=form)
    assert answer.status_code == 400
    assert answer.json()["error_description"] == "The refresh token is invalid or expired."


async def test_inactive_secret_is_refused_at_once_while_tokens_live(world: World) -> None:
    """Deactivation breaks the next refresh with the old secret; access tokens live on."""
    tokens = (await world.redeem((await world.log_in())["code"])).json()
    old, new = await retire_first(world)
    refused = await world.refresh(tokens["refresh_token"], old)
    assert (refused.status_code, refused.json()) == (401, WRONG_SECRET)
    headers = {"authorization": f"Bearer {tokens['access_token']}"}
    assert (await world.http.get("/oauth2/v1/userinfo", headers=headers)).status_code == 200
    assert (await world.refresh(tokens["refresh_token"], new)).status_code == 200


async def test_both_secrets_work_in_parallel(world: World) -> None:
    """Until one is deactivated, both client secrets authenticate."""
    new = await world.make_secret()
    assert await world.probe(world.secret) == 200
    assert await world.probe(new["client_secret"]) == 200


async def test_reactivated_secret_works_again(world: World) -> None:
    """Activation brings the old secret back."""
    old, _ = await retire_first(world)
    assert await world.probe(old) == 401
    secret_id = world.org.read_app(world.app_id).live_secrets[0].id
    await world.admin("POST", f"{world.secrets_path}/{secret_id}/lifecycle/activate")
    assert await world.probe(old) == 200


async def test_new_secret_needs_time_to_spread(world: World) -> None:
    """With a propagation delay a new secret is refused until the delay is over."""
    world.org.change_settings(propagation_s=5)
    value = (await world.make_secret())["client_secret"]
    assert await world.probe(value) == 401
    world.clock.advance(5)
    assert await world.probe(value) == 200


async def test_probe_with_junk_token(world: World) -> None:
    """Introspecting junk tells only whether the client secret is accepted."""
    good = await world.post("introspect", {"token": "junk"})
    assert (good.status_code, good.json()) == (200, {"active": False})
    bad = await world.post("introspect", {"token": "junk"}, "wrong-secret-value")
    assert (bad.status_code, bad.json()) == (401, WRONG_SECRET)
    missing = await world.post("introspect", {})
    assert missing.json()["error_description"] == "The 'token' parameter is required."


async def test_revocation(world: World) -> None:
    """Revoking a refresh token takes its access token along; junk is 200 as well."""
    tokens = (await world.redeem((await world.log_in())["code"])).json()
    alive = await world.post("introspect", {"token": tokens["access_token"]})
    assert alive.json()["active"] is True
    for token in ("junk", tokens["refresh_token"]):
        assert (await world.post("revoke", {"token": token})).status_code == 200
    dead = await world.post("introspect", {"token": tokens["access_token"]})
    assert dead.json() == {"active": False}
    assert (await world.refresh(tokens["refresh_token"])).status_code == 400


async def test_discovery_names_the_address_used(world: World) -> None:
    """Issuer and endpoints follow the host of the request; a doubled slash does no harm."""
    answer = await world.http.get(f"{BASE}//.well-known/openid-configuration")
    assert answer.json()["issuer"] == BASE
    assert answer.json()["token_endpoint"] == f"{BASE}/oauth2/v1/token"
