"""Requests that come by trusted proxies: the address of who sent them takes the proxy's place."""

from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from keyturn.domain.proxies import Networks, client_address

_HEADER: Final = b"x-forwarded-for"


class TrustedProxies:
    """Tell those behind it where a request comes from; no other header of a proxy is read."""

    def __init__(self, app: ASGIApp, trusted: Networks) -> None:
        self._app: Final = app
        self._trusted: Final = trusted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http" and scope.get("client"):
            peer = scope["client"][0]
            told = [value.decode("latin-1") for name, value in scope["headers"] if name == _HEADER]
            address = client_address(peer, ",".join(told), self._trusted)
            if address != peer:
                scope = {**scope, "client": (address, 0) if address else None}
        await self._app(scope, receive, send)
