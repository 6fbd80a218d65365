"""What each grant type must bring to the token endpoint, and what it earns."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from keyturn.sandbox import errors
from keyturn.sandbox.errors import OAuthError
from keyturn.sandbox.oauth.issuers import Issuer
from keyturn.sandbox.oauth.issuing import Grant
from keyturn.sandbox.oauth.jose import full_hash
from keyturn.sandbox.oauth.scopes import grant_scopes
from keyturn.sandbox.oauth.token_log import tell_reuse, token_party
from keyturn.sandbox.routing import Call
from keyturn.sandbox.state.interactions import POLL_INTERVAL_S, DeviceCode
from keyturn.sandbox.state.org import Org
from keyturn.sandbox.state.records import App
from keyturn.sandbox.state.tokens import REFRESH_LIFETIME, Code, RefreshToken

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
DEFAULT_LEEWAY_S = 30


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """One authenticated token request, on its way to what it earns."""

    org: Org
    call: Call
    issuer: Issuer
    app: App
    form: Mapping[str, str]
    thumbprint: str | None


def redeem_client(request: TokenRequest) -> Grant:
    """Return what a client earns for itself."""
    app, server = request.app, request.issuer.server
    scopes = grant_scopes(app, request.form.get("scope", ""), person=False, server=server)
    return Grant(app, scopes, request.thumbprint)


# --- codes ------------------------------------------------------------------------------------


def redeem_code(request: TokenRequest) -> Grant:
    """Return what an authorization code earns, once."""
    org, app, form = request.org, request.app, request.form
    code = org.tokens.use_code(form.get("code", ""), org.now())
    if code is None:
        raise errors.invalid_grant("The authorization code is invalid or has expired.")
    if code.client_id != app.client_id:
        raise errors.invalid_grant(
            "The grant was issued to another client. Please make sure the 'client_id' matches "
            "the one used at the authorize request."
        )
    _check_server(request, code.server)
    if code.redirect_uri != form.get("redirect_uri"):
        raise errors.invalid_grant(
            "The 'redirect_uri' does not match the redirection URI used in the authorization "
            "request."
        )
    _check_verifier(code, form.get("code_verifier"))
    grant = Grant(app, code.scopes, request.thumbprint, user_id=code.user_id, nonce=code.nonce)
    return _with_refresh(request, grant, code.family, code.login_at)


def _check_verifier(code: Code, verifier: str | None) -> None:
    if code.challenge is None:
        if verifier is not None:
            raise errors.invalid_request(
                "PKCE code challenge should be specified in the authorize request for code "
                "verification."
            )
    elif not verifier:
        raise errors.invalid_request("PKCE code verifier is required by the application.")
    elif full_hash(verifier) != code.challenge:
        raise errors.invalid_grant("PKCE verification failed.")


def _check_server(request: TokenRequest, server: str | None) -> None:
    if server != request.issuer.id:
        raise errors.invalid_request("The grant was issued for another authorization server.")


# --- refresh tokens ---------------------------------------------------------------------------


def _with_refresh(request: TokenRequest, grant: Grant, family: str, login_at: datetime) -> Grant:
    """Return a grant with the first refresh token of a sign-in, when it has earned one."""
    grant = replace(grant, family=family, login_at=login_at)
    org, app, server = request.org, request.app, request.issuer.server
    if "offline_access" not in grant.scopes or "refresh_token" not in app.grant_types:
        return grant
    idle = None if server is None else server.refresh_idle
    refresh = RefreshToken(
        value=org.mint.issue_token(),
        client_id=app.client_id,
        user_id=grant.user_id or "",
        scopes=grant.scopes,
        login_at=login_at,
        expires_at=org.now() + (idle or REFRESH_LIFETIME),
        thumbprint=request.thumbprint if app.auth_method == "none" else None,
        family=family,
        server=request.issuer.id,
        idle=idle,
    )
    org.tokens.store_refresh(refresh)
    return replace(grant, refresh=refresh, fresh=True)


def redeem_refresh(request: TokenRequest) -> Grant:
    """Return what a refresh token earns; a rotating one is replaced by its successor."""
    org, app, form = request.org, request.app, request.form
    refresh = org.tokens.find_refresh(form.get("refresh_token", ""), org.now())
    user = org.users.get(refresh.user_id) if refresh else None
    if refresh is None or refresh.client_id != app.client_id or user is None:
        raise _bad_refresh()
    _check_server(request, refresh.server)
    if refresh.thumbprint not in (None, request.thumbprint):
        raise errors.invalid_dpop_proof("Invalid DPoP Public Key binding in refresh token")
    if user.status != "ACTIVE":
        raise _bad_refresh()
    scopes = _narrow(refresh, form.get("scope", ""))
    given, fresh = _renew(request, refresh)
    return Grant(
        app,
        scopes,
        request.thumbprint,
        given,
        refresh.user_id,
        family=refresh.family,
        login_at=refresh.login_at,
        fresh=fresh,
    )


def _narrow(refresh: RefreshToken, asked: str) -> tuple[str, ...]:
    scopes = tuple(asked.split()) or refresh.scopes
    denied = [scope for scope in scopes if scope not in refresh.scopes]
    if denied:
        raise OAuthError(
            400,
            "access_denied",
            "Some of the scopes requested for the refresh request were not granted in the "
            f"original authorize request. Denied scopes: {', '.join(denied)}.",
        )
    return scopes


def _renew(request: TokenRequest, refresh: RefreshToken) -> tuple[RefreshToken, bool]:
    """Return the refresh token to give back, and whether it is a new one.

    A superseded token is taken for as long as the leeway lasts, and earns its family's newest one;
    after that its use ends the whole sign-in.
    """
    org, now = request.org, request.org.now()
    leeway = find_leeway(request.app)
    if refresh.superseded_at is not None:
        newest = org.tokens.newest_refresh(refresh.family)
        if newest is None or now > refresh.superseded_at + (leeway or timedelta()):
            raise _reused(request, refresh)
        return newest, False
    used = replace(refresh, expires_at=now + refresh.idle) if refresh.idle else refresh
    if leeway is None:
        org.tokens.store_refresh(used)
        return used, False
    successor = replace(used, value=org.mint.issue_token())
    org.tokens.store_refresh(replace(refresh, superseded_at=now))
    org.tokens.store_refresh(successor)
    return successor, True


def find_leeway(app: App) -> timedelta | None:
    """Return for how long a rotated refresh token stays good, None when the app's do not rotate."""
    settings = app.extras.get("refresh_token")
    settings = settings if isinstance(settings, Mapping) else {}
    default = "ROTATE" if app.application_type == "browser" else "STATIC"
    if settings.get("rotation_type", default) != "ROTATE":
        return None
    leeway = settings.get("leeway")
    return timedelta(seconds=leeway if isinstance(leeway, int) else DEFAULT_LEEWAY_S)


