"""Somebody else at the console: what custom authorization servers allow."""

from datetime import timedelta

from keyturn.sandbox.controls.operation import (
    Body,
    Operation,
    Params,
    read_flag,
    read_number,
    refuse_unknown,
)
from keyturn.sandbox.http import Json, Request
from keyturn.sandbox.state.org import Org
from keyturn.sandbox.state.servers import (
    LONGEST_ACCESS,
    LONGEST_IDLE,
    SHORTEST_ACCESS,
    SHORTEST_IDLE,
    AuthorizationServer,
)


def _list_servers(org: Org, request: Request, params: Params, body: Body) -> Json:
    return {"servers": [_render(server) for server in org.servers.list()]}


def _change_server(org: Org, request: Request, params: Params, body: Body) -> Json:
    refuse_unknown(body, "access_lifetime_s", "refresh_idle_s", "active")
    server = org.servers.read(params["serverId"])
    access = _read_lifetime(body, "access_lifetime_s", SHORTEST_ACCESS, LONGEST_ACCESS)
    idle = _read_lifetime(body, "refresh_idle_s", SHORTEST_IDLE, LONGEST_IDLE)
    active = read_flag(body, "active") if "active" in body else server.status == "ACTIVE"
    org.servers.change_lifetimes(server.id, access=access, idle=idle)
    return _render(org.servers.change_status(server.id, active=active))


def _read_lifetime(body: Body, name: str, least: timedelta, most: timedelta) -> timedelta | None:
    if name not in body:
        return None
    seconds = read_number(body, name, least.total_seconds(), most.total_seconds())
    return timedelta(seconds=seconds)


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
        "Change a server: `access_lifetime_s` (300 to 86400), `refresh_idle_s` (600 to "
        "157680000), `active`.",
    ),
)
