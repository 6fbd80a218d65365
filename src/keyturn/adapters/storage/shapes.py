"""Statements of the shapes that come again and again, each put together once.

SQLAlchemy makes a statement, and the key to its text, anew wherever one is written down, which
costs more than the database does. Only the values differ, and they are given beside.
"""

from collections.abc import Mapping
from functools import cache
from typing import Final

from sqlalchemy import Insert, Select, Update, bindparam, select, update

from keyturn.adapters.storage.columns import row_of
from keyturn.adapters.storage.indexes import KEYS, ONCE
from keyturn.adapters.storage.tables import POSITION, TABLES
from keyturn.domain.turn import Turn

Values = Mapping[str, object]
Shape = tuple[tuple[str, str], ...]
"""Names of columns, and how each is compared."""

_WAS: Final = "was_"
_IS, _NULL, _IN = "is", "null", "in"


def chosen(
    kind: type, where: Values, *, most: int | None = None
) -> tuple[Select[tuple[object, ...]], Values]:
    """Return the statement that reads the records that fit, in their order, and its values."""
    values = row_of(kind, where)
    shape = tuple((name, _how(value)) for name, value in values.items())
    return _choice(kind, shape, most), values


def _how(value: object) -> str:
    if value is None:
        return _NULL
    return _IN if isinstance(value, frozenset) else _IS


@cache
def _choice(kind: type, shape: Shape, most: int | None) -> Select[tuple[object, ...]]:
    table = TABLES[kind]
    fits = [
        table.c[name].in_(bindparam(name, expanding=True))
        if how == _IN
        else table.c[name] == (bindparam(name) if how == _IS else None)
        for name, how in shape
    ]
    return select(table).where(*fits).order_by(table.c[POSITION]).limit(most)


@cache
def quiet_addition(kind: type) -> Insert:
    """Return the statement for PostgreSQL that adds a record unless something is taken."""
    from sqlalchemy.dialects.postgresql import insert  # noqa: PLC0415  two megabytes with it

    quietly = insert(TABLES[kind]).inline().on_conflict_do_nothing()
    return quietly.execution_options(preserve_rowcount=True)


def quiet_replacement(kind: type, row: Values) -> tuple[Update, Values]:
    """Return the statement that replaces a record where what is unique of it stays as it was."""
    before = {_WAS + name: row[name] for name in _kept(kind)}
    return _replacement(kind), {**row, **before}


@cache
def _kept(kind: type) -> frozenset[str]:
    """Name the columns that tell a record, that are unique, and that fence it."""
    return frozenset({*KEYS[kind], *ONCE[kind].columns, *(["epoch"] if kind is Turn else [])})


@cache
def _replacement(kind: type) -> Update:
    table = TABLES[kind]
    same = (table.c[name] == bindparam(_WAS + name) for name in _kept(kind))
    return update(table).where(*ONCE[kind].where, *same)
