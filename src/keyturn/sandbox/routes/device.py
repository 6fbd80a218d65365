"""Log-in on another device (RFC 8628): codes for the device, a page for the person."""

from keyturn.sandbox import errors
from keyturn.sandbox.http import Answer, render_json
from keyturn.sandbox.oauth.client_auth import authenticate, read_form
from keyturn.sandbox.oauth.grants import DEVICE_CODE
from keyturn.sandbox.oauth.issuers import endpoint, issuer_of
from keyturn.sandbox.oauth.scopes import check_openid, grant_scopes
from keyturn.sandbox.pages.forms import activation_page, notice_page
from keyturn.sandbox.routes.authorize import read_sid
from keyturn.sandbox.routing import Call, Route
from keyturn.sandbox.state.interactions import DEVICE_LIFETIME, DeviceCode
from keyturn.sandbox.state.org import Org

PAGE = "/activate"


def authorize_device(org: Org, call: Call) -> Answer:
    """Answer with a code to poll with, and one for a person to type."""
    issuer, app = issuer_of(org, call), authenticate(org, call)
    if DEVICE_CODE not in app.grant_types:
        raise errors.unauthorized_client(app.grant_types)
    asked = call.request.form().get("scope", "")
    scopes = grant_scopes(app, asked, person=True, server=issuer.server)
    check_openid(scopes)
    code = DeviceCode(
        value=org.mint.issue_uuid(),
        user_code=org.mint.issue_user_code(),
        client_id=app.client_id,
        server=issuer.id,
        scopes=scopes,
        expires_at=org.now() + DEVICE_LIFETIME,
    )
    org.interactions.store_device(code)
    page = call.request.base_url + PAGE
    return render_json(
        {
            "user_code": code.user_code,
            "device_code": code.value,
            "interval": code.interval_s,
            "verification_uri_complete": f"{page}?user_code={code.user_code}",
            "verification_uri": page,
            "expires_in": int(DEVICE_LIFETIME.total_seconds()),
        }
    )


def show_page(org: Org, call: Call) -> Answer:
    """Answer with the page on which a person types the code and approves the device."""
    return activation_page(PAGE, call.request.query.get("user_code", ""))


def take_page(org: Org, call: Call) -> Answer:
    """Take `user_code`, `login`, `password` and `decision`: `approve` or `deny`.

    A browser that is signed in needs no password.
    """
    form, now = read_form(call.request), org.now()
    typed = form.get("user_code", "")
    code = org.interactions.find_user_code(typed, now)
    if code is None:
        return activation_page(PAGE, typed, problem="The user code is invalid or has expired.")
    session = org.sessions.find(read_sid(call.request), now)
    user = org.log_in(form.get("login", ""), form.get("password", ""))
    user_id = user.id if user else session.user_id if session else None
    if user_id is None:
        return activation_page(PAGE, typed, problem="Unable to sign in")
    approve = form.get("decision", "approve") == "approve"
    org.interactions.decide(code, user_id, now, approve=approve)
    return notice_page("Device activated" if approve else "Device denied", "Return to your device.")


ROUTES = (
    *endpoint("POST", "device/authorize", authorize_device),
    Route("GET", PAGE, show_page, "oauth", "authorize"),
    Route("POST", PAGE, take_page, "oauth", "authorize"),
)
