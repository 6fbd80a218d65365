"""Apps: `/api/v1/apps`, their lifecycle and deletion."""

import re
from collections.abc import Callable
from typing import cast
from urllib.parse import urlencode

from keyturn.sandbox import errors
from keyturn.sandbox.directory import AppDraft
from keyturn.sandbox.http import Answer, Header, Json, Request, render_json
from keyturn.sandbox.org import Org
from keyturn.sandbox.records import AUTH_METHODS, SECRET_METHODS, App
from keyturn.sandbox.render import render_app
from keyturn.sandbox.routing import Call, Route

COLLECTION = "/api/v1/apps"
ONE = COLLECTION + "/{appId}"
READ, MANAGE = "okta.apps.read", "okta.apps.manage"
DEFAULT_LIMIT, MAX_LIMIT = 20, 200
FILTER = re.compile(r'\s*([\w.]+)\s+eq\s+"([^"]*)"\s*')
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
    limit = _limit(query.get("limit", ""))
    apps = org.list_apps(call.as_of)
    fits, starts = _filter(org, query.get("filter")), query.get("q", "").lower()
    after = query.get("after")
    if after is not None:
        apps = _after(org, apps, after)
    found = [app for app in apps if fits(app) and _named(app, starts)]
    page, more = found[:limit], len(found) > limit
    links = [_link(call.request, after, limit, "self")]
    if more:
        links.append(_link(call.request, page[-1].id, limit, "next"))
    body = [render_app(org, app, call.request.base_url) for app in page]
    return render_json(body, headers=tuple(links))


def create_app(org: Org, call: Call) -> Answer:
    """Make an app; answers 200 and shows its client secret, as nothing else does later."""
    active = call.request.query.get("activate", "true") != "false"
    app = org.create_app(_parse_draft(call.json_object(), active=active), by=call.principal.name)
    call.client_id = app.client_id
    return render_json(render_app(org, app, call.request.base_url, reveal=True))


def read_app(org: Org, call: Call) -> Answer:
    """Answer with one app, without its client secret."""
    app = org.read_app(call.params["appId"], call.as_of)
    call.client_id = app.client_id
    return render_json(render_app(org, app, call.request.base_url))


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


def _limit(text: str) -> int:
    if not re.fullmatch(r"-?\d+", text or "-1"):
        raise errors.validation_failed("RequestParams", "limit: must be a number")
    limit = int(text or -1)
    return min(limit, MAX_LIMIT) if limit > 0 else DEFAULT_LIMIT


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


def _link(request: Request, after: str | None, limit: int, relation: str) -> Header:
    given = {"after": after, "limit": str(limit)}
    given |= {name: request.query.get(name) for name in ("q", "filter")}
    query = urlencode({name: value for name, value in given.items() if value is not None})
    return "link", f'<{request.url}?{query}>; rel="{relation}"'


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
    profile = body.get("profile")
    return AppDraft(
        label=_text(body.get("label")) or "",
        client_id=_text(client.get("client_id")),
        auth_method=method,
        application_type=_text(settings.get("application_type")) or "web",
        grant_types=_texts(settings.get("grant_types")) or None,
        response_types=_texts(settings.get("response_types")),
        redirect_uris=_texts(settings.get("redirect_uris")),
        pkce_required=client.get("pkce_required") is True,
        dpop_bound=settings.get("dpop_bound_access_tokens") is True,
        jwks=_keys(settings.get("jwks")),
        extras={name: value for name, value in settings.items() if name not in OWN_MEMBERS},
        profile=_object(profile) if profile is not None else None,
        secrets=(_text(client.get("client_secret")),) if method in SECRET_METHODS else (),
        active=active,
    )


def _object(value: Json) -> dict[str, Json]:
    if value is not None and not isinstance(value, dict):
        raise errors.malformed()
    return cast("dict[str, Json]", value or {})


def _text(value: Json) -> str | None:
    if value is not None and not isinstance(value, str):
        raise errors.malformed()
    return value


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
    Route("DELETE", ONE, delete_app, "management", "app", MANAGE),
    Route("POST", ONE + "/lifecycle/activate", activate_app, "management", "apps", MANAGE),
    Route("POST", ONE + "/lifecycle/deactivate", deactivate_app, "management", "apps", MANAGE),
)
