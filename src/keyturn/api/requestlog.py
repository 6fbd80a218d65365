"""One id and one log line a request; the outermost layer, and the only wide net of the API.

Logged are the method, the pattern of the route, the status, the time taken and the caller: never
a path, a query, a header or a body, because each of them may carry what nobody may read.
"""

import structlog
from fastapi import Request
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from keyturn.api.problems import unexpected
from keyturn.services.ports import World


class RequestLog:
    """Name each request, answer it even where our code fails, and log it."""

    def __init__(self, app: ASGIApp, world: World) -> None:
        self._app = app
        self._world = world
        self._log = structlog.get_logger("keyturn.api").bind()  # once: it costs as much as a line

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started_s = self._world.clock.uptime_s()
        request_id = self._world.chance.uuid()
        scope.setdefault("state", {})["request_id"] = request_id
        status = 0

        async def send_named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], (b"x-request-id", request_id.encode())]
                if not any(name == b"cache-control" for name, _ in message["headers"]):
                    message["headers"].append((b"cache-control", b"no-store"))
            await send(message)

        try:
            await self._app(scope, receive, send_named)
        except ClientDisconnect:
            pass  # nobody is left to be answered: the line has status 0
        except Exception as error:  # noqa: BLE001 # the one wide net: its text is never logged
            answer = unexpected(Request(scope), error)
            if not status:
                await answer(scope, receive, send_named)
        # A plain read has its entry in the audit log; thousands a second need no line besides.
        tell = self._log.debug if scope["state"].get("plain") else self._log.info
        tell(
            "request",
            method=scope["method"],
            route=_route(scope),
            status=status,
            ms=round((self._world.clock.uptime_s() - started_s) * 1000, 1),
            req_id=request_id,
            caller=scope["state"].get("caller_id"),
        )


def _route(scope: Scope) -> str | None:
    """Return the pattern of the route that was found, with the prefix of its room.

    A route that several rooms share knows no prefix of its own; FastAPI keeps it in the scope.
    """
    shared = scope.get("fastapi", {}).get("effective_route_context")
    return getattr(shared or scope.get("route"), "path", None)
