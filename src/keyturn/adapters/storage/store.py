"""The store over SQLite.

Decides what a snapshot and a transaction are: one writer at a time, who has the write lock from
the start, beside readers who never wait.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final, Self

from sqlalchemy import Connection, case, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncTransaction
from sqlalchemy.pool import QueuePool

from keyturn.adapters.storage.engines import reader_engine, writer_engine
from keyturn.adapters.storage.files import owned
from keyturn.adapters.storage.migrations import upgrade
from keyturn.adapters.storage.tables import TABLES
from keyturn.adapters.storage.transactions import Snapshot, Transaction
from keyturn.adapters.storage.whole import whole
from keyturn.adapters.storage.words import in_our_words
from keyturn.domain.turn import Turn
from keyturn.services.ports import Reading, Writing


class SqliteStore:
    """Records in one SQLite file, owned by one process.

    A second `writing` inside a `writing` of the same task would wait for itself for ever.
    """

    def __init__(self, path: Path) -> None:
        """Name the file; `open` opens it."""
        self._writer: Final = writer_engine(path)
        self._readers: Final = reader_engine(path)
        self._turnstile: Final = asyncio.Lock()
        self._life = AsyncExitStack()

    @classmethod
    async def open(cls, path: Path) -> Self:
        """Open the file, or create it, bring its schema up to date, and release every turn.

        Whoever owned a turn is gone, since this process owns the file: all of them are due at
        once. Raises InUse where another process owns the file, Refused where it cannot be opened,
        and NewerData where a newer Keyturn wrote it.
        """
        store = cls(path)
        await store._open(path)
        return store

    async def _open(self, path: Path) -> None:
        async with AsyncExitStack() as life:
            life.enter_context(owned(path))
            life.push_async_callback(self._writer.dispose)
            life.push_async_callback(self._readers.dispose)
            async with _transaction(self._writer) as connection:
                await connection.run_sync(_prepare)
            self._life = life.pop_all()

    async def aclose(self) -> None:
        """Close the file and give it up."""
        await self._life.aclose()

    @property
    def connections_in_use(self) -> int:
        """How many transactions and snapshots are open now."""
        pools = (self._writer.pool, self._readers.pool)
        return sum(pool.checkedout() for pool in pools if isinstance(pool, QueuePool))

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Reading]:
        """Open a snapshot."""
        async with _transaction(self._readers) as connection:
            yield Snapshot(connection)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Writing]:
        """Open a transaction that writes, once every other one has ended."""
        async with self._turnstile, _transaction(self._writer) as connection:
            yield Transaction(connection)


@asynccontextmanager
async def _transaction(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    connection = engine.connect()
    with in_our_words():
        try:
            transaction = await whole(_begin(connection))
            yield connection
            await whole(transaction.commit())
        finally:
            await whole(_end(connection))


async def _begin(connection: AsyncConnection) -> AsyncTransaction:
    started = await connection.start()
    return await started.begin()


async def _end(connection: AsyncConnection) -> None:
    """Undo what is not committed, a commit that failed included, and give the connection back."""
    if connection.sync_connection:
        try:
            await connection.rollback()
        finally:
            await connection.close()


def _prepare(connection: Connection) -> None:
    upgrade(connection)
    turn = TABLES[Turn]
    due = case((turn.c.wake_at.is_not(None), turn.c.entered_at))
    release = update(turn).values(owner=None, epoch=turn.c.epoch + 1, wake_at=due)
    connection.execute(release.where(turn.c.owner.is_not(None)))
