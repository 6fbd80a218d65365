"""When a rotation is next due, and when its turn starts.

Decides from what happened last and never asks what time it is. An interval in days at a time of day
in UTC follows Infisical's rule, vector by vector, because its users' calendars are built on it.
What goes beyond it (other intervals, cron, time zones, windows, blackouts, stagger) only ever moves
a start to later than the moment that is due.
"""

import re
from calendar import monthrange
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from hashlib import sha256
from itertools import count, pairwise
from types import MappingProxyType
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from keyturn.domain.calendars import Calendar, opening, parse_blackouts, parse_windows
from keyturn.domain.errors import FieldProblem, InvalidInput
from keyturn.domain.zones import instant, wall_of, zone_of

EVERY_RULE = "must be 5 minutes to 100 years, such as 45m, 12h, 30d, 2w, 6mo or 1y"
CRON_RULE = "must be five fields of cron that come true, such as 30 2 * * sun (see man 5 crontab)"
STAGGER_MAX_S = 7 * 86_400
MINUTE = timedelta(minutes=1)

CALENDAR_ENDS = datetime(9890, 1, 1, tzinfo=UTC)
"""What is due after this may be past the last year that a date can have."""

CRON_DATES = 33
"""As many dates show a month's longest pause, whatever the days of the week."""

BACKOFF_DAYS = (1, 1, 2, 4, 7)
"""Days until the next try after so many failures in a row; more failures wait as the last does."""

_EVERY = re.compile(r"([1-9]\d{0,7})\s*(min|mo|[mhdwy])")
_STEPPED = re.compile(r"(?<![\w-])(\w+)-(\w+)/0*[1-9]\d*(?!\w)")
_CRON_NAMES: Mapping[str, str] = MappingProxyType(
    {
        name: str(number)
        for first, names in (
            (0, "sun mon tue wed thu fri sat"),
            (1, "jan feb mar apr may jun jul aug sep oct nov dec"),
        )
        for number, name in enumerate(names.split(), first)
    }
)
_FIXED: Mapping[str, timedelta] = MappingProxyType(
    {"m": MINUTE, "min": MINUTE, "h": timedelta(hours=1)}
)
_DAYS: Mapping[str, int] = MappingProxyType({"d": 1, "w": 7})
_MONTHS: Mapping[str, int] = MappingProxyType({"mo": 1, "y": 12})
_LIMITS: Mapping[str, range] = MappingProxyType(
    {
        "m": range(5, 52_560_001),
        "min": range(5, 52_560_001),
        "h": range(1, 876_001),
        "d": range(1, 36_501),
        "w": range(1, 5215),
        "mo": range(1, 1201),
        "y": range(1, 101),
    }
)


@dataclass(frozen=True)
class Schedule:
    """When to turn: every ``interval_days`` at ``rotate_at`` (UTC), if ``automatic``.

    ``every`` (``12h``, ``6mo``) or ``cron`` takes the interval's place, ``at``, a time of day in
    ``zone``, that of ``rotate_at``. Turns start only in ``windows`` and outside ``blackouts`` (see
    `calendars`), which are known until ``known_until`` where they came from a calendar that goes
    on. ``stagger_s`` is the time over which rotations of equal settings spread their starts. After
    ``quarantine_after`` starts by itself without success in a row none follows; 0 is never.
    """

    interval_days: int
    rotate_at: time
    automatic: bool = True
    every: str = ""
    cron: str = ""
    at: time | None = None
    zone: str = "UTC"
    windows: str = ""
    blackouts: str = ""
    known_until: datetime | None = None
    stagger_s: int = 0
    quarantine_after: int = 5

    @property
    def calendar(self) -> Calendar:
        """When turns may start."""
        return Calendar(self.zone, self.windows, self.blackouts)

    @property
    def plain(self) -> bool:
        """Say whether nothing goes beyond Infisical's rule."""
        beyond = (self.every, self.cron, self.at, self.windows, self.blackouts, self.stagger_s)
        return not any(beyond)


@dataclass(frozen=True)
class LastTurn:
    """How the last turn went: when, by hand or by the schedule, and whether it failed.

    ``due_at`` is the moment for which the schedule started it; ``failures`` counts the starts
    without success in a row, this one included.
    """

    at: datetime
    manual: bool = False
    failed: bool = False
    due_at: datetime | None = None
    failures: int = 1


@dataclass(frozen=True)
class Slot:
    """A turn that the schedule asks for: the moment that is due, and when it starts."""

    due_at: datetime
    starts_at: datetime


