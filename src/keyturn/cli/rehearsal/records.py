"""What an installation has on record, looked at from beside it.

A SQLite file is copied first, as it lies there: what a dead process left in it is for the next
process to put right, not for whoever looks. So look while nobody has the file open.
"""

import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from keyturn.adapters.storage import PostgresStore, SqliteStore
from keyturn.domain.sensitive import Sensitive
from keyturn.services.ports import Reading


@dataclass
class Records:
    """The records of one installation, in a database or else in a file."""

    file: Path
    database: Sensitive | None
    _store: PostgresStore | None = None

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Reading]:
        """Open a snapshot."""
        if self.database is None:
            async with _copied(self.file) as store, store.reading() as tx:
                yield tx
            return
        self._store = self._store or PostgresStore(self.database)
        async with self._store.reading() as tx:
            yield tx

    async def aclose(self) -> None:
        """Close what is open."""
        if self._store:
            await self._store.dispose()


@asynccontextmanager
async def _copied(file: Path) -> AsyncIterator[SqliteStore]:
    with tempfile.TemporaryDirectory(prefix="keyturn-look-") as folder:
        for each in (file, file.with_name(f"{file.name}-wal")):
            if each.exists():
                shutil.copyfile(each, Path(folder) / each.name)
        store = SqliteStore(Path(folder) / file.name)
        try:
            yield store
        finally:
            await store.dispose()
