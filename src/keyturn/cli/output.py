"""How results look: lines for people, or one JSON document."""

import json
from collections.abc import Iterable, Sequence
from datetime import datetime

import click


def show(document: object, lines: Iterable[str], *, as_json: bool) -> None:
    """Print the document as JSON, or the lines."""
    text = json.dumps(document, indent=2) if as_json else "\n".join(lines)
    if text:
        click.echo(text)


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Render rows in columns; nothing but a word where there are none.

    Cells hold what anybody may have sent: no character of theirs moves a terminal's cursor.
    """
    if not rows:
        return ["none"]
    cells = [[printable(cell) for cell in row] for row in (header, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]


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
