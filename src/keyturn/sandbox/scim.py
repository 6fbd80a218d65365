"""Filter expressions of SCIM (RFC 7644 section 3.4.2.2), as far as Okta takes them.

Decides how an expression is read and what it says of an object; which attributes and operators
exist is told by whoever uses it. Value paths in brackets are not supported, as in Okta's logs.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import cast

from keyturn.sandbox.http import Json

OPERATORS = ("eq", "ne", "co", "sw", "ew", "pr", "gt", "ge", "lt", "le")
TOKEN = re.compile(r'\s*(?:(?P<text>"(?:[^"\\]|\\.)*")|(?P<mark>[()])|(?P<word>[^\s()"\[\]]+))')
DEEPEST = 50

Values = Sequence[Json]
Lookup = Callable[[str], Values]


class BadFilter(ValueError):
    """The expression cannot be read; the text says where and why."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """An attribute, an operator and, but for `pr`, a value."""

    attribute: str
    operator: str
    value: Json = None

    def holds(self, look_up: Lookup) -> bool:
        """Tell whether any value of the attribute fits; `ne` and `not` want none to."""
        values = [value for value in look_up(self.attribute) if value is not None]
        if self.operator == "pr":
            return bool(values)
        if self.operator == "ne":
            return not any(_TESTS["eq"](value, self.value) for value in values)
        return any(_TESTS[self.operator](value, self.value) for value in values)

    def mapped(self, change: "Callable[[Comparison], Comparison]") -> "Filter":
        """Return the expression with each comparison changed."""
        return change(self)


@dataclass(frozen=True, slots=True)
class Not:
    """What must not hold."""

    inner: "Filter"

    def holds(self, look_up: Lookup) -> bool:
        """Tell whether the inner expression does not hold."""
        return not self.inner.holds(look_up)

    def mapped(self, change: Callable[[Comparison], Comparison]) -> "Filter":
        """Return the expression with each comparison changed."""
        return Not(self.inner.mapped(change))


@dataclass(frozen=True, slots=True)
class Joined:
    """Several expressions of which all must hold, or any."""

    every: bool
    parts: tuple["Filter", ...]

    def holds(self, look_up: Lookup) -> bool:
        """Tell whether all, or any, of the parts hold."""
        found = (part.holds(look_up) for part in self.parts)
        return all(found) if self.every else any(found)

    def mapped(self, change: Callable[[Comparison], Comparison]) -> "Filter":
        """Return the expression with each comparison changed."""
        return Joined(self.every, tuple(part.mapped(change) for part in self.parts))


Filter = Comparison | Not | Joined


@lru_cache(maxsize=256)  # who polls asks the same again and again
def parse_filter(text: str) -> Filter:
    """Return the expression; BadFilter when it cannot be read."""
    reader = _Reader(text)
    found = reader.read_any(0)
    if reader.token is not None:
        raise reader.unexpected()
    return found


def list_comparisons(expression: Filter) -> Iterator[Comparison]:
    """Yield every comparison of an expression, from left to right."""
    if isinstance(expression, Comparison):
        yield expression
    elif isinstance(expression, Not):
        yield from list_comparisons(expression.inner)
    else:
        for part in expression.parts:
            yield from list_comparisons(part)


def find_values(value: Json, path: str) -> Values:
    """Return all values at a dotted path of a JSON value; lists are entered."""
    values: list[Json] = [value]
    for name in path.split("."):
        held = [member for item in values for member in _flatten(item)]
        values = [item[name] for item in held if isinstance(item, dict) and name in item]
    return [member for item in values for member in _flatten(item)]


def _flatten(value: Json) -> Sequence[Json]:
    return cast("Sequence[Json]", value) if isinstance(value, list) else (value,)


# --- reading ----------------------------------------------------------------------------------


class _Reader:
    """Reads tokens one after another; `or` binds weakest, then `and`, then `not`."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._next = 0
        self.position = 0
        self.token: str | None = None
        self.advance()

    def advance(self) -> str | None:
        """Step to the next token and return the one before."""
        last = self.token
        found = TOKEN.match(self._text, self._next)
        rest = self._text[self._next :]
        self.position = self._next + len(rest) - len(rest.lstrip())
        if found is None and rest.strip():
            raise BadFilter(f"Unexpected character '{rest.strip()[0]}' at position {self.position}")
        self.token = found[0].strip() if found else None
        self._next = found.end() if found else len(self._text)
        return last

    def unexpected(self) -> BadFilter:
        """Return the complaint about the present token."""
        if self.token is None:
            return BadFilter(f"Unexpected end of filter at position {self.position}")
        return BadFilter(f"Unexpected '{self.token}' at position {self.position}")

    def read_any(self, depth: int) -> Filter:
        """Read expressions joined by `or`."""
        return self._read_joined("or", lambda: self._read_joined("and", lambda: self._one(depth)))

    def _read_joined(self, word: str, read_part: Callable[[], Filter]) -> Filter:
        parts = [read_part()]
        while self._is(word):
            self.advance()
            parts.append(read_part())
        return parts[0] if len(parts) == 1 else Joined(word == "and", tuple(parts))

    def _is(self, word: str) -> bool:
        return self.token is not None and self.token.lower() == word

    def _one(self, depth: int) -> Filter:
        if depth > DEEPEST:
            raise BadFilter(f"Too deeply nested at position {self.position}")
        if self._is("not"):
            self.advance()
            return Not(self._one(depth + 1))
        if self.token == "(":
            self.advance()
            inner = self.read_any(depth + 1)
            if self.token != ")":
                raise self.unexpected()
            self.advance()
            return inner
        return self._compare()

    def _compare(self) -> Comparison:
        if self.token is None or not re.fullmatch(r"[A-Za-z_$][\w.$:-]*", self.token):
            raise self.unexpected()
        attribute = str(self.advance())
        if self.token is None:
            raise self.unexpected()
        operator, position = self.token.lower(), self.position
        if operator not in OPERATORS:
            raise BadFilter(
                f"Unrecognized attribute operator '{self.token}' at position {position}. "
                "Expected: eq,co,sw,pr,gt,ge,lt,le"
            )
        self.advance()
        return Comparison(attribute, operator, None if operator == "pr" else self._value())

    def _value(self) -> Json:
        if self.token is None:
            raise self.unexpected()
        try:
            value = cast(Json, json.loads(self.token))
        except ValueError:
            raise self.unexpected() from None
        self.advance()
        return value


