"""Client secrets of an app: `/api/v1/apps/{appId}/credentials/secrets`."""

from keyturn.sandbox import errors
from keyturn.sandbox.http import Answer, render_json
from keyturn.sandbox.routing import Call, Route
from keyturn.sandbox.shapes.apps import render_secret
from keyturn.sandbox.state.org import Org
from keyturn.sandbox.state.records import App, Secret

COLLECTION = "/api/v1/apps/{appId}/credentials/secrets"
ONE = COLLECTION + "/{secretId}"
READ, MANAGE = "okta.apps.read", "okta.apps.manage"
READ_EVENT = "app.oauth2.client.read_client_secret"


def list_secrets(org: Org, call: Call) -> Answer:
    """Answer with all client secrets in the clear, oldest first, without paging."""
    app = org.read_app(call.params["appId"])
    base_url = call.request.base_url
    if app.live_secrets:
        org.note_change(READ_EVENT, app)
    return render_json([render_secret(app, secret, base_url) for secret in app.live_secrets])


def create_secret(org: Org, call: Call) -> Answer:
    """Add a client secret: the caller's value, or for no body and `{}` one of our making."""
    app = org.read_app(call.params["appId"])
    members = call.json_object()
    value, status = members.get("client_secret"), members.get("status") or "ACTIVE"
    if value is not None and not isinstance(value, str):
        raise errors.malformed()
    if status not in ("ACTIVE", "INACTIVE"):
        raise errors.validation_failed("status", "status: Must be one of: ACTIVE, INACTIVE")
    secret = org.create_secret(app.id, value, status=status, by=call.principal.name)
    return _answer(call, app, secret, 201)


def read_secret(org: Org, call: Call) -> Answer:
    """Answer with one client secret in the clear."""
    app = org.read_app(call.params["appId"])
    secret = org.read_secret(app.id, call.params["secretId"])
    org.note_change(READ_EVENT, app, secret)
    return _answer(call, app, secret)


def activate_secret(org: Org, call: Call) -> Answer:
    """Activate and answer with the object; nothing changes when it is ACTIVE already."""
    app = org.read_app(call.params["appId"])
    return _answer(call, app, org.activate_secret(app.id, call.params["secretId"]))


def deactivate_secret(org: Org, call: Call) -> Answer:
    """Deactivate and answer with the object."""
    app = org.read_app(call.params["appId"])
    return _answer(call, app, org.deactivate_secret(app.id, call.params["secretId"]))


def delete_secret(org: Org, call: Call) -> Answer:
    """Delete an INACTIVE client secret."""
    app = org.read_app(call.params["appId"])
    secret = org.delete_secret(app.id, call.params["secretId"])
    call.secret_id = secret.id
    return Answer(204)


def _answer(call: Call, app: App, secret: Secret, status: int = 200) -> Answer:
    call.client_id, call.secret_id = app.client_id, secret.id
    if status == 201:
        call.secret_hash = secret.hash
    return render_json(render_secret(app, secret, call.request.base_url), status)


ROUTES = (
    Route("GET", COLLECTION, list_secrets, "management", "apps", READ),
    Route("POST", COLLECTION, create_secret, "management", "apps", MANAGE),
    Route("GET", ONE, read_secret, "management", "apps", READ),
    Route("DELETE", ONE, delete_secret, "management", "apps", MANAGE),
    Route("POST", ONE + "/lifecycle/activate", activate_secret, "management", "apps", MANAGE),
    Route("POST", ONE + "/lifecycle/deactivate", deactivate_secret, "management", "apps", MANAGE),
)
