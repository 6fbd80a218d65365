"""What every store does with the rows of tables."""

from dataclasses import replace

import pytest
from storage_kit import FLOW_ROW, FLOW_TABLE, NOW, add_all

from keyturn.domain.errors import Taken
from keyturn.domain.flows.tables import FlowRow
from keyturn.domain.ids import RowId, TableId
from keyturn.services.ports import Store


def row(number: int, table: str = "table") -> FlowRow:
    """Return a row of a number."""
    return FlowRow(RowId(f"{table} {number}"), TableId(table), number, b"", NOW, NOW)


async def numbers(store: Store, after: int, limit: int = 9) -> list[int]:
    """List the numbers of rows past one."""
    async with store.reading() as tx:
        found = await tx.list_rows(FLOW_TABLE.id, after=after, limit=limit)
    return [each.number for each in found]


@pytest.fixture
async def tables(store: Store) -> Store:
    """A store with a table of rows 3, 1 and 2, and another table."""
    await add_all(store)
    async with store.writing() as tx:
        await tx.remove(FLOW_ROW)
        await tx.add(replace(FLOW_TABLE, id=TableId("other"), name="other"), row(1, "other"))
        await tx.add(row(3), row(1), row(2))
    return store


async def test_rows_come_by_their_numbers(tables: Store) -> None:
    """Those past a number, of one table, so many at a time."""
    assert await numbers(tables, 0) == [1, 2, 3]
    assert await numbers(tables, 1) == [2, 3]
    assert await numbers(tables, 0, limit=2) == [1, 2]
    assert await numbers(tables, 3) == []


async def test_all_rows_of_a_table_go_at_once(tables: Store) -> None:
    """Those of another table stay."""
    async with tables.writing() as tx:
        await tx.clear_rows(FLOW_TABLE.id)
        assert await tx.list_rows(FLOW_TABLE.id, limit=9) == []
    assert await numbers(tables, 0) == []
    async with tables.reading() as reading:
        assert len(await reading.list(FlowRow)) == 1


async def test_a_number_is_given_once(tables: Store) -> None:
    """In one table."""
    with pytest.raises(Taken):
        async with tables.writing() as tx:
            await tx.add(replace(row(3), id=RowId("again")))
