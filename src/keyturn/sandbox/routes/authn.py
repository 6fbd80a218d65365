"""Primary authentication: `/api/v1/authn`, a name and a password for a session token."""

from datetime import timedelta

from keyturn.sandbox import errors, refusals
from keyturn.sandbox.http import Answer, Json, render_json
from keyturn.sandbox.routing import Call, Route
from keyturn.sandbox.shapes.apps import render_time
from keyturn.sandbox.state.org import Org
from keyturn.sandbox.state.records import User

LIFETIME = timedelta(minutes=5)


def authenticate(org: Org, call: Call) -> Answer:
    """Answer SUCCESS with a session token, or what the person must do first.

    A wrong name, a wrong password and a person shut out are all 401 E0000004.
    """
    body = call.json_object()
    login, password = body.get("username"), body.get("password")
    if not isinstance(login, str) or not isinstance(password, str) or not (login and password):
        cause = "The 'username' and 'password' attributes are required in this context."
        raise errors.validation_failed("authRequest", cause)
    user = org.log_in(login, password)
    if user is None:
        return _answer_closed(org, call, org.people.find(login), password)
    shown = {"expiresAt": render_time(org.now() + LIFETIME), "status": "SUCCESS"}
    relay = body.get("relayState")
    return render_json(
        {
            **shown,
            **({} if relay is None else {"relayState": relay}),
            "sessionToken": org.sessions.issue(user.id),
            "_embedded": {"user": _render_user(user)},
        }
    )


def _answer_closed(org: Org, call: Call, user: User | None, password: str) -> Answer:
    if user is not None and user.status == "LOCKED_OUT":
        return render_json({"status": "LOCKED_OUT", "_links": {"next": _link(call, "unlock")}})
    if user is None or user.status != "PASSWORD_EXPIRED" or user.password != password:
        raise refusals.login_failed()
    return render_json(
        {
            "stateToken": org.mint.issue_api_token(),
            "expiresAt": render_time(org.now() + LIFETIME),
            "status": "PASSWORD_EXPIRED",
            "_embedded": {"user": _render_user(user)},
            "_links": {"next": _link(call, "changePassword"), "cancel": _link(call, "cancel")},
        }
    )


PATHS = {
    "unlock": "recovery/unlock",
    "changePassword": "credentials/change_password",
    "cancel": "cancel",
}


def _link(call: Call, name: str) -> dict[str, Json]:
    named: dict[str, Json] = {} if name == "cancel" else {"name": name}
    return {**named, "href": f"{call.request.url}/{PATHS[name]}", "hints": {"allow": ["POST"]}}


def _render_user(user: User) -> dict[str, Json]:
    return {
        "id": user.id,
        "passwordChanged": render_time(user.password_changed_at or user.created_at),
        "profile": {
            "login": user.login,
            "firstName": user.first_name,
            "lastName": user.last_name,
            "locale": "en",
            "timeZone": "America/Los_Angeles",
        },
    }


ROUTES = (Route("POST", "/api/v1/authn", authenticate, "oauth", "api"),)
