"""Somebody else at the console: apps, their client secrets, what they may do."""

from collections.abc import Callable
from dataclasses import replace

from keyturn.sandbox.controls.operation import (
    BadRequest,
    Body,
    Operation,
    Params,
    parse_objects,
    parse_texts,
    read_text,
    refuse_unknown,
)
from keyturn.sandbox.http import Json, Request
from keyturn.sandbox.interference import change_auth_method
from keyturn.sandbox.state.directory import SOMEBODY_ELSE, AppDraft
from keyturn.sandbox.state.org import REDIRECT_URI, Org
from keyturn.sandbox.state.records import AUTH_METHODS, App, Secret


def _create_app(org: Org, request: Request, params: Params, body: Body) -> Json:
    refuse_unknown(body, *DRAFT_MEMBERS)
    given = {name: DRAFT_MEMBERS[name](value) for name, value in body.items() if value is not None}
    defaults: dict[str, object] = {"label": "Unnamed app", "redirect_uris": (REDIRECT_URI,)}
    draft = AppDraft(**(defaults | given))  # type: ignore[arg-type]  # typed by DRAFT_MEMBERS
    return _render_app(org.create_app(draft), reveal=True)


def _create_secret(org: Org, request: Request, params: Params, body: Body) -> Json:
    value = body.get("client_secret")
    status = "INACTIVE" if body.get("status") == "INACTIVE" else "ACTIVE"
    text = None if value is None else str(value)
    secret = org.create_secret(params["appId"], text, status=status)  # type: ignore[arg-type]
    return _render_secret(secret, reveal=True)


def _change_secret(org: Org, request: Request, params: Params, body: Body) -> Json:
    changes = {
        "activate": org.activate_secret,
        "deactivate": org.deactivate_secret,
        "delete": org.delete_secret,
    }
    if params["change"] not in changes:
        raise BadRequest(f"changes of a secret: {[*changes]}")
    return _render_secret(changes[params["change"]](params["appId"], params["secretId"]))


def _change_app(org: Org, request: Request, params: Params, body: Body) -> Json:
    change = CHANGES.get(params["change"])
    if change is None:
        raise BadRequest(f"changes of an app: {[*CHANGES]}")
    return _render_app(change(org, params["appId"], body))


def _change_scopes(org: Org, app_id: str, body: Body) -> App:
    grants = org.make_grants(parse_texts(body.get("granted_scopes")), SOMEBODY_ELSE)
    return org.store_app(replace(org.read_app(app_id), grants=grants))


def _remove_scope(org: Org, app_id: str, body: Body) -> App:
    org.remove_scope(org.read_app(app_id).client_id, read_text(body, "scope"))
    return org.read_app(app_id)


def _revoke_tokens(org: Org, app_id: str, body: Body) -> App:
    app = org.read_app(app_id)
    org.tokens.revoke_client(app.client_id)
    return app


def _admin_role(body: Body) -> str | None:
    return None if body.get("admin_role") is None else read_text(body, "admin_role")


def _auth_method(method: Json) -> str:
    if method not in AUTH_METHODS:
        raise BadRequest(f"auth_method is one of {[*AUTH_METHODS]}")
    return str(method)


def _generated(count: Json) -> tuple[None, ...]:
    if not isinstance(count, int):
        raise BadRequest("secrets is the number of client secrets to make")
    return (None,) * count


CHANGES: dict[str, Callable[[Org, str, Body], App]] = {
    "activate": lambda org, app_id, body: org.activate_app(app_id),
    "deactivate": lambda org, app_id, body: org.deactivate_app(app_id),
    "delete": lambda org, app_id, body: org.delete_app(app_id),
    "auth-method": lambda org, app_id, body: change_auth_method(
        org, app_id, _auth_method(body.get("auth_method"))
    ),
    "dpop": lambda org, app_id, body: org.change_dpop(app_id, bound=body.get("bound") is not False),
    "redirect-uris": lambda org, app_id, body: org.change_redirect_uris(
        app_id, parse_texts(body.get("redirect_uris"))
    ),
    "admin-role": lambda org, app_id, body: org.change_admin_role(app_id, _admin_role(body)),
    "scopes": _change_scopes,
    "remove-scope": _remove_scope,
    "revoke-tokens": _revoke_tokens,
}
DRAFT_MEMBERS: dict[str, Callable[[Json], object]] = {
    "label": str,
    "client_id": str,
    "auth_method": _auth_method,
    "application_type": str,
    "admin_role": str,
    "grant_types": parse_texts,
    "response_types": parse_texts,
    "redirect_uris": parse_texts,
    "granted_scopes": parse_texts,
    "pkce_required": bool,
    "dpop_bound": bool,
    "jwks": parse_objects,
    "secrets": _generated,
}


def _render_app(app: App, *, reveal: bool = False) -> Json:
    return {
        "id": app.id,
        "client_id": app.client_id,
        "label": app.label,
        "status": app.status,
        "auth_method": app.auth_method,
        "redirect_uris": list(app.redirect_uris),
        "granted_scopes": list(app.granted_scopes),
        "admin_role": app.admin_role,
        "secrets": [_render_secret(secret, reveal=reveal) for secret in app.live_secrets],
    }


def _render_secret(secret: Secret, *, reveal: bool = False) -> Json:
    shown = {"client_secret": secret.value} if reveal else {}
    return {"id": secret.id, **shown, "hash": secret.hash, "status": secret.status}


OPERATIONS = (
    Operation("POST", "/apps", _create_app, "Make an app; answers its clear client secrets."),
    Operation(
        "POST", "/apps/{appId}/secrets", _create_secret, "Add a client secret, own or generated."
    ),
    Operation(
        "POST",
        "/apps/{appId}/secrets/{secretId}/{change}",
        _change_secret,
        "Change a client secret: `activate`, `deactivate`, `delete`.",
    ),
    Operation(
        "POST",
        "/apps/{appId}/{change}",
        _change_app,
        f"Change an app: {', '.join(f'`{change}`' for change in CHANGES)}.",
    ),
)
