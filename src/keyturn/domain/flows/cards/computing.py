"""How cards that compute are declared, what they take, and how much they may make.

Decides the limits of what one card makes, and refuses what is of another kind than a card reads.
Nothing here changes a value in place.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final, TypeAlias, TypeVar

from keyturn.domain.flows.failures import CardFailure, Failure, wrong_input
from keyturn.domain.flows.spec import CardSpec, Input, Output, Pure
from keyturn.domain.flows.values import (
    TEXT_MAX,
    Kind,
    Masked,
    TooLarge,
    Value,
    size_of,
    text_of,
)

Given: TypeAlias = Mapping[str, Value]
"""The inputs of a card by name."""
Object: TypeAlias = "dict[str, Value]"
Holding = TypeVar("Holding", list[Value], Object)
Example: TypeAlias = tuple[Mapping[str, Value], Mapping[str, Value]]
"""Inputs as they stand in a file, and the outputs that they come to."""

ITEMS_MAX: Final = 50_000
"""How many items a list or an object has at most that a card takes or makes."""
LOOKED_BYTES: Final = 16 * 1024 * 1024
"""How much a value takes at most that a card looks through, all that lies in it included."""
READ_MAX: Final = 1_000_000
"""How many characters a text has at most that a card reads a list or an object from."""
WHOLE_MAX: Final = 10**18
"""Up to where numbers are computed with, so that no number grows without end."""
EXACT_MAX: Final = 2**53
"""Up to where every whole number is one in JSON, whoever reads it (RFC 8259 §6)."""


def computes(  # noqa: PLR0913  # a card's declaration is its arguments
    name: str,
    doc: str,
    run: Pure,
    *inputs: Input,
    outputs: tuple[Output, ...],
    example: Example,
    failures: tuple[Failure, ...] = (),
    open: bool = False,  # noqa: A002  # the word of `CardSpec`
) -> CardSpec:
    """Declare a card that computes; an optional input that is null has its default."""
    given, gives = example
    return CardSpec(
        name,
        doc,
        inputs,
        outputs,
        run=_with_defaults(run, inputs),
        failures=(Failure.INPUT, *failures),
        open=open,
        example={"card": name, "with": dict(given)},
        gives=gives,
    )


def moves(card: CardSpec) -> CardSpec:
    """Declare that a card moves values and makes none."""
    return replace(card, mirrors=True)


def _with_defaults(run: Pure, inputs: Sequence[Input]) -> Pure:
    absent: Given = {each.name: each.default for each in inputs if not each.required}

    def compute(given: Given) -> Mapping[str, Value]:
        told = {name: value for name, value in given.items() if value is not None}
        return run({**given, **absent, **told})

    return compute


# --- what a card takes ----------------------------------------------------------------------------


def text(given: Given, name: str) -> str:
    """Return an input that has to be a text; what hides a value is none."""
    value = given.get(name)
    if isinstance(value, str) and not isinstance(value, Masked):
        return value
    raise _of_kind(name, Kind.TEXT)


def letter(given: Given, name: str) -> str:
    """Return an input that has to be one character."""
    value = text(given, name)
    if len(value) == 1:
        return value
    raise wrong_input(name, "must be one character")


def truth(given: Given, name: str) -> bool:
    """Return an input that has to be true or false."""
    value = given.get(name)
    if isinstance(value, bool):
        return value
    raise _of_kind(name, Kind.BOOLEAN)


def number(given: Given, name: str) -> int | float:
    """Return an input that has to be a number that can be computed with."""
    return number_in(given.get(name), name)


def number_in(value: Value, name: str) -> int | float:
    """Return a value as a number that can be computed with."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _of_kind(name, Kind.NUMBER)
    if not -WHOLE_MAX <= value <= WHOLE_MAX:
        raise wrong_input(name, "must be a number of at most 18 digits")
    return value


