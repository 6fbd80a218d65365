"""One server, two doors: programs go to the API, people to the pages."""

from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from keyturn.api.bodylimit import BodyLimit
from keyturn.domain.oauth.redirects import OF_BROWSERS

OF_PROGRAMS: Final = ("/api", "/healthz", "/readyz", "/metrics", "/openapi.json")
"""Where the paths of the API begin; every other one is a page's, and so is what browsers are sent
to and come back to."""


class Fork:
    """Send each request to the API or to the pages, by its path."""

    def __init__(self, api: ASGIApp, pages: ASGIApp) -> None:
        self._api: Final = api
        self._pages: Final = BodyLimit(pages)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        path: str = scope["path"]
        below = any(path == each or path.startswith(each + "/") for each in OF_PROGRAMS)
        ours = below and path not in OF_BROWSERS
        await (self._api if ours else self._pages)(scope, receive, send)
