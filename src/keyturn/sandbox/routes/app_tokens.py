"""Refresh tokens of an app as admins see them: `/api/v1/apps/{appId}/tokens`."""

from keyturn.sandbox import errors
from keyturn.sandbox.http import Answer, Json, render_json
from keyturn.sandbox.paging import cut_page
from keyturn.sandbox.routing import Call, Route
from keyturn.sandbox.shapes.apps import render_time
from keyturn.sandbox.state.org import Org
from keyturn.sandbox.state.parties import app_party
from keyturn.sandbox.state.records import App
from keyturn.sandbox.state.systemlog import NOBODY, Party
from keyturn.sandbox.state.tokens import RefreshToken

COLLECTION = "/api/v1/apps/{appId}/tokens"
ONE = COLLECTION + "/{tokenId}"
READ, MANAGE = "okta.apps.read", "okta.apps.manage"


def list_tokens(org: Org, call: Call) -> Answer:
    """Answer with one page of the refresh tokens that are still good, oldest first."""
    app = _read_app(org, call)
    page = cut_page(call.request, org.tokens.list_refresh(app.client_id, org.now()))
    body = [_render(org, call, app, token) for token in page.items]
    return render_json(body, headers=page.links)


def read_token(org: Org, call: Call) -> Answer:
    """Answer with one refresh token."""
    app = _read_app(org, call)
    return render_json(_render(org, call, app, _find(org, call, app)))


def revoke_token(org: Org, call: Call) -> Answer:
    """Revoke one refresh token, and the access tokens that came of it."""
    app = _read_app(org, call)
    _revoke(org, app, _find(org, call, app))
    return Answer(204)


def revoke_tokens(org: Org, call: Call) -> Answer:
    """Revoke all refresh tokens; access tokens issued without one live on."""
    app = _read_app(org, call)
    for token in org.tokens.list_refresh(app.client_id, org.now()):
        _revoke(org, app, token)
    return Answer(204)


def _read_app(org: Org, call: Call) -> App:
    app = org.read_app(call.params["appId"])
    call.client_id = app.client_id
    return app


def _find(org: Org, call: Call, app: App) -> RefreshToken:
    token_id = call.params["tokenId"]
    for token in org.tokens.list_refresh(app.client_id, org.now()):
        if token.id == token_id:
            return token
    raise errors.not_found(f"{app.id}.{token_id}", "OAuth2RefreshTokenTx")


def _revoke(org: Org, app: App, token: RefreshToken) -> None:
    org.tokens.revoke(token.value)
    own = "app.oauth2.token.revoke" if token.server is None else "app.oauth2.as.token.revoke"
    org.tell(own, NOBODY, app_party(app), Party(token.id, "refresh_token", "Refresh Token"))


def _render(org: Org, call: Call, app: App, token: RefreshToken) -> dict[str, Json]:
    base_url = call.request.base_url
    href = f"{base_url}/api/v1/apps/{app.id}"
    at = render_time(token.login_at)
    expand = call.request.query.get("expand") == "scope"
    return {
        "id": token.id,
        "status": "ACTIVE",
        "created": at,
        "lastUpdated": at,
        "expiresAt": render_time(token.expires_at),
        "issuer": base_url if token.server is None else f"{base_url}/oauth2/{token.server}",
        "clientId": app.client_id,
        "userId": token.user_id,
        "scopes": list(token.scopes),
        **({"_embedded": {"scopes": [{"name": name} for name in token.scopes]}} if expand else {}),
        "_links": {
            "app": {"href": href, "title": app.label},
            "self": {"href": f"{href}/tokens/{token.id}"},
            "revoke": {"href": f"{href}/tokens/{token.id}", "hints": {"allow": ["DELETE"]}},
            "client": {
                "href": f"{base_url}/oauth2/v1/clients/{app.client_id}",
                "title": app.label,
            },
            "user": _render_user_link(org, base_url, token.user_id),
            **_render_server_link(base_url, token),
        },
    }


def _render_user_link(org: Org, base_url: str, user_id: str) -> dict[str, Json]:
    user = org.users.get(user_id)
    title = f"{user.first_name} {user.last_name}" if user else ""
    return {"href": f"{base_url}/api/v1/users/{user_id}", "title": title}


def _render_server_link(base_url: str, token: RefreshToken) -> dict[str, Json]:
    if token.server is None:
        return {}
    href = f"{base_url}/api/v1/authorizationServers/{token.server}"
    return {"authorizationServer": {"href": href}}


ROUTES = (
    Route("GET", COLLECTION, list_tokens, "management", "apps", READ),
    Route("DELETE", COLLECTION, revoke_tokens, "management", "apps", MANAGE),
    Route("GET", ONE, read_token, "management", "apps", READ),
    Route("DELETE", ONE, revoke_token, "management", "apps", MANAGE),
)
