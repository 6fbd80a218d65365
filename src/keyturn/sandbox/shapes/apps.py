"""How apps and client secrets look in answers, member order as recorded."""

from datetime import UTC, datetime
from functools import lru_cache

from keyturn.sandbox.http import Json
from keyturn.sandbox.state.org import Org
from keyturn.sandbox.state.records import SECRET_METHODS, App, ClientKey, Secret

CLIENT_DEFAULTS: dict[str, Json] = {
    "issuer_mode": "DYNAMIC",
    "idp_initiated_login": {"mode": "DISABLED", "default_scope": []},
    "wildcard_redirect": "DISABLED",
}


@lru_cache(maxsize=4096)
def render_time(at: datetime) -> str:
    """Return a moment as Okta writes it: whole seconds, three zeros, Z."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def render_secret(app: App, secret: Secret, base_url: str) -> dict[str, Json]:
    """Return a client secret, clear value included, with the links its status allows."""
    href = f"{base_url}/api/v1/apps/{app.id}/credentials/secrets/{secret.id}"
    links: dict[str, Json] = {"deactivate": _link(f"{href}/lifecycle/deactivate", "POST")}
    if secret.status == "INACTIVE":
        links = {
            "activate": _link(f"{href}/lifecycle/activate", "POST"),
            "delete": _link(href, "DELETE"),
        }
    return {
        "id": secret.id,
        "created": render_time(secret.created_at),
        "lastUpdated": render_time(secret.updated_at),
        "status": secret.status,
        "client_secret": secret.value,
        "secret_hash": secret.hash,
        "_links": links,
    }


def render_key(app: App, key: ClientKey, base_url: str) -> dict[str, Json]:
    """Return a public key with the links its status and use allow."""
    href = f"{base_url}/api/v1/apps/{app.id}/credentials/jwks/{key.id}"
    links: dict[str, Json] = {"deactivate": _link(f"{href}/lifecycle/deactivate", "POST")}
    if key.status == "INACTIVE":
        links = {
            "activate": _link(f"{href}/lifecycle/activate", "POST"),
            "delete": _link(href, "DELETE"),
        }
    elif key.encrypts:
        links = {}
    return {
        "id": key.id,
        **key.jwk,
        "status": key.status,
        "created": render_time(key.created_at),
        "lastUpdated": render_time(key.updated_at),
        **({"_links": links} if links else {}),
    }


def _render_embedded_key(key: ClientKey) -> dict[str, Json]:
    return {"id": key.id, **key.jwk, "use": key.jwk.get("use"), "status": key.status}


def render_app(org: Org, app: App, base_url: str, *, reveal: bool = False) -> dict[str, Json]:
    """Return an app; `reveal` adds its newest client secret, as only creation does."""
    return {
        "id": app.id,
        "orn": f"orn:okta:idp:{org.seeded.org_id}:apps:oidc_client:{app.id}",
        "name": "oidc_client",
        "label": app.label,
        "status": app.status,
        "lastUpdated": render_time(app.updated_at),
        "created": render_time(app.created_at),
        "accessibility": {
            "selfService": False,
            "errorRedirectUrl": None,
            "loginRedirectUrl": None,
        },
        "visibility": {
            "autoLaunch": False,
            "autoSubmitToolbar": False,
            "hide": {"iOS": True, "web": True},
            "appLinks": {"oidc_client_link": True},
        },
        "features": [],
        "signOnMode": "OPENID_CONNECT",
        "credentials": {
            "userNameTemplate": {"template": "${source.login}", "type": "BUILT_IN"},
            "signing": {"kid": str(org.keys.signing.kid)},
            "oauthClient": _render_oauth_client(app, reveal=reveal),
        },
        "universalLogout": None,
        "settings": _render_settings(app),
        **({} if app.profile is None else {"profile": app.profile}),
        "_links": _render_links(app, base_url),
    }


def _render_oauth_client(app: App, *, reveal: bool) -> dict[str, Json]:
    secrets = app.live_secrets if reveal and app.auth_method in SECRET_METHODS else ()
    shown: dict[str, Json] = {"client_secret": secrets[-1].value} if secrets else {}
    return {
        "autoKeyRotation": True,
        "client_id": app.client_id,
        **shown,
        "token_endpoint_auth_method": app.auth_method,
        "pkce_required": app.pkce_required,
    }


def _render_settings(app: App) -> dict[str, Json]:
    return {
        "app": {},
        "notifications": {
            "vpn": {"network": {"connection": "DISABLED"}, "message": None, "helpUrl": None}
        },
        "manualProvisioning": False,
        "implicitAssignment": False,
        "notes": {"admin": None, "enduser": None},
        "emOptInStatus": "DISABLED",
        "oauthClient": {
            **app.extras,
            "redirect_uris": list(app.redirect_uris),
            "response_types": list(app.response_types),
            "grant_types": list(app.grant_types),
            **({"jwks": {"keys": [_render_embedded_key(k) for k in app.keys]}} if app.keys else {}),
            "application_type": app.application_type,
            **{name: app.extras.get(name, value) for name, value in CLIENT_DEFAULTS.items()},
            "dpop_bound_access_tokens": app.dpop_bound,
        },
    }


def _render_links(app: App, base_url: str) -> dict[str, Json]:
    href = f"{base_url}/api/v1/apps/{app.id}"
    step = "deactivate" if app.status == "ACTIVE" else "activate"
    return {
        "uploadLogo": _link(f"{href}/logo", "POST"),
        "appLinks": [],
        "groups": {"href": f"{href}/groups"},
        "logo": [],
        "clientCredentials": [{"name": "secrets", "href": f"{href}/credentials/secrets"}],
        "users": {"href": f"{href}/users"},
        step: {"href": f"{href}/lifecycle/{step}"},
    }


def _link(href: str, method: str) -> dict[str, Json]:
    return {"href": href, "hints": {"allow": [method]}}
