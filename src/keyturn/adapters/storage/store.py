"""The store over a database.

Decides what a snapshot and a transaction are: one writer at a time, who has the write lock from
the start, beside readers who never wait. Knows neither database by name.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, AsyncExitStack, asynccontextmanager
from typing import Final

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool

from keyturn.adapters.storage.awaited import AsyncConnection, AsyncEngine
from keyturn.adapters.storage.clerk import Clerk
from keyturn.adapters.storage.engines import Engines
from keyturn.adapters.storage.lookout import Lookout
from keyturn.adapters.storage.scribe import Scribe
from keyturn.adapters.storage.transactions import Snapshot, Transaction
from keyturn.adapters.storage.whole import whole
from keyturn.adapters.storage.words import in_our_words
from keyturn.domain.audit import Attempt
from keyturn.services.ports import Reading, Recorded, RunWrite


class SqlStore:
    """Records in a database, over the ways to it.

    ``sole`` says that no other process changes what is served. A second `writing` inside a
    `writing` of the same task would wait for itself for ever.
    """

    def __init__(self, engines: Engines, *, sole: bool) -> None:
        self.writer: Final = engines.writer
        self.readers: Final = engines.readers
        self._turnstile: Final = asyncio.Lock()
        self.pen: Final = engines.pen
        self._clerk: Final = Clerk(self.pen, self._turnstile)
        self._scribe: Final = Scribe(self.pen, self._turnstile)
        self.lens: Final = engines.lens
        self._lookout: Final = Lookout(self.lens, sole=sole)
        self._life = AsyncExitStack()

    async def _open(
        self, owning: AbstractContextManager[None], prepare: Callable[[Connection], None]
    ) -> None:
        """Own the database and prepare it in a transaction; a failure gives it up again."""
        async with AsyncExitStack() as life:
            life.enter_context(owning)
            life.push_async_callback(self.dispose)
            async with transaction(self.writer) as connection:
                await connection.run_sync(prepare)
            self._life = life.pop_all()

    async def dispose(self) -> None:
        """Close every connection; a new one is made where one is wanted."""
        await self.writer.dispose()
        await self.readers.dispose()
        for engine in (self.pen, self.lens):
            await asyncio.to_thread(engine.dispose)

    async def aclose(self) -> None:
        """Close the database and give it up."""
        await self._life.aclose()

    @property
    def connections_in_use(self) -> int:
        """How many transactions and snapshots are open now."""
        pools = (self.writer.pool, self.readers.pool, self.pen.pool, self.lens.pool)
        return sum(pool.checkedout() for pool in pools if isinstance(pool, QueuePool))

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Reading]:
        """Open a snapshot."""
        async with transaction(self.readers) as connection:
            yield Snapshot(connection)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Transaction]:
        """Open a transaction that writes, once every other one has ended."""
        async with self._turnstile:
            with self._lookout.changing():
                async with transaction(self.writer) as connection:
                    writing = Transaction(connection)
                    yield writing
                    await writing.close()

    async def append_audit(self, attempt: Attempt) -> Recorded:
        """Append one audit entry, durable when this returns; who asks meanwhile shares a commit."""
        return await self._clerk.append(attempt)

    async def write_run(self, write: RunWrite) -> None:
        """Write down what is new of a run, durable when this returns; many share a commit."""
        await self._scribe.write(write)

    async def revision(self) -> int:
        """Return the revision of what is served; who asks meanwhile shares a look."""
        return await self._lookout.revision()


@asynccontextmanager
async def transaction(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Open a transaction; it is committed where its block ends without an error."""
    connection = AsyncConnection(engine)
    with in_our_words():
        try:
            await whole(_begin(connection))
            yield connection
            await whole(connection.run_sync(Connection.commit))
        finally:
            await whole(_end(connection))


async def _begin(connection: AsyncConnection) -> None:
    """Begin, once more on another connection where this one was lost while nobody used it."""
    await connection.open()
    try:
        await connection.run_sync(Connection.begin)
    except DBAPIError as error:
        if not error.connection_invalidated:
            raise
        await connection.run_sync(Connection.begin)


async def _end(connection: AsyncConnection) -> None:
    """Undo what is not committed, a commit that failed included, and give the connection back."""
    if connection.is_open:
        try:
            await connection.run_sync(Connection.rollback)
        finally:
            await connection.run_sync(Connection.close)
