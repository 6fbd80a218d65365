"""One id and one log line a request; the outermost layer, and the only wide net of the API.

The id is the caller's own where it has sent one that is well-formed (``X-Request-Id``). It stands
in the answer, in the body of an error and in every line that is logged meanwhile. Logged are the
method, the pattern of the route, the status, the time taken and the caller: never a path, a query,
another header or a body, because each of them may carry what nobody may read.
"""

import re
from collections.abc import Mapping
from typing import Final

import structlog
from fastapi import Request
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars

from keyturn.api.problems import unexpected
from keyturn.services.ports import About, Counted, World

ID_SENT: Final = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._-]{7,127}")
"""What is taken for a request id: a UUID, a trace id, and what proxies make of either."""


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
        sent = dict(scope["headers"])
        request_id = self._id_of(sent)
        scope.setdefault("state", {})["request_id"] = request_id
        parent = sent.get(b"traceparent", b"").decode("latin-1")
        about = {"http.request.method": scope["method"], "keyturn.request_id": request_id}
        tracer = self._world.vitals.tracer
        bind_contextvars(req_id=request_id)  # for good: a request has a task of its own
        with tracer.span(scope["method"], about, parent=parent, serves=True) as span:
            status = await self._serve(scope, receive, send, request_id)
            route = _route(scope)
            told: About = {"http.response.status_code": status, "http.route": route or ""}
            span.tell(told, name=f"{scope['method']} {route}" if route else "")

    def _id_of(self, sent: Mapping[bytes, bytes]) -> str:
        """Return the id that a request brings, or a new one."""
        brought = sent.get(b"x-request-id", b"")
        known = ID_SENT.fullmatch(brought)
        return brought.decode("ascii") if known else self._world.chance.uuid()

    async def _serve(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> int:
        """Have a request answered, log it, and return its status; 0 for none."""
        started_s = self._world.clock.uptime_s()
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
        took_s = self._world.clock.uptime_s() - started_s
        self._world.vitals.served_s += took_s
        self._world.vitals.count(Counted.REQUESTS, f"{status // 100}xx" if status else "gone")
        # A plain read has its entry in the audit log; thousands a second need no line besides.
        tell = self._log.debug if scope["state"].get("plain") else self._log.info
        tell(
            "request",
            method=scope["method"],
            route=_route(scope),
            status=status,
            ms=round(took_s * 1000, 1),
            req_id=request_id,
            caller=scope["state"].get("caller_id"),
        )
        return status


def _route(scope: Scope) -> str | None:
    """Return the pattern of the route that was found, with the prefix of its room.

    A route that several rooms share knows no prefix of its own; FastAPI keeps it in the scope.
    """
    shared = scope.get("fastapi", {}).get("effective_route_context")
    return getattr(shared or scope.get("route"), "path", None)
