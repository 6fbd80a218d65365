"""Audit entries that are written together, each tied to the one before."""

import asyncio
from collections.abc import Sequence
from typing import Final

from sqlalchemy import Engine, select

from keyturn.adapters.storage.columns import record_of
from keyturn.adapters.storage.sheets import Sheets
from keyturn.adapters.storage.statements import insertion
from keyturn.adapters.storage.tables import AUDIT, POSITION, REVISION
from keyturn.adapters.storage.transactions import LATEST
from keyturn.adapters.storage.words import in_our_words
from keyturn.domain.audit import Attempt, AuditEntry, linked
from keyturn.services.ports import Recorded


class Clerk:
    """Write down what many attempt, in the order in which they ask."""

    def __init__(self, engine: Engine, turnstile: asyncio.Lock) -> None:
        self._engine: Final = engine
        self._insert: Final = insertion(AuditEntry, AUDIT, engine.dialect)
        self._sheets: Final[Sheets[Attempt, Recorded]] = Sheets(turnstile, self._commit)

    async def append(self, attempt: Attempt) -> Recorded:
        """Return once the entry is durable; raise what its transaction raises.

        Who is cancelled in waiting leaves the entry to be written: it tells of an attempt.
        """
        return await self._sheets.write(attempt)

    def _commit(self, attempts: Sequence[Attempt]) -> Sequence[Recorded]:
        with in_our_words(), self._engine.begin() as connection:
            latest = connection.execute(LATEST).mappings().first()
            last = record_of(AuditEntry, {**latest}) if latest else None
            entries = [last := linked(attempt, last) for attempt in attempts]
            connection.exec_driver_sql(self._insert.text, [*map(self._insert.row, entries)])
            revision = connection.execute(select(REVISION.c[POSITION])).scalar() or 0
        return [Recorded(entry, revision) for entry in entries]