def whole(given: Given, name: str, *, least: int = -WHOLE_MAX, most: int = WHOLE_MAX) -> int:
    """Return an input that has to be a whole number between these."""
    value = number(given, name)
    if value == int(value) and least <= value <= most:
        return int(value)
    raise wrong_input(name, f"must be a whole number from {least:,} to {most:,}")


def items(given: Given, name: str) -> list[Value]:
    """Return an input that has to be a list."""
    return items_in(given.get(name), name)


def items_in(value: Value, name: str) -> list[Value]:
    """Return a value as a list."""
    if isinstance(value, list):
        return _few(value, name)
    raise _of_kind(name, Kind.LIST)


def members(given: Given, name: str) -> Object:
    """Return an input that has to be an object."""
    return members_in(given.get(name), name)


def members_in(value: Value, name: str) -> Object:
    """Return a value as an object."""
    if isinstance(value, dict):
        return _few(value, name)
    raise _of_kind(name, Kind.OBJECT)


def _few(held: Holding, name: str) -> Holding:
    if len(held) > ITEMS_MAX:
        raise wrong_input(name, f"must have at most {ITEMS_MAX:,} items")
    return held


def names(given: Given, name: str) -> list[str]:
    """Return an input that has to be a list of texts."""
    found = [each for each in items(given, name) if isinstance(each, str)]
    if len(found) == len(items(given, name)) and not any(isinstance(x, Masked) for x in found):
        return found
    raise wrong_input(name, "must be a list of texts")


def _of_kind(name: str, kind: Kind) -> CardFailure:
    return wrong_input(name, f"must be of the kind {kind}")


# --- what a card makes ----------------------------------------------------------------------------


def made_text(value: str) -> str:
    """Return a text that a card made, if it is not too long."""
    require_length(len(value))
    return value


def require_length(length: int) -> None:
    """Raise CardFailure for a text that would be too long."""
    if length > TEXT_MAX:
        rule = f"the text that it makes would be longer than {TEXT_MAX:,} characters"
        raise CardFailure(Failure.INPUT, rule)


def require_count(count: int) -> None:
    """Raise CardFailure for a list that would be too long."""
    if count > ITEMS_MAX:
        raise CardFailure(Failure.INPUT, f"a list would have more than {ITEMS_MAX:,} items")


def made_number(value: float) -> int | float:
    """Return a number that a card made, whole where it is, if it is not too large."""
    if math.isnan(value) or not -WHOLE_MAX <= value <= WHOLE_MAX:
        raise CardFailure(Failure.INPUT, "the number that it makes would have more than 18 digits")
    return int(value) if abs(value) <= EXACT_MAX and value == int(value) else value


def joined(parts: Sequence[Value], separator: str = "") -> str:
    """Return the texts of values one after the other, if they are not too long together."""
    length = len(separator) * max(0, len(parts) - 1)
    texts = []
    for part in parts:
        texts.append(written(part))
        length += len(texts[-1])
        require_length(length)
    return separator.join(texts)


def written(value: Value) -> str:
    """Return a value as a text, if it is not too long."""
    try:
        return made_text(text_of(value))
    except TooLarge as error:
        raise CardFailure(Failure.INPUT, str(error)) from None


def require_light(value: Value, name: str) -> None:
    """Raise CardFailure for an input that is too large to be looked through."""
    try:
        size_of(value, most=LOOKED_BYTES)
    except TooLarge as error:
        raise wrong_input(name, str(error)) from None


def read_text(given: Given, name: str) -> str:
    """Return an input that has to be a text from which much can be read."""
    told = text(given, name)
    if len(told) > READ_MAX:
        raise wrong_input(name, f"must be at most {READ_MAX:,} characters")
    return told


def compared(given: Given, name: str) -> list[Value]:
    """Return an input that has to be a list whose items can be compared, all of them."""
    require_light(items(given, name), name)
    return items(given, name)


def octets(value: str, name: str) -> bytes:
    """Return a text in UTF-8."""
    try:
        return value.encode()
    except UnicodeEncodeError:
        raise wrong_input(name, "must be Unicode, without halves of characters") from None
