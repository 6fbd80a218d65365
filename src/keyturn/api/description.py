"""What ``/openapi.json`` tells of errors: which of them a route may answer with, and their shape.

Decides by what a route takes: whether it wants a token, what it reads, and what is declared beside
it. FastAPI describes the rest.
"""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, Final

Told = dict[str, Any]  # JSON
Responses = dict[int | str, dict[str, Any]]

COUNTS_ATTEMPTS: Final[Responses] = {429: {}}
"""Declared beside a route that holds back who tries too often."""

ASKS_AN_ISSUER: Final[Responses] = {502: {}}
"""Declared beside a route that needs an issuer's keys."""

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

_MEANINGS: Final = {
    400: "The rules do not allow it, or Okta did not do its part.",
    401: "There is no access token, or none that is good any more: log in.",
    403: "Whoever asks lacks the permission.",
    404: "There is no such thing, or whoever asks may not know of it.",
    413: "The body is too large.",
    422: "Fields break their rules; `message` lists them.",
    429: "There were too many attempts: wait.",
    500: "Keyturn is at fault: report it with the request id.",
    502: "The issuer's keys cannot be read now.",
    503: "The database is away: ask again.",
}


def described(told: Told) -> Told:
    """Return the description with the errors of each route in place of any 4XX and 5XX."""
    told["components"]["responses"] = {
        _name(status): _response(status, meaning) for status, meaning in _MEANINGS.items()
    }
    for each in told["paths"].values():
        for method, operation in each.items():
            operation["responses"] = dict(sorted(_responses(method, operation)))
    return told


def _responses(method: str, operation: Told) -> Iterator[tuple[str, Told]]:
    declared = operation["responses"]
    yield from ((status, told) for status, told in declared.items() if status[0] in "23")
    for status in _MEANINGS:
        if str(status) in declared or _fits(status, method, operation):
            yield str(status), {"$ref": f"#/components/responses/{_name(status)}"}


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
    waits = status in {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE}
    return {
        "description": meaning,
        "headers": _REQUEST_ID | (_RETRY_AFTER if waits else {}),
        "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{shape}"}}},
    }


def _name(status: int) -> str:
    return HTTPStatus(status).name.title().replace("_", "")
