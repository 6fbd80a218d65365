"""Which handler a method and path belong to, and what a handler is given."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Literal, Protocol, TypeVar

from keyturn.sandbox import errors
from keyturn.sandbox.http import Answer, Json, Request, parse_json
from keyturn.sandbox.state.limits import Family
from keyturn.sandbox.state.org import Org

NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls the management API; `scopes` is None for an API token, which needs none."""

    name: str
    scopes: frozenset[str] | None
    user_id: str | None = None
    client_id: str | None = None


UNKNOWN = Principal(NOBODY, frozenset())


@dataclass(slots=True)
class Call:
    """One request on its way through a handler, with notes for the journal and the System Log.

    `as_of` is the past moment from which a lagging read must be answered, `looked_back` whether
    that showed another org. `used_hash` is that of the client secret by which a client
    authenticated, or tried to, in the way `auth_method`.
    """

    request: Request
    params: dict[str, str]
    route: str
    as_of: datetime | None = None
    looked_back: bool = False
    principal: Principal = UNKNOWN
    client_id: str | None = None
    secret_id: str | None = None
    secret_hash: str | None = None
    auth_method: str | None = None
    used_hash: str | None = None

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


class _Node(Generic[R]):
    """One segment of all patterns that begin alike; its routes come with their parameters."""

    __slots__ = ("by_method", "fixed", "pattern", "variable")

    def __init__(self) -> None:
        self.fixed: dict[str, _Node[R]] = {}
        self.variable: _Node[R] | None = None
        self.by_method: dict[str, tuple[R, tuple[str, ...]]] = {}
        self.pattern = ""

    def below(self, segment: str) -> "_Node[R]":
        if not segment.startswith("{"):
            return self.fixed.setdefault(segment, _Node())
        self.variable = self.variable or _Node()
        return self.variable

    def find(self, segments: list[str], depth: int, values: tuple[str, ...]) -> "_Found[R] | None":
        """Return the node of a path and its values; a fixed segment goes before a variable."""
        if depth == len(segments):
            return (self, values) if self.pattern else None
        segment = segments[depth]
        fixed = self.fixed.get(segment)
        found = fixed.find(segments, depth + 1, values) if fixed else None
        if found is None and self.variable is not None:
            return self.variable.find(segments, depth + 1, (*values, segment))
        return found


_Found = tuple[_Node[R], tuple[str, ...]]


class Router(Generic[R]):
    """Looks up routes by the segments of a path."""

    def __init__(self, routes: Iterable[R]) -> None:
        self._root: _Node[R] = _Node()
        for route in routes:
            self._add(route)

    def _add(self, route: R) -> None:
        segments, node = route.pattern.split("/"), self._root
        for segment in segments:
            node = node.below(segment)
        node.pattern = node.pattern or route.pattern
        names = tuple(segment[1:-1] for segment in segments if segment.startswith("{"))
        node.by_method[route.method] = (route, names)

    def match(self, method: str, path: str) -> Match[R]:
        """Return the route of a request; its pattern is also told for a wrong method."""
        found = self._root.find(path.split("/"), 0, ())
        if found is None:
            return Match(None, None, {})
        node, values = found
        if method not in node.by_method:
            return Match(None, node.pattern, {})
        route, names = node.by_method[method]
        return Match(route, route.pattern, dict(zip(names, values, strict=True)))
