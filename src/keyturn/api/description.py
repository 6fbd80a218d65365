"""What ``/openapi.json`` tells of errors: which of them a route may answer with, and their shape.

Decides by what a route takes: whether it wants a token, what it reads, and what is declared beside
it. FastAPI describes the rest.
"""

import asyncio
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any, Final

from pydantic.json_schema import models_json_schema

from keyturn.wire.problem import PermissionProblem, Problem

Told = dict[str, Any]  # JSON
Responses = dict[int | str, dict[str, Any]]

COUNTS_ATTEMPTS: Final[Responses] = {429: {}}
"""Declared beside a route that holds back who tries too often."""

ASKS_AN_ISSUER: Final[Responses] = {502: {}}
"""Declared beside a route that needs an issuer's keys."""

ASKS_A_SERVER: Final[Responses] = {424: {}, 502: {}}
"""Declared beside a route that asks an authorization server, or needs what it gave."""

_PAGE: Final[Told] = {"content": {"text/html": {"schema": {"type": "string"}}}}
PAGE: Final[Responses] = {200: _PAGE}
PAGE_INSTEAD: Final[Responses] = {
    400: {"description": "A page says why this does not count.", **_PAGE},
    424: {"description": "A page says what the connection lacks.", **_PAGE},
    502: {"description": "A page says what the authorization server did not do.", **_PAGE},
}
"""Declared beside a route that browsers are sent to: whoever looks at it reads no JSON."""

_ETAG: Final[Told] = {
    "ETag": {
        "description": "A strong tag of the content, for `If-None-Match`.",
        "required": True,
        "schema": {"type": "string"},
    }
}
CONDITIONAL: Final[Responses] = {
    200: {"headers": _ETAG},
    304: {"description": "The copy that `If-None-Match` names is still good.", "headers": _ETAG},
}
"""Declared beside a route that answers conditional reads."""

STREAM: Final[Responses] = {
    200: {
        "description": "Server-sent events, one JSON text each, until somebody hangs up.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}
"""Declared beside a route whose answer does not end."""

_OF_FASTAPI: Final = {"HTTPValidationError", "ValidationError"}
"""Shapes that no answer of ours has."""

_REQUEST_ID: Final[Told] = {
    "X-Request-Id": {
        "description": "The id of the request, as in `reqId` and in the log.",
        "required": True,
        "schema": {"type": "string"},
    }
}
_RETRY_AFTER: Final[Told] = {
    "Retry-After": {
        "description": "How many seconds to wait before asking again.",
        "required": True,
        "schema": {"type": "integer", "minimum": 0},
    }
}
_MAY_RETRY: Final[Told] = {"Retry-After": {**_RETRY_AFTER["Retry-After"], "required": False}}

_WAITS: Final = {
    HTTPStatus.TOO_MANY_REQUESTS: _RETRY_AFTER,
    HTTPStatus.SERVICE_UNAVAILABLE: _RETRY_AFTER,
    HTTPStatus.FAILED_DEPENDENCY: _MAY_RETRY,
}

_MEANINGS: Final = {
    400: "The rules do not allow it, or Okta did not do its part.",
    401: "There is no access token, or none that is good any more: log in.",
    403: "Whoever asks lacks the permission.",
    404: "There is no such thing, or whoever asks may not know of it.",
    413: "The body is too large.",
    422: "Fields break their rules; `message` lists them.",
    424: "A connection or its client has nothing to be used now; `message` says who has to act.",
    429: "There were too many attempts: wait.",
    500: "Keyturn is at fault: report it with the request id.",
    502: "An issuer or authorization server, or the way to it, did not do its part.",
    503: "The database is away, the clock is off, or nobody tells about a token: ask again.",
    504: "A flow has not answered in time; it goes on.",
}


class Document:
    """A text that takes long to make: made once, when it is first wanted, while others are served.

    ``make`` runs in a thread.
    """

    def __init__(self, make: Callable[[], bytes]) -> None:
        self._make, self._text = make, b""
        self._making = asyncio.Lock()

    async def read(self) -> bytes:
        """Return the text."""
        async with self._making:
            self._text = self._text or await asyncio.to_thread(self._make)
        return self._text


def described(told: Told) -> Told:
    """Return the description with the errors that each route may answer with, and their shapes."""
    schemas = (
        told["components"]["schemas"]
        | models_json_schema(
            [(Problem, "serialization"), (PermissionProblem, "serialization")],
            ref_template="#/components/schemas/{model}",
        )[1]["$defs"]
    )
    told["components"]["schemas"] = {
        name: schemas[name] for name in sorted(schemas.keys() - _OF_FASTAPI)
    }
    told["components"]["responses"] = {
        _name(status): _response(status, meaning) for status, meaning in _MEANINGS.items()
    }
    for each in told["paths"].values():
        for method, operation in each.items():
            operation["responses"] = dict(sorted(_responses(method, operation)))
    return told


def _responses(method: str, operation: Told) -> Iterator[tuple[str, Told]]:
    declared = operation["responses"]
    own = {status: told for status, told in declared.items() if _is_own(status, told)}
    yield from own.items()
    for status in _MEANINGS.keys() - {int(each) for each in own}:
        if str(status) in declared or _fits(status, method, operation):
            yield str(status), {"$ref": f"#/components/responses/{_name(status)}"}


def _is_own(status: str, told: Told) -> bool:
    """Say whether a route's answer is described by the route: good ones, and pages."""
    page = status.isdigit() and "text/html" in told.get("content", {})
    return status[0] in "23" or page


def _fits(status: int, method: str, operation: Told) -> bool:
    """Say whether any route that takes what this one takes may answer so."""
    guarded, body = "security" in operation, "requestBody" in operation
    reads = body or "parameters" in operation
    match status:
        case 400:
            return reads or method != "get"
        case 401 | 403:
            return guarded or (status == 401 and body)
        case 404:
            return guarded and reads
        case 413:
            return body
        case 422:
            return reads
        case _:
            return status in {500, 503}


def _response(status: int, meaning: str) -> Told:
    shape = "PermissionProblem" if status == HTTPStatus.FORBIDDEN else "Problem"
    return {
        "description": meaning,
        "headers": _REQUEST_ID | _WAITS.get(HTTPStatus(status), {}),
        "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{shape}"}}},
    }


def _name(status: int) -> str:
    return HTTPStatus(status).name.title().replace("_", "")
