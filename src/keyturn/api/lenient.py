"""Read JSON as leniently as it is written in the wild, of those alone who may send it.

Infisical's documented sample request has a comma after its last parameter; whoever pastes it is
served rather than corrected. Who has no token learns nothing of a body: where a token is wanted,
it comes before the body is read.
"""

import json
import re
from collections.abc import Callable, Coroutine

from fastapi import Request, Response
from fastapi.routing import APIRoute
from pydantic import JsonValue

from keyturn.api.authn import admit, caller_of

STRING_OR_TRAILING_COMMA = re.compile(r'("(?:[^"\\]|\\.)*+"?)|,(?=\s*+[}\]])', re.DOTALL)
"""Linear in the text: what a string took, even one without an end, is never looked at again."""


class _LenientRequest(Request):
    async def json(self) -> JsonValue:
        return parse(await self.body())


class LenientRoute(APIRoute):
    """A route whose JSON body may have trailing commas, and is read after the token."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[None, None, Response]]:
        """Return FastAPI's own handler behind a request that reads leniently."""
        self.strict_content_type = False  # a body that says not what it is, is JSON
        strict = super().get_route_handler()
        guarded = any(each.call is caller_of for each in self.dependant.dependencies)

        async def lenient(request: Request) -> Response:
            if guarded:
                await admit(request)
            return await strict(_LenientRequest(request.scope, request.receive))

        return lenient


def parse(content: bytes) -> JsonValue:
    """Parse JSON, trailing commas allowed.

    Raises JSONDecodeError for everything that is none, for what Python does not read (numbers of
    thousands of digits, and arrays nested a thousand deep), and for halves of characters, which no
    text can hold (RFC 8259, 8.2).
    """
    try:
        parsed = _parse(content.decode())
        if b"\\u" in content:
            json.dumps(parsed, ensure_ascii=False).encode()
        return parsed
    except (ValueError, RecursionError):
        raise json.JSONDecodeError("not JSON", "", 0) from None


def _parse(text: str) -> JsonValue:
    try:
        parsed: JsonValue = json.loads(text)
    except json.JSONDecodeError:
        parsed = json.loads(STRING_OR_TRAILING_COMMA.sub(r"\1", text))
    return parsed
