"""Cross App Access: an ID token earns an ID-JAG, which earns an access token elsewhere.

An ID-JAG (draft-ietf-oauth-identity-assertion-authz-grant) says for whom and to whom it was issued,
what for and to which authorization server. The org's own server issues it in a token exchange, one
of the custom ones takes it, once. Refusals are worded as in Okta's published list of OAuth errors.
"""

from datetime import UTC, datetime, timedelta

from keyturn.sandbox import errors
from keyturn.sandbox.errors import OAuthError
from keyturn.sandbox.http import Answer, Json, render_json
from keyturn.sandbox.oauth import dpop
from keyturn.sandbox.oauth.grants import TokenRequest
from keyturn.sandbox.oauth.issuers import Issuer
from keyturn.sandbox.oauth.issuing import ROBOTS, Grant
from keyturn.sandbox.oauth.jose import Unverified, read_unverified, sign, verify_signature
from keyturn.sandbox.oauth.scopes import OPENID_SCOPES, grant_scopes
from keyturn.sandbox.oauth.token_log import tell_grants, token_party
from keyturn.sandbox.state.records import User

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
ID_JAG = "urn:ietf:params:oauth:token-type:id-jag"
ID_TOKEN = "urn:ietf:params:oauth:token-type:id_token"
KIND = "oauth-id-jag+jwt"
LIFETIME = timedelta(minutes=5)


# --- an ID token earns an ID-JAG ----------------------------------------------------------------


def exchange_id_token(request: TokenRequest) -> Answer:
    """Answer with an ID-JAG for the person of an ID token (RFC 8693 section 2)."""
    _check_confidential(request)
    _check_types(request)
    target = _read_target(request)
    user = _read_subject(request)
    scopes = _grant_scopes(request, request.form.get("scope", ""), target)
    return _answer(request, target, user, scopes)


def _check_confidential(request: TokenRequest) -> None:
    if request.app.auth_method == "none":
        text = "Confidential client is required to make this request."
        raise OAuthError(400, "unauthorized_client", text)


def _check_types(request: TokenRequest) -> None:
    for name in ("subject_token", "subject_token_type"):
        if not request.form.get(name):
            raise errors.missing_parameter(name)
    for name, only in (("subject_token_type", ID_TOKEN), ("requested_token_type", ID_JAG)):
        if request.form.get(name) != only:
            raise errors.invalid_request(f"'{name}' is invalid or not supported.")


def _read_target(request: TokenRequest) -> Issuer:
    """Return the custom server that `audience` names, whose audience `resource` may repeat."""
    form, base_url = request.form, request.issuer.base_url
    issuers = [Issuer(base_url, server) for server in request.org.servers.list()]
    target = next((issuer for issuer in issuers if issuer.url == form.get("audience")), None)
    if target is None or target.server is None or target.server.status != "ACTIVE":
        raise errors.invalid_target(
            "Token Exchange requests must include a valid audience of the authorization server."
        )
    if form.get("resource", target.audience) != target.audience:
        raise errors.invalid_target("'resource' is invalid or not supported.")
    return target


def _read_subject(request: TokenRequest) -> User:
    """Return whom the ID token is about, when it is good and belongs to the client."""
    token = _read_own(request, request.form["subject_token"])
    if token is None:
        raise errors.invalid_request("'subject_token' is invalid.")
    if token.text("iss") != request.issuer.url:
        text = "The 'subject_token' issuer isn't a trusted authorization server."
        raise OAuthError(403, "access_denied", text)
    if token.text("aud") != request.app.client_id:
        raise errors.invalid_grant(
            "The 'subject_token' must be issued to the client making the request."
        )
    user = _find_user(request, token)
    if user is None or (token.seconds("exp") or 0) <= request.org.now().timestamp():
        raise errors.invalid_grant(
            "The 'subject_token' either expired or the session associated with it was terminated."
        )
    return user


def _answer(request: TokenRequest, target: Issuer, user: User, scopes: tuple[str, ...]) -> Answer:
    org, now = request.org, int(request.org.now().timestamp())
    jti, resource = "ID-JAG." + org.mint.issue_token(), request.form.get("resource")
    claims: dict[str, Json] = {
        "jti": jti,
        "iss": request.issuer.url,
        "sub": user.id,
        "aud": target.url,
        "client_id": request.app.client_id,
        "iat": now,
        "exp": now + int(LIFETIME.total_seconds()),
        **({"resource": resource} if resource else {}),
        "scope": " ".join(scopes),
    }
    party = token_party(org, "id_jag", jti, user.id)
    tell_grants(org, request.call, request.issuer, granted=scopes, tokens=[party])
    body: dict[str, Json] = {
        "token_type": "N_A",
        "expires_in": int(LIFETIME.total_seconds()),
        "issued_token_type": ID_JAG,
        "access_token": sign(claims, org.keys.signing, kind=KIND),
    }
    nonce = [dpop.nonce_header(org)] if request.thumbprint else []
    return render_json(body, headers=(ROBOTS, *nonce))


