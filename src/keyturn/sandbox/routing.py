"""Which handler a method and path belong to, and what a handler is given."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, Literal, Protocol, TypeVar

from keyturn.sandbox import errors
from keyturn.sandbox.http import Answer, Json, Request, parse_json
from keyturn.sandbox.limits import Family
from keyturn.sandbox.org import Org

NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls the management API; `scopes` is None for an API token, which needs none."""

    name: str
    scopes: frozenset[str] | None
    user_id: str | None = None
    client_id: str | None = None


@dataclass(slots=True)
class Call:
    """One request on its way through a handler, with notes for the journal.

    `as_of` is the past moment from which a lagging read must be answered.
    """

    request: Request
    params: dict[str, str]
    route: str
    as_of: datetime | None = None
    principal: Principal = field(default_factory=lambda: Principal(NOBODY, frozenset()))
    client_id: str | None = None
    secret_id: str | None = None
    secret_hash: str | None = None

    def json_object(self) -> dict[str, Json]:
        """Return the JSON object of the body, empty for no body; OktaError when it is none."""
        if not self.request.body:
            return {}
        if "json" not in self.request.headers.get("content-type", "json"):
            raise errors.wrong_content_type()
        try:
            value = parse_json(self.request.body)
        except ValueError as error:
            raise errors.malformed() from error
        if not isinstance(value, dict):
            raise errors.malformed()
        return value


Handler = Callable[[Org, Call], Answer]


@dataclass(frozen=True, slots=True)
class Route:
    """One operation.

    `guard` says whose rules admit a caller, `scope` what a token needs, and `family` which rate
    bucket counts it (None: not limited).
    """

    method: str
    pattern: str
    handler: Handler
    guard: Literal["management", "oauth"]
    family: Family | None
    scope: str = ""


class _Routed(Protocol):
    @property
    def method(self) -> str: ...
    @property
    def pattern(self) -> str: ...


R = TypeVar("R", bound=_Routed)


@dataclass(frozen=True, slots=True)
class Match(Generic[R]):
    """The outcome of a look-up: the route, or only the pattern, or neither."""

    route: R | None
    pattern: str | None
    params: dict[str, str]


class Router(Generic[R]):
    """Looks up routes by the segments of a path."""

    def __init__(self, routes: Iterable[R]) -> None:
        self._patterns: dict[int, dict[str, dict[str, R]]] = {}
        for route in routes:
            by_pattern = self._patterns.setdefault(route.pattern.count("/"), {})
            by_pattern.setdefault(route.pattern, {})[route.method] = route

    def match(self, method: str, path: str) -> Match[R]:
        """Return the route of a request; its pattern is also told for a wrong method."""
        segments = path.split("/")
        for pattern, by_method in self._patterns.get(len(segments) - 1, {}).items():
            params = _fit(pattern.split("/"), segments)
            if params is not None:
                return Match(by_method.get(method), pattern, params)
        return Match(None, None, {})


def _fit(pattern: list[str], segments: list[str]) -> dict[str, str] | None:
    params: dict[str, str] = {}
    for expected, found in zip(pattern, segments, strict=True):
        if expected.startswith("{"):
            params[expected[1:-1]] = found
        elif expected != found:
            return None
    return params
