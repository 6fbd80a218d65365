"""When the schedule of a flow starts it.

Decides how a start's settings are read; the dates are those of every schedule (`domain.schedule`).
"""

from datetime import datetime, time
from typing import Final

from keyturn.domain.errors import FieldProblem, InvalidInput
from keyturn.domain.flows.definition import Start
from keyturn.domain.flows.spec import StartKind
from keyturn.domain.schedule import LastTurn, Schedule, checked, next_rotation_at

OURS: Final = {"timeZone": "zone"}


def schedule_of(start: Start) -> Schedule | None:
    """Return the schedule of a start; None for one without. Raises InvalidInput."""
    if start.kind is not StartKind.SCHEDULE:
        return None
    cron, every = start.settings.get("cron", ""), start.settings.get("every", "")
    zone = start.settings.get("zone", "UTC")
    if not (isinstance(cron, str) and isinstance(every, str) and isinstance(zone, str)):
        raise InvalidInput(FieldProblem(("start",), "cron, every and zone are texts"))
    if bool(cron) is bool(every):
        rule = 'needs either cron, as in "0 9 * * 1-5", or every, as in 45m'
        raise InvalidInput(FieldProblem(("start",), rule))
    try:
        return checked(Schedule(1, time(0, 0), cron=cron, every=every, zone=zone))
    except InvalidInput as error:
        raise InvalidInput(*map(_of_start, error.problems)) from None


def _of_start(problem: FieldProblem) -> FieldProblem:
    """Name a problem of a schedule by what flows call it."""
    name = str(problem.field[-1])
    return FieldProblem(("start", OURS.get(name, name)), problem.rule)


def next_start(start: Start, now: datetime) -> datetime | None:
    """Return when a flow starts next by its schedule; None without one."""
    schedule = schedule_of(start)
    return next_rotation_at(schedule, LastTurn(now, due_at=now)) if schedule else None
