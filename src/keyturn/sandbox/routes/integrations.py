"""API service integrations and their masked secrets: `/integrations/api/v1/api-services`."""

from keyturn.sandbox import errors
from keyturn.sandbox.http import Answer, Json, render_json
from keyturn.sandbox.oauth.okta_scopes import GRANTABLE, OPENID
from keyturn.sandbox.paging import MAX_LIMIT, cut_page
from keyturn.sandbox.routing import Call, Route
from keyturn.sandbox.shapes.apps import render_time
from keyturn.sandbox.state.directory import AppDraft
from keyturn.sandbox.state.org import Org
from keyturn.sandbox.state.records import App, Integration, Secret

COLLECTION = "/integrations/api/v1/api-services"
ONE = COLLECTION + "/{apiServiceId}"
SECRETS = ONE + "/credentials/secrets"
SECRET = SECRETS + "/{secretId}"
READ, MANAGE = "okta.oauthIntegrations.read", "okta.oauthIntegrations.manage"
SHOWN_LETTERS = 4


def list_integrations(org: Org, call: Call) -> Answer:
    """Answer with the integrations, oldest first, without any secret."""
    page = cut_page(call.request, org.list_integrations(), default=MAX_LIMIT)
    return render_json([_render(call, app) for app in page.items], headers=page.links)


def create_integration(org: Org, call: Call) -> Answer:
    """Authorise an integration; its first secret is shown in this answer and never again."""
    body = call.json_object()
    scopes, properties = _read_scopes(body.get("grantedScopes")), body.get("properties") or {}
    if not isinstance(properties, dict):
        raise errors.malformed()
    kind = body.get("type")
    if not kind or not isinstance(kind, str):
        raise errors.left_blank("type")
    draft = AppDraft(
        kind.replace("_", " ").title(),
        application_type="service",
        grant_types=("client_credentials",),
        response_types=("token",),
        granted_scopes=scopes,
        integration=Integration(kind, call.principal.user_id or "", properties),
    )
    app = org.create_app(draft, by=call.principal.name)
    call.client_id = app.client_id
    return render_json(_render(call, app, secret=app.live_secrets[0].value), 201)


def read_integration(org: Org, call: Call) -> Answer:
    """Answer with one integration, without its secret."""
    return render_json(_render(call, _read(org, call)))


def delete_integration(org: Org, call: Call) -> Answer:
    """Revoke an integration: its client, grants, secrets and tokens end."""
    app = org.delete_integration(call.params["apiServiceId"])
    call.client_id = app.client_id
    org.tokens.revoke_client(app.client_id)
    return Answer(204)


def list_secrets(org: Org, call: Call) -> Answer:
    """Answer with all client secrets, masked, oldest first."""
    app = _read(org, call)
    return render_json([_render_secret(call, app, secret) for secret in app.live_secrets])


def create_secret(org: Org, call: Call) -> Answer:
    """Make a client secret of Okta's choice, shown only now; a body is not looked at."""
    app = _read(org, call)
    secret = org.create_secret(app.id, by=call.principal.name)
    call.secret_hash = secret.hash
    return _answer(call, app, secret, reveal=True)


def activate_secret(org: Org, call: Call) -> Answer:
    """Activate and answer with the masked object."""
    app = _read(org, call)
    return _answer(call, app, org.activate_secret(app.id, call.params["secretId"]))


def deactivate_secret(org: Org, call: Call) -> Answer:
    """Deactivate and answer with the masked object."""
    app = _read(org, call)
    return _answer(call, app, org.deactivate_secret(app.id, call.params["secretId"]))


def delete_secret(org: Org, call: Call) -> Answer:
    """Delete an INACTIVE client secret."""
    app = _read(org, call)
    call.secret_id = org.delete_secret(app.id, call.params["secretId"]).id
    return Answer(204)


def _read(org: Org, call: Call) -> App:
    app = org.read_integration(call.params["apiServiceId"])
    call.client_id = app.client_id
    return app


def _read_scopes(value: Json) -> tuple[str, ...]:
    if not value or not isinstance(value, list):
        raise errors.left_blank("grantedScopes")
    scopes = [scope for scope in value if isinstance(scope, str) and scope != OPENID]
    if len(scopes) < len(value) or not GRANTABLE.issuperset(scopes):
        raise errors.validation_failed("grantedScopes", "grantedScopes: Invalid scope.")
    return tuple(dict.fromkeys(scopes))


def _answer(call: Call, app: App, secret: Secret, *, reveal: bool = False) -> Answer:
    call.secret_id = secret.id
    return render_json(_render_secret(call, app, secret, reveal=reveal), 201 if reveal else 200)


def _render(call: Call, app: App, *, secret: str | None = None) -> dict[str, Json]:
    base_url, kept = call.request.base_url, app.integration or Integration("", "")
    dashed = kept.type.replace("_", "-")
    return {
        "id": app.id,
        "type": kept.type,
        "name": app.label,
        "createdAt": render_time(app.created_at),
        "createdBy": kept.created_by,
        **({} if secret is None else {"clientSecret": secret}),
        "configGuideUrl": f"{base_url}/docs/{dashed}/configuration-guide",
        "grantedScopes": list(app.granted_scopes),
        **({"properties": kept.properties} if kept.properties else {}),
        "_links": {
            "self": {
                "href": f"{base_url}{COLLECTION}/{app.id}",
                "hints": {"allow": ["GET", "DELETE"]},
            },
            "client": {
                "href": f"{base_url}/oauth2/v1/clients/{app.client_id}",
                "hints": {"allow": ["GET"]},
            },
            "logo": {"name": "small", "href": f"{base_url}/assets/logos/{kept.type}_small_logo"},
        },
    }


def _render_secret(
    call: Call, app: App, secret: Secret, *, reveal: bool = False
) -> dict[str, Json]:
    base_url = call.request.base_url
    href = f"{base_url}{COLLECTION}/{app.id}/credentials/secrets/{secret.id}"
    post: dict[str, Json] = {"hints": {"allow": ["POST"]}}
    links: dict[str, Json] = {"deactivate": {"href": f"{href}/lifecycle/deactivate", **post}}
    if secret.status == "INACTIVE":
        links = {
            "activate": {"href": f"{href}/lifecycle/activate", **post},
            "delete": {"href": href, "hints": {"allow": ["DELETE"]}},
        }
    return {
        "id": secret.id,
        "status": secret.status,
        "client_secret": secret.value if reveal else "***" + secret.value[-SHOWN_LETTERS:],
        "secret_hash": secret.hash,
        "created": render_time(secret.created_at),
        "lastUpdated": render_time(secret.updated_at),
        "_links": links,
    }


ROUTES = (
    Route("GET", COLLECTION, list_integrations, "management", "api", READ),
    Route("POST", COLLECTION, create_integration, "management", "api", MANAGE),
    Route("GET", ONE, read_integration, "management", "api", READ),
    Route("DELETE", ONE, delete_integration, "management", "api", MANAGE),
    Route("GET", SECRETS, list_secrets, "management", "api", READ),
    Route("POST", SECRETS, create_secret, "management", "api", MANAGE),
    Route("DELETE", SECRET, delete_secret, "management", "api", MANAGE),
    Route("POST", SECRET + "/lifecycle/activate", activate_secret, "management", "api", MANAGE),
    Route("POST", SECRET + "/lifecycle/deactivate", deactivate_secret, "management", "api", MANAGE),
)
