"""Token exchange (RFC 8693) on behalf of a person: an access token for the next service.

Only custom authorization servers offer it, and only to service apps; what the org's own server
exchanges is the business of `id_jag`.
"""

from keyturn.sandbox import errors
from keyturn.sandbox.errors import OAuthError
from keyturn.sandbox.oauth.grants import TokenRequest
from keyturn.sandbox.oauth.issuing import Grant
from keyturn.sandbox.oauth.scopes import OPENID_SCOPES, grant_scopes
from keyturn.sandbox.state.tokens import AccessToken

TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"


def redeem_exchange(request: TokenRequest) -> Grant:
    """Return what somebody else's access token earns a service for the same person."""
    if request.app.application_type != "service":
        raise errors.invalid_request("Only service clients may use on-behalf token exchange.")
    subject = _read_subject(request)
    asked = request.form.get("scope", "")
    if set(asked.split()) & set(OPENID_SCOPES):
        raise errors.invalid_scope(
            "Can't request 'openid' scopes using the Token Exchange flow for a service app."
        )
    scopes = grant_scopes(request.app, asked, person=True, server=request.issuer.server)
    return Grant(
        request.app,
        scopes,
        request.thumbprint,
        user_id=subject.user_id,
        family=subject.family,
        issued_type=ACCESS_TOKEN,
    )


def _read_subject(request: TokenRequest) -> AccessToken:
    """Return the subject's access token when the request may exchange it."""
    form = request.form
    for name in ("subject_token", "subject_token_type"):
        if not form.get(name):
            raise errors.missing_parameter(name)
    if form["subject_token_type"] != ACCESS_TOKEN:
        raise errors.invalid_request("'subject_token_type' is invalid or not supported.")
    if form.get("requested_token_type", ACCESS_TOKEN) != ACCESS_TOKEN:
        raise errors.invalid_request("'requested_token_type' is invalid or not supported.")
    if form.get("audience") != request.issuer.audience:
        raise errors.invalid_target(
            "Token Exchange requests must include a valid audience of the authorization server."
        )
    return _find_subject(request, form["subject_token"])


def _find_subject(request: TokenRequest, value: str) -> AccessToken:
    tokens = request.org.tokens
    subject = tokens.find_access(value)
    if subject is None or subject.user_id is None:
        raise errors.invalid_request("'subject_token' is invalid.")
    if subject.server != request.issuer.id:
        raise OAuthError(
            403,
            "access_denied",
            "The 'subject_token' issuer isn't a trusted authorization server.",
        )
    if tokens.revoked(subject) or request.org.now() >= subject.expires_at:
        raise errors.invalid_grant(
            "The 'subject_token' either expired or the session associated with it was terminated."
        )
    return subject
