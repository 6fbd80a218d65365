"""Every table of one moment as rows that JSON can hold, and such rows put into an empty database.

Decides that all of it arrives in one transaction, with an audit chain that verifies, or nothing
does. Knows nothing of files, and of what records mean only that chain.
"""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sqlalchemy import insert

from keyturn.adapters.storage.awaited import AsyncConnection
from keyturn.adapters.storage.columns import cell_of, plain_of
from keyturn.adapters.storage.migrations import revision_of
from keyturn.adapters.storage.moving import (
    batches,
    count_rows,
    follow_positions,
    refuse_full,
    verify_stored_chain,
)
from keyturn.adapters.storage.postgres import PostgresStore
from keyturn.adapters.storage.store import SqlStore, transaction
from keyturn.adapters.storage.tables import METADATA
from keyturn.adapters.storage.transactions import Snapshot, Transaction
from keyturn.domain.audit import Attempt, AuditEntry
from keyturn.services.ports import Reading

PlainRows = list[dict[str, object]]
"""Rows as JSON can hold them."""


@dataclass(frozen=True)
class Dump:
    """All tables as they were at one moment, under the schema's revision."""

    connection: AsyncConnection
    schema: str
    counts: Mapping[str, int]

    @property
    def reading(self) -> Reading:
        """Return the way to see records of the same moment."""
        return Snapshot(self.connection)

    async def batches(self) -> AsyncIterator[tuple[str, PlainRows]]:
        """Read every table, some rows at a time."""
        for table in METADATA.sorted_tables:
            columns = table.columns
            async for rows in batches(table, self.connection):
                yield (
                    table.name,
                    [{n: plain_of(columns[n], value) for n, value in row.items()} for row in rows],
                )


@asynccontextmanager
async def snapshot(store: SqlStore) -> AsyncIterator[Dump]:
    """Open a snapshot of all tables, which holds up nobody who writes."""
    async with transaction(store.readers) as connection:
        counts = {
            table.name: await count_rows(connection, table) for table in METADATA.tables.values()
        }
        schema = await connection.run_sync(revision_of)
        yield Dump(connection, schema, counts)


async def refuse_filled(store: SqlStore) -> None:
    """Look into a database that nobody opened; raise Refused where there are records.

    Raises Refused, too, where it cannot be reached.
    """
    try:
        if isinstance(store, PostgresStore):
            await store.reach()
        async with transaction(store.readers) as connection:
            await refuse_full(connection)
    finally:
        await store.dispose()


@asynccontextmanager
async def loading(
    store: SqlStore, content: Iterable[tuple[str, PlainRows]], attempt: Attempt
) -> AsyncIterator[AuditEntry]:
    """Put rows into an empty database, and an audit entry behind them.

    The block is given that entry, and runs before any of it counts. Raises Refused where the
    database has records, and OursError where the audit chain does not verify.
    """
    async with transaction(store.writer) as there:
        await refuse_full(there)
        for name, rows in content:
            columns = METADATA.tables[name].columns
            cells = [{n: cell_of(columns[n], value) for n, value in row.items()} for row in rows]
            await there.execute(insert(METADATA.tables[name]), cells)
        if there.dialect.name == "postgresql":
            for table in METADATA.sorted_tables:
                await follow_positions(table, there)
        await verify_stored_chain(there)
        writing = Transaction(there)
        entry = await writing.append_audit(attempt)
        await writing.close()
        yield entry
