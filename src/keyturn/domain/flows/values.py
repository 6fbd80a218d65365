"""Values that cards take and give: what JSON knows, and nothing else.

Decides what fits a kind, how much a value takes, and how one looks to people who may not see it.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

Value: TypeAlias = "bool | int | float | str | list[Value] | dict[str, Value] | None"
"""Nobody changes one in place: it may be bound elsewhere as well."""

_Times: TypeAlias = "tuple[list[Value] | dict[str, Value], int]"

POINTER_BYTES: Final = 8
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
            size_of(value, most=TEXT_MAX)
            return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


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
    """Return about how many bytes a value takes. Raises TooLarge past ``most`` and `DEPTH_MAX`.

    A small file can make a value in which one part stands a billion times; whoever walks through it
    asks here first.
    """
    flat = _flat_size(value)
    if flat is not None and flat <= most:
        return flat
    total, level = _measured([([value], 1)])
    for _ in range(DEPTH_MAX + 2):
        if total > most:
            raise TooLarge(f"a value takes more than {most:,} bytes")
        if not level:
            return total
        size, level = _measured(level.values())
        total += size
    raise TooLarge(f"lists and objects lie more than {DEPTH_MAX} deep inside each other")


def _flat_size(value: Value) -> int | None:
    """Return what `size_of` does, quickly, of a value in which no lists and objects lie; else None.

    Most that cards take and give is of that kind.
    """
    size = POINTER_BYTES
    if isinstance(value, str):
        return size + len(value)
    if isinstance(value, dict):
        size += sum(map(len, value))
    for each in inside(value):
        size += POINTER_BYTES
        if isinstance(each, str):
            size += len(each)
        elif isinstance(each, dict | list):
            return None
    return size


def _measured(level: "Iterable[_Times]") -> tuple[int, dict[int, _Times]]:
    """Return what lies in parts of one depth takes, without what lies in it, which is the next.

    Each stands there so many times; what stands in several places is looked at once.
    """
    size, inner = 0, dict[int, _Times]()
    for part, times in level:
        own = POINTER_BYTES * len(part) + (sum(map(len, part)) if isinstance(part, dict) else 0)
        for each in inside(part):
            if isinstance(each, str):
                own += len(each)
            elif isinstance(each, dict | list):
                inner[id(each)] = each, times + inner.get(id(each), (each, 0))[1]
        size += times * own
    return size, inner


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
