"""What another admin does to an app in the middle of somebody's request.

Decides which app a request names and what each change is; when it happens is the business of
`app`, how often that of `faults`. What Okta would refuse an admin is not done.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress

from keyturn.sandbox.errors import OktaError
from keyturn.sandbox.http import Request
from keyturn.sandbox.oauth.client_auth import claimed_client_id
from keyturn.sandbox.routes.apps import tell_replacement
from keyturn.sandbox.routing import Call
from keyturn.sandbox.state.org import Org
from keyturn.sandbox.state.records import SECRET_METHODS, App


def find_named_app(org: Org, request: Request, params: Mapping[str, str]) -> App | None:
    """Return the app in a request's path, or whose client an OAuth request comes from, or None."""
    app = org.apps.get(params["appId"]) if "appId" in params else _find_client(org, request, params)
    exists = app is not None and app.status != "DELETED" and app.integration is None
    return app if exists else None


def interfere(org: Org, call: Call, kind: str) -> bool:
    """Let somebody else change the app that a request names; False when that could not be."""
    app = find_named_app(org, call.request, call.params)
    if app is None:
        return False
    with org.at_console(), suppress(OktaError):
        _CHANGES[kind](org, app, call.params.get("secretId"))
    return org.apps[app.id] is not app


def change_auth_method(org: Org, app_id: str, method: str) -> App:
    """Change how an app's client authenticates, and write what that did to the System Log."""
    old = org.read_app(app_id)
    new = org.change_auth_method(app_id, method)
    tell_replacement(org, old, new)
    return new


def _find_client(org: Org, request: Request, params: Mapping[str, str]) -> App | None:
    if not request.path.startswith("/oauth2/"):
        return None
    client_id = params.get("clientId") or claimed_client_id(request)
    return org.find_client(client_id or request.query.get("client_id", ""))


# --- the changes --------------------------------------------------------------------------------


def _deactivate_app(org: Org, app: App, secret_id: str | None) -> None:
    if app.status == "ACTIVE":
        org.deactivate_app(app.id)


def _delete_app(org: Org, app: App, secret_id: str | None) -> None:
    _deactivate_app(org, app, secret_id)
    org.delete_app(app.id)


def _add_secret(org: Org, app: App, secret_id: str | None) -> None:
    if app.auth_method in SECRET_METHODS:
        org.create_secret(app.id)


def _deactivate_secret(org: Org, app: App, secret_id: str | None) -> None:
    """Deactivate the client secret named, or the newest ACTIVE one."""
    active = [secret.id for secret in app.live_secrets if secret.status == "ACTIVE"]
    if active:
        org.deactivate_secret(app.id, secret_id or active[-1])


def _remove_secret(org: Org, app: App, secret_id: str | None) -> None:
    """Deactivate and delete the client secret named, or the newest one."""
    if app.live_secrets:
        secret_id = secret_id or app.live_secrets[-1].id
        org.deactivate_secret(app.id, secret_id)
        org.delete_secret(app.id, secret_id)


def _switch_to_keys(org: Org, app: App, secret_id: str | None) -> None:
    if app.auth_method in SECRET_METHODS:
        change_auth_method(org, app.id, "private_key_jwt")


_CHANGES: dict[str, Callable[[Org, App, str | None], None]] = {
    "app-deactivated": _deactivate_app,
    "app-deleted": _delete_app,
    "secret-added": _add_secret,
    "secret-deactivated": _deactivate_secret,
    "secret-removed": _remove_secret,
    "secrets-switched-to-keys": _switch_to_keys,
}
