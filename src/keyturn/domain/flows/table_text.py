"""Cells of tables as they stand in comma-separated values.

Decides how a value is written and read again: a text as it is, anything else as JSON. An empty cell
is no value, so that an empty text comes back as none.
"""

import json

from keyturn.domain.flows.values import Kind, Value, fits


class NoCell(ValueError):
    """A cell is no value of its column's kind."""


def write_cell(value: Value) -> str:
    """Return a value as it stands in a cell."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def read_cell(kind: Kind, cell: str) -> Value:
    """Return the value in a cell; of any kind it is JSON where it can be read so, else a text.

    Raises NoCell.
    """
    if cell == "":
        return None
    if kind is Kind.TEXT:
        return cell
    try:
        value: Value = json.loads(cell)
    except (ValueError, RecursionError):
        if kind is Kind.ANY:
            return cell
        raise NoCell(f"must be of the kind {kind}, in JSON") from None
    if not fits(kind, value):
        raise NoCell(f"must be of the kind {kind}")
    return value
