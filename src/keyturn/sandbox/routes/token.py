"""`/oauth2/v1/token`: the three grants and what they issue."""

from collections.abc import Callable
from dataclasses import dataclass

from keyturn.sandbox import dpop, errors
from keyturn.sandbox.client_auth import authenticate
from keyturn.sandbox.http import Answer, Header, Json, render_json
from keyturn.sandbox.jose import full_hash, half_hash, sign
from keyturn.sandbox.org import Org
from keyturn.sandbox.records import App
from keyturn.sandbox.routing import Call, Route
from keyturn.sandbox.scopes import grant_scopes
from keyturn.sandbox.tokens import (
    ACCESS_LIFETIME,
    REFRESH_LIFETIME,
    AccessToken,
    Code,
    RefreshToken,
)

ACCESS_TOKEN_TYPE = "application/okta-internal-at+jwt"
ROBOTS: Header = ("x-robots-tag", "noindex,nofollow")


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token request has earned: for whom, and what the tokens will say."""

    app: App
    scopes: tuple[str, ...]
    thumbprint: str | None
    refresh: RefreshToken | None = None
    user_id: str | None = None
    nonce: str | None = None


def issue_tokens(org: Org, call: Call) -> Answer:
    """Authenticate the client, check its grant, and answer with tokens."""
    app = authenticate(org, call)
    form = call.request.form()
    grant_type = form.get("grant_type", "")
    redeem = GRANTS.get(grant_type)
    if not grant_type:
        raise errors.invalid_request(
            f"The token request must specify a 'grant_type'. Valid values: [{', '.join(GRANTS)}]"
        )
    if redeem is None:
        raise errors.unsupported_grant_type(GRANTS)
    if grant_type == "client_credentials":
        _check_service(app)
    if grant_type not in app.grant_types:
        raise errors.unauthorized_client(app.grant_types)
    thumbprint = dpop.check_token_request(org, call.request, app)
    return _answer(org, call, redeem(org, app, form, thumbprint))


# --- grants -----------------------------------------------------------------------------------


def _check_service(app: App) -> None:
    if app.auth_method != "private_key_jwt":
        raise errors.invalid_client(
            "Client Credentials requests to the Org Authorization Server must use the "
            "private_key_jwt token_endpoint_auth_method."
        )
    if app.application_type != "service":
        raise errors.invalid_client(
            "Only clients with 'application_type' of 'service' may use the client_credentials "
            "'grant_type' with the Org Authorization Server."
        )


def _redeem_client(org: Org, app: App, form: dict[str, str], thumbprint: str | None) -> Grant:
    return Grant(app, grant_scopes(app, form.get("scope", ""), person=False), thumbprint)


def _redeem_code(org: Org, app: App, form: dict[str, str], thumbprint: str | None) -> Grant:
    code = org.tokens.use_code(form.get("code", ""), org.now())
    if code is None:
        raise errors.invalid_grant("The authorization code is invalid or has expired.")
    if code.client_id != app.client_id:
        raise errors.invalid_grant(
            "The grant was issued to another client. Please make sure the 'client_id' matches "
            "the one used at the authorize request."
        )
    if code.redirect_uri != form.get("redirect_uri"):
        raise errors.invalid_grant(
            "The 'redirect_uri' does not match the redirection URI used in the authorization "
            "request."
        )
    _check_verifier(code, form.get("code_verifier"))
    refresh = _issue_refresh(org, app, code, thumbprint)
    return Grant(app, code.scopes, thumbprint, refresh, code.user_id, code.nonce)


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


def _issue_refresh(org: Org, app: App, code: Code, thumbprint: str | None) -> RefreshToken | None:
    if "offline_access" not in code.scopes or "refresh_token" not in app.grant_types:
        return None
    refresh = RefreshToken(
        value=org.mint.issue_token(),
        client_id=app.client_id,
        user_id=code.user_id,
        scopes=code.scopes,
        login_at=code.issued_at,
        expires_at=org.now() + REFRESH_LIFETIME,
        thumbprint=thumbprint if app.auth_method == "none" else None,
    )
    org.tokens.store_refresh(refresh)
    return refresh


def _redeem_refresh(org: Org, app: App, form: dict[str, str], thumbprint: str | None) -> Grant:
    refresh = org.tokens.find_refresh(form.get("refresh_token", ""), org.now())
    if refresh is None or refresh.client_id != app.client_id:
        raise errors.invalid_grant("The refresh token is invalid or expired.")
    if refresh.thumbprint not in (None, thumbprint):
        raise errors.invalid_dpop_proof("Invalid DPoP Public Key binding in refresh token")
    asked = tuple(form.get("scope", "").split()) or refresh.scopes
    if not set(asked) <= set(refresh.scopes):
        raise errors.invalid_scope(
            "One or more scopes are not configured for the authorization server resource."
        )
    return Grant(app, asked, thumbprint, refresh, refresh.user_id)


GRANTS: dict[str, Callable[[Org, App, dict[str, str], str | None], Grant]] = {
    "authorization_code": _redeem_code,
    "refresh_token": _redeem_refresh,
    "client_credentials": _redeem_client,
}


# --- tokens -----------------------------------------------------------------------------------


def _answer(org: Org, call: Call, grant: Grant) -> Answer:
    access = _issue_access(org, grant, call.request.base_url)
    body: dict[str, Json] = {
        "token_type": "DPoP" if grant.thumbprint else "Bearer",
        "expires_in": int(ACCESS_LIFETIME.total_seconds()),
        "access_token": access.value,
        "scope": " ".join(grant.scopes),
    }
    if grant.refresh is not None:
        body["refresh_token"] = grant.refresh.value
    if grant.user_id is not None and "openid" in grant.scopes:
        body["id_token"] = _sign_id_token(org, grant, access)
    headers = [ROBOTS, *([dpop.nonce_header(org)] if grant.thumbprint else [])]
    return render_json(body, headers=tuple(headers))


def _issue_access(org: Org, grant: Grant, issuer: str) -> AccessToken:
    now = org.now().replace(microsecond=0)
    jti, client_id = "AT." + org.mint.issue_token(), grant.app.client_id
    user = org.users.get(grant.user_id or "")
    claims: dict[str, Json] = {
        "ver": 1,
        "jti": jti,
        "iss": issuer,
        "aud": issuer,
        "sub": user.login if user else client_id,
        "iat": int(now.timestamp()),
        "exp": int((now + ACCESS_LIFETIME).timestamp()),
        "cid": client_id,
        **({"uid": user.id} if user else {}),
        "scp": list(grant.scopes),
        **({"cnf": {"jkt": grant.thumbprint}} if grant.thumbprint else {}),
    }
    token = AccessToken(
        value=sign(claims, org.keys.signing, kind=ACCESS_TOKEN_TYPE),
        jti=jti,
        issuer=issuer,
        client_id=client_id,
        user_id=grant.user_id,
        scopes=grant.scopes,
        issued_at=now,
        expires_at=now + ACCESS_LIFETIME,
        refresh=grant.refresh.value if grant.refresh else None,
        thumbprint=grant.thumbprint,
    )
    org.tokens.store_access(token)
    return token


def _sign_id_token(org: Org, grant: Grant, access: AccessToken) -> str:
    user = org.users[grant.user_id or ""]
    login_at = grant.refresh.login_at if grant.refresh else access.issued_at
    claims: dict[str, Json] = {
        "sub": user.id,
        **({"name": f"{user.first_name} {user.last_name}"} if "profile" in grant.scopes else {}),
        **({"email": user.login} if "email" in grant.scopes else {}),
        "ver": 1,
        "iss": access.issuer,
        "aud": grant.app.client_id,
        "iat": int(access.issued_at.timestamp()),
        "exp": int(access.expires_at.timestamp()),
        "jti": "ID." + org.mint.issue_token(),
        "amr": ["pwd"],
        "idp": org.seeded.org_id,
        **({"nonce": grant.nonce} if grant.nonce else {}),
        **({"preferred_username": user.login} if "profile" in grant.scopes else {}),
        "auth_time": int(login_at.timestamp()),
        "at_hash": half_hash(access.value),
    }
    return sign(claims, org.keys.signing)


ROUTES = (Route("POST", "/oauth2/v1/token", issue_tokens, "oauth", "token"),)
