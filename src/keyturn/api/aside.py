"""Serve nobody over data that another version of Keyturn has made its own."""

from typing import Final

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from keyturn.services.ports import Footing, Vitals
from keyturn.wire.problem import Problem

PROBES: Final = frozenset({"/healthz", "/readyz", "/metrics"})
UNAVAILABLE: Final = 503


class Aside:
    """Answer 503 while the data are of another version, and let probes through.

    A runner in the same process looks for that, at each of its looks.
    """

    def __init__(self, app: ASGIApp, vitals: Vitals) -> None:
        self._app: Final = app
        self._vitals: Final = vitals

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        footing = self._vitals.footing
        if footing is not Footing.OTHER_DATA or scope["path"] in PROBES:
            await self._app(scope, receive, send)
            return
        told = Problem(
            req_id=scope["state"]["request_id"],
            status_code=UNAVAILABLE,
            message=footing.value,
            error="ServiceUnavailable",
        )
        kind = "application/json"
        answer = Response(told.model_dump_json(), UNAVAILABLE, {"Retry-After": "5"}, kind)
        await answer(scope, receive, send)
