"""Apps as OAuth clients, to be read only: `/oauth2/v1/clients`.

They are the apps of `/api/v1/apps`, where they are made and changed; no client secret shows here.
"""

from keyturn.sandbox import errors
from keyturn.sandbox.http import Answer, Json, render_json
from keyturn.sandbox.paging import cut_page
from keyturn.sandbox.routing import Call, Route
from keyturn.sandbox.state.org import Org
from keyturn.sandbox.state.records import SECRET_METHODS, App

COLLECTION = "/oauth2/v1/clients"
ONE = COLLECTION + "/{clientId}"
READ = "okta.clients.read"


def list_clients(org: Org, call: Call) -> Answer:
    """Answer with a page of clients; `q` begins their names."""
    starts = call.request.query.get("q", "").lower()
    apps = [app for app in org.list_apps() if app.label.lower().startswith(starts)]
    page = cut_page(call.request, apps)
    return render_json([_render(app) for app in page.items], headers=page.links)


def read_client(org: Org, call: Call) -> Answer:
    """Answer with one client."""
    app = org.find_client(call.params["clientId"])
    if app is None or app.integration is not None:
        raise errors.not_found(call.params["clientId"], "PublicClientApp")
    call.client_id = app.client_id
    return render_json(_render(app))


def _render(app: App) -> dict[str, Json]:
    secret = {"client_secret_expires_at": 0} if app.auth_method in SECRET_METHODS else {}
    keys = [key.jwk for key in app.keys if key.status == "ACTIVE"]
    return {
        "client_id": app.client_id,
        "client_id_issued_at": int(app.created_at.timestamp()),
        **secret,
        "client_name": app.label,
        "client_uri": app.extras.get("client_uri"),
        "logo_uri": app.extras.get("logo_uri"),
        "redirect_uris": list(app.redirect_uris),
        "response_types": list(app.response_types),
        "grant_types": list(app.grant_types),
        "token_endpoint_auth_method": app.auth_method,
        "application_type": app.application_type,
        **({"jwks": {"keys": keys}} if keys else {}),
    }


ROUTES = (
    Route("GET", COLLECTION, list_clients, "management", "clients", READ),
    Route("GET", ONE, read_client, "management", "clients", READ),
)
