"""The way to an ASGI application in the same process, for fakes and simulations.

Carries whole requests and whole answers: nothing is streamed, and who asks never hangs up.
"""

import httpx2
from starlette.types import ASGIApp, Message, Scope


class AppTransport(httpx2.AsyncBaseTransport):
    """Bring requests to an application; what it raises is raised to the one who asks."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Return what the application answers."""
        asked: list[Message] = [{"type": "http.request", "body": await request.aread()}]
        told: list[Message] = []

        async def receive() -> Message:
            return asked.pop() if asked else {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            told.append(message)

        await self._app(_scope(request), receive, send)
        head, *parts = told
        body = b"".join(part.get("body", b"") for part in parts)
        stream = httpx2.ByteStream(body)  # as what comes from afar: no header is added
        response = httpx2.Response(head["status"], headers=head["headers"], stream=stream)
        response.headers.encoding = "iso-8859-1"
        response.read()
        return response


def _scope(request: httpx2.Request) -> Scope:
    url = request.url
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": url.scheme,
        "path": url.path,
        "query_string": url.query,
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "client": ("127.0.0.1", 123),
    }
