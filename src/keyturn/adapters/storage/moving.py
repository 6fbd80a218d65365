"""Move everything from a SQLite file to an empty PostgreSQL database.

One transaction at the target: all of it is there, equal to what was read and with an audit chain
that verifies, or nothing is. Knows nothing of what records mean but that chain.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Final, cast

from sqlalchemy import ColumnElement, Table, func, insert, inspect, select, text

from keyturn.adapters.storage.awaited import AsyncConnection
from keyturn.adapters.storage.columns import record_of
from keyturn.adapters.storage.engines import sqlite_readers
from keyturn.adapters.storage.files import owned, unvisited
from keyturn.adapters.storage.migrations import revision_of
from keyturn.adapters.storage.postgres import PostgresStore
from keyturn.adapters.storage.sqlite import SqliteStore
from keyturn.adapters.storage.store import transaction
from keyturn.adapters.storage.tables import AUDIT, METADATA, POSITION
from keyturn.domain.audit import ARCHIVED, AuditEntry, linked, require_told
from keyturn.domain.errors import OursError, Refused
from keyturn.domain.sensitive import Sensitive

BATCH: Final = 500
MOVED: Final = ".moved"

_GIVEN: Final = text("SELECT name, seq FROM sqlite_sequence")

Rows = list[dict[str, object]]


async def count_records(source: Path, target: Sensitive) -> Mapping[str, int]:
    """Count what `move` would move, by table; nothing is changed, at the source or the target.

    Raises InUse where another process owns the source or looks at it, and Refused where the target
    is not empty or cannot be reached, and where an earlier source has been put aside already.
    """
    await _refuse(source, target)
    with unvisited(source):
        return await _count_file(source)


async def _refuse(source: Path, target: Sensitive) -> None:
    """Refuse what cannot be moved, before anything is touched."""
    aside = moved_file(source)
    if aside.exists():
        raise Refused(f"{aside} is there already, of an earlier move: put it elsewhere first.")
    store = PostgresStore(target)
    try:
        await store.reach()
        async with transaction(store.readers) as there:
            await refuse_full(there)
    finally:
        await store.dispose()


async def _count_file(source: Path) -> Mapping[str, int]:
    engine = sqlite_readers(source)
    try:
        with owned(source):
            async with transaction(engine) as here:
                return {
                    table.name: await count_rows(here, table) for table in METADATA.sorted_tables
                }
    finally:
        await engine.dispose()


async def move(source: Path, target: Sensitive) -> Mapping[str, int]:
    """Move every record, and put the source's file aside; return how many of each table.

    Opening the source releases its turns: each goes on under a new epoch at the target. Raises as
    `count_records` does, and OursError where what arrived is not what was read.
    """
    await _refuse(source, target)
    with unvisited(source):
        return await _move(source, target)


async def _move(source: Path, target: Sensitive) -> Mapping[str, int]:
    with owned(source):
        await asyncio.to_thread(_refuse_open, source)  # before turns are released by opening it
    here = await SqliteStore.open(source)
    try:
        await asyncio.to_thread(_write_back, source)
        there = await PostgresStore.open(target)
        try:
            counts = await _move_all(here, there)
        finally:
            await there.aclose()
        await here.dispose()
        _put_aside(source)
    finally:
        await here.aclose()
    return counts


def moved_file(source: Path) -> Path:
    """Return the name under which a file is kept once everything in it has been moved."""
    return source.with_name(source.name + MOVED)


def _put_aside(source: Path) -> None:
    source.rename(moved_file(source))


def _refuse_open(source: Path) -> None:
    """Raise Refused where a program that is none of ours has the file open; change nothing.

    Whatever else is wrong with the file is told when it is opened.
    """
    try:
        with closing(sqlite3.connect(source)) as connection:
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
            raise _held(source) from None


def _write_back(source: Path) -> None:
    """Bring what SQLite keeps beside the file into it: by another name it would lose that.

    Raises Refused where a program that is none of ours has begun to read it meanwhile.
    """
    with closing(sqlite3.connect(source)) as connection:
        [busy, *_] = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    if busy:
        raise _held(source)


def _held(source: Path) -> Refused:
    return Refused(f"Another program reads {source}: end that, and give the command again.")


async def _move_all(source: SqliteStore, target: PostgresStore) -> Mapping[str, int]:
    async with transaction(source.readers) as here, transaction(target.writer) as there:
        await refuse_full(there)
        for table in METADATA.sorted_tables:
            await _copy(table, here, there)
        await _follow_removed(here, there)
        for table in METADATA.sorted_tables:
            await _compare(table, here, there)
        await verify_stored_chain(there)
        return {table.name: await count_rows(there, table) for table in METADATA.sorted_tables}


async def refuse_full(there: AsyncConnection) -> None:
    """Raise Refused where a table is another program's, or one of ours has rows."""
    known = set(await there.run_sync(lambda connection: inspect(connection).get_table_names()))
    ours = known & set(METADATA.tables)
    revised = await there.run_sync(revision_of)
    if strange := known - (ours | {"alembic_version"} if ours and revised else set()):
        raise Refused(
            f"The target has a table {min(strange)} that is not Keyturn's. Nothing was changed; "
            "name a new, empty database."
        )
    for table in (each for each in METADATA.sorted_tables if each.name in ours):
        if await count_rows(there, table):
            raise Refused(
                f"The target is not empty: its table {table.name} has rows. Nothing was changed; "
                "name a new, empty database."
            )


