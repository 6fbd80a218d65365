"""The order in which runs come to another phase, whichever process writes it down.

Decides the rank of a change: the database's time in milliseconds, or the next after the highest
rank, whichever is more. So ranks rise as transactions are committed, since only one writes at a
time, and none is given again after the runs that had it were removed.
"""

from typing import Final

from sqlalchemy import ColumnElement, and_, bindparam, case, func, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import GenericFunction

from keyturn.adapters.storage.columns import WHOLE_NUMBER
from keyturn.adapters.storage.tables import RANK, TABLES
from keyturn.domain.flows.run import Run

_RUN: Final = TABLES[Run]


class _After(GenericFunction[int]):
    """The next number, or the database's time where that is more."""

    type = WHOLE_NUMBER
    inherit_cache = True


@compiles(_After, "sqlite")
def _on_sqlite(element: _After, compiler: SQLCompiler, **more: object) -> str:
    now = "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"
    return f"max({now}, coalesce({compiler.process(element.clauses, **more)}, 0) + 1)"


@compiles(_After, "postgresql")
def _on_postgres(element: _After, compiler: SQLCompiler, **more: object) -> str:
    now = "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)"
    return f"greatest({now}, coalesce({compiler.process(element.clauses, **more)}, 0) + 1)"


def ranked(phase: ColumnElement[object], status: ColumnElement[object]) -> ColumnElement[int]:
    """Return the rank of a run that is replaced: another one where it comes to another phase.

    One of which nothing is kept has failed until it has answered; that shows by its status.
    """
    same = and_(_RUN.c.phase == phase, _RUN.c.status.is_not_distinct_from(status))
    others = _RUN.alias()
    highest = select(func.max(others.c[RANK])).scalar_subquery()
    return case((same, _RUN.c[RANK]), else_=_After(highest))


def ranked_as(run: Run) -> ColumnElement[int]:
    """Return the rank of a run that is replaced by this one."""
    phase = bindparam("to_phase", run.phase, _RUN.c.phase.type)
    return ranked(phase, bindparam("to_status", run.status, WHOLE_NUMBER))
