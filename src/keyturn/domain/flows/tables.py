"""Tables: rows that flows keep, with columns of declared kinds.

Decides what a table may be called, how large it may become, and what fits a row. Knows nothing of
where rows lie, nor who may see them.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from keyturn.domain.errors import FieldProblem, InvalidInput
from keyturn.domain.flows.failures import wrong_input
from keyturn.domain.flows.values import (
    POINTER_BYTES,
    Bound,
    Kind,
    TooLarge,
    Value,
    fits,
    length_of,
    seen,
)
from keyturn.domain.ids import FolderId, RowId, TableId

COLUMNS_MAX: Final = 100
COLUMN_NAME_MAX: Final = 64
VALUE_BYTES: Final = 32 * 1024
ROW_BYTES: Final = 256 * 1024


@dataclass(frozen=True)
class FlowTable:
    """A table in a folder; ``kinds`` are those of the ``columns``, in their order.

    ``rows`` is how many it has, ``last_number`` the number of its newest one.
    """

    id: TableId
    folder_id: FolderId
    name: str
    columns: tuple[str, ...]
    kinds: tuple[str, ...]
    created_at: datetime
    updated_at: datetime
    rows: int = 0
    last_number: int = 0

    @property
    def kind_of(self) -> Mapping[str, Kind]:
        """Return the kinds by column."""
        return {name: Kind(kind) for name, kind in zip(self.columns, self.kinds, strict=True)}


@dataclass(frozen=True)
class FlowRow:
    """A row of a table, its values sealed; ``number`` tells the order in which rows were added."""

    id: RowId
    table_id: TableId
    number: int
    sealed: bytes
    created_at: datetime
    updated_at: datetime


def require_columns(columns: Mapping[str, Kind]) -> None:
    """Raise InvalidInput for columns that no table may have."""
    problems = [FieldProblem(("columns", name), rule) for name in columns if (rule := _fault(name))]
    if not 1 <= len(columns) <= COLUMNS_MAX:
        rule = f"must be 1 to {COLUMNS_MAX} columns"
        problems.append(FieldProblem(("columns",), rule))
    if problems:
        raise InvalidInput(*problems)


def _fault(name: str) -> str:
    good = 0 < len(name) <= COLUMN_NAME_MAX and name.isprintable() and name == name.strip()
    return "" if good else f"must be called by 1 to {COLUMN_NAME_MAX} printable characters"


def new_row(table: FlowTable, given: Bound) -> Bound:
    """Return a row of these values, null where there is none. Raises CardFailure."""
    return changed_row(table, seen(dict.fromkeys(table.columns)), given)


def changed_row(table: FlowTable, row: Bound, given: Bound) -> Bound:
    """Return a row in which some values are others. Raises CardFailure.

    What is hidden in what is given is hidden in the row. A column that the table has not any more
    is left out.
    """
    require_row(table, _members(given.value))
    value = _merged(table, row.value, given.value)
    if sum(map(length_of, value.values())) > ROW_BYTES:
        raise wrong_input("values", f"must take at most {ROW_BYTES:,} bytes together")
    if row.view is row.value and given.view is given.value:
        return seen(value)
    return Bound(value, _merged(table, row.view, _shown(given)))


def _merged(table: FlowTable, row: Value, given: Value) -> dict[str, Value]:
    known = _members(row)
    return {name: known.get(name) for name in table.columns} | {**_members(given)}


def _shown(given: Bound) -> Value:
    """Return the views of values by name, also where the whole of them is hidden."""
    if isinstance(given.view, dict):
        return given.view
    return dict.fromkeys(_members(given.value), given.view)


def require_row(table: FlowTable, values: Mapping[str, Value]) -> None:
    """Raise CardFailure for values that fit no column, or are too large."""
    kinds = table.kind_of
    for name, value in values.items():
        if name not in kinds:
            raise wrong_input("values", f"{table.name} has no column {name[:COLUMN_NAME_MAX]}")
        if value is not None and not fits(kinds[name], value):
            raise wrong_input("values", f"{name} must be of the kind {kinds[name]}")
        _require_small(name, value)


def _require_small(name: str, value: Value) -> None:
    try:
        length_of(value, most=VALUE_BYTES + POINTER_BYTES)
    except TooLarge:
        raise wrong_input("values", f"{name} must take at most {VALUE_BYTES:,} bytes") from None
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise wrong_input("values", f"{name} must be without halves of characters") from None


def require_where(table: FlowTable, where: Mapping[str, Value]) -> None:
    """Raise CardFailure where a search names a column that the table has not."""
    for name in where:
        if name not in table.columns:
            raise wrong_input("where", f"{table.name} has no column {name[:COLUMN_NAME_MAX]}")


def order_of(values: Value, column: str) -> tuple[bool, float | str]:
    """Return by what a row is sorted: rows without a value come first."""
    value = _members(values).get(column)
    if isinstance(value, bool | int | float | str):
        return True, value
    return False, 0


def sortable(table: FlowTable, column: str) -> bool:
    """Say whether rows can be sorted by a column."""
    return table.kind_of.get(column) in {Kind.TEXT, Kind.NUMBER, Kind.BOOLEAN}


def _members(value: Value) -> Mapping[str, Value]:
    return value if isinstance(value, dict) else {}


def listed(bounds: Sequence[Bound]) -> Bound:
    """Return a list made of these."""
    value: Value = [each.value for each in bounds]
    if all(each.view is each.value for each in bounds):
        return seen(value)
    return Bound(value, [each.view for each in bounds])
