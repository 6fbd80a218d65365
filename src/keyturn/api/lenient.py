"""Read JSON as leniently as it is written in the wild.

Infisical's documented sample request has a comma after its last parameter; whoever pastes it is
served rather than corrected.
"""

import json
import re
from collections.abc import Callable, Coroutine

from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic import JsonValue

_STRING_OR_TRAILING_COMMA = re.compile(r'("(?:[^"\\]|\\.)*")|,(?=\s*[}\]])')


class _LenientRequest(Request):
    async def json(self) -> JsonValue:
        text = (await self.body()).decode()
        return parse(text)


class LenientRoute(APIRoute):
    """A route whose JSON body may have trailing commas."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[None, None, Response]]:
        """Return FastAPI's own handler behind a request that reads leniently."""
        strict = super().get_route_handler()

        async def lenient(request: Request) -> Response:
            return await strict(_LenientRequest(request.scope, request.receive))

        return lenient


def parse(text: str) -> JsonValue:
    """Parse JSON, trailing commas allowed. Raises JSONDecodeError."""
    try:
        parsed: JsonValue = json.loads(text)
    except json.JSONDecodeError:
        parsed = json.loads(_STRING_OR_TRAILING_COMMA.sub(r"\1", text))
    return parsed
