"""The authorization endpoint: who is signed in, what they agree to, and the way back."""

from collections.abc import Mapping
from dataclasses import replace
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlencode

from keyturn.sandbox.errors import OAuthError
from keyturn.sandbox.http import Answer, Header, Request
from keyturn.sandbox.oauth.asking import Asked, check_request, read_target
from keyturn.sandbox.oauth.client_auth import read_form
from keyturn.sandbox.oauth.issuers import Issuer, endpoint, issuer_of
from keyturn.sandbox.oauth.scopes import scopes_to_consent
from keyturn.sandbox.pages.forms import (
    NO_REFERRER,
    consent_page,
    error_page,
    login_page,
    post_back_page,
)
from keyturn.sandbox.routing import Call
from keyturn.sandbox.state.interactions import PushedRequest
from keyturn.sandbox.state.org import Org
from keyturn.sandbox.state.sessions import Session
from keyturn.sandbox.state.tokens import Code

COOKIE = "sid"
PROOFS = ("login", "password", "sessionToken", "consent")
LOGIN_FIELDS = PROOFS[:2]
KEPT_FIELDS = (
    "client_id",
    "request_uri",
    "redirect_uri",
    "response_type",
    "response_mode",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "prompt",
    "max_age",
    "login_hint",
)


def show_form(org: Org, call: Call) -> Answer:
    """Answer with a form, with the reason why there is none, or at once for a session."""
    return _authorize(org, call, call.request.query)


def take_form(org: Org, call: Call) -> Answer:
    """Take the posted `login` and `password`, or `consent`, and go on."""
    try:
        form = read_form(call.request)
    except OAuthError as error:
        return error_page(error.error, error.description)
    return _authorize(org, call, {**call.request.query, **form})


def _authorize(org: Org, call: Call, sent: Mapping[str, str]) -> Answer:
    """Show an error until the way back is known, and from there on carry it back."""
    try:
        _check_repeats(call.request)
        issuer = issuer_of(org, call)
        fields = _with_pushed(org, issuer, sent)
        app = read_target(org, fields)
    except OAuthError as error:
        return error_page(error.error, error.description)
    call.client_id = app.client_id
    try:
        answer = _interact(org, call, check_request(issuer, app, fields), sent)
    except OAuthError as error:
        answer = _back(fields, {"error": error.error, "error_description": error.description})
    return answer


def _check_repeats(request: Request) -> None:
    if request.repeats_field():
        text = "The request contained multiple parameters with the same name."
        raise OAuthError(400, "invalid_request", text)


def _with_pushed(org: Org, issuer: Issuer, sent: Mapping[str, str]) -> Mapping[str, str]:
    """Return the fields of a request, from where they were pushed to when it names that."""
    uri = sent.get("request_uri")
    if uri is None:
        return sent
    pushed = org.interactions.find_pushed(uri, org.now())
    if pushed is None:
        raise OAuthError(400, "invalid_request_uri", "The authorize request_uri is invalid.")
    _check_pushed(pushed, issuer, sent)
    return {**pushed.fields, **{name: sent[name] for name in PROOFS if name in sent}}


def _check_pushed(pushed: PushedRequest, issuer: Issuer, sent: Mapping[str, str]) -> None:
    if pushed.client_id != sent.get("client_id"):
        raise OAuthError(
            401,
            "invalid_client",
            "The 'client_id' parameter does not match the expected value for the provided "
            "request_uri.",
        )
    if pushed.server != issuer.id:
        text = "The request_uri was issued for another authorization server."
        raise OAuthError(400, "invalid_request_uri", text)


# --- the person ---------------------------------------------------------------------------------


def _interact(org: Org, call: Call, asked: Asked, sent: Mapping[str, str]) -> Answer:
    session = _prove(org, asked.fields) or _find_session(org, call.request, asked)
    if session is None:
        return _ask_login(call, asked, sent)
    waiting = _missing_consent(org, asked, session)
    if waiting:
        return _ask_consent(org, call, asked, sent, session=session, scopes=waiting)
    org.interactions.use_pushed(sent.get("request_uri", ""))
    answer = _back(asked.fields, {"code": _issue_code(org, asked, session)})
    return _with_session(org, call.request, answer, session)


def _prove(org: Org, fields: Mapping[str, str]) -> Session | None:
    """Return a new session for a good password or session token."""
    user_id = org.sessions.use(fields.get("sessionToken", ""))
    if user_id is None and all(fields.get(name) for name in LOGIN_FIELDS):
        user = org.log_in(fields["login"], fields["password"])
        user_id = user.id if user else None
    return None if user_id is None else Session(user_id, org.now())


