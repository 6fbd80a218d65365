"""Texts with places for values: ``${NAME}``, or ``${NAME:json}`` in another format.

Decides what is a place, and how a value stands in it; everything else is the text's own, every
other ``$`` included. ``$${`` stands for ``${``. There are no conditions and no loops.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from keyturn.client.errors import ClientError
from keyturn.client.formats import QUOTES

_PLACE = re.compile(r"\$\$\{|\$\{(?:(?P<name>[^\s:/{}$]+)(?::(?P<form>\w+))?\})?")


class BadTemplate(ClientError):
    """A template cannot be rendered; says the file and the line, never a value."""


@dataclass(frozen=True)
class Slot:
    """A place for the value of a secret, in a format, on a line of the template."""

    name: str
    form: str
    line: int


@dataclass(frozen=True)
class Template:
    """A text in pieces; ``where`` is what errors call it."""

    where: str
    pieces: tuple[str | Slot, ...]

    @property
    def slots(self) -> tuple[Slot, ...]:
        """Return the places for values."""
        return tuple(each for each in self.pieces if isinstance(each, Slot))


def parse_template(text: str, form: str, where: str) -> Template:
    """Return a template whose places are in a format unless they name another.

    Raises BadTemplate, naming the line.
    """
    pieces: list[str | Slot] = []
    end = 0
    for found in _PLACE.finditer(text):
        pieces += (text[end : found.start()], _piece(found, form, where))
        end = found.end()
    return Template(where, (*pieces, text[end:]))


def render_template(template: Template, values: Mapping[str, str]) -> str:
    """Put values into a template. Raises BadTemplate for names that are not there."""
    unknown = [slot for slot in template.slots if slot.name not in values]
    if unknown:
        told = ", ".join(f"{slot.name} (line {slot.line})" for slot in unknown)
        raise BadTemplate(f"{template.where}: the folder has no {told}.")
    return "".join(
        each if isinstance(each, str) else QUOTES[each.form](values[each.name])
        for each in template.pieces
    )


def _piece(found: re.Match[str], form: str, where: str) -> str | Slot:
    if found[0] == "$${":
        return "${"
    line = found.string.count("\n", 0, found.start()) + 1
    form = found["form"] or form
    if found["name"] is None:
        told = "${ begins no ${NAME} or ${NAME:format}; write $${ for the characters themselves"
        raise BadTemplate(f"{where}, line {line}: {told}.")
    if form not in QUOTES:
        raise BadTemplate(f"{where}, line {line}: {form} is none of {', '.join(QUOTES)}.")
    return Slot(found["name"], form, line)
