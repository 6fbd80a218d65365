"""Authorization requests: what one must say before anybody is asked to log in.

The order of the checks decides who is told of a mistake: until the client and its redirect URI
are known, the person in front of the browser; after that, the client.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from keyturn.sandbox import errors
from keyturn.sandbox.errors import OAuthError
from keyturn.sandbox.oauth.issuers import Issuer
from keyturn.sandbox.oauth.scopes import check_openid, grant_scopes
from keyturn.sandbox.state.org import Org
from keyturn.sandbox.state.records import App

RESPONSE_MODES = ("query", "fragment", "form_post")
PROMPTS = ("none", "login", "consent")
CHALLENGE = re.compile(r"[A-Za-z0-9_-]+")
LONGEST_MAX_AGE = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Asked:
    """An authorization request that may go on."""

    app: App
    issuer: Issuer
    fields: Mapping[str, str]
    scopes: tuple[str, ...]

    @property
    def prompts(self) -> set[str]:
        """Return what `prompt` asks for."""
        return set(self.fields.get("prompt", "").split())

    @property
    def max_age(self) -> int | None:
        """Return how many seconds ago the person may have logged in, None for any time."""
        value = self.fields.get("max_age")
        return int(value) if value else None


def read_target(org: Org, fields: Mapping[str, str]) -> App:
    """Return the app to whose redirect URI the answer may go; OAuthError is not to be carried."""
    app = org.find_client(fields.get("client_id", ""))
    if app is None or app.status != "ACTIVE":
        raise errors.unknown_client()
    if fields.get("redirect_uri") not in app.redirect_uris:
        raise errors.invalid_request(
            "The 'redirect_uri' parameter must be a Login redirect URI in the client app settings."
        )
    return app


def check_request(issuer: Issuer, app: App, fields: Mapping[str, str]) -> Asked:
    """Return a request that may go on; OAuthError is to be carried back to the client."""
    if "authorization_code" not in app.grant_types:
        raise errors.unauthorized_client(app.grant_types)
    _check_response(fields)
    if not fields.get("state"):
        raise errors.invalid_request("The authentication request has an invalid 'state' parameter.")
    _check_prompt(fields)
    _check_challenge(app, fields)
    scopes = grant_scopes(app, fields.get("scope", ""), person=True, server=issuer.server)
    check_openid(scopes)
    return Asked(app, issuer, fields, scopes)


def _check_response(fields: Mapping[str, str]) -> None:
    if fields.get("response_type") != "code":
        raise OAuthError(
            400,
            "unsupported_response_type",
            "The response type is not supported by the authorization server. "
            "Configured response types: [code].",
        )
    mode = fields.get("response_mode", "query")
    if mode == "okta_post_message":
        raise _wrong_mode(
            "'okta_post_message' response mode cannot be used with the 'code' response type."
        )
    if mode not in RESPONSE_MODES:
        raise _wrong_mode(
            "The response mode is not supported by the authorization server. Valid response "
            "modes: [query, fragment, form_post, okta_post_message]."
        )


def _wrong_mode(description: str) -> OAuthError:
    return OAuthError(400, "unsupported_response_mode", description)


def _check_prompt(fields: Mapping[str, str]) -> None:
    prompts = fields.get("prompt", "").split()
    if not set(prompts) <= set(PROMPTS) or ("none" in prompts and len(prompts) > 1):
        raise errors.invalid_request(
            f"Invalid value for 'prompt' parameter. Supported values: [{', '.join(PROMPTS)}]"
        )
    max_age = fields.get("max_age")
    if max_age and not (max_age.isdecimal() and int(max_age) <= LONGEST_MAX_AGE):
        raise errors.invalid_request(
            "Invalid value for 'max_age' parameter. It should be within range 0 - 2^31-1."
        )
    if max_age and int(max_age) == 0 and "none" in prompts:
        raise errors.invalid_request(
            "'prompt' parameter must not have the value 'none' for request with 'zero' as max_age."
        )


def _check_challenge(app: App, fields: Mapping[str, str]) -> None:
    challenge = fields.get("code_challenge")
    if not challenge:
        if app.pkce_required or app.auth_method == "none":
            raise errors.invalid_request("PKCE code challenge is required by the application.")
    elif fields.get("code_challenge_method") != "S256":
        raise errors.invalid_request(
            "PKCE code challenge method is not supported. Valid values: [S256]"
        )
    elif not CHALLENGE.fullmatch(challenge):
        raise errors.invalid_request("PKCE code challenge contains illegal characters.")
