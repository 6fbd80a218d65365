"""The store over one SQLite file, owned by one process."""

from pathlib import Path
from typing import Self

from sqlalchemy import Connection, case, update

from keyturn.adapters.storage.engines import sqlite_engines
from keyturn.adapters.storage.files import owned, visited
from keyturn.adapters.storage.migrations import require_newest, upgrade
from keyturn.adapters.storage.store import SqlStore
from keyturn.adapters.storage.tables import TABLES
from keyturn.domain.turn import Turn


class SqliteStore(SqlStore):
    """Records in one SQLite file."""

    def __init__(self, path: Path) -> None:
        """Name the file; `open` opens it."""
        super().__init__(sqlite_engines(path), sole=True)

    @classmethod
    async def open(cls, path: Path) -> Self:
        """Open the file, or create it, bring its schema up to date, and release every turn.

        Whoever owned a turn is gone, since this process owns the file: all of them are due at
        once. Raises InUse where another process owns the file, Refused where it cannot be opened,
        and NewerData where a newer Keyturn wrote it.
        """
        store = cls(path)
        await store._open(owned(path), _prepare)
        return store

    @classmethod
    async def visit(cls, path: Path) -> Self:
        """Open the file beside the process that owns it, or alone; turns stay in their hands.

        Raises Refused where its schema is not the one that this Keyturn works with, and InUse while
        it is moved to another database.
        """
        store = cls(path)
        await store._open(visited(path), require_newest)
        return store


def _prepare(connection: Connection) -> None:
    upgrade(connection)
    turn = TABLES[Turn]
    due = case((turn.c.wake_at.is_not(None), turn.c.entered_at))
    release = update(turn).values(owner=None, epoch=turn.c.epoch + 1, wake_at=due)
    connection.execute(release.where(turn.c.owner.is_not(None)))