def _reused(request: TokenRequest, refresh: RefreshToken) -> OAuthError:
    org = request.org
    org.tokens.revoke_family(refresh.family)
    party = token_party(org, "refresh_token", refresh.id, refresh.user_id)
    tell_reuse(org, request.call, request.issuer, request.app, party)
    return _bad_refresh()


def _bad_refresh() -> OAuthError:
    return errors.invalid_grant("The refresh token is invalid or expired.")


# --- devices ----------------------------------------------------------------------------------


def redeem_device(request: TokenRequest) -> Grant:
    """Return what an approved device code earns (RFC 8628 section 3.5)."""
    org, now = request.org, request.org.now()
    code = org.interactions.find_device(request.form.get("device_code", ""))
    if code is None or code.client_id != request.app.client_id:
        raise errors.invalid_grant("The device code is invalid or has expired.")
    _check_server(request, code.server)
    if now >= code.expires_at:
        raise OAuthError(400, "expired_token", "The device code has expired.")
    if code.decision == "pending":
        raise _waits(org, code)
    org.interactions.use_device(code.value)
    if code.decision == "denied":
        raise OAuthError(
            403,
            "access_denied",
            "The resource owner or authorization server denied the request.",
        )
    grant = Grant(request.app, code.scopes, request.thumbprint, user_id=code.user_id)
    return _with_refresh(request, grant, org.mint.issue_id("fam"), code.decided_at or now)


def _waits(org: Org, code: DeviceCode) -> OAuthError:
    """Note the poll; one that comes too early makes the interval longer."""
    now, since = org.now(), code.polled_at
    early = since is not None and now < since + timedelta(seconds=code.interval_s)
    interval_s = code.interval_s + POLL_INTERVAL_S if early else code.interval_s
    org.interactions.store_device(replace(code, polled_at=now, interval_s=interval_s))
    if early:
        text = "Slow down the polling frequency. Please try again later."
        return OAuthError(400, "slow_down", text)
    text = "The device authorization is pending. Please try again later."
    return OAuthError(400, "authorization_pending", text)
