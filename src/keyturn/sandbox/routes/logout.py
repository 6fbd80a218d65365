"""The end of a browser's session (OpenID Connect RP-Initiated Logout)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from urllib.parse import urlencode

from keyturn.sandbox.errors import OAuthError
from keyturn.sandbox.http import Answer
from keyturn.sandbox.oauth.client_auth import read_form
from keyturn.sandbox.oauth.issuers import Issuer, endpoint, issuer_of
from keyturn.sandbox.oauth.jose import Unverified, read_unverified, verify_signature
from keyturn.sandbox.pages.forms import error_page, notice_page
from keyturn.sandbox.routes.authorize import read_sid, session_cookie
from keyturn.sandbox.routing import Call
from keyturn.sandbox.state.org import Org
from keyturn.sandbox.state.records import App
from keyturn.sandbox.state.sessions import Session


def take_query(org: Org, call: Call) -> Answer:
    """Log out with `id_token_hint` in the query."""
    return _log_out(org, call, call.request.query)


def take_form(org: Org, call: Call) -> Answer:
    """Log out with `id_token_hint` in a form."""
    return _log_out(org, call, read_form(call.request))


def _log_out(org: Org, call: Call, fields: Mapping[str, str]) -> Answer:
    sid = read_sid(call.request)
    try:
        issuer = issuer_of(org, call)
        hint = _read_hint(org, issuer, fields.get("id_token_hint", ""))
        answer = _leave(org, hint, fields)
        _check_session(org.sessions.find(sid, org.now()), hint)
    except OAuthError as error:
        return error_page(error.error, error.description)
    org.sessions.close(sid)
    return replace(answer, headers=(*answer.headers, session_cookie(call.request, "")))


def _read_hint(org: Org, issuer: Issuer, value: str) -> Unverified:
    """Return what an ID token of ours says; an expired one is still good for this."""
    refusal = OAuthError(401, "invalid_token", "The id token is invalid.")
    try:
        hint = read_unverified(value)
    except ValueError as error:
        raise refusal from error
    if not verify_signature(value, org.keys.signing, "RS256") or hint.text("iss") != issuer.url:
        raise refusal
    return hint


def _check_session(session: Session | None, hint: Unverified) -> None:
    if session is not None and session.user_id != hint.text("sub"):
        text = "The ID token subject does not match the current session's user."
        raise OAuthError(400, "id_token_does_not_match_session", text)


def _leave(org: Org, hint: Unverified, fields: Mapping[str, str]) -> Answer:
    uri = fields.get("post_logout_redirect_uri")
    if not uri:
        return notice_page("Signed out", "You have signed out.")
    if uri not in _logout_uris(org.find_client(hint.text("aud") or "")):
        raise OAuthError(
            400,
            "invalid_request",
            "The 'post_logout_redirect_uri' parameter must be a Logout redirect URI in the "
            "client app settings.",
        )
    query = urlencode({"state": fields["state"]}) if fields.get("state") else ""
    separator = ("&" if "?" in uri else "?") if query else ""
    return Answer(302, b"", (("location", uri + separator + query),))


def _logout_uris(app: App | None) -> Sequence[object]:
    uris = app.extras.get("post_logout_redirect_uris") if app else None
    return uris if isinstance(uris, list) else ()


ROUTES = (
    *endpoint("GET", "logout", take_query, "authorize"),
    *endpoint("POST", "logout", take_form, "authorize"),
)
