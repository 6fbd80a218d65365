"""How a client proves who it is at the token, introspection and revocation endpoints."""

import base64
import binascii
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import unquote_plus

from keyturn.sandbox import errors
from keyturn.sandbox.http import Request
from keyturn.sandbox.jose import (
    ASYMMETRIC,
    Unverified,
    parse_key,
    read_unverified,
    verify_signature,
)
from keyturn.sandbox.org import Org
from keyturn.sandbox.records import App, Secret
from keyturn.sandbox.routing import Call

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
MAX_ASSERTION_S = 3600
_SHARED_SECRET = ("client_secret_basic", "client_secret_post")


@dataclass(frozen=True, slots=True)
class Claimed:
    """Who a client says it is, and by what; nothing of it is believed yet."""

    method: str
    client_id: str
    secret: str = ""
    assertion: str = ""


def read_claim(request: Request) -> Claimed:
    """Return the one credential a request carries; OAuthError for none, two, or in the query."""
    form = request.form()
    if {"client_secret", "client_assertion"} & request.query.keys():
        raise errors.invalid_request("Client credentials cannot be supplied via query parameters.")
    header = request.headers.get("authorization", "")
    given = [bool(header), "client_secret" in form, "client_assertion" in form]
    if sum(given) > 1:
        raise errors.several_credentials()
    if header:
        return _read_basic(header)
    if "client_assertion" in form:
        return _read_assertion(form)
    if not form.get("client_id"):
        raise errors.invalid_client("No client credentials found.")
    method = "client_secret_post" if "client_secret" in form else "none"
    return Claimed(method, form["client_id"], secret=form.get("client_secret", ""))


def claimed_client_id(request: Request) -> str | None:
    """Return the client id a request claims, for counting only; None when it claims none."""
    try:
        return read_claim(request).client_id
    except errors.OAuthError:
        return None


def authenticate(org: Org, call: Call) -> App:
    """Return the app whose client has proved itself; OAuthError when it has not."""
    claim = read_claim(call.request)
    app = org.find_client(claim.client_id)
    if app is None or app.status != "ACTIVE":
        raise errors.unknown_client()
    call.client_id = app.client_id
    if not _registered(app, claim.method):
        raise errors.wrong_auth_method()
    if claim.method in _SHARED_SECRET:
        _check_secret(org, call, app, claim.secret)
    elif claim.method == "private_key_jwt":
        _check_assertion(org, call.request, app, claim.assertion)
    return app


def _registered(app: App, method: str) -> bool:
    # Okta does not tell header and body apart for apps with a client secret.
    return method == app.auth_method or {method, app.auth_method} <= set(_SHARED_SECRET)


def _read_basic(header: str) -> Claimed:
    scheme, _, encoded = header.partition(" ")
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        decoded = ""
    if scheme.lower() != "basic" or not decoded:
        raise errors.invalid_client(
            "Found Authentication header but was not valid client credentials."
        )
    client_id, colon, secret = decoded.partition(":")
    # Some public clients put only their id here when they revoke.
    method = "client_secret_basic" if colon and secret else "none"
    return Claimed(method, unquote_plus(client_id), secret=secret)


def _read_assertion(form: dict[str, str]) -> Claimed:
    if form.get("client_assertion_type") != JWT_BEARER:
        raise errors.invalid_request("The client_assertion_type is invalid.")
    assertion = form["client_assertion"]
    try:
        claims = read_unverified(assertion)
    except ValueError as error:
        raise errors.invalid_client("The parsing of the client_assertion failed.") from error
    return Claimed("private_key_jwt", claims.text("iss") or "", assertion=assertion)


# --- client secrets ---------------------------------------------------------------------------


def _check_secret(org: Org, call: Call, app: App, value: str) -> None:
    secret = _find_secret(app, value)
    if secret is not None:
        call.secret_id = secret.id
    if secret is None or not secret.accepts(org.now()):
        raise errors.wrong_secret()
    org.last_used[secret.id] = org.now()


def _find_secret(app: App, value: str) -> Secret | None:
    """Return the secret with this value, or None.

    Deleted ones are found too, so that the journal can name a straggler; a value may come
    form-encoded in a header (RFC 6749 section 2.3.1).
    """
    spellings = {value.encode(), unquote_plus(value).encode()}
    found = [
        secret
        for secret in app.secrets
        if any(hmac.compare_digest(secret.value.encode(), spelling) for spelling in spellings)
    ]
    return max(found, key=lambda secret: secret.deleted_at is None, default=None)


# --- private_key_jwt --------------------------------------------------------------------------


def _check_assertion(org: Org, request: Request, app: App, assertion: str) -> None:
    """Check an assertion in this order: subject, key, signature, audience, times, first use."""
    claims = read_unverified(assertion)
    if claims.text("sub") != app.client_id:
        raise errors.invalid_client(
            "The subject claim for client_assertion is not a valid client_id."
        )
    _check_signature(app, assertion, claims)
    audience = claims.claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    if request.url not in audiences:
        raise errors.invalid_client(
            "The audience claim for client_assertion must be the endpoint invoked for the request."
        )
    _check_times(org, claims)
    _check_first_use(org, app, claims)


def _check_signature(app: App, assertion: str, claims: Unverified) -> None:
    if not app.jwks:
        raise errors.invalid_client(
            "The client does not have a JWKSet configured, but the client_assertion requires one."
        )
    algorithm = claims.header.get("alg")
    if algorithm not in ASYMMETRIC:
        raise errors.invalid_client("The client_assertion JWT signature algorithm is invalid.")
    kid = claims.header.get("kid")
    fitting = [jwk for jwk in app.jwks if kid is None or jwk.get("kid") == kid]
    if len(fitting) != 1:
        raise errors.invalid_client("The client_assertion JWT kid is invalid.")
    if not verify_signature(assertion, parse_key(fitting[0]), str(algorithm)):
        raise errors.invalid_client("The client_assertion signature is invalid.")


def _check_times(org: Org, claims: Unverified) -> None:
    now, expires_at, issued_at = org.now().timestamp(), claims.seconds("exp"), claims.seconds("iat")
    if expires_at is None:
        raise errors.invalid_client(
            "The client_assertion must contain the 'exp' claim as seconds since epoch."
        )
    if expires_at <= now:
        raise errors.invalid_client("The client_assertion token is expired.")
    if expires_at > now + MAX_ASSERTION_S:
        raise errors.invalid_client(
            "The client_assertion token has an expiration too far into the future."
        )
    if issued_at is not None and issued_at > now:
        raise errors.invalid_client(
            "The client_assertion token must be issued before the current time."
        )


def _check_first_use(org: Org, app: App, claims: Unverified) -> None:
    jti = claims.text("jti")
    until = datetime.fromtimestamp(claims.seconds("exp") or 0.0, UTC)
    if jti is not None and not org.tokens.use_once(app.client_id, jti, until, org.now()):
        raise errors.invalid_client("The client_assertion token has already been used.")