def next_slot(schedule: Schedule, last: LastTurn, key: str = "") -> Slot | None:
    """Tell when the next turn is due and starts, or None where turns are started by hand only.

    ``key`` is the rotation's id: equal settings with different keys spread over the stagger.
    """
    if not schedule.automatic:
        return None
    due_at = _due_at(schedule, last)
    return Slot(due_at, starts_at(schedule, due_at, key))


def next_rotation_at(schedule: Schedule, last: LastTurn, key: str = "") -> datetime | None:
    """Tell when the next turn starts, or None where turns are started by hand only.

    After a failure that is tomorrow. A turn by hand (creation is one) that came at or after
    ``rotate_at`` puts the next one a day later, so that no secret turns twice within a day.
    """
    slot = next_slot(schedule, last, key)
    return slot.starts_at if slot else None


def preview(schedule: Schedule, last: LastTurn, wanted: int, key: str = "") -> Sequence[Slot]:
    """List the next dates, as they come when every turn succeeds at once.

    The list ends early where the calendar does.
    """
    slots: list[Slot] = []
    while len(slots) < wanted and last.at < CALENDAR_ENDS:
        slot = next_slot(schedule, last, key)
        if slot is None:
            break
        slots.append(slot)
        last = LastTurn(slot.starts_at, due_at=slot.due_at)
    return slots


def starts_at(schedule: Schedule, due_at: datetime, key: str) -> datetime:
    """Tell when a turn starts that is due: in a window, outside blackouts, spread by its key.

    The last tenth of a window is left free, so that who is a little late still starts in it.
    """
    free = opening(schedule.calendar, due_at)
    room_s = schedule.stagger_s
    if free.ends_at:
        room_s = min(room_s, int((free.ends_at - free.starts_at).total_seconds() * 0.9))
    offset_s = _hash(key) % room_s if room_s else 0
    return free.starts_at + timedelta(seconds=offset_s)


def interval_of(schedule: Schedule) -> timedelta | None:
    """Tell how far turns are apart at most, roughly, or None where they are started by hand only.

    Windows, blackouts and the stagger are left out: they delay a turn, and allow no longer life.
    """
    if not schedule.automatic:
        return None
    if schedule.cron:
        return _cron_interval(schedule.cron, schedule.zone)
    number, unit = parse_every(schedule.every) if schedule.every else (0, "")
    return number * _FIXED[unit] if unit in _FIXED else timedelta(days=schedule.interval_days)


def allows(schedule: Schedule, at: datetime) -> bool:
    """Say whether a turn may start at this moment."""
    return opening(schedule.calendar, at).starts_at == at


def blackout_until(schedule: Schedule, at: datetime) -> datetime | None:
    """Tell when the blackout is over that there is at this moment; None where there is none."""
    over_at = opening(replace(schedule.calendar, windows=""), at).starts_at
    return over_at if over_at > at else None


def checked(schedule: Schedule) -> Schedule:
    """Return the schedule in one spelling.

    Raises InvalidInput that names the field, its rule and an example.
    """
    zone_of(schedule.zone)
    parse_windows(schedule.windows)
    if not 0 <= schedule.stagger_s <= STAGGER_MAX_S:
        raise _bad("staggerSeconds", f"must be 0 to {STAGGER_MAX_S}")
    if schedule.every and schedule.cron:
        raise _bad("cron", "must be left out beside every: one of them sets the dates")
    if schedule.cron:
        _checked_cron(schedule)
    clean = replace(
        schedule,
        every=schedule.every.strip().lower(),
        cron=_STEPPED.sub(_unstepped, " ".join(schedule.cron.split())),
        blackouts=parse_blackouts(schedule.blackouts),
    )
    return _in_days(clean) if clean.every else clean


def _bad(field: str, rule: str) -> InvalidInput:
    return InvalidInput(FieldProblem(("schedule", field), rule))


def _checked_cron(schedule: Schedule) -> None:
    if schedule.at:
        raise _bad("at", "must be left out beside cron, which has its own times")
    _next_cron(schedule, datetime(2000, 1, 1, tzinfo=UTC))


def _unstepped(found: re.Match[str]) -> str:
    """Return the one of a range of one, which `cronsim` takes for where steps begin."""
    first, last = (_CRON_NAMES.get(word.lower(), word).lstrip("0") for word in found.groups())
    return found[1] if first == last else found[0]


