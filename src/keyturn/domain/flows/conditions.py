"""Conditions: two values and an operator between them, as Okta's branching cards have them.

Decides what each operator means and which values it takes. There are no expressions: conditions are
put together by ``all``, ``any`` and ``not``.

    {left: "{{ start.body.count }}", is: greater than, right: 3}
    {all: [{left: …, is: not empty}, {not: {left: …, is: contains, right: admin}}]}
"""

from collections.abc import Callable, Mapping
from typing import Final

from keyturn.domain.flows.failures import CardFailure, wrong_input
from keyturn.domain.flows.values import Kind, TooLarge, Value, kind_of, size_of

SIZE_MAX: Final = 16 * 1024 * 1024
FORM: Final = "must be {left, is, right}, {left, is}, {all: [...]}, {any: [...]} or {not: ...}"


def _empty(left: Value) -> bool:
    return left is None or left in ("", [], {})


def _equal(left: Value, right: Value) -> bool:
    """Say whether two values are the same; a truth is no number."""
    return kind_of(left) is kind_of(right) and left == right


def _contains(left: Value, right: Value) -> bool:
    match left, right:
        case str(), str():
            return right in left
        case list(), _:
            return any(_equal(each, right) for each in left)
        case dict(), str():
            return right in left
        case _:
            raise wrong_input("left", "must be a text, a list or an object to contain something")


def _text(check: Callable[[str, str], bool]) -> Callable[[Value, Value], bool]:
    def decide(left: Value, right: Value) -> bool:
        if isinstance(left, str) and isinstance(right, str):
            return check(left, right)
        raise wrong_input("left", "and right must be texts")

    return decide


def _order(check: Callable[[float | str, float | str], bool]) -> Callable[[Value, Value], bool]:
    def decide(left: Value, right: Value) -> bool:
        kinds = {kind_of(left), kind_of(right)}
        if kinds in ({Kind.NUMBER}, {Kind.TEXT}):
            return check(left, right)  # type: ignore[arg-type]  # both numbers, or both texts
        raise wrong_input("left", "and right must be two numbers, or two texts")

    return decide


TWO: Final[Mapping[str, Callable[[Value, Value], bool]]] = {
    "equal to": _equal,
    "not equal to": lambda left, right: not _equal(left, right),
    "greater than": _order(lambda left, right: left > right),  # type: ignore[operator]
    "greater than or equal to": _order(lambda left, right: left >= right),  # type: ignore[operator]
    "less than": _order(lambda left, right: left < right),  # type: ignore[operator]
    "less than or equal to": _order(lambda left, right: left <= right),  # type: ignore[operator]
    "contains": _contains,
    "does not contain": lambda left, right: not _contains(left, right),
    "in": lambda left, right: _contains(right, left),
    "starts with": _text(str.startswith),
    "ends with": _text(str.endswith),
}
ONE: Final[Mapping[str, Callable[[Value], bool]]] = {
    "empty": _empty,
    "not empty": lambda left: not _empty(left),
    "true": lambda left: left is True,
    "false": lambda left: left is False,
    "null": lambda left: left is None,
    "not null": lambda left: left is not None,
}
OPERATORS: Final = (*TWO, *ONE)


def holds(condition: Value) -> bool:
    """Say whether a condition holds. Raises CardFailure for what is none."""
    try:
        size_of(condition, most=SIZE_MAX)  # it may come of data
    except TooLarge as error:
        raise wrong_input("condition", str(error)) from None
    return _holds(condition)


def _holds(condition: Value) -> bool:
    match condition:
        case bool():
            return condition
        case {"all": list(inner), **rest} if not rest:
            return all(map(_holds, inner))
        case {"any": list(inner), **rest} if not rest:
            return any(map(_holds, inner))
        case {"not": inner, **rest} if not rest:
            return not _holds(inner)
        case {"left": left, "is": str(operator), "right": right, **rest} if not rest:
            return _two(left, operator, right)
        case {"left": left, "is": str(operator), **rest} if not rest:
            return _one(left, operator)
        case _:
            raise _no_condition()


def _two(left: Value, operator: str, right: Value) -> bool:
    if operator in TWO:
        return TWO[operator](left, right)
    raise wrong_input("is", f"{operator} is no operator between two values")


def _one(left: Value, operator: str) -> bool:
    if operator in ONE:
        return ONE[operator](left)
    raise wrong_input("is", f"{operator} is no operator on one value")


def _no_condition() -> CardFailure:
    return wrong_input("condition", FORM)
