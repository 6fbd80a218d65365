"""What happens to tokens after their issue: introspection, revocation and userinfo."""

from keyturn.sandbox import errors
from keyturn.sandbox.errors import BearerRefusal
from keyturn.sandbox.http import Answer, Json, render_json
from keyturn.sandbox.oauth import dpop
from keyturn.sandbox.oauth.client_auth import authenticate
from keyturn.sandbox.oauth.group_claims import claims_of, tell_groups
from keyturn.sandbox.oauth.issuers import Issuer, endpoint, issuer_of
from keyturn.sandbox.oauth.token_log import tell_revocation, token_party
from keyturn.sandbox.principals import is_good
from keyturn.sandbox.routing import Call
from keyturn.sandbox.state.org import Org
from keyturn.sandbox.state.records import App
from keyturn.sandbox.state.systemlog import Party
from keyturn.sandbox.state.tokens import AccessToken, RefreshToken

INACTIVE: dict[str, Json] = {"active": False}


def introspect(org: Org, call: Call) -> Answer:
    """Tell an authenticated client about a token of this server; all else is only inactive.

    Access tokens are told to every client, since the ones that receive them ask here; refresh
    tokens only to their own.
    """
    issuer, app = issuer_of(org, call), authenticate(org, call)
    value = _token_of(call)
    access = org.tokens.find_access(value)
    if access is not None:
        good = access.server == issuer.id and is_good(org, access)
        return render_json(_render_access(org, access) if good else INACTIVE)
    refresh = org.tokens.find_refresh(value, org.now())
    good = refresh is not None and _is_current(refresh, issuer, app)
    return render_json(_render_refresh(org, refresh) if refresh and good else INACTIVE)


def revoke(org: Org, call: Call) -> Answer:
    """Revoke a token of the client; also 200 for a string that is none (RFC 7009)."""
    issuer, app = issuer_of(org, call), authenticate(org, call)
    value = _token_of(call)
    token = org.tokens.find_access(value) or org.tokens.find_refresh(value, org.now())
    if token is not None and (token.client_id, token.server) == (app.client_id, issuer.id):
        org.tokens.revoke(value)
        tell_revocation(org, call, issuer, app, _party(org, token))
    return Answer(200)


def _party(org: Org, token: AccessToken | RefreshToken) -> Party:
    if isinstance(token, AccessToken):
        return token_party(org, "access_token", token.jti, token.user_id)
    return token_party(org, "refresh_token", token.id, token.user_id)


def _is_current(token: RefreshToken, issuer: Issuer, app: App) -> bool:
    mine = (token.server, token.client_id) == (issuer.id, app.client_id)
    return mine and token.superseded_at is None


def read_userinfo(org: Org, call: Call) -> Answer:
    """Answer with what the token's scopes tell of the person; a refusal is a header only."""
    issuer = issuer_of(org, call)
    scheme, _, value = call.request.headers.get("authorization", "").partition(" ")
    token = org.tokens.find_access(value.strip())
    if scheme.lower() not in ("bearer", "dpop") or token is None or not is_good(org, token):
        raise BearerRefusal(401, "invalid_token", "The access token is invalid.")
    if token.server != issuer.id:
        raise BearerRefusal(
            401, "invalid_token", "The access token provided has an invalid issuer."
        )
    dpop.check_resource_request(org, call.request, token, scheme.lower())
    call.client_id = token.client_id
    user = org.users.get(token.user_id or "")
    if user is None or "openid" not in token.scopes:
        raise BearerRefusal(
            403,
            "insufficient_scope",
            "The access token must provide access to at least one of these scopes - profile, "
            "email, address or phone",
        )
    claims: dict[str, Json] = {"sub": user.id}
    if "profile" in token.scopes:
        claims |= {
            "name": f"{user.first_name} {user.last_name}",
            "given_name": user.first_name,
            "family_name": user.last_name,
            "preferred_username": user.login,
        }
    if "email" in token.scopes:
        claims |= {"email": user.login, "email_verified": True}
    app = org.find_client(token.client_id)
    about_groups = claims_of(issuer, app, token.scopes, "userinfo") if app else ()
    return render_json(claims | tell_groups(org, user.id, about_groups))


def _token_of(call: Call) -> str:
    value = call.request.form().get("token")
    if not value:
        raise errors.invalid_request("The 'token' parameter is required.")
    return value


def _render_access(org: Org, token: AccessToken) -> dict[str, Json]:
    user = org.users.get(token.user_id or "")
    return {
        "active": True,
        "scope": " ".join(token.scopes),
        **({"username": user.login} if user else {}),
        "exp": int(token.expires_at.timestamp()),
        "iat": int(token.issued_at.timestamp()),
        "sub": user.login if user else token.client_id,
        "aud": token.audience,
        "iss": token.issuer,
        "jti": token.jti,
        "token_type": "DPoP" if token.thumbprint else "Bearer",
        "client_id": token.client_id,
        **({"uid": user.id} if user else {}),
        **({"cnf": {"jkt": token.thumbprint}} if token.thumbprint else {}),
    }


def _render_refresh(org: Org, token: RefreshToken) -> dict[str, Json]:
    user = org.users[token.user_id]
    return {
        "active": True,
        "scope": " ".join(token.scopes),
        "username": user.login,
        "exp": int(token.expires_at.timestamp()),
        "sub": user.login,
        "token_type": "Bearer",
        "client_id": token.client_id,
        "uid": user.id,
    }


ROUTES = (
    *endpoint("POST", "introspect", introspect),
    *endpoint("POST", "revoke", revoke),
    *endpoint("GET", "userinfo", read_userinfo),
    *endpoint("POST", "userinfo", read_userinfo),
)
