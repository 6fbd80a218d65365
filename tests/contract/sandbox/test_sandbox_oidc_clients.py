"""Okta's verifier of tokens and a general OpenID Connect client, unmodified, over https."""

import base64
import json
import re
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import anyio
import pytest
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import ClientSecretJWT, PrivateKeyJWT
from authlib.oidc.core import CodeIDToken
from joserfc import jwt as jose
from joserfc.jwk import KeySet, RSAKey
from okta_jwt_verifier import AccessTokenVerifier, IDTokenVerifier
from okta_jwt_verifier.exceptions import JWTValidationException
from sandbox_kit import CALLBACK

from keyturn.sandbox import Keys, Org, Ready, SandboxConfig, serving
from keyturn.sandbox.state.directory import AppDraft
from keyturn.sandbox.state.records import App

pytestmark = [pytest.mark.anyio, pytest.mark.slow]  # loading the clients takes seconds
NONCE = "nonce-of-this-test"
VERIFIER = "v" * 64
HIDDEN = re.compile(r'type="hidden" name="(\w+)" value="([^"]*)"')
KEY = RSAKey(Keys.of_seed(7).service.private_key, None, {"kid": "peer", "use": "sig"})
ASSERTIONS: dict[str, Callable[[str], object]] = {
    "client_secret_jwt": ClientSecretJWT,
    "private_key_jwt": lambda endpoint: PrivateKeyJWT(endpoint, headers={"kid": KEY.kid}),
}


@pytest.fixture
async def ready(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Ready]:
    """Give a fresh org on free ports, which clients trust by the variable they read."""
    async with serving(SandboxConfig(0, 0, 0, org=Org(1))) as ready:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(ready.ca_file))
        yield ready


def register(org: Org, method: str) -> App:
    """Make a web app that authenticates by a method."""
    signs = method == "private_key_jwt"
    draft = AppDraft(
        "Relying party",
        auth_method=method,
        redirect_uris=(CALLBACK,),
        jwks=(KEY.as_dict(private=False),) if signs else (),
        secrets=() if signs else (None,),
    )
    return org.create_app(draft)


def tampered(token: str) -> str:
    """Return a token with another person in it, under the signature of the first."""
    header, body, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    changed = json.dumps(claims | {"sub": "somebody else"}).encode()
    return ".".join((header, base64.urlsafe_b64encode(changed).decode().rstrip("="), signature))


class RelyingParty:
    """A web app made with Authlib: finds the server's metadata, logs a person in by code."""

    def __init__(self, ready: Ready, issuer: str, method: str) -> None:
        known: dict[str, Any] = ready.as_json()
        self.person = known["user"]
        app = register(ready.org, method)
        self.session = OAuth2Session(
            app.client_id,
            KEY.as_pem(private=True) if app.jwks else app.live_secrets[0].value,
            method,
            scope="openid email profile offline_access",
            redirect_uri=CALLBACK,
            code_challenge_method="S256",
        )
        found = self.session.request(
            "GET", f"{issuer}/.well-known/openid-configuration", withhold_token=True
        )
        self.server: dict[str, str] = found.json()
        if method in ASSERTIONS:
            assertion = ASSERTIONS[method](self.server["token_endpoint"])
            self.session.register_client_auth_method(assertion)

    def log_in(self, verifier: str = VERIFIER) -> dict[str, str]:
        """Log the person in by the org's page, and return the tokens."""
        url, state = self.session.create_authorization_url(
            self.server["authorization_endpoint"], code_verifier=VERIFIER, nonce=NONCE
        )
        page = self.session.request("GET", url, withhold_token=True)
        form = dict(HIDDEN.findall(page.text)) | self.person
        back = self.session.request(
            "POST",
            page.url.partition("?")[0],
            data=form,
            withhold_token=True,
            allow_redirects=False,
        )
        tokens: dict[str, str] = self.session.fetch_token(
            self.server["token_endpoint"],
            authorization_response=back.headers["location"],
            state=state,
            code_verifier=verifier,
        )
        return tokens

    def claims(self, tokens: dict[str, str]) -> CodeIDToken:
        """Return the claims of the ID token, checked by Authlib."""
        keys = self.session.request("GET", self.server["jwks_uri"], withhold_token=True)
        found = jose.decode(tokens["id_token"], KeySet.import_key_set(keys.json()))
        claims = CodeIDToken(
            found.claims,
            found.header,
            {"iss": {"value": self.server["issuer"]}, "aud": {"value": self.session.client_id}},
            {"nonce": NONCE, "access_token": tokens["access_token"]},
        )
        claims.validate()
        return claims


