"""Change a schedule: what is asked for, over what there is."""

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime, time

from keyturn.domain.errors import FieldProblem, InvalidInput
from keyturn.domain.schedule import Schedule, checked

DEFAULT = Schedule(30, time(0, 0))
"""What a schedule is where nothing else is asked for."""


@dataclass(frozen=True)
class ScheduleChange:
    """What to change; None leaves a field as it is, an empty text takes it away.

    ``at`` is a time of day as text, ``HH:MM``. ``calendar`` is an iCalendar file, whose events add
    to ``blackouts``; either takes the place of all blackouts that there were. ``known_until`` is
    what became of a calendar that has been read.
    """

    automatic: bool | None = None
    interval_days: int | None = None
    rotate_at: time | None = None
    every: str | None = None
    cron: str | None = None
    at: str | None = None
    zone: str | None = None
    windows: str | None = None
    blackouts: str | None = None
    calendar: str | None = None
    known_until: datetime | None = None
    stagger_s: int | None = None
    quarantine_after: int | None = None


async def with_calendar_read(change: ScheduleChange, now: datetime) -> ScheduleChange:
    """Return the change with its calendar read as blackouts, which takes up to a second.

    That happens beside the event loop, and before any transaction. Raises InvalidInput.
    """
    return await asyncio.to_thread(_read, change, now) if change.calendar else change


def changed_schedule(old: Schedule, change: ScheduleChange, now: datetime) -> Schedule:
    """Return the schedule as it is after a change.

    Of the interval in days, ``every`` and ``cron`` the one that changed last holds, and so do
    ``rotate_at`` and ``at``: an Infisical client that sends back what it read changes nothing.
    Raises InvalidInput that names the field, its rule and an example.
    """
    checked_interval(change.interval_days)
    schedule = _with_limits(_with_time(_with_interval(old, change), change), change)
    return checked(_with_blackouts(schedule, change, now))


def checked_interval(days: int | None) -> None:
    """Raise InvalidInput for an interval of less than a day."""
    if days is not None and days < 1:
        raise InvalidInput(FieldProblem(("rotationInterval",), "must be at least 1 day"))


def _with_interval(old: Schedule, change: ScheduleChange) -> Schedule:
    days = change.interval_days or old.interval_days
    if change.every or change.cron:
        at = None if change.cron else old.at  # cron has its own times of day
        every, cron = change.every or "", change.cron or ""
        return replace(old, interval_days=days, every=every, cron=cron, at=at)
    if days != old.interval_days:
        return replace(old, interval_days=days, every="", cron="")
    every = old.every if change.every is None else ""
    return replace(old, every=every, cron=old.cron if change.cron is None else "")


def _with_time(old: Schedule, change: ScheduleChange) -> Schedule:
    rotate_at = change.rotate_at or old.rotate_at
    if change.at is not None:
        return replace(old, rotate_at=rotate_at, at=_time_of(change.at) if change.at else None)
    return replace(old, rotate_at=rotate_at, at=old.at if rotate_at == old.rotate_at else None)


def _time_of(text: str) -> time:
    try:
        return datetime.strptime(text, "%H:%M").time()  # noqa: DTZ007  a time of day has no zone
    except ValueError:
        rule = "must be a time of day, such as 02:30"
        raise InvalidInput(FieldProblem(("schedule", "at"), rule)) from None


def _with_limits(old: Schedule, change: ScheduleChange) -> Schedule:
    stagger_s, after = change.stagger_s, change.quarantine_after
    return replace(
        old,
        automatic=old.automatic if change.automatic is None else change.automatic,
        zone=old.zone if change.zone is None else change.zone or "UTC",
        windows=old.windows if change.windows is None else change.windows,
        stagger_s=old.stagger_s if stagger_s is None else stagger_s,
        quarantine_after=old.quarantine_after if after is None else after,
    )


def _with_blackouts(old: Schedule, change: ScheduleChange, now: datetime) -> Schedule:
    read = _read(change, now)
    if read.blackouts is None:
        return old
    return replace(old, blackouts=read.blackouts, known_until=read.known_until)


def _read(change: ScheduleChange, now: datetime) -> ScheduleChange:
    if not change.calendar:
        given = change.blackouts if change.calendar is None else change.blackouts or ""
        return replace(change, calendar=None, blackouts=given)
    # Calendars are seldom read, and what reads them takes 5 MB.
    from keyturn.services.ical import read_blackouts  # noqa: PLC0415

    found = read_blackouts(change.calendar, now)
    texts = " ".join((change.blackouts or "", found.text))
    return replace(change, calendar=None, blackouts=texts, known_until=found.known_until)
