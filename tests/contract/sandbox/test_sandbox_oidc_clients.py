"""Okta's verifier of tokens and a general OpenID Connect client, unmodified, over https."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import anyio
import pytest
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt as jose
from joserfc.jwk import KeySet
from okta_jwt_verifier import AccessTokenVerifier, IDTokenVerifier
from okta_jwt_verifier.exceptions import JWTValidationException
from sandbox_kit import CALLBACK, shared_keys

from keyturn.sandbox import Org, Ready, SandboxConfig, serving

pytestmark = [pytest.mark.anyio, pytest.mark.slow]  # loading the clients takes seconds
NONCE = "nonce-of-this-test"
VERIFIER = "v" * 64
HIDDEN = re.compile(r'type="hidden" name="(\w+)" value="([^"]*)"')


@pytest.fixture
async def ready(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Ready]:
    """Give a fresh org on free ports, which clients trust by the variable they read."""
    async with serving(SandboxConfig(0, 0, 0, org=Org(1, keys=shared_keys()))) as ready:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(ready.ca_file))
        yield ready


class RelyingParty:
    """A web app made with Authlib: finds the server's metadata, logs a person in by code."""

    def __init__(self, ready: Ready, issuer: str, scope: str) -> None:
        known: dict[str, Any] = ready.as_json()
        self.person, app = known["user"], known["app"]
        self.session = OAuth2Session(
            app["client_id"],
            app["client_secret"],
            scope=scope,
            redirect_uri=CALLBACK,
            code_challenge_method="S256",
        )
        found = self.session.request(
            "GET", f"{issuer}/.well-known/openid-configuration", withhold_token=True
        )
        self.server: dict[str, str] = found.json()

    def log_in(self) -> dict[str, str]:
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
            code_verifier=VERIFIER,
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
def relying_party(ready: Ready, server: str = "") -> Iterator[RelyingParty]:
    """Open a relying party of the org's own server, or of the custom one at a path."""
    party = RelyingParty(ready, ready.https_url + server, "openid email profile offline_access")
    with party.session:
        yield party


async def test_authlib_logs_a_person_in_and_refreshes(ready: Ready) -> None:
    """Discovery, PKCE, code, ID token, userinfo and a refresh."""

    def journey() -> None:
        with relying_party(ready) as one:
            tokens = one.log_in()
            assert one.claims(tokens)["preferred_username"] == one.person["login"]
            who = one.session.get(one.server["userinfo_endpoint"]).json()
            assert who["email"] == one.person["login"]
            fresh = one.session.refresh_token(one.server["token_endpoint"])
            assert fresh["access_token"] != tokens["access_token"]

    await anyio.to_thread.run_sync(journey)


async def test_okta_verifier_accepts_an_id_token(ready: Ready) -> None:
    """Okta's verifier finds the keys by the issuer, and checks signature, audience and nonce."""

    def journey() -> None:
        with relying_party(ready) as one:
            token = one.log_in()["id_token"]
        verifier = IDTokenVerifier(ready.https_url, client_id=one.session.client_id)
        verifier.verify_sync(token, nonce=NONCE)
        with pytest.raises(JWTValidationException, match="nonce"):
            verifier.verify_sync(token, nonce="another")
        with pytest.raises(JWTValidationException):
            verifier.verify_sync(token[:-8] + "AAAAAAAA", nonce=NONCE)

    await anyio.to_thread.run_sync(journey)


async def test_okta_verifier_accepts_an_access_token(ready: Ready) -> None:
    """The token of a custom server is verified by issuer and audience; another audience is not."""
    issuer = f"{ready.https_url}/oauth2/default"

    def journey() -> None:
        with relying_party(ready, "/oauth2/default") as one:
            token = one.log_in()["access_token"]
        AccessTokenVerifier(issuer, audience="api://default").verify_sync(token)
        with pytest.raises(JWTValidationException, match="Audience"):
            AccessTokenVerifier(issuer, audience="api://other").verify_sync(token)

    await anyio.to_thread.run_sync(journey)
