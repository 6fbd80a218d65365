"""Pages that say what went wrong, whose fault it is and what to do."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from math import ceil
from types import MappingProxyType
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from keyturn.domain.errors import (
    Busy,
    CallerError,
    DatabaseAway,
    Forbidden,
    InvalidInput,
    KeyturnError,
    NoFooting,
    NotFound,
    OktaError,
    OktaThrottled,
    RootKeyUnknown,
    ServerError,
    TooManyAttempts,
    Unauthenticated,
)
from keyturn.web.visiting import Visit, visit_of

STATUS: Final[Mapping[type[KeyturnError], int]] = MappingProxyType(
    {
        CallerError: 400,
        InvalidInput: 422,
        Unauthenticated: 401,
        TooManyAttempts: 429,
        Forbidden: 403,
        NotFound: 404,
        OktaError: 502,
        ServerError: 502,
        Busy: 503,
        DatabaseAway: 503,
        NoFooting: 503,
        RootKeyUnknown: 503,
        KeyturnError: 500,
    }
)
"""The status of each error; one that is not here answers as its nearest parent."""


@dataclass(frozen=True)
class Telling:
    """What a page says beside an error's own message: a title, whose fault it is, what to do."""

    title: str
    culprit: str
    todo: str


TELLINGS: Final[Mapping[int, Telling]] = MappingProxyType(
    {
        400: Telling(
            "That cannot be done", "The request's", "Go back, change it, and send it again."
        ),
        401: Telling("Log in first", "The log-in's", "Log in, and come back."),
        403: Telling(
            "You may not do this", "The permissions'", "Ask who administers Keyturn for the role."
        ),
        404: Telling("There is no such page", "The address's", "Begin at the first page."),
        405: Telling("That is no way to come here", "The request's", "Begin at the first page."),
        413: Telling("That is too much at once", "The request's", "Send less at once."),
        422: Telling(
            "Something does not fit", "The request's", "Go back, mend it, and send it again."
        ),
        429: Telling("Too much at once", "The caller's", "Wait a little, and try again."),
        500: Telling("Keyturn is at fault", "Keyturn's", "Report it with the id of the request."),
        502: Telling(
            "The other side did not do as asked", "Not Keyturn's", "See to it, and try again."
        ),
        503: Telling(
            "Not now", "Keyturn's database, clock or load", "Wait a little, and try again."
        ),
    }
)
OTHER: Final = TELLINGS[400]
NO_PAGE: Final = "Keyturn has no page here. The address is mistyped, or what it was of is gone."
NO_WAY: Final = "This address takes no such request: go there by the page that leads to it."
UNFORESEEN: Final = "Something happened that nobody foresaw. Nothing is known to be lost."
AWAY_S: Final = 5


def status_of(error: KeyturnError) -> int:
    """Return the status that an error is shown with."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def problem(visit: Visit, error: KeyturnError) -> Response:
    """Return the page that tells of an error. Raises it where it is of our own making."""
    status = status_of(error)
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        raise error
    wait_s = getattr(error, "retry_after_s", AWAY_S) if status in (429, 503) else None
    if isinstance(error, OktaThrottled):
        wait_s = error.retry_after_s
    headers = {} if wait_s is None else {"Retry-After": str(max(1, ceil(wait_s)))}
    return _shown(visit, status, error.message, headers)


async def unserved(request: Request, error: Exception) -> Response:
    """Answer where no page is, or none that is asked for in this way."""
    visit = visit_of(request)
    with suppress(KeyturnError):  # the menu is for who is known; the rest is for everybody
        await visit.log_in()
    status = error.status_code if isinstance(error, HTTPException) else HTTPStatus.NOT_FOUND
    detail = error.detail if isinstance(error, HTTPException) else ""
    headers = error.headers if isinstance(error, HTTPException) else None
    return _shown(visit, status, {404: NO_PAGE, 405: NO_WAY}.get(status, detail), headers)


async def unforeseen(request: Request, error: Exception) -> Response:
    """Answer an error that nobody foresaw; it is logged further out, without its text."""
    return _shown(visit_of(request), HTTPStatus.INTERNAL_SERVER_ERROR, UNFORESEEN)


def _shown(
    visit: Visit, status: int, message: str, headers: Mapping[str, str] | None = None
) -> Response:
    telling = TELLINGS.get(status, OTHER)
    return visit.render(
        "problem.html",
        status=status,
        headers=headers,
        title=telling.title,
        what=message,
        culprit=telling.culprit,
        todo=telling.todo,
        request_id=visit.request.state.request_id,
    )
