"""Ways into objects and lists: how a card's path is written, and where it leads.

Decides what a path is: a list of names and places, or a text with points between them. No path
leads into what is hidden.
"""

from typing import Final, TypeAlias

from keyturn.domain.flows.cards.computing import Given
from keyturn.domain.flows.failures import CardFailure, Failure, wrong_input
from keyturn.domain.flows.spec import Input
from keyturn.domain.flows.values import Kind, Masked, Value

Path: TypeAlias = "list[str | int]"

DEEP_MAX: Final = 50
TEXT_MAX: Final = 2000
PLACE_MAX: Final = 9

PATH: Final = Input(
    "path",
    Kind.ANY,
    "The way to it: a text as in `profile.emails.0`, or a list as in `[profile, emails, 0]` for "
    "names with points in them. Places in a list count from 0.",
)


def path_of(given: Given, name: str = "path") -> Path:
    """Return an input that has to be a path."""
    return path_in(given.get(name), name)


def path_in(value: Value, name: str = "path") -> Path:
    """Return a value as a path. Raises CardFailure for what is none."""
    if isinstance(value, str) and not isinstance(value, Masked) and len(value) <= TEXT_MAX:
        value = [*value.split(".")]
    if not isinstance(value, list) or not 1 <= len(value) <= DEEP_MAX:
        raise wrong_input(name, f"must be a text as in a.b.0, or a list of 1 to {DEEP_MAX} names")
    path = [step for step in value if _is_step(step)]
    if len(path) != len(value):
        raise wrong_input(name, "must consist of texts, and of whole numbers from 0")
    return [step for step in path if isinstance(step, str | int)]


def _is_step(step: Value) -> bool:
    match step:
        case bool() | Masked():
            return False
        case int():
            return step >= 0
        case _:
            return isinstance(step, str)


def follow(value: Value, path: Path) -> tuple[bool, Value]:
    """Return whether there is something at the end of a path, and what.

    Raises CardFailure for a path into what is hidden.
    """
    for step in path:
        if isinstance(value, Masked):
            raise wrong_input("path", "leads into what is hidden")
        there, value = _into(value, step)
        if not there:
            return False, None
    return True, value


def _into(value: Value, step: str | int) -> tuple[bool, Value]:
    if isinstance(value, dict):
        name = str(step)
        return name in value, value.get(name)
    place = place_of(step)
    if isinstance(value, list) and place is not None and place < len(value):
        return True, value[place]
    return False, None


def place_of(step: str | int) -> int | None:
    """Return a step as a place in a list; None where it is a name."""
    if isinstance(step, int):
        return step
    return int(step) if step.isascii() and step.isdigit() and len(step) <= PLACE_MAX else None


def replaced(value: Value, path: Path, by: Value) -> Value:
    """Return a value in which something else stands at the end of a path.

    Objects that are not there yet are made. Raises CardFailure where the path leads into a text or
    a number, or past the end of a list.
    """
    if not path:
        return by
    step, rest = path[0], path[1:]
    match value:
        case None:
            return {str(step): replaced(None, rest, by)}
        case dict():
            name = str(step)
            return {**value, name: replaced(value.get(name), rest, by)}
        case list():
            place = place_of(step)
            if place is None or place > len(value):
                raise wrong_input("path", "leads past the end of a list, or into it by a name")
            inner = value[place] if place < len(value) else None
            return [*value[:place], replaced(inner, rest, by), *value[place + 1 :]]
        case _:
            raise wrong_input("path", "leads into what is no object and no list")


def removed(value: Value, path: Path) -> Value:
    """Return a value without what stands at the end of a path, where there is something."""
    there, _ = follow(value, path)
    if not there:
        return value
    step, rest = path[0], path[1:]
    match value:
        case dict():
            name = str(step)
            if rest:
                return {**value, name: removed(value[name], rest)}
            return {key: each for key, each in value.items() if key != name}
        case list():
            place = place_of(step) or 0
            inner = [removed(value[place], rest)] if rest else []
            return [*value[:place], *inner, *value[place + 1 :]]
        case _:
            raise wrong_input("path", "leads into what is no object and no list")


def missing() -> CardFailure:
    """Return the failure of a path that leads nowhere."""
    return CardFailure(Failure.MISSING, "There is nothing at the path.")