# --- comparing --------------------------------------------------------------------------------


def _sort_key(value: Json) -> tuple[int, float, str]:
    """Return what orders a value: numbers and moments by size, all else as text."""
    if isinstance(value, int | float):
        return 0, float(value), ""
    try:
        return 1, datetime.fromisoformat(str(value)).timestamp(), ""
    except ValueError:
        return 2, 0.0, str(value)


def _compare(left: Json, right: Json) -> int | None:
    """Return -1, 0 or 1 as left is smaller, alike or greater; None for values of two kinds."""
    a, b = _sort_key(left), _sort_key(right)
    return (a > b) - (a < b) if a[0] == b[0] else None


_TESTS: dict[str, Callable[[Json, Json], bool]] = {
    "eq": lambda value, wanted: value == wanted,
    "co": lambda value, wanted: str(wanted) in str(value),
    "sw": lambda value, wanted: str(value).startswith(str(wanted)),
    "ew": lambda value, wanted: str(value).endswith(str(wanted)),
    "gt": lambda value, wanted: _compare(value, wanted) == 1,
    "ge": lambda value, wanted: _compare(value, wanted) in (0, 1),
    "lt": lambda value, wanted: _compare(value, wanted) == -1,
    "le": lambda value, wanted: _compare(value, wanted) in (0, -1),
}
