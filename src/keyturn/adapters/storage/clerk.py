"""Audit entries that are written together.

A commit costs a flush of the disk, however much is in it. Decides which entries share one: all that
are asked for until the write lock is had. Their transaction is one piece of work in a thread: a way
through the event loop for each statement would cost more than the statements.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final

from sqlalchemy import Dialect, Engine, insert, select

from keyturn.adapters.storage.columns import cells_of, record_of
from keyturn.adapters.storage.tables import AUDIT, POSITION, REVISION
from keyturn.adapters.storage.transactions import LATEST
from keyturn.adapters.storage.waiting import tell
from keyturn.adapters.storage.whole import whole
from keyturn.adapters.storage.words import in_our_words
from keyturn.domain.audit import Attempt, AuditEntry, linked
from keyturn.services.ports import Recorded

AT_ONCE: Final = 500
"""How many entries one transaction takes: more would keep other writers waiting."""

Written = tuple[Sequence[AuditEntry], int]
"""The entries, and the revision of what is served."""


class Clerk:
    """Write down what many attempt, in the order in which they ask."""

    def __init__(self, engine: Engine, turnstile: asyncio.Lock) -> None:
        self._engine: Final = engine
        self._turnstile: Final = turnstile
        self._insert: Final = _Insert(engine.dialect)
        self._sheet: _Sheet | None = None

    async def append(self, attempt: Attempt) -> Recorded:
        """Return once the entry is durable; raise what its transaction raises.

        Who is cancelled in waiting leaves the entry to be written: it tells of an attempt.
        """
        sheet = self._sheet
        if sheet is None or len(sheet.attempts) == AT_ONCE:
            sheet = self._sheet = _Sheet(self._write)
        return await sheet.added(attempt)

    async def _write(self, sheet: "_Sheet") -> Written:
        async with self._turnstile:
            if self._sheet is sheet:
                self._sheet = None
            return await whole(asyncio.to_thread(self._commit, sheet.attempts))

    def _commit(self, attempts: Sequence[Attempt]) -> Written:
        with in_our_words(), self._engine.begin() as connection:
            latest = connection.execute(LATEST).mappings().first()
            last = record_of(AuditEntry, {**latest}) if latest else None
            entries = [last := linked(attempt, last) for attempt in attempts]
            connection.exec_driver_sql(self._insert.text, [*map(self._insert.row, entries)])
            revision = connection.execute(select(REVISION.c[POSITION])).scalar()
        return entries, revision or 0


class _Insert:
    """The statement that writes entries, put together once."""

    def __init__(self, dialect: Dialect) -> None:
        cells = cells_of(AuditEntry, AUDIT, dialect)
        compiled = insert(AUDIT).inline().compile(dialect=dialect, column_keys=[*cells])
        self.text: Final = str(compiled)
        self._names: Final = None if compiled.positional else tuple(cells)
        self._cells: Final = [cells[name] for name in compiled.positiontup or cells]

    def row(self, entry: AuditEntry) -> tuple[Any, ...] | dict[str, Any]:
        """Return the parameters of an entry, by place or by name, as the driver takes them."""
        values = tuple([cell(entry) for cell in self._cells])
        return dict(zip(self._names, values, strict=True)) if self._names else values


class _Sheet:
    """Attempts of one transaction, and those who wait for it."""

    def __init__(self, write: Callable[["_Sheet"], Coroutine[object, object, Written]]) -> None:
        self.attempts: Final[list[Attempt]] = []
        self._waiting: Final[list[asyncio.Future[Recorded]]] = []
        self._loop: Final = asyncio.get_running_loop()
        self._written: Final = self._loop.create_task(write(self))
        self._written.add_done_callback(self._tell)

    def added(self, attempt: Attempt) -> "asyncio.Future[Recorded]":
        """Take an attempt up, and return what will be its entry."""
        waiter: asyncio.Future[Recorded] = self._loop.create_future()
        self.attempts.append(attempt)
        self._waiting.append(waiter)
        return waiter

    def _tell(self, written: "asyncio.Task[Written]") -> None:
        tell(self._waiting, written, lambda told, place: Recorded(told[0][place], told[1]))
