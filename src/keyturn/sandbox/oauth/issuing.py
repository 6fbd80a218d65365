"""How a grant becomes tokens: what they say, how they are signed, and the answer with them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from keyturn.sandbox.http import Answer, Header, Json, render_json
from keyturn.sandbox.oauth import dpop
from keyturn.sandbox.oauth.group_claims import claims_of, tell_groups
from keyturn.sandbox.oauth.issuers import Issuer
from keyturn.sandbox.oauth.jose import half_hash, seal, sign
from keyturn.sandbox.oauth.token_log import tell_grants, token_party
from keyturn.sandbox.routing import Call
from keyturn.sandbox.state.claims import Place
from keyturn.sandbox.state.org import Org
from keyturn.sandbox.state.records import App
from keyturn.sandbox.state.systemlog import Party
from keyturn.sandbox.state.tokens import AccessToken, RefreshToken

ACCESS_TOKEN_TYPE = "application/okta-internal-at+jwt"
ID_LIFETIME = timedelta(hours=1)
ROBOTS: Header = ("x-robots-tag", "noindex,nofollow")


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token request has earned: for whom, and what the tokens will say.

    `family` names the sign-in it came of; `refresh` goes into the answer, and `fresh` tells that
    it was just made; `issued_type` is what a token exchange yields (RFC 8693).
    """

    app: App
    scopes: tuple[str, ...]
    thumbprint: str | None
    refresh: RefreshToken | None = None
    user_id: str | None = None
    nonce: str | None = None
    family: str | None = None
    login_at: datetime | None = None
    fresh: bool = False
    issued_type: str | None = None


def answer_grant(org: Org, call: Call, issuer: Issuer, grant: Grant) -> Answer:
    """Answer with the tokens of a grant, and write what was given out."""
    access = _issue_access(org, issuer, grant)
    parties = [token_party(org, "access_token", access.jti, grant.user_id)]
    body: dict[str, Json] = {
        "token_type": "DPoP" if grant.thumbprint else "Bearer",
        "expires_in": int(issuer.access_lifetime.total_seconds()),
        "access_token": access.value,
        "scope": " ".join(grant.scopes),
    }
    if grant.refresh is not None:
        body["refresh_token"] = grant.refresh.value
        if grant.fresh:
            parties.append(token_party(org, "refresh_token", grant.refresh.id, grant.user_id))
    if grant.user_id is not None and "openid" in grant.scopes:
        body["id_token"] = _sign_id_token(org, issuer, grant, access, parties)
    if grant.issued_type is not None:
        body["issued_token_type"] = grant.issued_type
    tell_grants(org, call, issuer, granted=grant.scopes, tokens=parties)
    headers = [ROBOTS, *([dpop.nonce_header(org)] if grant.thumbprint else [])]
    return render_json(body, headers=tuple(headers))


def _issue_access(org: Org, issuer: Issuer, grant: Grant) -> AccessToken:
    now = org.now().replace(microsecond=0)
    expires_at = now + issuer.access_lifetime
    jti, client_id = "AT." + org.mint.issue_token(), grant.app.client_id
    user = org.users.get(grant.user_id or "")
    claims: dict[str, Json] = {
        "ver": 1,
        "jti": jti,
        "iss": issuer.url,
        "aud": issuer.audience,
        "sub": user.login if user else client_id,
        "iat": int(now.timestamp()),
        "exp": int(expires_at.timestamp()),
        "cid": client_id,
        **({"uid": user.id} if user else {}),
        "scp": list(grant.scopes),
        **({"cnf": {"jkt": grant.thumbprint}} if grant.thumbprint else {}),
        **_groups(org, issuer, grant, "access_token"),
    }
    token = AccessToken(
        value=_sign_access(org, issuer, claims),
        jti=jti,
        issuer=issuer.url,
        client_id=client_id,
        user_id=grant.user_id,
        scopes=grant.scopes,
        issued_at=now,
        expires_at=expires_at,
        family=grant.family,
        thumbprint=grant.thumbprint,
        audience=issuer.audience,
        server=issuer.id,
    )
    org.tokens.store_access(token)
    return token


def _groups(org: Org, issuer: Issuer, grant: Grant, place: Place) -> dict[str, Json]:
    """Return the claims about the person's groups, where there is a person."""
    if grant.user_id is None:
        return {}
    return tell_groups(org, grant.user_id, claims_of(issuer, grant.app, grant.scopes, place))


def _sign_access(org: Org, issuer: Issuer, claims: dict[str, Json]) -> str:
    """Return the token; what the org's own server issues can be checked by introspection only.

    Okta publishes no key for those, so none is needed (its page on key rotation).
    """
    if issuer.server is not None:
        return sign(claims, org.keys.signing, kind=None)
    key = org.keys.unpublished
    return seal(claims, key.kid, key.secret, kind=ACCESS_TOKEN_TYPE)


def _sign_id_token(
    org: Org, issuer: Issuer, grant: Grant, access: AccessToken, parties: list[Party]
) -> str:
    user = org.users[grant.user_id or ""]
    login_at, jti = grant.login_at or access.issued_at, "ID." + org.mint.issue_token()
    parties.append(token_party(org, "id_token", jti, user.id))
    claims: dict[str, Json] = {
        "sub": user.id,
        **({"name": f"{user.first_name} {user.last_name}"} if "profile" in grant.scopes else {}),
        **({"email": user.login} if "email" in grant.scopes else {}),
        "ver": 1,
        "iss": issuer.url,
        "aud": grant.app.client_id,
        "iat": int(access.issued_at.timestamp()),
        "exp": int((access.issued_at + ID_LIFETIME).timestamp()),
        "jti": jti,
        "amr": ["pwd"],
        "idp": org.seeded.org_id,
        **({"nonce": grant.nonce} if grant.nonce else {}),
        **({"preferred_username": user.login} if "profile" in grant.scopes else {}),
        "auth_time": int(login_at.timestamp()),
        "at_hash": half_hash(access.value),
        **_groups(org, issuer, grant, "id_token"),
    }
    return sign(claims, org.keys.signing)
