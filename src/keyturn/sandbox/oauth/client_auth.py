"""How a client proves who it is at the token, introspection and revocation endpoints."""

import base64
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import unquote_plus

from keyturn.sandbox import errors
from keyturn.sandbox.errors import OAuthError
from keyturn.sandbox.http import Request
from keyturn.sandbox.oauth.jose import (
    ASYMMETRIC,
    SYMMETRIC,
    Unverified,
    parse_key,
    read_unverified,
    verify_mac,
    verify_signature,
)
from keyturn.sandbox.routing import Call
from keyturn.sandbox.state.org import Org
from keyturn.sandbox.state.parties import client_party
from keyturn.sandbox.state.records import App, Secret

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
FORM_TYPE = "application/x-www-form-urlencoded"
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
    except (errors.OAuthError, RecursionError):  # an assertion nested too deeply names nobody
        return None


def read_form(request: Request) -> dict[str, str]:
    """Return the fields of an OAuth request; refuse another content type and repeated fields."""
    kind = request.headers.get("content-type", "" if request.body else FORM_TYPE)
    if kind.partition(";")[0].strip().lower() != FORM_TYPE:
        raise errors.wrong_content_type()
    if request.repeats_field():
        raise errors.invalid_request(
            "The request contained multiple parameters with the same name."
        )
    return request.form()


def authenticate(org: Org, call: Call) -> App:
    """Return the app whose client has proved itself; OAuthError when it has not."""
    read_form(call.request)
    claim = read_claim(call.request)
    call.auth_method = claim.method
    app = org.find_client(claim.client_id)
    if app is None or app.status != "ACTIVE":
        raise errors.unknown_client()
    call.client_id = app.client_id
    try:
        _prove(org, call, app, claim)
    except OAuthError:
        _count_failure(org, call, app)
        raise
    org.alarm.succeed(app.client_id)
    return app


def _prove(org: Org, call: Call, app: App, claim: Claimed) -> None:
    if not _registered(app, claim.method):
        raise errors.wrong_auth_method()
    if claim.method in _SHARED_SECRET:
        _admit_secret(org, call, _find_secret(app, claim.secret), errors.wrong_secret())
    elif claim.assertion:
        _check_assertion(org, call, app, claim)


def _count_failure(org: Org, call: Call, app: App) -> None:
    """Write the event of several failures in a row (five, as no source tells the number)."""
    if org.alarm.fail(app.client_id):
        used = {"clientSecret": call.used_hash} if call.used_hash else {}
        org.tell(
            "app.oauth2.invalid_client_credentials",
            client_party(app),
            result="FAILURE",
            reason="invalid_client",
            message="Multiple requests with invalid client credentials",
            debug={**used, "clientAuthType": call.auth_method, "clientId": app.client_id},
        )


def _registered(app: App, method: str) -> bool:
    # Okta does not tell header and body apart for apps with a client secret.
    return method == app.auth_method or {method, app.auth_method} <= set(_SHARED_SECRET)


def _read_basic(header: str) -> Claimed:
    scheme, _, encoded = header.partition(" ")
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True).decode()
    except ValueError:
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
    shared = str(claims.header.get("alg")) in SYMMETRIC
    method = "client_secret_jwt" if shared else "private_key_jwt"
    return Claimed(method, claims.text("iss") or "", assertion=assertion)


# --- client secrets ---------------------------------------------------------------------------


def _admit_secret(org: Org, call: Call, secret: Secret | None, refusal: OAuthError) -> None:
    """Note which client secret was used, and raise the refusal unless it is good."""
    if secret is not None:
        call.secret_id, call.used_hash = secret.id, secret.hash
    if secret is None or not secret.accepts(org.now()):
        raise refusal
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


# --- assertions -------------------------------------------------------------------------------


def _check_assertion(org: Org, call: Call, app: App, claim: Claimed) -> None:
    """Check an assertion in this order: subject, key, signature, audience, times, first use."""
    assertion, claims = claim.assertion, read_unverified(claim.assertion)
    if claims.text("sub") != app.client_id:
        raise errors.invalid_client(
            "The subject claim for client_assertion is not a valid client_id."
        )
    if claim.method == "client_secret_jwt":
        secret = _find_signing_secret(app, assertion, str(claims.header["alg"]))
        refusal = errors.invalid_client("The client_assertion signature is invalid.")
        _admit_secret(org, call, secret, refusal)
    else:
        _check_signature(app, assertion, claims)
    audience = claims.claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    if call.request.url not in audiences:
        raise errors.invalid_client(
            "The audience claim for client_assertion must be the endpoint invoked for the request."
        )
    _check_times(org, claims)
    _check_first_use(org, app, claims)


def _find_signing_secret(app: App, assertion: str, algorithm: str) -> Secret | None:
    """Return the secret by which an assertion was signed, a live one before a deleted one."""
    found = [secret for secret in app.secrets if verify_mac(assertion, secret.value, algorithm)]
    return max(found, key=lambda secret: secret.deleted_at is None, default=None)


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
