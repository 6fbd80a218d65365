"""How results look: lines for people, no wider than their terminal, or one JSON document."""

import json
import re
import shutil
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import zip_longest
from textwrap import wrap

import click

GAP = 2
"""Blanks between two columns."""
NARROW = 10
"""As wide as a column of prose stays where a terminal is narrow."""
SECONDS = re.compile(r"(\d\d:\d\d):\d\d UTC")
CALLED_BY = frozenset(
    {"name", "e-mail", "alias", "rollout", "project", "environment", "tag", "table", "policy"}
)
"""First columns by which commands find a row, as well as by its id."""
FACT = re.compile(r"\s*(?:[-·] |\S.*?\s{2,})?")
"""What a line begins with, to be kept free where it goes on below: a fact's name, a dash."""


def show(document: object, lines: Iterable[str], *, as_json: bool, as_is: bool = False) -> None:
    """Print the document as JSON, or the lines; ``as_is`` where they are made to be copied."""
    tell([json.dumps(document, indent=2)] if as_json else lines, as_is=as_is or as_json)


def tell(lines: Iterable[str], *, as_is: bool = False, err: bool = False) -> None:
    """Print lines; a terminal's go on below between two words, and under what they began with."""
    width = None if as_is else columns()
    text = "\n".join(part for line in lines for part in _below(line, width))
    if text:
        click.echo(text, err=err)


def columns() -> int | None:
    """Return how many characters a line of the terminal holds; None where there is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Render rows in columns; nothing but a word where there are none.

    Where a terminal is too narrow for them, the ids of what has a name are left out, cells go on
    below, and the last columns move below their row. Cells hold what anybody may have sent: no
    character of theirs moves a terminal's cursor.
    """
    if not rows:
        return ["none"]
    cells = [[printable(cell) for cell in row] for row in (header, *rows)]
    width, widths = columns(), _widths(cells)
    if width and _across(widths) > width:
        return [*_fitted(cells, width)]
    return [line for row in cells for line in _lines(row, widths)]


def printable(text: str) -> str:
    """Return a text on one line, with what cannot be printed told by its number."""
    return "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in text)


def counted(number: int, noun: str) -> str:
    """Render so many of something."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def days(since: datetime, now: datetime) -> int:
    """Return whole days since a moment; none before it, where two clocks do not agree."""
    return max(0, (now - since).days)


def moment(at: datetime | None) -> str:
    """Render a moment to the second, in UTC."""
    return f"{at:%Y-%m-%d %H:%M:%S} UTC" if at else "never"


def _below(line: str, width: int | None) -> list[str]:
    """Return a line in as many as it takes; a text of several lines as it is."""
    if width is None or len(line) <= width or "\n" in line:
        return [line]
    begun = FACT.match(line)
    lead = begun.end() if begun else 0
    hang = " " * (lead if 0 < lead <= width // 2 else 4)
    return _words(line, width, hang)


def _words(text: str, width: int, hang: str = "") -> list[str]:
    """Wrap a text between its words: addresses and ids stay whole, for whoever copies them."""
    return wrap(text, width, subsequent_indent=hang, break_long_words=False, break_on_hyphens=False)


def _widths(cells: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(len, column)) for column in zip(*cells, strict=True)]


def _across(widths: Sequence[int]) -> int:
    return sum(widths) + GAP * (len(widths) - 1)


def _fitted(cells: Sequence[Sequence[str]], width: int) -> Iterator[str]:
    """Render rows, the first of which is the header, in a terminal that is too narrow for them."""
    named = cells[0][0].lower() in CALLED_BY
    kept = [at for at, name in enumerate(cells[0]) if not named or name.lower() != "id"]
    header, *rows = ([SECONDS.sub(r"\1 UTC", row[at]) for at in kept] for row in cells)
    widths = _narrowed([header, *rows], width)
    beside = len(widths)
    yield from _lines(header[:beside], widths)
    for row in rows:
        yield from _lines(row[:beside], widths)
        below = zip(header[beside:], row[beside:], strict=True)
        if told := "; ".join(f"{name}: {cell}" for name, cell in below if cell):
            yield f"    {told}"


def _narrowed(cells: Sequence[Sequence[str]], width: int) -> list[int]:
    """Return widths of the first columns, as many as fit; the widest gives way, to whole words."""
    widths = _widths(cells)
    words = _widths([[max(cell.split(), key=len, default="") for cell in row] for row in cells])
    least = [max(word, min(whole, NARROW)) for word, whole in zip(words, widths, strict=True)]
    while len(least) > 1 and _across(least) > width:
        least.pop()
    del widths[len(least) :]
    while _across(widths) > width and widths != least:
        widest = max(range(len(widths)), key=lambda at: (widths[at] > least[at], widths[at]))
        widths[widest] -= 1
    return widths


def _lines(row: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    """Render a row, in as many lines as the longest of its cells."""
    parts = [
        [cell] if len(cell) <= width else _words(cell, width)
        for cell, width in zip(row, widths, strict=True)
    ]
    for line in zip_longest(*parts, fillvalue=""):
        cut = (part.ljust(width) for part, width in zip(line, widths, strict=True))
        yield (" " * GAP).join(cut).rstrip()
