"""Somebody else at the console: what custom authorization servers allow."""

from datetime import timedelta

from keyturn.sandbox.controls.operation import (
    Body,
    Operation,
    Params,
    read_number,
    refuse_unknown,
)
from keyturn.sandbox.http import Json, Request
from keyturn.sandbox.org import Org
from keyturn.sandbox.servers import AuthorizationServer


def _list_servers(org: Org, request: Request, params: Params, body: Body) -> Json:
    return {"servers": [_render(server) for server in org.servers.list()]}


def _change_server(org: Org, request: Request, params: Params, body: Body) -> Json:
    refuse_unknown(body, "access_lifetime_s", "refresh_idle_s", "active")
    server_id = params["serverId"]
    server = org.servers.change_lifetimes(
        server_id, access=_seconds(body, "access_lifetime_s"), idle=_seconds(body, "refresh_idle_s")
    )
    if "active" in body:
        server = org.servers.change_status(server_id, active=body["active"] is not False)
    return _render(server)


def _seconds(body: Body, name: str) -> timedelta | None:
    return timedelta(seconds=read_number(body, name)) if name in body else None


def _render(server: AuthorizationServer) -> dict[str, Json]:
    return {
        "id": server.id,
        "audience": server.audience,
        "status": server.status,
        "access_lifetime_s": int(server.access_lifetime.total_seconds()),
        "refresh_idle_s": int(server.refresh_idle.total_seconds()),
        "scopes": [scope.name for scope in server.scopes],
    }


OPERATIONS = (
    Operation("GET", "/authorization-servers", _list_servers, "The custom authorization servers."),
    Operation(
        "POST",
        "/authorization-servers/{serverId}",
        _change_server,
        "Change a server: `access_lifetime_s` (300 to 86400), `refresh_idle_s`, `active`.",
    ),
)
