"""How errors look on the wire: one table from error to status and name, one body for all.

What Keyturn itself does wrong is told by its request id alone: neither a body nor a log line
carries the text of an error that nobody foresaw, because nobody knows what is in it.
"""

import traceback
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from math import ceil
from pathlib import Path
from types import MappingProxyType
from typing import TypedDict

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from keyturn.domain.errors import (
    Busy,
    CallerError,
    DatabaseAway,
    Forbidden,
    InvalidInput,
    IssuerUnreachable,
    KeyturnError,
    NoFooting,
    NotFound,
    NotReady,
    OktaError,
    OktaThrottled,
    RootKeyUnknown,
    ServerError,
    TooManyAttempts,
    Unauthenticated,
)
from keyturn.wire.problem import Issue, PermissionProblem, Problem

_log = structlog.get_logger("keyturn.api")

INVALID = (422, "ValidationFailure")
OURS = (500, "InternalServerError")
NO_ROUTE = "Keyturn serves no such route; /openapi.json lists those that it serves."
AWAY_S = 5
"""Until it is worth asking again where the database or the root key is away, or a clock is off."""

NAMES: Mapping[type[KeyturnError], tuple[int, str]] = MappingProxyType(
    {
        CallerError: (400, "BadRequest"),
        InvalidInput: INVALID,
        Unauthenticated: (401, "UnauthorizedError"),
        TooManyAttempts: (429, "RateLimitExceeded"),
        Forbidden: (403, "PermissionDenied"),
        NotFound: (404, "NotFound"),
        OktaError: (400, "BadRequest"),
        IssuerUnreachable: (502, "BadGateway"),
        NotReady: (424, "FailedDependency"),
        ServerError: (502, "BadGateway"),
        DatabaseAway: (503, "ServiceUnavailable"),
        NoFooting: (503, "ServiceUnavailable"),
        Busy: (503, "ServiceUnavailable"),
        RootKeyUnknown: (503, "ServiceUnavailable"),
        KeyturnError: OURS,
    }
)
"""Status and name of each error; one that is not here answers as its nearest parent."""

OKTA_NAMES: Mapping[str, tuple[int, str]] = MappingProxyType(
    {
        "create_okta_connection": (401, "UnauthorizedError"),
        "update_okta_connection": (401, "UnauthorizedError"),
        "rotate_secrets": OURS,
    }
)
"""The routes on which Okta's faults have a status of their own, as Infisical's clients know it."""

ISSUE_CODES: Mapping[str, str] = MappingProxyType(
    {
        "string_too_short": "too_small",
        "string_too_long": "too_big",
        "greater_than_equal": "too_small",
        "less_than_equal": "too_big",
        "okta_api_token": "invalid_string",
        "uuid": "invalid_string",
        "literal_error": "invalid_enum_value",
        "none_required": "custom",
        "json_invalid": "custom",
    }
)
"""Zod's code for each kind of pydantic's errors; the kinds that are not here are wrong types."""

ISSUE_MESSAGES: Mapping[str, str] = MappingProxyType(
    {
        "missing": "Required",
        "json_invalid": "must be JSON",
        "model_type": "must be an object",
        "model_attributes_type": "must be an object",
        "none_required": "not supported for Okta",
    }
)
"""What is said better than pydantic says it to people who have never heard of Python."""


class _Found(TypedDict):
    """The parts of pydantic's errors that may be shown; what was sent is not among them."""

    type: str
    loc: tuple[int | str, ...]
    msg: str


def install(app: FastAPI) -> None:
    """Make the application answer every error that it can name in one form."""

    @app.exception_handler(KeyturnError)
    async def known(request: Request, error: KeyturnError) -> Response:
        status, name = _named(request, error)
        if name == OURS[1] and not isinstance(error, OktaError):
            return unexpected(request, error)
        message = _rules(error) if isinstance(error, InvalidInput) else error.message
        return _answer(request, status, name, message, _headers(error))

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        return _answer(request, *INVALID, _issues(error.errors()))

    @app.exception_handler(Exception)
    async def unforeseen(request: Request, error: Exception) -> Response:
        if isinstance(error, ClientDisconnect):
            raise error  # nobody is left to be answered
        return unexpected(request, error)

    @app.exception_handler(HTTPException)
    async def unserved(request: Request, error: HTTPException) -> Response:
        name = HTTPStatus(error.status_code).phrase.title().replace(" ", "")
        message = NO_ROUTE if error.status_code == HTTPStatus.NOT_FOUND else error.detail
        return _answer(request, error.status_code, name, message, error.headers)


def status_of(error: KeyturnError) -> int:
    """Return the status that an error has on most routes."""
    return _nearest(error)[0]


def unexpected(request: Request, error: Exception) -> Response:
    """Answer an error of our own; log its type and its places in the code, never its text.

    It is logged once, though it may pass by here on its way out again.
    """
    request_id: str = request.state.request_id
    message = f"Keyturn is at fault. Please report it with the request id {request_id}."
    if getattr(request.state, "unexpected", None) is error:
        return _answer(request, *OURS, message)
    request.state.unexpected = error
    frames = traceback.extract_tb(error.__traceback__)
    _log.error(
        "unexpected",
        req_id=request_id,
        error=f"{type(error).__module__}.{type(error).__qualname__}",
        where=[f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in frames],
    )
    return _answer(request, *OURS, message)


def _named(request: Request, error: KeyturnError) -> tuple[int, str]:
    if isinstance(error, OktaError):
        name = getattr(request.scope.get("route"), "name", "")
        return OKTA_NAMES.get(name, NAMES[OktaError])
    return _nearest(error)


def _nearest(error: KeyturnError) -> tuple[int, str]:
    return next(NAMES[kind] for kind in type(error).__mro__ if kind in NAMES)


def _headers(error: KeyturnError) -> Mapping[str, str]:
    if isinstance(error, OktaThrottled | TooManyAttempts | Busy):
        return {"Retry-After": str(ceil(error.retry_after_s))}
    if isinstance(error, NotReady) and error.retry_after_s is not None:
        return {"Retry-After": str(max(0, ceil(error.retry_after_s)))}
    if isinstance(error, DatabaseAway | NoFooting | RootKeyUnknown):
        return {"Retry-After": str(AWAY_S)}
    return {"WWW-Authenticate": "Bearer"} if isinstance(error, Unauthenticated) else {}


def _rules(error: InvalidInput) -> tuple[Issue, ...]:
    return tuple(Issue(code="custom", path=p.field, message=p.rule) for p in error.problems)


def _issues(found: Sequence[_Found]) -> tuple[Issue, ...]:
    """Render pydantic's errors as Zod's issues; the path loses "body", "query" or "path"."""
    return tuple(
        Issue(
            code=ISSUE_CODES.get(one["type"], "invalid_type"),
            path=() if one["type"] == "json_invalid" else one["loc"][1:],
            message=ISSUE_MESSAGES.get(one["type"], one["msg"]),
        )
        for one in found
    )


def _answer(
    request: Request,
    status: int,
    name: str,
    message: str | tuple[Issue, ...],
    headers: Mapping[str, str] | None = None,
) -> Response:
    shape = PermissionProblem if status == HTTPStatus.FORBIDDEN else Problem
    body = shape(
        req_id=request.state.request_id, status_code=status, message=message, error=name
    ).model_dump_json()
    return Response(body, status, headers, media_type="application/json")
