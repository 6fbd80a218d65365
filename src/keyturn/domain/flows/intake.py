"""What a flow is given by a request to its endpoint.

Decides that what a flow has declared is of its kind, and that nothing by which the request was let
in ever comes into a flow. Knows nothing of who may ask.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl

from keyturn.domain.errors import CallerError
from keyturn.domain.flows.definition import Start
from keyturn.domain.flows.values import Kind, TooLarge, Value, fits, parse_json, size_of

TOKEN_NAME: Final = "clientToken"
TOKEN_HEADER: Final = "x-api-client-token"
RESERVED: Final = "x-okta-workflows"
"""How the names of query parameters begin that are not a flow's, as with Okta."""
HIDDEN: Final = frozenset(
    {"authorization", "proxy-authorization", "cookie", "dpop", TOKEN_HEADER},
)
FORM: Final = "application/x-www-form-urlencoded"
FIELDS_MAX: Final = 1000

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Invocation:
    """A request to an endpoint: ``url`` is the endpoint's own, without a query.

    Names of ``headers`` are in lower case; ``address`` is where it comes from.
    """

    method: str
    url: str
    query: Pairs = field(default=(), repr=False)
    headers: Pairs = field(default=(), repr=False)
    body: bytes = field(default=b"", repr=False)
    address: str = ""

    def header(self, name: str) -> tuple[str, ...]:
        """Return every header of a name."""
        return tuple(value for each, value in self.headers if each == name)

    def parameter(self, name: str) -> tuple[str, ...]:
        """Return every query parameter of a name."""
        return tuple(value for each, value in self.query if each == name)

    @property
    def is_form(self) -> bool:
        """Say whether the body is a form."""
        media, _, _ = (self.header("content-type") or ("",))[0].partition(";")
        return media.strip().lower() == FORM

    @property
    def form(self) -> Pairs:
        """Return the fields of a body that is a form; none of any other. Raises Unfit."""
        return _form(_text(self.body)) if self.is_form else ()


class Unfit(CallerError):
    """The request does not fit what the flow has declared."""


def read_start(start: Start, asked: Invocation) -> dict[str, Value]:
    """Return what a flow starts with. Raises Unfit, which names the field."""
    query = tuple(each for each in asked.query if each[0] != TOKEN_NAME)
    for name, _ in query:
        if name.lower().startswith(RESERVED):
            raise Unfit(f"query: names that begin with {RESERVED} are reserved")
    headers = {name: value for name, value in asked.headers if name not in HIDDEN}
    body = _text(asked.body)
    return {
        "method": asked.method,
        "query": _read_texts("query", start, query),
        "headers": _read_texts("headers", start, headers.items()),
        "body": _read_body(start, asked, body),
        "raw": {"query": _lists(query), "headers": {**headers}, "body": body},
    }


def read_inputs(start: Start, given: Mapping[str, Value]) -> dict[str, Value]:
    """Return the inputs that a helper or delegated flow starts with. Raises Unfit."""
    declared = start.fields.get("inputs", {})
    for name, value in given.items():
        if name not in declared:
            told = ", ".join(declared) or "none"
            raise Unfit(f"{name}: the flow has no such input; it takes {told}")
        _require(declared[name], value, name)
    return dict(given)


def _text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise Unfit("body: must be text in UTF-8") from None


def _lists(pairs: Pairs) -> dict[str, Value]:
    found: dict[str, list[Value]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return {**found}


# --- texts by name --------------------------------------------------------------------------------


def _read_texts(group: str, start: Start, pairs: Iterable[tuple[str, str]]) -> dict[str, Value]:
    """Return those that are declared, each in its kind; who sends none of a name has none."""
    given: dict[str, list[str]] = {}
    for name, value in pairs:
        given.setdefault(name, []).append(value)
    declared = start.fields.get(group, {})
    return {
        name: _read_text(kind, given[name], f"{group}.{name}")
        for name, kind in declared.items()
        if name in given
    }


def _read_text(kind: Kind, given: list[str], where: str) -> Value:
    if kind is Kind.LIST:
        return [*given]
    if len(given) > 1:
        raise Unfit(f"{where}: is there more than once")
    (text,) = given
    match kind:
        case Kind.TEXT | Kind.ANY:
            return text
        case Kind.BOOLEAN if text in {"true", "false"}:
            return text == "true"
        case _:
            value = _parsed(text, where, kind)
            _require(kind, value, where)
            return value


# --- bodies ---------------------------------------------------------------------------------------


def _read_body(start: Start, asked: Invocation, text: str) -> dict[str, Value]:
    """Return the declared members of a body: of a form, or else of a JSON object."""
    declared = start.fields.get("body", {})
    if not declared or not text.strip():
        return {}
    if asked.is_form:
        return _read_texts("body", start, asked.form)
    told = _parsed(text, "body", Kind.OBJECT)
    _require(Kind.OBJECT, told, "body")
    members = told if isinstance(told, dict) else {}
    for name, kind in declared.items():
        if members.get(name) is not None:
            _require(kind, members[name], f"body.{name}")
    return {name: members[name] for name in declared if name in members}


def _form(text: str) -> Pairs:
    try:
        return tuple(parse_qsl(text, keep_blank_values=True, max_num_fields=FIELDS_MAX))
    except ValueError:
        raise Unfit(f"body: a form has at most {FIELDS_MAX} fields") from None


def _parsed(text: str, where: str, kind: Kind) -> Value:
    """Parse JSON; half a character is none (RFC 8259, 8.2)."""
    try:
        value = parse_json(text)
        if "\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()
        size_of(value)
    except TooLarge as error:
        raise Unfit(f"{where}: {error}") from None
    except (ValueError, RecursionError):
        raise Unfit(f"{where}: must be of the kind {kind}, in JSON") from None
    return value


def _require(kind: Kind, value: Value, where: str) -> None:
    if not fits(kind, value):
        raise Unfit(f"{where}: must be of the kind {kind}")
