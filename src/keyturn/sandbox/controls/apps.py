"""Somebody else at the console: apps, their client secrets, what they may do."""

from collections.abc import Callable
from dataclasses import replace

from keyturn.sandbox.controls.operation import (
    BadRequest,
    Body,
    Operation,
    Params,
    read_count,
    read_flag,
    read_objects,
    read_text,
    read_texts,
    read_word,
    refuse_unknown,
)
from keyturn.sandbox.http import Json, Request
from keyturn.sandbox.interference import change_auth_method
from keyturn.sandbox.state.claims import FILTERS, GroupsClaim, is_filter_value
from keyturn.sandbox.state.client_rules import APPLICATION_TYPES
from keyturn.sandbox.state.directory import MAX_SECRETS, SOMEBODY_ELSE, AppDraft
from keyturn.sandbox.state.org import REDIRECT_URI, Org
from keyturn.sandbox.state.records import AUTH_METHODS, App, Integration, Secret, Status


def _create_app(org: Org, request: Request, params: Params, body: Body) -> Json:
    refuse_unknown(body, *DRAFT_MEMBERS)
    given = {name: DRAFT_MEMBERS[name](body, name) for name in body if body[name] is not None}
    defaults: dict[str, object] = {"label": "Unnamed app", "redirect_uris": (REDIRECT_URI,)}
    draft = AppDraft(**(defaults | given))  # type: ignore[arg-type]  # typed by DRAFT_MEMBERS
    return _render_app(org.create_app(draft), reveal=True)


def _create_api_service(org: Org, request: Request, params: Params, body: Body) -> Json:
    refuse_unknown(body, "type", "granted_scopes", "secrets")
    kind = read_text(body, "type", "example_service")
    secrets = read_count(body, "secrets", MAX_SECRETS) if "secrets" in body else 1
    draft = AppDraft(
        kind.replace("_", " ").title(),
        application_type="service",
        grant_types=("client_credentials",),
        response_types=("token",),
        granted_scopes=read_texts(body, "granted_scopes") if "granted_scopes" in body else (),
        integration=Integration(kind, SOMEBODY_ELSE),
        secrets=(None,) * secrets,
    )
    return _render_app(org.create_app(draft), reveal=True)


def _create_secret(org: Org, request: Request, params: Params, body: Body) -> Json:
    refuse_unknown(body, "client_secret", "status")
    value = None if body.get("client_secret") is None else read_text(body, "client_secret")
    status = read_word(body, "status", STATUSES, "ACTIVE")
    secret = org.create_secret(params["appId"], value, status=status)
    return _render_secret(secret, reveal=True)


def _change_secret(org: Org, request: Request, params: Params, body: Body) -> Json:
    changes = {
        "activate": org.activate_secret,
        "deactivate": org.deactivate_secret,
        "delete": org.delete_secret,
    }
    if params["change"] not in changes:
        raise BadRequest(f"changes of a secret: {[*changes]}")
    refuse_unknown(body)
    return _render_secret(changes[params["change"]](params["appId"], params["secretId"]))


def _change_app(org: Org, request: Request, params: Params, body: Body) -> Json:
    change = CHANGES.get(params["change"])
    if change is None:
        raise BadRequest(f"changes of an app: {[*CHANGES]}")
    member, make = change
    refuse_unknown(body, *([member] if member else []))
    return _render_app(make(org, params["appId"], body))


def _change_scopes(org: Org, app_id: str, body: Body) -> App:
    grants = org.make_grants(read_texts(body, "granted_scopes"), SOMEBODY_ELSE)
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


def _auth_method(body: Body, name: str = "auth_method") -> str:
    return read_word(body, name, AUTH_METHODS)


def _change_dpop(org: Org, app_id: str, body: Body) -> App:
    return org.change_dpop(app_id, bound="bound" not in body or read_flag(body, "bound"))


def _change_groups_claim(org: Org, app_id: str, body: Body) -> App:
    """Have ID tokens of the org's own server tell of groups, or of none."""
    told = body.get("groups_claim")
    if told is not None and not isinstance(told, dict):
        raise BadRequest("groups_claim is an object, or null for none")
    claim = None if told is None else _groups_claim(told)
    return org.store_app(replace(org.read_app(app_id), groups_claim=claim))


def _groups_claim(told: Body) -> GroupsClaim:
    refuse_unknown(told, "name", "filter", "value")
    plain = GroupsClaim()
    kind = read_word(told, "filter", FILTERS, plain.filter)
    value = read_text(told, "value", plain.value)
    if not is_filter_value(kind, value):
        raise BadRequest("value is no regular expression, or empty")
    return GroupsClaim(read_text(told, "name", plain.name), kind, value)


# The one member that a change may come with, None for no member, and what it does.
CHANGES: dict[str, tuple[str | None, Callable[[Org, str, Body], App]]] = {
    "activate": (None, lambda org, app_id, body: org.activate_app(app_id)),
    "deactivate": (None, lambda org, app_id, body: org.deactivate_app(app_id)),
    "delete": (None, lambda org, app_id, body: org.delete_app(app_id)),
    "auth-method": (
        "auth_method",
        lambda org, app_id, body: change_auth_method(org, app_id, _auth_method(body)),
    ),
    "dpop": ("bound", _change_dpop),
    "redirect-uris": (
        "redirect_uris",
        lambda org, app_id, body: org.change_redirect_uris(
            app_id, read_texts(body, "redirect_uris")
        ),
    ),
    "groups-claim": ("groups_claim", _change_groups_claim),
    "admin-role": (
        "admin_role",
        lambda org, app_id, body: org.change_admin_role(app_id, _admin_role(body)),
    ),
    "scopes": ("granted_scopes", _change_scopes),
    "remove-scope": ("scope", _remove_scope),
    "revoke-tokens": (None, _revoke_tokens),
}
DRAFT_MEMBERS: dict[str, Callable[[Body, str], object]] = {
    "label": read_text,
    "client_id": read_text,
    "auth_method": _auth_method,
    "application_type": lambda body, name: read_word(body, name, APPLICATION_TYPES),
    "admin_role": read_text,
    "grant_types": read_texts,
    "response_types": read_texts,
    "redirect_uris": read_texts,
    "granted_scopes": read_texts,
    "pkce_required": read_flag,
    "dpop_bound": read_flag,
    "jwks": read_objects,
    "secrets": lambda body, name: (None,) * read_count(body, name, MAX_SECRETS),
}
STATUSES: tuple[Status, ...] = ("ACTIVE", "INACTIVE")


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
        "POST",
        "/api-services",
        _create_api_service,
        "Make an API service integration; answers its clear client secrets, which Okta hides.",
    ),
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
