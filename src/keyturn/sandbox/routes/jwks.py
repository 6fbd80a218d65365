"""Public keys of an app's client: `/api/v1/apps/{appId}/credentials/jwks`."""

from keyturn.sandbox.http import Answer, render_json
from keyturn.sandbox.principals import require_super_admin
from keyturn.sandbox.routing import Call, Route
from keyturn.sandbox.shapes.apps import render_key
from keyturn.sandbox.state import client_keys
from keyturn.sandbox.state.org import Org
from keyturn.sandbox.state.records import App, ClientKey

COLLECTION = "/api/v1/apps/{appId}/credentials/jwks"
ONE = COLLECTION + "/{keyId}"
READ, MANAGE = "okta.apps.read", "okta.apps.manage"
CREDENTIALS = "app.oauth2.credentials.lifecycle"


def list_keys(org: Org, call: Call) -> Answer:
    """Answer with all keys, oldest first; of the three shapes known, the schema's bare array."""
    app = org.read_app(call.params["appId"])
    call.client_id = app.client_id
    return render_json([render_key(app, key, call.request.base_url) for key in app.keys])


def add_key(org: Org, call: Call) -> Answer:
    """Add a key, ACTIVE unless the body says otherwise."""
    app = _read_changeable(org, call)
    key = client_keys.make_key(org.mint, call.json_object(), org.now())
    return _answer(org, call, client_keys.add_key(app, key), key, step="create", status=201)


def read_key(org: Org, call: Call) -> Answer:
    """Answer with one key."""
    app = org.read_app(call.params["appId"])
    call.client_id = app.client_id
    key = client_keys.read_key(app, call.params["keyId"])
    return render_json(render_key(app, key, call.request.base_url))


def activate_key(org: Org, call: Call) -> Answer:
    """Activate and answer with the object; an ACTIVE encryption key steps down for it."""
    app, key_id = _read_changeable(org, call), call.params["keyId"]
    changed = client_keys.activate_key(app, key_id, org.now())
    key = client_keys.read_key(changed, key_id)
    return _answer(org, call, changed, key, step="activate" if changed is not app else "")


def deactivate_key(org: Org, call: Call) -> Answer:
    """Deactivate and answer with the object."""
    app, key_id = _read_changeable(org, call), call.params["keyId"]
    changed = client_keys.deactivate_key(app, key_id, org.now())
    key = client_keys.read_key(changed, key_id)
    return _answer(org, call, changed, key, step="deactivate" if changed is not app else "")


def delete_key(org: Org, call: Call) -> Answer:
    """Delete an INACTIVE key."""
    app, key_id = _read_changeable(org, call), call.params["keyId"]
    gone = client_keys.read_key(app, key_id)
    _answer(org, call, client_keys.delete_key(app, key_id), gone, step="delete")
    return Answer(204)


def _read_changeable(org: Org, call: Call) -> App:
    """Return the app; only a super admin changes the keys of one that holds Okta scopes."""
    app = org.read_app(call.params["appId"])
    call.client_id = app.client_id
    if app.grants:
        require_super_admin(org, call.principal)
    return app


def _answer(
    org: Org, call: Call, app: App, key: ClientKey, *, step: str = "", status: int = 200
) -> Answer:
    if step:
        org.store_app(app)
        org.note_change(f"{CREDENTIALS}.{step}", app, key)
    return render_json(render_key(app, key, call.request.base_url), status)


ROUTES = (
    Route("GET", COLLECTION, list_keys, "management", "apps", READ),
    Route("POST", COLLECTION, add_key, "management", "apps", MANAGE),
    Route("GET", ONE, read_key, "management", "apps", READ),
    Route("DELETE", ONE, delete_key, "management", "apps", MANAGE),
    Route("POST", ONE + "/lifecycle/activate", activate_key, "management", "apps", MANAGE),
    Route("POST", ONE + "/lifecycle/deactivate", deactivate_key, "management", "apps", MANAGE),
)
