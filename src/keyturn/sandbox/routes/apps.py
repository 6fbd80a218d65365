"""Apps: `/api/v1/apps`, their lifecycle and deletion."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import cast

from keyturn.sandbox import errors, refusals
from keyturn.sandbox.http import Answer, Json, render_json
from keyturn.sandbox.paging import link, parse_limit
from keyturn.sandbox.routing import Call, Route
from keyturn.sandbox.shapes.apps import CLIENT_DEFAULTS, render_app
from keyturn.sandbox.state.client_rules import check_client_id, check_draft
from keyturn.sandbox.state.directory import AppDraft
from keyturn.sandbox.state.org import Org
from keyturn.sandbox.state.records import AUTH_METHODS, App, ClientKey, Secret

COLLECTION = "/api/v1/apps"
ONE = COLLECTION + "/{appId}"
READ, MANAGE = "okta.apps.read", "okta.apps.manage"
FILTER = re.compile(r'\s*([\w.]+)\s+eq\s+"([^"]*)"\s*')
EXPANSION = re.compile(r"user/\w+")
WITH_PKCE = ("browser", "native")
OWN_MEMBERS = frozenset(
    {
        "application_type",
        "grant_types",
        "response_types",
        "redirect_uris",
        "jwks",
        "dpop_bound_access_tokens",
    }
)


def list_apps(org: Org, call: Call) -> Answer:
    """Answer with one page of apps and two Link fields, `self` and `next`."""
    query = call.request.query
    _check_expansion(query)
    limit = parse_limit(query.get("limit", ""))
    apps = org.list_apps()
    fits, starts = _filter(org, query.get("filter")), query.get("q", "").lower()
    after = query.get("after")
    if after is not None:
        apps = _after(org, apps, after)
    found = [app for app in apps if fits(app) and _named(app, starts)]
    page, more = found[:limit], len(found) > limit
    links = [link(call.request, after, limit, "self")]
    if more:
        links.append(link(call.request, page[-1].id, limit, "next"))
    body = [render_app(org, app, call.request.base_url) for app in page]
    return render_json(body, headers=tuple(links))


def create_app(org: Org, call: Call) -> Answer:
    """Make an app; answers 200 and shows its client secret, as nothing else does later."""
    active = call.request.query.get("activate", "true") != "false"
    draft = _parse_draft(call.json_object(), active=active)
    if draft.client_id is not None:
        check_client_id(draft.client_id)
    org.check_room()
    app = org.create_app(draft, by=call.principal.name)
    call.client_id = app.client_id
    return render_json(render_app(org, app, call.request.base_url, reveal=True))


def read_app(org: Org, call: Call) -> Answer:
    """Answer with one app, without its client secret."""
    _check_expansion(call.request.query)
    app = org.read_app(call.params["appId"])
    call.client_id = app.client_id
    return render_json(render_app(org, app, call.request.base_url))


def replace_app(org: Org, call: Call) -> Answer:
    """Replace an app; shows its newest client secret, and its tokens end when it has changed."""
    old = org.read_app(call.params["appId"])
    body = _whole(call.json_object(), render_app(org, old, call.request.base_url))
    new = org.replace_app(old.id, _parse_draft(body, active=True), by=call.principal.name)
    call.client_id = new.client_id
    for secret in new.live_secrets:
        if secret not in old.live_secrets:
            call.secret_id, call.secret_hash = secret.id, secret.hash
    tell_replacement(org, old, new)
    return render_json(render_app(org, new, call.request.base_url, reveal=True))


def activate_app(org: Org, call: Call) -> Answer:
    """Activate an app."""
    call.client_id = org.activate_app(call.params["appId"]).client_id
    return render_json({})


def deactivate_app(org: Org, call: Call) -> Answer:
    """Deactivate an app."""
    call.client_id = org.deactivate_app(call.params["appId"]).client_id
    return render_json({})


def delete_app(org: Org, call: Call) -> Answer:
    """Delete an INACTIVE app."""
    call.client_id = org.delete_app(call.params["appId"]).client_id
    return Answer(204)


# --- one page ---------------------------------------------------------------------------------


def _check_expansion(query: Mapping[str, str]) -> None:
    """Refuse to expand anything but a user, of whose assignments there are none here."""
    if not EXPANSION.fullmatch(query.get("expand", "user/nobody")):
        raise refusals.invalid_parameter("expand")


def _filter(org: Org, expression: str | None) -> Callable[[App], bool]:
    if expression is None:
        return lambda app: True
    found = FILTER.fullmatch(expression)
    members: dict[str, Callable[[App], str]] = {
        "id": lambda app: app.id,
        "status": lambda app: app.status,
        "name": lambda app: "oidc_client",
        "credentials.signing.kid": lambda app: str(org.keys.signing.kid),
        "settings.slo.enabled": lambda app: "false",
    }
    if found is None or found[1] not in members:
        raise errors.invalid_filter()
    member, value = members[found[1]], found[2]
    return lambda app: member(app) == value


def _named(app: App, starts: str) -> bool:
    return app.label.lower().startswith(starts) or "oidc_client".startswith(starts)


def _after(org: Org, apps: list[App], cursor: str) -> list[App]:
    """Return the apps made after the cursor's app, which may have been deleted since."""
    order = [app.id for app in org.apps.values()]
    if cursor not in order:
        raise errors.invalid_cursor()
    seen = set(order[: order.index(cursor) + 1])
    return [app for app in apps if app.id not in seen]


