"""Statements that are put together once and run by the thousand.

SQLAlchemy makes each anew for every row, which costs more than the database does.
"""

from collections.abc import Mapping
from operator import attrgetter
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import ColumnElement, Dialect, Insert, Table, Update, bindparam, insert, update

from keyturn.adapters.storage.columns import Cell, cells_of

_WAS: Final = "was_"


class Statement:
    """The text of a statement, and what makes its parameters of a record."""

    def __init__(
        self, statement: Insert | Update, dialect: Dialect, cells: Mapping[str, Cell]
    ) -> None:
        compiled = statement.compile(dialect=dialect, column_keys=[*cells])
        self.text: Final = str(compiled)
        self._names: Final = None if compiled.positional else tuple(cells)
        self._cells: Final = [cells[name] for name in compiled.positiontup or cells]

    def row(self, record: object) -> tuple[Any, ...] | dict[str, Any]:
        """Return the parameters of a record, by place or by name, as the driver takes them."""
        values = tuple([cell(record) for cell in self._cells])
        return dict(zip(self._names, values, strict=True)) if self._names else values


def insertion(kind: type, table: Table, dialect: Dialect) -> Statement:
    """Return the statement that adds a record."""
    return Statement(insert(table).inline(), dialect, cells_of(kind, table, dialect))


def replacement(
    kind: type,
    table: Table,
    dialect: Dialect,
    *fits: str,
    also: Mapping[str, ColumnElement[int]] = MappingProxyType({}),
) -> Statement:
    """Return the statement that replaces the record whose fields of these names are the same.

    ``also`` are columns that are no fields of the record.
    """
    same = (table.c[name] == bindparam(_WAS + name) for name in fits)
    cells = dict(cells_of(kind, table, dialect))
    values: dict[str, ColumnElement[Any]] = {name: bindparam(name) for name in cells}
    statement = update(table).where(*same).values(values | dict(also))
    keys: Mapping[str, Cell] = {_WAS + name: attrgetter(name) for name in fits}
    return Statement(statement, dialect, {**cells, **keys})
