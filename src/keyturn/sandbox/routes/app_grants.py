"""Okta scopes granted to an app: `/api/v1/apps/{appId}/grants`."""

from dataclasses import replace

from keyturn.sandbox import errors
from keyturn.sandbox.http import Answer, Json, render_json
from keyturn.sandbox.oauth.okta_scopes import GRANTABLE
from keyturn.sandbox.principals import require_super_admin
from keyturn.sandbox.routing import Call, Route
from keyturn.sandbox.shapes.apps import render_time
from keyturn.sandbox.state.org import Org
from keyturn.sandbox.state.records import App, ScopeGrant

COLLECTION = "/api/v1/apps/{appId}/grants"
ONE = COLLECTION + "/{grantId}"
READ, MANAGE = "okta.appGrants.read", "okta.appGrants.manage"


def list_grants(org: Org, call: Call) -> Answer:
    """Answer with all grants, oldest first."""
    app = _read_app(org, call)
    return render_json([_render(org, call, app, grant) for grant in app.grants])


def grant_scope(org: Org, call: Call) -> Answer:
    """Grant a scope, as only a super admin may; the new grant shows its scope embedded."""
    app, scope = _read_app(org, call), _read_scope(call)
    require_super_admin(org, call.principal)
    if scope in app.granted_scopes:
        raise errors.value_taken("scopeId")
    (grant,) = org.make_grants((scope,), call.principal.user_id or call.principal.client_id or "")
    org.store_app(replace(app, grants=(*app.grants, grant)))
    org.note_change("app.oauth2.admin.consent.grant", app)
    return render_json(_render(org, call, app, grant, embed=True), 201)


def read_grant(org: Org, call: Call) -> Answer:
    """Answer with one grant."""
    app = _read_app(org, call)
    return render_json(_render(org, call, app, _find(app, call.params["grantId"])))


def revoke_grant(org: Org, call: Call) -> Answer:
    """Revoke a grant; access tokens that hold its scope live on."""
    app = _read_app(org, call)
    require_super_admin(org, call.principal)
    gone = _find(app, call.params["grantId"])
    org.store_app(replace(app, grants=tuple(grant for grant in app.grants if grant is not gone)))
    org.note_change("app.oauth2.admin.consent.revoke", app)
    return Answer(204)


def _read_app(org: Org, call: Call) -> App:
    app = org.read_app(call.params["appId"])
    call.client_id = app.client_id
    return app


def _read_scope(call: Call) -> str:
    body = call.json_object()
    for member in ("scopeId", "issuer"):
        if not body.get(member):
            raise errors.left_blank(member)
    scope = body["scopeId"]
    if str(body["issuer"]).rstrip("/") != call.request.base_url:
        raise errors.validation_failed("issuer", "issuer: Invalid issuer.")
    if not isinstance(scope, str) or scope not in GRANTABLE:
        raise errors.validation_failed("scopeId", "scopeId: Invalid scope.")
    return scope


def _find(app: App, grant_id: str) -> ScopeGrant:
    for grant in app.grants:
        if grant.id == grant_id:
            return grant
    raise errors.not_found(grant_id, "OAuth2ScopeConsentGrant")


def _render(
    org: Org, call: Call, app: App, grant: ScopeGrant, *, embed: bool = False
) -> dict[str, Json]:
    base_url = call.request.base_url
    href = f"{base_url}/api/v1/apps/{app.id}"
    at = render_time(grant.created_at)
    embed = embed or call.request.query.get("expand") == "scope"
    return {
        "id": grant.id,
        "status": "ACTIVE",
        "created": at,
        "createdBy": _render_grantor(org, grant),
        "lastUpdated": at,
        "issuer": base_url,
        "clientId": app.client_id,
        "scopeId": grant.scope,
        "source": "ADMIN",
        **({"_embedded": {"scope": {"id": grant.scope}}} if embed else {}),
        "_links": {
            "app": {"href": href, "title": app.label},
            "self": {
                "href": f"{href}/grants/{grant.id}",
                "hints": {"allow": ["GET", "DELETE"]},
            },
            "client": {
                "href": f"{base_url}/oauth2/v1/clients/{app.client_id}",
                "title": app.label,
            },
        },
    }


def _render_grantor(org: Org, grant: ScopeGrant) -> dict[str, Json]:
    """Return who granted; what was granted at the console is the first person's."""
    if org.find_client(grant.granted_by) is not None:
        return {"id": grant.granted_by, "type": "PublicClientApp"}
    known = grant.granted_by in org.users
    return {"id": grant.granted_by if known else next(iter(org.users)), "type": "User"}


ROUTES = (
    Route("GET", COLLECTION, list_grants, "management", "apps", READ),
    Route("POST", COLLECTION, grant_scope, "management", "apps", MANAGE),
    Route("GET", ONE, read_grant, "management", "apps", READ),
    Route("DELETE", ONE, revoke_grant, "management", "apps", MANAGE),
)