# --- a new app --------------------------------------------------------------------------------


def _parse_draft(body: dict[str, Json], *, active: bool) -> AppDraft:
    if body.get("signOnMode") != "OPENID_CONNECT" or body.get("name") != "oidc_client":
        raise errors.validation_failed(
            "signOnMode", "signOnMode: only OPENID_CONNECT apps named oidc_client are emulated"
        )
    client = _object(_object(body.get("credentials")).get("oauthClient"))
    settings = _object(_object(body.get("settings")).get("oauthClient"))
    method = _text(client.get("token_endpoint_auth_method")) or "client_secret_basic"
    if method not in AUTH_METHODS:
        cause = "token_endpoint_auth_method: Invalid token endpoint authentication method."
        raise errors.validation_failed("token_endpoint_auth_method", cause)
    kind = _text(settings.get("application_type")) or "web"
    profile = body.get("profile")
    draft = AppDraft(
        label=_text(body.get("label")) or "",
        client_id=_text(client.get("client_id")),
        auth_method=method,
        application_type=kind,
        grant_types=_texts(settings.get("grant_types")) or None,
        response_types=_texts(settings.get("response_types")),
        redirect_uris=_texts(settings.get("redirect_uris")),
        pkce_required=_flag(
            client.get("pkce_required"), default=kind in WITH_PKCE or method == "none"
        ),
        dpop_bound=_flag(settings.get("dpop_bound_access_tokens"), default=False),
        jwks=_keys(settings.get("jwks")),
        extras=_extras(settings),
        profile=_object(profile) if profile is not None else None,
        secrets=(_secret(method, _text(client.get("client_secret"))),),
        active=active,
    )
    check_draft(draft)
    return draft


def _extras(settings: dict[str, Json]) -> dict[str, Json]:
    """Return the members that are kept only to be shown again."""
    own = {name for name in settings if name in OWN_MEMBERS}
    usual = {name for name, value in CLIENT_DEFAULTS.items() if settings.get(name) == value}
    return {name: value for name, value in settings.items() if name not in own | usual}


def _secret(method: str, value: str | None) -> str | None:
    """Return the client secret given, None for none and for an empty one."""
    if value and method == "private_key_jwt":
        raise errors.secret_unusable()
    return value or None


def _whole(body: dict[str, Json], old: dict[str, Json]) -> dict[str, Json]:
    """Return the body of a replacement; what it leaves out as a whole stays as it is.

    The name is Okta's to set, so that one given is ignored.
    """
    whole: dict[str, Json] = {**body, "name": "oidc_client"}
    for part in ("credentials", "settings"):
        given, kept = _object(body.get(part)), _object(old[part])
        whole[part] = {"oauthClient": given.get("oauthClient") or kept["oauthClient"]}
    return whole


def tell_replacement(org: Org, old: App, new: App) -> None:
    """Write what a replacement did; tokens end when it changed the client (Okta's OIDC pages)."""
    org.note_change("application.lifecycle.update", new)
    if replace(new, updated_at=old.updated_at) == old:
        return
    org.note_change("app.oauth2.client.lifecycle.update", new)
    org.tokens.revoke_client(new.client_id)
    before, after = _credentials(old), _credentials(new)
    for gone in [name for name in before if name not in after]:
        org.note_change("app.oauth2.credentials.lifecycle.delete", old, before[gone])
    for made in [name for name in after if name not in before]:
        org.note_change("app.oauth2.credentials.lifecycle.create", new, after[made])


def _credentials(app: App) -> dict[str, Secret | ClientKey]:
    # A client secret with another value, even under its old id, is one gone and one made.
    secrets = {f"{secret.id} {secret.hash}": secret for secret in app.live_secrets}
    return {**secrets, **{key.id: key for key in app.keys}}


def _object(value: Json) -> dict[str, Json]:
    if value is not None and not isinstance(value, dict):
        raise errors.malformed()
    return cast("dict[str, Json]", value or {})


def _text(value: Json) -> str | None:
    if value is not None and not isinstance(value, str):
        raise errors.malformed()
    return value


def _flag(value: Json, *, default: bool) -> bool:
    if value is not None and not isinstance(value, bool):
        raise errors.malformed()
    return default if value is None else value


def _texts(value: Json) -> tuple[str, ...]:
    if value is not None and not isinstance(value, list):
        raise errors.malformed()
    return tuple(_text(item) or "" for item in value or ())


def _keys(value: Json) -> tuple[dict[str, Json], ...]:
    keys = _object(value).get("keys") or ()
    if not isinstance(keys, list | tuple):
        raise errors.malformed()
    return tuple(_object(key) for key in keys)


ROUTES = (
    Route("GET", COLLECTION, list_apps, "management", "apps", READ),
    Route("POST", COLLECTION, create_app, "management", "apps", MANAGE),
    Route("GET", ONE, read_app, "management", "app", READ),
    Route("PUT", ONE, replace_app, "management", "app", MANAGE),
    Route("DELETE", ONE, delete_app, "management", "app", MANAGE),
    Route("POST", ONE + "/lifecycle/activate", activate_app, "management", "apps", MANAGE),
    Route("POST", ONE + "/lifecycle/deactivate", deactivate_app, "management", "apps", MANAGE),
)
