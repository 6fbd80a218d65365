"""`/oauth2/v1/authorize`: the code grant with a log-in form that a script can post."""

import html
from collections.abc import Mapping
from urllib.parse import urlencode

from keyturn.sandbox import errors
from keyturn.sandbox.errors import OAuthError
from keyturn.sandbox.http import Answer, render_html
from keyturn.sandbox.org import Org
from keyturn.sandbox.records import App, User
from keyturn.sandbox.routing import Call, Route
from keyturn.sandbox.scopes import grant_scopes
from keyturn.sandbox.tokens import Code

PATH = "/oauth2/v1/authorize"
LOGIN_FIELDS = ("login", "password")
KEPT_FIELDS = (
    "client_id",
    "redirect_uri",
    "response_type",
    "scope",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
)


def show_form(org: Org, call: Call) -> Answer:
    """Answer with the log-in form, or with the reason why there is none."""
    return _authorize(org, call, call.request.query)


def take_form(org: Org, call: Call) -> Answer:
    """Log in with the posted `login` and `password` and return to the client with a code."""
    return _authorize(org, call, {**call.request.query, **call.request.form()})


def _authorize(org: Org, call: Call, fields: Mapping[str, str]) -> Answer:
    app = org.find_client(fields.get("client_id", ""))
    if app is None or app.status != "ACTIVE":
        return _error_page("invalid_client", "Invalid value for 'client_id' parameter.")
    call.client_id = app.client_id
    if fields.get("redirect_uri") not in app.redirect_uris:
        return _error_page(
            "invalid_request",
            "The 'redirect_uri' parameter must be a Login redirect URI in the client app settings.",
        )
    try:
        scopes = _check(app, fields)
    except OAuthError as error:
        return _back(fields, {"error": error.error, "error_description": error.description})
    if not all(fields.get(name) for name in LOGIN_FIELDS):
        return _form(fields, "")
    user = org.log_in(fields["login"], fields["password"])
    if user is None:
        return _form(fields, "Unable to sign in")
    return _back(fields, {"code": _issue_code(org, app, user, fields, scopes)})


def _check(app: App, fields: Mapping[str, str]) -> tuple[str, ...]:
    """Return the scopes of a request that may go on; OAuthError is carried back to the client."""
    if "authorization_code" not in app.grant_types:
        raise errors.unauthorized_client(app.grant_types)
    if fields.get("response_type") != "code":
        raise OAuthError(
            400,
            "unsupported_response_type",
            "The response type is not supported by the authorization server. "
            "Configured response types: [code].",
        )
    if not fields.get("state"):
        raise errors.invalid_request("The authentication request has an invalid 'state' parameter.")
    if fields.get("prompt") == "none":
        raise OAuthError(
            400,
            "login_required",
            "The client specified not to prompt, but the user is not logged in.",
        )
    _check_challenge(app, fields)
    return grant_scopes(app, fields.get("scope", ""), person=True)


def _check_challenge(app: App, fields: Mapping[str, str]) -> None:
    if not fields.get("code_challenge"):
        if app.pkce_required or app.auth_method == "none":
            raise errors.invalid_request("PKCE code challenge is required by the application.")
    elif fields.get("code_challenge_method") != "S256":
        raise errors.invalid_request(
            "PKCE code challenge method is not supported. Valid values: [S256]"
        )


def _issue_code(
    org: Org, app: App, user: User, fields: Mapping[str, str], scopes: tuple[str, ...]
) -> str:
    code = Code(
        value=org.mint.issue_token(),
        client_id=app.client_id,
        user_id=user.id,
        redirect_uri=fields["redirect_uri"],
        scopes=scopes,
        nonce=fields.get("nonce"),
        challenge=fields.get("code_challenge") or None,
        issued_at=org.now(),
    )
    org.tokens.store_code(code)
    return code.value


def _back(fields: Mapping[str, str], result: dict[str, str]) -> Answer:
    if fields.get("state"):
        result["state"] = fields["state"]
    uri = fields["redirect_uri"]
    location = f"{uri}{'&' if '?' in uri else '?'}{urlencode(result)}"
    return Answer(302, b"", (("location", location),))


def _form(fields: Mapping[str, str], problem: str) -> Answer:
    kept = "".join(
        f'<input type="hidden" name="{name}" value="{html.escape(fields[name])}">'
        for name in KEPT_FIELDS
        if name in fields
    )
    page = (
        "<!doctype html><html lang=en><title>Sign in</title><h1>Sign in</h1>"
        f'<p role="alert">{html.escape(problem)}</p><form method="post" action="{PATH}">{kept}'
        '<label>Username <input name="login" autocomplete="username"></label>'
        '<label>Password <input name="password" type="password"></label>'
        "<button>Sign in</button></form></html>"
    )
    return render_html(page, 401 if problem else 200)


def _error_page(error: str, description: str) -> Answer:
    page = (
        "<!doctype html><html lang=en><title>400 Bad Request</title><h1>400 Bad Request</h1>"
        f"<p>Your request resulted in an error. {html.escape(description)}</p>"
        f"<p>Error code: {html.escape(error)}</p></html>"
    )
    return render_html(page, 400)


ROUTES = (
    Route("GET", PATH, show_form, "oauth", "authorize"),
    Route("POST", PATH, take_form, "oauth", "authorize"),
)
