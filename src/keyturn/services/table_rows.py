"""Rows of tables: added, found again, changed and removed.

A row is sealed under its project's data key, bound to its table and its id. What was hidden when it
was written is hidden when it is read. Knows nothing of who may do what.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

from keyturn.domain.errors import OursError, Refused
from keyturn.domain.flows.codec import read_answer, write_answer
from keyturn.domain.flows.failures import wrong_input
from keyturn.domain.flows.tables import FlowRow, FlowTable, changed_row, new_row, order_of
from keyturn.domain.flows.values import Bound, Value, kind_of, members, seen
from keyturn.domain.ids import RowId
from keyturn.domain.project import Place
from keyturn.domain.sensitive import Sensitive
from keyturn.services.ports import Reading, World, Writing
from keyturn.services.records import must

AT_ONCE: Final = 150
"""How many rows are read together; others have their turn in between."""
FOUND_BYTES: Final = 16 * 1024 * 1024
"""How much the rows take together, at most, that one search finds."""


@dataclass(frozen=True)
class RowView:
    """A row and its values."""

    row: FlowRow
    values: Bound

    @property
    def told(self) -> Bound:
        """Return it as cards give it."""
        return members({"row": seen(self.row.id), "values": self.values})


@dataclass(frozen=True)
class Search:
    """Which rows are wanted: those with these values by column, at most ``limit``.

    They come in the order in which they were added, unless there is a column to ``sort`` by.
    """

    where: Mapping[str, Value]
    limit: int
    sort: str = ""
    descending: bool = False
    most_bytes: int = FOUND_BYTES

    @cached_property
    def _marks(self) -> Sequence[str]:
        return [json.dumps(each) for each in self.where.values() if isinstance(each, str)]

    def may_fit(self, text: str) -> bool:
        """Say whether a row that is written down like this may fit; it is not read for that."""
        return all(mark in text for mark in self._marks)

    def fits(self, values: Value) -> bool:
        """Say whether a row has all the values that are wanted."""
        held = values if isinstance(values, dict) else {}
        return all(_same(held.get(name), wanted) for name, wanted in self.where.items())

    def require_light(self, rows: Sequence[RowView]) -> None:
        """Raise CardFailure for rows that take too much together."""
        if sum(len(each.row.sealed) for each in rows) > self.most_bytes:
            rule = f"the rows that were found take more than {self.most_bytes:,} bytes together"
            raise wrong_input("limit", rule)

    def chosen(self, rows: list[RowView]) -> list[RowView]:
        """Return the first of these in the order that is wanted."""
        if self.sort:
            rows.sort(
                key=lambda each: order_of(each.values.value, self.sort), reverse=self.descending
            )
        return rows[: self.limit]


@dataclass(frozen=True)
class Table:
    """A table at a place, in a world."""

    world: World
    place: Place
    table: FlowTable

    async def create(self, tx: Writing, given: Sequence[Bound]) -> Sequence[RowView]:
        """Add rows of these values. Raises CardFailure, and Refused where the table is full."""
        before = await must(tx.find(FlowTable, id=self.table.id))
        most, now = self.world.limits.flow_table_rows, self.world.clock.now()
        if before.rows + len(given) > most:
            raise Refused(
                f"The table {before.name} may have {most:,} rows, and has {before.rows:,}."
            )
        made = [
            self._sealed(
                FlowRow(self._new_id(), before.id, before.last_number + number, b"", now, now),
                new_row(before, values),
            )
            for number, values in enumerate(given, 1)
        ]
        await tx.add(*(each.row for each in made))
        await tx.replace(
            replace(
                before,
                rows=before.rows + len(made),
                last_number=before.last_number + len(made),
                updated_at=now,
            )
        )
        return made

    def _new_id(self) -> RowId:
        return RowId(self.world.chance.uuid())

    async def find(self, tx: Reading, row_id: str) -> RowView | None:
        """Find one row."""
        row = await tx.find(FlowRow, id=row_id)
        return self._opened(row) if row and row.table_id == self.table.id else None

    async def update(self, tx: Writing, found: RowView, given: Bound) -> RowView:
        """Change some values of a row. Raises CardFailure."""
        before = await must(tx.find(FlowTable, id=self.table.id))
        now = self.world.clock.now()
        after = self._sealed(
            replace(found.row, updated_at=now), changed_row(before, found.values, given)
        )
        await tx.replace(after.row)
        return after

    async def delete(self, tx: Writing, row_id: str) -> bool:
        """Remove a row; say whether it was there."""
        row = await tx.find(FlowRow, id=row_id)
        if row is None or row.table_id != self.table.id:
            return False
        before = await must(tx.find(FlowTable, id=self.table.id))
        now = self.world.clock.now()
        await tx.remove(row)
        await tx.replace(replace(before, rows=before.rows - 1, updated_at=now))
        return True

    async def clear(self, tx: Writing) -> int:
        """Remove all rows; return how many there were."""
        before = await must(tx.find(FlowTable, id=self.table.id))
        await tx.clear_rows(before.id)
        await tx.replace(replace(before, rows=0, updated_at=self.world.clock.now()))
        return before.rows

    async def search(self, wanted: Search) -> Sequence[RowView]:
        """Find rows, going through all of them. Raises CardFailure for too much."""
        found: list[RowView] = []
        async for rows in self._pages():
            found += await asyncio.to_thread(self._fitting, rows, wanted)
            if len(found) > 2 * wanted.limit:
                found = await asyncio.to_thread(wanted.chosen, found)
            wanted.require_light(found[: wanted.limit])
            if not wanted.sort and len(found) >= wanted.limit:
                break
        return await asyncio.to_thread(wanted.chosen, found)

    def _fitting(self, rows: Sequence[FlowRow], wanted: Search) -> list[RowView]:
        """Open rows, and return those that fit: in a thread, since rows may be large."""
        texts = ((row, self._text(row)) for row in rows)
        near = (_read(row, text) for row, text in texts if wanted.may_fit(text))
        return [each for each in near if wanted.fits(each.values.value)]

    async def _pages(self, after: int = 0) -> AsyncIterator[Sequence[FlowRow]]:
        """Give all rows, some at a time; each time as they are then."""
        while rows := await self._stored(after, AT_ONCE):
            yield rows
            after = rows[-1].number

    async def _stored(self, after: int, limit: int) -> Sequence[FlowRow]:
        async with self.world.store.reading() as tx:
            return await tx.list_rows(self.table.id, after=after, limit=limit)

    async def page(self, after: int, limit: int) -> Sequence[RowView]:
        """Return so many rows past a number."""
        return [self._opened(row) for row in await self._stored(after, limit)]

    def _sealed(self, row: FlowRow, values: Bound) -> RowView:
        vault, project = self.world.vault, self.place.project
        text = Sensitive(write_answer(values))
        sealed = vault.seal(project.data_key, project.id, _spot(row), text)
        return RowView(replace(row, sealed=sealed), values)

    def _opened(self, row: FlowRow) -> RowView:
        return _read(row, self._text(row))

    def _text(self, row: FlowRow) -> str:
        vault, project = self.world.vault, self.place.project
        return vault.open(project.data_key, project.id, _spot(row), row.sealed).reveal()


def _read(row: FlowRow, text: str) -> RowView:
    values = read_answer(text)
    if not isinstance(values, Bound):
        raise OursError("A row of a table is none.")
    return RowView(row, values)


def _spot(row: FlowRow) -> str:
    return f"flow-table/{row.table_id}/{row.id}"


def _same(left: Value, right: Value) -> bool:
    """Say whether two values are the same; a truth is no number."""
    return kind_of(left) is kind_of(right) and left == right