@contextmanager
def relying_party(
    ready: Ready, server: str = "", method: str = "client_secret_basic"
) -> Iterator[RelyingParty]:
    """Open a relying party of the org's own server, or of the custom one at a path."""
    party = RelyingParty(ready, ready.https_url + server, method)
    with party.session:
        yield party


@pytest.mark.parametrize("server", ["", "/oauth2/default"])
@pytest.mark.parametrize(
    "method",
    ["client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt"],
)
async def test_authlib_logs_a_person_in_and_refreshes(
    ready: Ready, method: str, server: str
) -> None:
    """Discovery, PKCE, code, ID token, userinfo and a refresh, by each way to authenticate."""

    def journey() -> None:
        with relying_party(ready, server, method) as one:
            tokens = one.log_in()
            assert one.claims(tokens)["preferred_username"] == one.person["login"]
            who = one.session.get(one.server["userinfo_endpoint"]).json()
            assert who["email"] == one.person["login"]
            fresh = one.session.refresh_token(one.server["token_endpoint"])
            assert fresh["access_token"] != tokens["access_token"]

    await anyio.to_thread.run_sync(journey)
    granted = [e.debug for e in ready.org.system_log.events() if "token.grant." in e.type]
    assert {debug["clientAuthType"] for debug in granted} == {method}
    assert {debug["grantType"] for debug in granted} == {"authorization_code", "refresh_token"}


async def test_authlib_needs_its_verifier(ready: Ready) -> None:
    """A code that was asked for with a challenge earns nothing with another verifier."""

    def journey() -> None:
        with relying_party(ready) as one, pytest.raises(OAuthError, match="invalid_grant"):
            one.log_in(verifier="w" * 64)

    await anyio.to_thread.run_sync(journey)


async def test_okta_verifier_judges_id_tokens(ready: Ready) -> None:
    """Okta's verifier takes the org's ID token, and none for another client, nonce or person."""

    def journey() -> None:
        with relying_party(ready) as one:
            token = one.log_in()["id_token"]
        client_id = one.session.client_id
        verifier = IDTokenVerifier(ready.https_url, client_id=client_id)
        verifier.verify_sync(token, nonce=NONCE)
        with pytest.raises(JWTValidationException, match="nonce"):
            verifier.verify_sync(token, nonce="another")
        with pytest.raises(JWTValidationException, match="Signature"):
            verifier.verify_sync(tampered(token), nonce=NONCE)
        with pytest.raises(JWTValidationException, match="Client ID"):
            IDTokenVerifier(ready.https_url, client_id="another").verify_sync(token, nonce=NONCE)

    await anyio.to_thread.run_sync(journey)


async def test_okta_verifier_judges_access_tokens(ready: Ready) -> None:
    """It takes a custom server's token by issuer and audience, and none that is changed."""
    issuer = f"{ready.https_url}/oauth2/default"

    def journey() -> None:
        with relying_party(ready, "/oauth2/default") as one:
            token = one.log_in()["access_token"]
        verifier = AccessTokenVerifier(issuer, audience="api://default")
        verifier.verify_sync(token)
        with pytest.raises(JWTValidationException, match="Signature"):
            verifier.verify_sync(tampered(token))
        with pytest.raises(JWTValidationException, match="Audience"):
            AccessTokenVerifier(issuer, audience="api://other").verify_sync(token)

    await anyio.to_thread.run_sync(journey)
