"""How the databases are opened.

Decides durability, isolation and how transactions begin: a writer's takes the one write lock
before it looks at anything, a reader's is a snapshot that no writer holds up.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import structlog
from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import ConnectionPoolEntry

from keyturn.adapters.storage.awaited import AsyncEngine
from keyturn.adapters.storage.words import sqlstate

READERS = 8

STUCK_S = 10
"""How long PostgreSQL lets a transaction of ours idle: a frozen process gives the lock up then."""

PATIENCE_S = 20
"""How long a writer waits for the lock: longer than one who idles in a transaction can hold it."""

WRITE_LOCK = int.from_bytes(b"keyturn")
"""The name of PostgreSQL's advisory lock that every writer of ours takes first."""

_NO_LOCK = "55P03"
_END_FROZEN = text("""
    SELECT pid, extract(epoch FROM clock_timestamp() - state_change), pg_terminate_backend(pid)
    FROM pg_stat_activity JOIN pg_locks USING (pid)
    WHERE locktype = 'advisory' AND granted AND objsubid = 1
        AND (classid::bigint << 32) + objid::bigint = :lock
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND wait_event_type = 'Client'
        AND state_change < clock_timestamp() - make_interval(secs => :frozen_s)
""").bindparams(lock=WRITE_LOCK, frozen_s=2 * STUCK_S)
"""End whoever has the lock and has taken nothing of what it asked for: that is no idling to
PostgreSQL, which would wait for it for ever. Nobody is ended whom the server keeps busy."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class _Way:
    """How one kind of connection is opened: what is set once, and how a transaction begins."""

    connections: int
    setup: Sequence[str]
    begin: Sequence[str]
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def pool(self) -> dict[str, Any]:
        """Return how many connections there are, and that no error shows a statement's values."""
        return {"pool_size": self.connections, "max_overflow": 0, "hide_parameters": True}


_EVERY = (
    "PRAGMA busy_timeout = 5000",
    "PRAGMA foreign_keys = ON",
    "PRAGMA trusted_schema = OFF",
)
# The driver would begin transactions itself.
_NO_DRIVER = MappingProxyType({"connect_args": {"isolation_level": None}})
_WRITER = _Way(
    1,
    (*_EVERY, "PRAGMA journal_mode = WAL", "PRAGMA synchronous = FULL"),
    ("BEGIN IMMEDIATE",),
    _NO_DRIVER,
)
# A snapshot of either database begins with the first look, so that belongs to its beginning.
_READER = _Way(
    READERS,
    (*_EVERY, "PRAGMA query_only = ON"),
    ("BEGIN", "SELECT 1 FROM sqlite_schema LIMIT 1"),
    _NO_DRIVER,
)

_SESSION = (
    f"SET idle_in_transaction_session_timeout = '{STUCK_S}s'",
    f"SET lock_timeout = '{PATIENCE_S}s'",
    # A commit is on the disk, whatever the server thinks of others'.
    """
    SELECT set_config('synchronous_commit', 'on', false)
    WHERE current_setting('synchronous_commit') = 'off'
    """,
)
_REACH = MappingProxyType(
    {
        "connect_timeout": 5,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 25_000,  # milliseconds
        "application_name": "keyturn",
        "client_encoding": "utf8",
        "autocommit": True,  # no driver begins transactions for us: they begin in one message
    }
)
# READ COMMITTED: what is looked at after the lock is newer than whatever its last holder wrote.
_PG_WRITER = _Way(
    1,
    (*_SESSION, "SET default_transaction_isolation = 'read committed'"),
    (f"BEGIN; SELECT pg_advisory_xact_lock({WRITE_LOCK})",),
    {"connect_args": _REACH},
)
_PG_READER = _Way(
    READERS,
    (
        *_SESSION,
        "SET default_transaction_isolation = 'repeatable read'",
        "SET default_transaction_read_only = on",
    ),
    ("BEGIN; SELECT 1",),
    {"connect_args": _REACH},
)


@dataclass(frozen=True)
class Engines:
    """The ways to one database: one connection that writes, a few that only read.

    ``pen`` is another that writes, for whole pieces of work in a thread, and ``lens`` one that
    reads.
    """

    writer: AsyncEngine
    readers: AsyncEngine
    pen: Engine
    lens: Engine


def sqlite_engines(path: Path) -> Engines:
    """Return the ways to a file; transactions that write take SQLite's write lock at once."""
    return _engines(_file(path), _WRITER, _READER)


def sqlite_readers(path: Path) -> AsyncEngine:
    """Return an engine of a few connections to a file that cannot write."""
    return _async(_file(path), _READER)


def postgres_engines(url: URL) -> Engines:
    """Return the ways to PostgreSQL; who writes is alone in the whole database.

    Raises ModuleNotFoundError where psycopg is not installed.
    """
    return _engines(url, _PG_WRITER, _PG_READER)


def _engines(url: URL, writer: _Way, reader: _Way) -> Engines:
    lens = _sync(url, replace(reader, connections=1))
    return Engines(_async(url, writer), _async(url, reader), _sync(url, writer), lens)


def _file(path: Path) -> URL:
    return URL.create("sqlite", database=str(path))


def _async(url: URL, way: _Way) -> AsyncEngine:
    backend = url.get_backend_name()
    driver = "aiosqlite" if backend == "sqlite" else "psycopg_async"
    awaited = url.set(drivername=f"{backend}+{driver}")
    engine = create_engine(awaited, **way.pool, **way.options)
    _open_by(engine, way)
    return AsyncEngine(engine)


def _sync(url: URL, way: _Way) -> Engine:
    ping = url.get_backend_name() != "sqlite"  # a server may have closed an idle connection
    engine = create_engine(url, **way.pool, **way.options, pool_pre_ping=ping)
    _open_by(engine, way)
    return engine


def _open_by(engine: Engine, way: _Way) -> None:
    @event.listens_for(engine, "connect")
    def _set_up(connection: DBAPIConnection, entry: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        for statement in way.setup:
            cursor.execute(statement)
        cursor.close()
        connection.commit()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        try:
            _run(connection, way.begin)
        except OperationalError as error:
            if sqlstate(error) != _NO_LOCK or not _end_frozen(connection):
                raise
            _run(connection, way.begin)


def _run(connection: Connection, statements: Sequence[str]) -> None:
    for statement in statements:
        connection.exec_driver_sql(statement).close()


def _end_frozen(connection: Connection) -> bool:
    """End a process's hold of the write lock that is frozen while it is sent rows, if one is."""
    _run(connection, ["ROLLBACK"])
    ended = connection.execute(_END_FROZEN).all()
    for pid, for_s, _ in ended:
        log.warning("ended a frozen hold of the write lock", pid=pid, frozen_s=int(for_s))
    return bool(ended)
