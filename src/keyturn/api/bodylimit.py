"""Refuse a body that is larger than anything that is asked for here, while it arrives."""

from fastapi import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BODY_MAX = 1024 * 1024


class BodyLimit:
    """Let requests pass whose body has at most ``BODY_MAX`` bytes."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; reading too much of it raises HTTPException."""
        read = 0

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > BODY_MAX:
                raise HTTPException(413, f"A body may have {BODY_MAX} bytes.")
            return message

        await self._app(scope, counted, send)