# --- an ID-JAG earns an access token ------------------------------------------------------------


def redeem_id_jag(request: TokenRequest) -> Grant:
    """Return what an ID-JAG earns, once (RFC 7523 section 3)."""
    _check_confidential(request)
    if not request.form.get("assertion"):
        raise errors.missing_parameter("assertion")
    if request.form.get("scope"):
        raise errors.invalid_request("The id-jag request must not include a 'scope' parameter.")
    jag = _read_assertion(request)
    _check_addressees(request, jag)
    _check_times(request, jag)
    user, asked = _find_user(request, jag), jag.text("scope")
    if user is None:
        raise errors.invalid_grant("The 'sub' claim in the id-jag is invalid.")
    if not asked:
        raise errors.invalid_grant("The id-jag must include at least one scope.")
    scopes = _grant_scopes(request, asked, request.issuer)
    _check_first_use(request, jag)
    return Grant(request.app, scopes, request.thumbprint, user_id=user.id)


def _read_assertion(request: TokenRequest) -> Unverified:
    """Return an ID-JAG that this org has issued."""
    value = request.form["assertion"]
    try:
        jag = read_unverified(value)
    except ValueError as error:
        raise _not_one() from error
    if jag.header.get("typ") != KIND:
        raise _not_one()
    if jag.text("iss") != request.issuer.base_url:
        text = "The issuer of the id-jag is not a trusted authorization server."
        raise errors.invalid_grant(text)
    if _read_own(request, value) is None:
        raise errors.invalid_grant("The signature of the id-jag is invalid.")
    return jag


def _check_addressees(request: TokenRequest, jag: Unverified) -> None:
    if jag.text("aud") != request.issuer.url:
        raise errors.invalid_grant(
            "The audience of the JWT Bearer Grant must match the the issuer of the authorization "
            "server."
        )
    if jag.text("client_id") != request.app.client_id:
        raise errors.invalid_grant(
            "The 'client_id' in the JWT Bearer Grant must match the 'client_id' used to "
            "authenticate the client."
        )


def _check_times(request: TokenRequest, jag: Unverified) -> None:
    now = request.org.now().timestamp()
    issued_at, expires_at = jag.seconds("iat") or 0, jag.seconds("exp") or 0
    if expires_at <= now:
        raise errors.invalid_grant("The id-jag is expired.")
    if issued_at > now:
        raise errors.invalid_grant("The id-jag is issued in the future.")
    if expires_at - issued_at > LIFETIME.total_seconds():
        raise errors.invalid_grant("The lifetime of the id-jag must not exceed 5 minutes.")


def _check_first_use(request: TokenRequest, jag: Unverified) -> None:
    jti, org = jag.text("jti"), request.org
    until = datetime.fromtimestamp(jag.seconds("exp") or 0, UTC)
    if not jti:
        raise _not_one()
    if not org.tokens.use_once("id-jag", jti, until, org.now()):
        raise errors.invalid_grant("The id-jag was already used.")


def _not_one() -> OAuthError:
    return errors.invalid_grant("The assertion is not a valid id-jag.")


# --- both ---------------------------------------------------------------------------------------


def _read_own(request: TokenRequest, value: str) -> Unverified | None:
    """Return a JWT that was signed with the org's published key, or None."""
    try:
        token = read_unverified(value)
    except ValueError:
        return None
    return token if verify_signature(value, request.org.keys.signing, "RS256") else None


def _find_user(request: TokenRequest, token: Unverified) -> User | None:
    """Return the person whom a token is about when they may still log in, or None."""
    user = request.org.users.get(token.text("sub") or "")
    return user if user is not None and user.status == "ACTIVE" else None


def _grant_scopes(request: TokenRequest, asked: str, target: Issuer) -> tuple[str, ...]:
    """Return the scopes granted at a server; those of OpenID Connect are for log-ins."""
    refused = [name for name in asked.split() if name in OPENID_SCOPES]
    if refused:
        listed = ", ".join(refused)
        text = f"The following scopes are not allowed for this request: [{listed}]."
        raise errors.invalid_scope(text)
    return grant_scopes(request.app, asked, person=True, server=target.server)
