"""Custom authorization servers and their scopes: `/api/v1/authorizationServers`."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from keyturn.sandbox import errors
from keyturn.sandbox.http import Answer, Json, render_json
from keyturn.sandbox.paging import MAX_LIMIT, cut_page
from keyturn.sandbox.routing import Call, Route
from keyturn.sandbox.shapes.apps import render_time
from keyturn.sandbox.state.keys import render_public
from keyturn.sandbox.state.org import Org
from keyturn.sandbox.state.parties import caller_party
from keyturn.sandbox.state.servers import AuthorizationServer, Scope, parse_consent
from keyturn.sandbox.state.systemlog import Party

COLLECTION = "/api/v1/authorizationServers"
ONE = COLLECTION + "/{authServerId}"
SCOPES, KEYS = ONE + "/scopes", ONE + "/credentials/keys"
READ, MANAGE = "okta.authorizationServers.read", "okta.authorizationServers.manage"
KEY_LIFETIME = timedelta(days=90)
PUBLISH = ("NO_CLIENTS", "ALL_CLIENTS")


def list_servers(org: Org, call: Call) -> Answer:
    """Answer with a page of servers; `q` is found in a name or an audience."""
    wanted = call.request.query.get("q", "")
    servers = [s for s in org.servers.list() if wanted in s.name or wanted in s.audience]
    page = cut_page(call.request, servers, default=MAX_LIMIT)
    rendered = [_render(org, server, call.request.base_url) for server in page.items]
    return render_json(rendered, headers=page.links)


def read_server(org: Org, call: Call) -> Answer:
    """Answer with one server."""
    server = org.servers.read(call.params["authServerId"])
    return render_json(_render(org, server, call.request.base_url))


def create_server(org: Org, call: Call) -> Answer:
    """Make a server with one audience and the scopes of OpenID Connect."""
    members = call.json_object()
    audiences = members.get("audiences")
    if not isinstance(audiences, list) or not all(isinstance(a, str) and a for a in audiences):
        audiences = []
    if len(audiences) != 1:
        raise errors.validation_failed(
            "audiences", "audiences: Only one audience is supported, and it is required"
        )
    server = org.servers.create(
        _text(members, "name"),
        str(audiences[0]),
        org.now(),
        description=str(members.get("description") or ""),
    )
    target = Party(server.id, "AuthorizationServer", server.name)
    org.tell("oauth2.as.created", caller_party(org, call.principal), target)
    return render_json(_render(org, server, call.request.base_url), 201)


def list_scopes(org: Org, call: Call) -> Answer:
    """Answer with a page of a server's scopes; `q` is found in a name."""
    server, wanted = org.servers.read(call.params["authServerId"]), call.request.query.get("q", "")
    scopes = [scope for scope in server.scopes if wanted in scope.name]
    page = cut_page(call.request, scopes, default=MAX_LIMIT)
    href = f"{call.request.base_url}{COLLECTION}/{server.id}/scopes"
    return render_json([_render_scope(s, href) for s in page.items], headers=page.links)


def create_scope(org: Org, call: Call) -> Answer:
    """Add a scope to a server."""
    server, members = org.servers.read(call.params["authServerId"]), call.json_object()
    publish = members.get("metadataPublish") or PUBLISH[0]
    if publish not in PUBLISH:
        cause = "metadataPublish: Must be one of: " + ", ".join(PUBLISH)
        raise errors.validation_failed("metadataPublish", cause)
    scope = org.servers.add_scope(
        server.id,
        _text(members, "name"),
        description=str(members.get("description") or ""),
        display_name=str(members.get("displayName") or ""),
        consent=parse_consent(members.get("consent")),
        default=members.get("default") is True,
        optional=members.get("optional") is True,
        published=publish == PUBLISH[1],
    )
    target = Party(scope.id, "OAuth2Scope", scope.name)
    org.tell("oauth2.scope.created", caller_party(org, call.principal), target)
    href = f"{call.request.base_url}{COLLECTION}/{server.id}/scopes"
    return render_json(_render_scope(scope, href), 201)


def list_keys(org: Org, call: Call) -> Answer:
    """Answer with the key that signs a server's tokens."""
    server = org.servers.read(call.params["authServerId"])
    key = render_public(org.keys.signing)
    href = f"{call.request.base_url}{COLLECTION}/{server.id}/credentials/keys/{key['kid']}"
    return render_json([{"status": "ACTIVE", **key, "_links": {"self": _link(href, "GET")}}])


def _text(members: Mapping[str, Json], name: str) -> str:
    value = members.get(name)
    if not isinstance(value, str) or not value:
        raise errors.validation_failed(name, f"{name}: The field cannot be left blank")
    return value


# --- rendering ----------------------------------------------------------------------------------


def _render(org: Org, server: AuthorizationServer, base_url: str) -> dict[str, Json]:
    return {
        "id": server.id,
        "name": server.name,
        "description": server.description,
        "audiences": [server.audience],
        "issuer": f"{base_url}/oauth2/{server.id}",
        "issuerMode": "ORG_URL",
        "status": server.status,
        "created": render_time(server.created_at),
        "lastUpdated": render_time(server.updated_at),
        "credentials": {"signing": _render_signing(org, server.created_at)},
        "_links": _render_links(server, base_url),
    }


def _render_signing(org: Org, since: datetime) -> dict[str, Json]:
    return {
        "rotationMode": "AUTO",
        "lastRotated": render_time(since),
        "nextRotation": render_time(since + KEY_LIFETIME),
        "kid": str(org.keys.signing.kid),
    }


def _render_links(server: AuthorizationServer, base_url: str) -> dict[str, Json]:
    href, issuer = f"{base_url}{COLLECTION}/{server.id}", f"{base_url}/oauth2/{server.id}"
    names = ("oauth-authorization-server", "openid-configuration")
    step = "deactivate" if server.status == "ACTIVE" else "activate"
    metadata: list[Json] = [
        {"name": name, **_link(f"{issuer}/.well-known/{name}", "GET")} for name in names
    ]
    return {
        **{part: _link(f"{href}/{part}", "GET") for part in ("scopes", "claims", "policies")},
        "self": _link(href, "GET", "DELETE", "PUT"),
        "metadata": metadata,
        "rotateKey": _link(f"{href}/credentials/lifecycle/keyRotate", "POST"),
        step: _link(f"{href}/lifecycle/{step}", "POST"),
    }


def _render_scope(scope: Scope, href: str) -> dict[str, Json]:
    return {
        "id": scope.id,
        "name": scope.name,
        **({"description": scope.description} if scope.description else {}),
        **({"displayName": scope.display_name} if scope.display_name else {}),
        "system": scope.system,
        "default": scope.default,
        "consent": scope.consent,
        "optional": scope.optional,
        "metadataPublish": PUBLISH[scope.published],
        "_links": {"self": _link(f"{href}/{scope.id}", "GET", "PUT", "DELETE")},
    }


def _link(href: str, *methods: str) -> dict[str, Json]:
    return {"href": href, "hints": {"allow": list(methods)}}


ROUTES = (
    Route("GET", COLLECTION, list_servers, "management", "api", READ),
    Route("POST", COLLECTION, create_server, "management", "api", MANAGE),
    Route("GET", ONE, read_server, "management", "api", READ),
    Route("GET", SCOPES, list_scopes, "management", "api", READ),
    Route("POST", SCOPES, create_scope, "management", "api", MANAGE),
    Route("GET", KEYS, list_keys, "management", "api", READ),
)
