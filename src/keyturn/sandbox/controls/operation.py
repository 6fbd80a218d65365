"""What an operation of the control port is, and how the members of its body are read."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import inf
from typing import TypeVar, cast

from keyturn.sandbox.http import Json, Request
from keyturn.sandbox.state.clock import MOMENT, parse_moment
from keyturn.sandbox.state.org import Org

Body = Mapping[str, Json]
Params = Mapping[str, str]
W = TypeVar("W", bound=str)
Perform = Callable[[Org, Request, Params, Body], Json]


class BadRequest(ValueError):
    """The body of a control request names something unknown."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: where it is, what does it, and in one line what it is for."""

    method: str
    pattern: str
    perform: Perform
    purpose: str


def read_text(body: Body, name: str, default: str | None = None) -> str:
    """Return a member that is a string; BadRequest for anything else, or none without a default."""
    value = body.get(name, default)
    if not isinstance(value, str):
        raise BadRequest(f"{name} is a string")
    return value


def read_word(body: Body, name: str, words: Sequence[W], default: W | None = None) -> W:
    """Return a member that is one of some words; BadRequest for anything else."""
    value = body.get(name, default)
    for word in words:
        if word == value:
            return word
    raise BadRequest(f"{name} is one of {', '.join(words)}")


def read_count(body: Body, name: str, most: int) -> int:
    """Return a member that is a whole number from 0; BadRequest for anything else."""
    value = body.get(name)
    if type(value) is not int or not 0 <= value <= most:
        raise BadRequest(f"{name} is a whole number from 0 to {most}")
    return value


def read_number(body: Body, name: str, least: float = -inf, most: float = inf) -> float:
    """Return a member that is a number within bounds; BadRequest for anything else."""
    value = body.get(name)
    if isinstance(value, int | float) and type(value) is not bool and least <= value <= most:
        return value
    bounds = "" if least == -inf else f" from {least:.0f} to {most:.0f}"
    raise BadRequest(f"{name} is a number{bounds}")


def read_time(body: Body, name: str) -> datetime:
    """Return a member that is a moment which a clock can show; BadRequest for anything else."""
    try:
        return parse_moment(read_text(body, name))
    except ValueError as error:
        raise BadRequest(f"{name} is {MOMENT}") from error


def read_flag(body: Body, name: str) -> bool:
    """Return a member that is true or false; BadRequest for anything else."""
    value = body.get(name)
    if not isinstance(value, bool):
        raise BadRequest(f"{name} is true or false")
    return value


def read_texts(body: Body, name: str) -> tuple[str, ...]:
    """Return a member that is a list of strings; BadRequest for anything else."""
    value = body.get(name)
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise BadRequest(f"{name} is a list of strings")
    return tuple(cast("list[str]", value))


def read_objects(body: Body, name: str) -> tuple[Body, ...]:
    """Return a member that is a list of JSON objects; BadRequest for anything else."""
    value = body.get(name)
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise BadRequest(f"{name} is a list of objects")
    return tuple(cast("list[Body]", value))


def refuse_unknown(body: Body, *known: str) -> None:
    """Raise BadRequest when a body has members that nobody would read."""
    unknown = body.keys() - set(known)
    if unknown:
        raise BadRequest(f"unknown members: {sorted(unknown)}; known: {sorted(known)}")
