"""When a rotation is next due.

Decides from what happened last and never asks what time it is. The rule is Infisical's, vector by
vector, because its users' calendars are built on it.
"""

from dataclasses import dataclass
from datetime import datetime, time, timedelta


@dataclass(frozen=True)
class Schedule:
    """When to turn: every ``interval_days`` at ``rotate_at`` (UTC), if ``automatic``."""

    interval_days: int
    rotate_at: time
    automatic: bool = True


@dataclass(frozen=True)
class LastTurn:
    """How the last turn went: when, by hand or by the schedule, and whether it failed."""

    at: datetime
    manual: bool = False
    failed: bool = False


def next_rotation_at(schedule: Schedule, last: LastTurn) -> datetime | None:
    """Tell when the next turn is due, or None where turns are started by hand only.

    After a failure that is tomorrow. A turn by hand (creation is one) that came at or after
    ``rotate_at`` puts the next one a day later, so that no secret turns twice within a day.
    """
    if not schedule.automatic:
        return None
    today = datetime.combine(last.at.date(), schedule.rotate_at, tzinfo=last.at.tzinfo)
    if last.failed:
        return today + timedelta(days=1)
    late = last.manual and last.at >= today
    return today + timedelta(days=schedule.interval_days + late)
