"""Expressions and conditions of flows in words, short enough for a picture."""

import json
from typing import Final

from keyturn.domain.flows.expressions import (
    Constant,
    Expression,
    Items,
    Members,
    Reference,
    Template,
)
from keyturn.domain.flows.values import Value

_VERBS: Final = ("contains", "does not", "starts", "ends")


class _Way(str):
    """The way to a value, set apart from a text."""

    __slots__ = ()


def told_of(expression: Expression) -> str:
    """Return an expression in words; where it is a condition, as one is said."""
    plain = _plain(expression)
    return plain if isinstance(plain, str) else _told(plain)


def _plain(expression: Expression) -> Value:
    """Return an expression as a value in which references are ways."""
    match expression:
        case Constant(value):
            return value
        case Reference():
            return _Way(str(expression).strip("{} ?"))
        case Template(parts):
            return _Way("".join(each if isinstance(each, str) else str(each) for each in parts))
        case Members(of):
            return {name: _plain(each) for name, each in of.items()}
        case Items(of):
            return [_plain(each) for each in of]


def _told(value: Value) -> str:
    match value:
        case {"all": list(inner)}:
            return " and ".join(map(_inner, inner))
        case {"any": list(inner)}:
            return " or ".join(map(_inner, inner))
        case {"not": inner}:
            return f"not {_inner(inner)}"
        case {"left": left, "is": str(operator), "right": right}:
            return f"{_compared(left, operator)} {_told(right)}"
        case {"left": left, "is": str(operator)}:
            return _compared(left, operator)
        case _Way():
            return value
        case list():
            return f"{len(value)} values"
        case _:
            return json.dumps(value, ensure_ascii=False)


def _compared(left: Value, operator: str) -> str:
    return f"{_told(left)} {operator if operator.startswith(_VERBS) else f'is {operator}'}"


def _inner(value: Value) -> str:
    """Return a condition inside another one, in brackets where it has parts itself."""
    several = isinstance(value, dict) and bool(value.keys() & {"all", "any"})
    return f"({_told(value)})" if several else _told(value)