def _in_days(schedule: Schedule) -> Schedule:
    """Keep days as what they are everywhere else; tell other intervals in days, roughly."""
    number, unit = parse_every(schedule.every)
    if unit in _DAYS:
        return replace(schedule, interval_days=number * _DAYS[unit], every="")
    if unit in _FIXED:
        return replace(schedule, interval_days=max(1, number * _FIXED[unit] // timedelta(days=1)))
    return replace(schedule, interval_days=number * _MONTHS[unit] * 365 // 12)


def parse_every(text: str) -> tuple[int, str]:
    """Read an interval: a number and its unit. Raises InvalidInput with the rule."""
    found = _EVERY.fullmatch(text)
    if found is None or int(found[1]) not in _LIMITS[found[2]]:
        raise _bad("every", EVERY_RULE)
    return int(found[1]), found[2]


def _hash(key: str) -> int:
    return int.from_bytes(sha256(key.encode()).digest()[:8])


# What is due.


def backoff_days(failures: int) -> int:
    """Return how many days after so many failures in a row, one or more, is tried again."""
    return BACKOFF_DAYS[min(max(failures, 1), len(BACKOFF_DAYS)) - 1]


def _due_at(schedule: Schedule, last: LastTurn) -> datetime:
    number, unit = parse_every(schedule.every) if schedule.every else (schedule.interval_days, "d")
    in_steps = schedule.cron or unit in _FIXED
    if last.failed:
        days = backoff_days(last.failures)
        later = timedelta(days=days)
        return _whole(last.at + later) if in_steps else _on_day(schedule, last.at, days)
    if schedule.cron:
        return _next_cron(schedule, last.at)
    if unit in _FIXED:
        return _next_step(_base(schedule, last), number * _FIXED[unit], last.at)
    return _next_date(schedule, last, number, unit)


def _base(schedule: Schedule, last: LastTurn) -> datetime:
    """Return what the interval is counted from: what was due, so that no delay adds up.

    Turns by hand count from when they came, and so do all under Infisical's rule.
    """
    counts = last.manual or last.due_at is None or schedule.plain
    return last.at if counts else last.due_at or last.at


def _next_step(base: datetime, step: timedelta, after: datetime) -> datetime:
    base = _whole(base)
    return base + max(1, (after - base) // step + 1) * step


def _next_date(schedule: Schedule, last: LastTurn, number: int, unit: str) -> datetime:
    base, zone = _base(schedule, last), _zone(schedule)
    first = wall_of(base, zone).date()
    late = unit in _DAYS and last.manual and last.at >= _on_day(schedule, base, 0)
    extra = timedelta(days=late)
    days = (_later(first, number * times, unit) + extra for times in count(1))
    return next(due_at for due_at in (_at(schedule, day) for day in days) if due_at > last.at)


def _later(day: date, number: int, unit: str) -> date:
    """Return the date so many units later; a month that is too short gives its last day."""
    if unit in _DAYS:
        return day + timedelta(days=number * _DAYS[unit])
    months = day.year * 12 + day.month - 1 + number * _MONTHS[unit]
    year, month = months // 12, months % 12 + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def _on_day(schedule: Schedule, at: datetime, days: int) -> datetime:
    """Return the time of day so many days after the day of a moment."""
    return _at(schedule, wall_of(at, _zone(schedule)).date() + timedelta(days=days))


def _at(schedule: Schedule, day: date) -> datetime:
    return instant(datetime.combine(day, schedule.at or schedule.rotate_at), _zone(schedule))


def _zone(schedule: Schedule) -> ZoneInfo:
    return zone_of(schedule.zone if schedule.at else "UTC")


def _whole(at: datetime) -> datetime:
    """Return the next whole minute, or the moment itself where it is one."""
    floor = at.replace(second=0, microsecond=0)
    return floor if floor == at else floor + MINUTE


@lru_cache(maxsize=256)
def _cron_interval(cron: str, zone: str) -> timedelta:
    """Return the longest time between the first dates of a century."""
    schedule = Schedule(1, time(0), cron=cron, zone=zone)
    dates = [datetime(2000, 1, 1, tzinfo=UTC)]
    while len(dates) < CRON_DATES:
        dates.append(_next_cron(schedule, dates[-1]))
    return max(later - earlier for earlier, later in pairwise(dates[1:]))


def _next_cron(schedule: Schedule, after: datetime) -> datetime:
    """Return the first moment past ``after`` that fits; cron reckons with the clock on the wall."""
    zone = zone_of(schedule.zone)
    if len(schedule.cron.split()) != 5:
        raise _bad("cron", CRON_RULE)
    try:
        for wall in CronSim(schedule.cron, wall_of(after, zone)):
            if (due_at := instant(wall, zone)) > after:
                return due_at
    except CronSimError:
        pass
    raise _bad("cron", CRON_RULE)
