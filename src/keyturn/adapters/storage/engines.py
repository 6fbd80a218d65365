"""How SQLite is opened.

Decides durability, isolation and how transactions begin: the writer's take the write lock at once,
the readers' are snapshots that no writer holds up (WAL).
"""

from pathlib import Path

from sqlalchemy import URL, Connection, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

READERS = 8

_EVERY = (
    "PRAGMA busy_timeout = 5000",
    "PRAGMA foreign_keys = ON",
    "PRAGMA trusted_schema = OFF",
)
_WRITER = (*_EVERY, "PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL")
_READER = (*_EVERY, "PRAGMA query_only = ON")


def writer_engine(path: Path) -> AsyncEngine:
    """Return an engine of one connection, whose transactions take the write lock at once."""
    return _engine(path, connections=1, setup=_WRITER, begin=("BEGIN IMMEDIATE",))


def reader_engine(path: Path) -> AsyncEngine:
    """Return an engine of a few connections that cannot write.

    A snapshot of SQLite begins with the first look, so a first look belongs to its beginning.
    """
    look = "SELECT 1 FROM sqlite_schema LIMIT 1"
    return _engine(path, connections=READERS, setup=_READER, begin=("BEGIN", look))


def _engine(
    path: Path, *, connections: int, setup: tuple[str, ...], begin: tuple[str, ...]
) -> AsyncEngine:
    engine = create_async_engine(
        URL.create("sqlite+aiosqlite", database=str(path)),
        connect_args={"isolation_level": None},  # or the driver would begin transactions itself
        pool_size=connections,
        max_overflow=0,
        hide_parameters=True,
    )

    @event.listens_for(engine.sync_engine, "connect")
    def _set_up(connection: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        for statement in setup:
            cursor.execute(statement)
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def _begin(connection: Connection) -> None:
        for statement in begin:
            connection.exec_driver_sql(statement).close()

    return engine