async def _copy(table: Table, here: AsyncConnection, there: AsyncConnection) -> None:
    """Copy a table's rows with their positions, and let new ones follow them."""
    async for rows in batches(table, here):
        await there.execute(insert(table), rows)
    await follow_positions(table, there)


async def follow_positions(table: Table, there: AsyncConnection) -> None:
    """Let new rows of a table follow those that came with their positions (PostgreSQL)."""
    last = select(func.max(table.c[POSITION])).scalar_subquery()
    follow = func.setval(_sequence(table, there), func.coalesce(last, 1), last.is_not(None))
    await there.execute(select(follow))


def _sequence(table: Table, there: AsyncConnection) -> ColumnElement[str]:
    name = there.dialect.identifier_preparer.format_table(table)
    return func.pg_get_serial_sequence(name, POSITION)


async def _follow_removed(here: AsyncConnection, there: AsyncConnection) -> None:
    """Give no position again that a removed row had, where SQLite would not: somebody knows it."""
    for given in (await here.execute(_GIVEN)).mappings():
        if given["seq"]:
            sequence = _sequence(METADATA.tables[given["name"]], there)
            await there.execute(select(func.setval(sequence, given["seq"])))


async def _compare(table: Table, here: AsyncConnection, there: AsyncConnection) -> None:
    """Raise OursError where the two tables differ in any cell."""
    arrived = batches(table, there)
    async for rows in batches(table, here):
        if rows != await anext(arrived, None):
            raise OursError(f"Table {table.name} did not arrive as it was; nothing was moved.")
    if await anext(arrived, None):
        raise OursError(f"Table {table.name} has more rows than it had; nothing was moved.")


async def verify_stored_chain(there: AsyncConnection) -> None:
    """Raise OursError where an audit entry does not follow from the one before it."""
    anchor, last, told = None, None, list[AuditEntry]()
    async for rows in batches(AUDIT, there):
        for row in rows:
            entry = record_of(AuditEntry, row)
            if last is None and entry.number > 1:  # those before it were moved to files
                anchor = last = entry
                continue
            told = [entry] if entry.attempt.verb == ARCHIVED else told
            if entry != linked(entry.attempt, last):
                raise OursError(f"Audit entry {entry.number} does not follow from the one before.")
            last = entry
    if anchor:
        require_told(anchor, told)


async def batches(table: Table, connection: AsyncConnection) -> AsyncIterator[Rows]:
    """Read a table's rows by their position, some at a time."""
    position = table.c[POSITION]
    rows: Rows = [{POSITION: 0}]
    while True:
        some = select(table).where(position > rows[-1][POSITION]).order_by(position).limit(BATCH)
        found = (await connection.execute(some)).mappings()
        rows = [{str(name): row[name] for name in row} for row in found]
        if not rows:
            return
        yield rows


async def count_rows(connection: AsyncConnection, table: Table) -> int:
    """Count a table's rows."""
    counted = await connection.execute(select(func.count()).select_from(table))
    return cast("int", counted.scalar_one())
