"""Values that cards take and give: what JSON knows, and nothing else.

Decides what fits a kind, how much a value takes, and how one looks to people who may not see it.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import isinf
from sys import getsizeof
from typing import Final, NoReturn, TypeAlias

Value: TypeAlias = "bool | int | float | str | list[Value] | dict[str, Value] | None"
"""Nobody changes one in place: it may be bound elsewhere as well."""

_Branch: TypeAlias = "list[Value] | dict[str, Value]"
_Times: TypeAlias = "tuple[_Branch, int]"
_Weigh: TypeAlias = "Callable[[_Branch, Iterable[Value]], int]"

_AS_TEXT: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_BRANCHES: Final = frozenset({dict, list})

POINTER_BYTES: Final = 8
NAMES_ALIKE: Final = 64
"""An object of more names than this is no record of many: its names are its own."""
SIZE_MAX: Final = 128 * 1024 * 1024
"""How many bytes a value takes at most, with what stands in it twice counted twice."""
DEPTH_MAX: Final = 100
"""How deep lists and objects lie inside each other at most."""
TEXT_MAX: Final = 10_000_000
"""How many characters a text has at most that is put together."""


class TooLarge(ValueError):
    """A value is larger than any may be; the text says how large one may be."""


class Kind(StrEnum):
    """What a value is, by the names that files use."""

    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "boolean"
    OBJECT = "object"
    LIST = "list"
    ANY = "any"


def kind_of(value: Value) -> Kind:
    """Return what a value is; null is of any kind."""
    match value:
        case bool():
            return Kind.BOOLEAN
        case str():
            return Kind.TEXT
        case int() | float():
            return Kind.NUMBER
        case list():
            return Kind.LIST
        case dict():
            return Kind.OBJECT
        case _:
            return Kind.ANY


def fits(kind: Kind, value: Value) -> bool:
    """Say whether a value is of a kind."""
    return kind is Kind.ANY or kind_of(value) is kind


def parse_json(text: str | bytes) -> Value:
    """Parse JSON (RFC 8259). Raises ValueError for what is none, NaN and endless numbers included.

    What lies too deep for Python raises RecursionError.
    """
    told: Value = json.loads(text, parse_constant=_no_number, parse_float=_finite)
    return told


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if isinf(number):
        raise ValueError("a number is too large")
    return number


def text_of(value: Value) -> str:
    """Return a value as it stands inside a text: null as nothing, objects and lists as JSON.

    Raises TooLarge.
    """
    match value:
        case None:
            return ""
        case str():
            return value
        case _:
            length_of(value, most=TEXT_MAX)
            return _AS_TEXT.encode(value)


def inside(value: Value) -> Iterable[Value]:
    """Return what lies right inside a value."""
    match value:
        case dict():
            return value.values()
        case list():
            return value
        case _:
            return ()


def parts_of(value: Value) -> Iterator[Value]:
    """Give a value and all that lies in it, however deep; what stands in several places, once."""
    left, met = [value], set[int]()
    while left:
        part = left.pop()
        yield part
        if isinstance(part, dict | list) and id(part) not in met:
            met.add(id(part))
            left += inside(part)


def size_of(value: Value, most: int = SIZE_MAX) -> int:
    """Return about how many bytes of memory a value takes, as CPython lays it out.

    A small file can make a value in which one part stands a billion times; whoever walks through it
    asks here first. Numbers that CPython has only once count wherever they stand, and the names of
    small objects nowhere, as those of records are mostly the same. Raises TooLarge past ``most``
    and `DEPTH_MAX`.
    """
    root = size = getsizeof(value)
    if isinstance(value, dict | list):
        held = value.values() if isinstance(value, dict) else value
        if len(value) > NAMES_ALIKE or not _BRANCHES.isdisjoint(map(type, held)):
            return _total(value, most, root, _taken)
        size += sum(map(getsizeof, held))
    return size if size <= most else _total(value, most, root, _taken)


def length_of(value: Value, most: int = SIZE_MAX) -> int:
    """Return about how many characters a value takes as a text. Raises TooLarge as `size_of`."""
    return _total(value, most, POINTER_BYTES + _told(value), _written)


def _total(value: Value, most: int, root: int, weigh: "_Weigh") -> int:
    """Return what a value takes: itself and all that lies in it."""
    total, level = _measured([(value, 1)], weigh) if isinstance(value, dict | list) else (0, {})
    total += root
    for _ in range(DEPTH_MAX + 1):
        if total > most:
            raise TooLarge(f"a value takes more than {most:,} bytes")
        if not level:
            return total
        size, level = _measured(level.values(), weigh)
        total += size
    raise TooLarge(f"lists and objects lie more than {DEPTH_MAX} deep inside each other")


def _measured(level: "Iterable[_Times]", weigh: "_Weigh") -> tuple[int, dict[int, _Times]]:
    """Return what lies right in parts of one depth takes, and those of the next.

    Each stands there so many times; what stands in several places is looked at once.
    """
    size, inner = 0, dict[int, _Times]()
    for part, times in level:
        held = part.values() if isinstance(part, dict) else part
        size += times * weigh(part, held)
        if _BRANCHES.isdisjoint(map(type, held)):
            continue
        for each in held:
            if isinstance(each, dict | list):
                inner[id(each)] = each, times + inner.get(id(each), (each, 0))[1]
    return size, inner


def _taken(part: "_Branch", held: Iterable[Value]) -> int:
    names = sum(map(getsizeof, part)) if isinstance(part, dict) and len(part) > NAMES_ALIKE else 0
    return names + sum(map(getsizeof, held))


def _written(part: "_Branch", held: Iterable[Value]) -> int:
    names = sum(map(len, part)) if isinstance(part, dict) else 0
    return names + POINTER_BYTES * len(part) + sum(map(_told, held))


def _told(value: Value) -> int:
    return len(value) if isinstance(value, str) else 0


# --- what people may see --------------------------------------------------------------------------


class Masked(str):
    """What stands in a view where a value must not be seen."""

    __slots__ = ()


MASK: Final = Masked("(masked)")


def is_masked(view: Value) -> bool:
    """Say whether anything in a view is hidden."""
    return any(isinstance(part, Masked) for part in parts_of(view))


@dataclass(frozen=True, slots=True)
class Bound:
    """A value, and how it looks in the history; the same object where nothing is hidden."""

    value: Value
    view: Value


def seen(value: Value) -> Bound:
    """Return a value that anybody may see."""
    return Bound(value, value)


def hidden(value: Value) -> Bound:
    """Return a value that nobody may see."""
    return Bound(value, MASK)


def members(bounds: Mapping[str, Bound]) -> Bound:
    """Return an object made of these."""
    value = {name: each.value for name, each in bounds.items()}
    if all(each.view is each.value for each in bounds.values()):
        return Bound(value, value)
    return Bound(value, {name: each.view for name, each in bounds.items()})
