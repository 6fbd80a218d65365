"""A path with a slash at its end is the same path: some clients write one, and none redirects."""

from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send


class LastSlash:
    """Take the slashes off the end of every path."""

    def __init__(self, app: ASGIApp) -> None:
        self._app: Final = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; those further out see the path as it was routed."""
        if scope["type"] == "http" and scope["path"].endswith("/"):
            scope["path"] = scope["path"].rstrip("/") or "/"
        await self._app(scope, receive, send)
