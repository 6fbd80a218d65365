"""SQLAlchemy's connections, awaited.

SQLAlchemy has an extension for this. With it comes the session of its ORM, which nothing here has a
use for, and with that six megabytes in every process.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, cast

from sqlalchemy import Connection, CursorResult, Dialect, Engine, Pool
from sqlalchemy.sql.base import Executable
from sqlalchemy.util import greenlet_spawn

T = TypeVar("T")


class AsyncEngine:
    """An engine whose driver is awaited, as `aiosqlite` is."""

    def __init__(self, engine: Engine) -> None:
        self.sync_engine = engine

    @property
    def pool(self) -> Pool:
        """Return the connections that there are."""
        return self.sync_engine.pool

    async def dispose(self) -> None:
        """Close the connections; new ones are made where they are wanted."""
        await greenlet_spawn(self.sync_engine.dispose)


class AsyncConnection:
    """One connection of an engine, once it is open."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine.sync_engine
        self._open: Connection | None = None

    @property
    def dialect(self) -> Dialect:
        """Return how the database is spoken to."""
        return self._engine.dialect

    @property
    def is_open(self) -> bool:
        """Say whether there is a connection to give back."""
        return self._open is not None

    async def open(self) -> None:
        """Take a connection."""
        self._open = await greenlet_spawn(self._engine.connect)

    async def run_sync(self, work: Callable[[Connection], T]) -> T:
        """Return what the work does with the connection; where it would wait, the loop goes on."""
        return cast("T", await greenlet_spawn(work, self._open))

    async def execute(
        self,
        statement: Executable,
        values: Mapping[str, Any] | Sequence[Mapping[str, Any]] | None = None,
    ) -> CursorResult[Any]:
        """Run a statement."""
        return await self.run_sync(lambda connection: connection.execute(statement, values))

    async def change(self, statement: Executable, *, savepoint: bool) -> int:
        """Change rows and return how many; with a savepoint, a failure undoes nothing before it."""
        if not savepoint:
            return (await self.execute(statement)).rowcount

        def changed(connection: Connection) -> int:
            with connection.begin_nested():
                return connection.execute(statement).rowcount

        return await self.run_sync(changed)
