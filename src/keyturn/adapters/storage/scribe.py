"""Runs of flows that are written together.

Decides that one which cannot be written sinks none of the others.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, Engine, bindparam

from keyturn.adapters.storage.ranks import ranked
from keyturn.adapters.storage.sheets import Sheets
from keyturn.adapters.storage.statements import insertion, replacement
from keyturn.adapters.storage.tables import RANK, TABLES
from keyturn.adapters.storage.words import in_our_words
from keyturn.domain.errors import Fenced, KeyturnError, OursError
from keyturn.domain.flows.run import Run, RunAnswer, RunPage
from keyturn.services.ports import RunWrite

GONE: Final = "There is no such Run to replace."


class Scribe:
    """Write down what is new of many runs, in the order in which they ask."""

    def __init__(self, engine: Engine, turnstile: asyncio.Lock) -> None:
        self._engine: Final = engine
        dialect = engine.dialect
        self._add: Final = {
            kind: insertion(kind, TABLES[kind], dialect) for kind in (Run, RunPage, RunAnswer)
        }
        rank = ranked(bindparam("phase"), bindparam("status"))
        self._held: Final = replacement(Run, TABLES[Run], dialect, "id", "epoch", also={RANK: rank})
        self._known: Final = replacement(RunAnswer, TABLES[RunAnswer], dialect, "run_id", "at")
        self._sheets: Final[Sheets[RunWrite, KeyturnError | None]] = Sheets(turnstile, self._commit)

    async def write(self, write: RunWrite) -> None:
        """Return once it is durable. Raises Fenced, and what its transaction raises."""
        refused = await self._sheets.write(write)
        if refused:
            raise refused

    def _commit(self, writes: Sequence[RunWrite]) -> Sequence[KeyturnError | None]:
        try:
            with in_our_words(), self._engine.begin() as connection:
                return [self._put(connection, each) for each in writes]
        except KeyturnError as error:
            if len(writes) == 1:
                return [error]
        return [refused for each in writes for refused in self._commit([each])]

    def _put(self, connection: Connection, write: RunWrite) -> KeyturnError | None:
        """Put one run; who lost it writes nothing."""
        statement = self._add[Run] if write.new else self._held
        done = connection.exec_driver_sql(statement.text, statement.row(write.run))
        if not done.rowcount:
            return self._refused(connection, write)
        if write.page:
            add = self._add[RunPage]
            connection.exec_driver_sql(add.text, add.row(write.page))
        for answer in write.answers:
            add = self._known if answer.at in write.known else self._add[RunAnswer]
            connection.exec_driver_sql(add.text, add.row(answer))
        return None

    def _refused(self, connection: Connection, write: RunWrite) -> KeyturnError:
        runs = TABLES[Run]
        there = connection.execute(runs.select().where(runs.c.id == write.run.id)).first()
        return Fenced() if there else OursError(GONE)