def _find_session(org: Org, request: Request, asked: Asked) -> Session | None:
    """Return the browser's session unless the request wants a newer one."""
    session = org.sessions.find(read_sid(request), org.now())
    if session is None or "login" in asked.prompts or "password" in asked.fields:
        return None
    age_s = (org.now() - session.opened_at).total_seconds()
    return None if asked.max_age is not None and age_s >= asked.max_age else session


def _ask_login(call: Call, asked: Asked, sent: Mapping[str, str]) -> Answer:
    if "none" in asked.prompts:
        raise OAuthError(
            400,
            "login_required",
            "The client specified not to prompt, but the user is not logged in.",
        )
    problem = "Unable to sign in" if "password" in sent else ""
    return login_page(call.request.path, _kept(sent), problem=problem)


def _missing_consent(org: Org, asked: Asked, session: Session) -> list[str]:
    """Return the scopes that the person has yet to agree to, after noting an answer."""
    server, fields = asked.issuer.server, asked.fields
    prompted = "consent" in asked.prompts
    needed = scopes_to_consent(server, asked.app, asked.scopes, prompted=prompted)
    if not needed or server is None:
        return []
    who = (session.user_id, asked.app.client_id, server.id)
    if fields.get("consent") == "deny":
        raise OAuthError(
            403,
            "access_denied",
            "The resource owner or authorization server denied the request.",
        )
    if fields.get("consent") == "allow":
        org.interactions.consent(*who, needed)
        return []
    if prompted:
        return needed
    return [scope for scope in needed if not org.interactions.consented(*who, scope)]


def _ask_consent(
    org: Org,
    call: Call,
    asked: Asked,
    sent: Mapping[str, str],
    *,
    session: Session,
    scopes: list[str],
) -> Answer:
    """Answer with the consent form, which carries a session token for those without cookies."""
    if "none" in asked.prompts:
        listed = ", ".join(scopes)
        text = f"The following scopes require user consent: [{listed}]."
        raise OAuthError(400, "consent_required", text)
    fields = {**_kept(sent), "sessionToken": org.sessions.issue(session.user_id)}
    page = consent_page(call.request.path, fields, client=asked.app.label, scopes=scopes)
    return _with_session(org, call.request, page, session)


def _kept(sent: Mapping[str, str]) -> dict[str, str]:
    return {name: sent[name] for name in KEPT_FIELDS if name in sent}


# --- sessions -------------------------------------------------------------------------------------


def read_sid(request: Request) -> str:
    """Return the value of a browser's session cookie, empty when it has none."""
    try:
        cookie = SimpleCookie(request.headers.get("cookie", ""))
    except CookieError:
        return ""
    return cookie[COOKIE].value if COOKIE in cookie else ""


def session_cookie(request: Request, sid: str) -> Header:
    """Return the header that gives a browser its session cookie, or takes an empty one away."""
    over = "" if sid else "; Max-Age=0"
    secure = "; Secure" if request.base_url.startswith("https:") else ""
    return "set-cookie", f"{COOKIE}={sid}; Path=/; HttpOnly; SameSite=Lax{secure}{over}"


def _with_session(org: Org, request: Request, answer: Answer, session: Session) -> Answer:
    """Return an answer that also begins the session, unless the browser has it already."""
    if org.sessions.find(read_sid(request), org.now()) == session:
        return answer
    cookie = session_cookie(request, org.sessions.open(session.user_id, session.opened_at))
    return replace(answer, headers=(*answer.headers, cookie))


# --- the way back ---------------------------------------------------------------------------------


def _issue_code(org: Org, asked: Asked, session: Session) -> str:
    fields = asked.fields
    code = Code(
        value=org.mint.issue_token(),
        client_id=asked.app.client_id,
        user_id=session.user_id,
        redirect_uri=fields["redirect_uri"],
        scopes=asked.scopes,
        nonce=fields.get("nonce"),
        challenge=fields.get("code_challenge") or None,
        issued_at=org.now(),
        login_at=session.opened_at,
        family=org.mint.issue_id("fam"),
        server=asked.issuer.id,
    )
    org.tokens.store_code(code)
    return code.value


def _back(fields: Mapping[str, str], result: dict[str, str]) -> Answer:
    """Return to the client in the way that it asked for."""
    if fields.get("state"):
        result["state"] = fields["state"]
    uri, mode = fields["redirect_uri"], fields.get("response_mode")
    if mode == "form_post":
        return post_back_page(uri, result)
    separator = "#" if mode == "fragment" else "&" if "?" in uri else "?"
    location = f"{uri}{separator}{urlencode(result)}"
    return Answer(302, b"", (("location", location), NO_REFERRER))


ROUTES = (
    *endpoint("GET", "authorize", show_form, "authorize"),
    *endpoint("POST", "authorize", take_form, "authorize"),
)
