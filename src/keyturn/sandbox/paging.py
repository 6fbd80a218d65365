"""Pages of a list: how many on one, after which, and the Link fields that lead on."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar
from urllib.parse import urlencode

from keyturn.sandbox import errors
from keyturn.sandbox.errors import OktaError
from keyturn.sandbox.http import Header, Request

DEFAULT_LIMIT, MAX_LIMIT = 20, 200


class _Identified(Protocol):
    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=_Identified)


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page and its Link fields: `self`, and `next` while there is more."""

    items: Sequence[T]
    links: tuple[Header, ...]


def cut_page(
    request: Request,
    items: Sequence[T],
    *,
    default: int = DEFAULT_LIMIT,
    most: int = MAX_LIMIT,
    bad_cursor: Callable[[], OktaError] = errors.invalid_cursor,
) -> Page[T]:
    """Return the page that a request asks for; OktaError for a cursor that names no item."""
    limit = min(parse_limit(request.query.get("limit", ""), default), most)
    after = request.query.get("after")
    ids = [item.id for item in items]
    if after is not None and after not in ids:
        raise bad_cursor()
    start = 0 if after is None else ids.index(after) + 1
    page = items[start : start + limit]
    links = [link(request, after, limit, "self")]
    if len(items) > start + limit:
        links.append(link(request, page[-1].id, limit, "next"))
    return Page(page, tuple(links))


def parse_limit(text: str, default: int = DEFAULT_LIMIT) -> int:
    """Return how many a request asks for; OktaError for what is no number."""
    if not re.fullmatch(r"-?\d{1,9}", text or "-1"):
        raise errors.validation_failed("RequestParams", "limit: must be a number")
    limit = int(text or -1)
    return min(limit, MAX_LIMIT) if limit > 0 else default


def link(request: Request, after: str | None, limit: int, relation: str) -> Header:
    """Return one Link field; the query is rewritten in Okta's order."""
    given = {"after": after, "limit": str(limit)}
    given |= {name: request.query.get(name) for name in ("q", "filter", "search", "expand")}
    query = urlencode({name: value for name, value in given.items() if value is not None})
    return "link", f'<{request.url}?{query}>; rel="{relation}"'
