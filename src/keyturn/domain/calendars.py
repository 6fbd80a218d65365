"""When turns may start: weekly windows, and blackouts.

Decides what the texts for both mean and which moment is the first that they allow. Both are kept
as the texts that people write: windows as OpenStreetMap writes opening hours, blackouts as ISO 8601
writes intervals. Knows nothing of what is due.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from keyturn.domain.errors import FieldProblem, InvalidInput
from keyturn.domain.zones import instant, wall_of, zone_of

WINDOWS_RULE = "must be weekdays and hours, such as Mo-Fr 09:00-17:00; Sa,Su 22:00-04:00"
BLACKOUTS_RULE = (
    "must be dates or times, or two of a kind with a slash between, the earlier first, such as "
    "2026-12-24, 2026-12-20/2027-01-03 (both days included), 2026-07-04T12:00/2026-07-04T18:00"
)
WINDOWS_MAX = 100
BLACKOUTS_MAX = 2000
YEARS = range(1970, 2200)
DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
DAY = timedelta(days=1)
DAY_MIN = 24 * 60
AHEAD_DAYS = 17
"""Two weeks and a little: a weekly window that one change of the clocks swallows comes again."""

Span = tuple[datetime, datetime]
"""From, and until just before."""

_PART = re.compile(r"(?:(?P<days>[a-z]+(?:\s*[-,]\s*[a-z]+)*)\s+)?(?P<hours>[\d:,\-\s]+)")
_HOURS = re.compile(r"(\d\d?):([0-5]\d)\s*-\s*(\d\d?):([0-5]\d)")


@dataclass(frozen=True)
class Window:
    """A range of hours that begins on a weekday (0 is Monday), in minutes since its midnight.

    It ends on the next day where ``closes_min`` is past midnight.
    """

    day: int
    opens_min: int
    closes_min: int


@dataclass(frozen=True)
class Calendar:
    """Windows and blackouts as texts, in the time zone of this name; no windows allow all."""

    zone: str
    windows: str
    blackouts: str


@dataclass(frozen=True)
class Opening:
    """A time in which turns may start; ``ends_at`` is None where nothing ends it."""

    starts_at: datetime
    ends_at: datetime | None


def opening(calendar: Calendar, at: datetime) -> Opening:
    """Return the first time in which turns may start at ``at`` or after it."""
    zone, windows = zone_of(calendar.zone), parse_windows(calendar.windows)
    blackouts = _blackout_spans(calendar.blackouts, calendar.zone)
    while True:
        until, then = _around(blackouts, at)
        if until:
            at = until
            continue
        if not windows:
            return Opening(at, then)
        start, end = _window_from(windows, zone, at)
        if start <= at:
            return Opening(at, min(end, then) if then else end)
        at = start


@lru_cache(maxsize=256)
def parse_windows(text: str) -> tuple[Window, ...]:
    """Read weekly windows; one that ends before it begins ends on the next day.

    Raises InvalidInput with the rule and an example.
    """
    parts = [part.strip().lower() for part in text.split(";") if part.strip()]
    windows = tuple(window for part in parts for window in _windows_of(part))
    if len(windows) > WINDOWS_MAX:
        raise _bad("windows", f"must be {WINDOWS_MAX} at most")
    return windows


def parse_blackouts(text: str) -> str:
    """Return the blackouts in order and in one spelling.

    Raises InvalidInput with the rule and examples.
    """
    words = text.replace(",", " ").replace(";", " ").split()
    if len(words) > BLACKOUTS_MAX:
        raise _bad("blackouts", f"must be {BLACKOUTS_MAX} at most")
    ranges = dict.fromkeys(_range_of(word) for word in words)
    return " ".join(
        sorted(f"{_spelled(a)}/{_spelled(b)}" if a != b else _spelled(a) for a, b in ranges)
    )


def merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Return the spans in order, those that touch made one; empty ones are left out."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        elif start < end:
            found.append((start, end))
    return tuple(found)


def _bad(field: str, rule: str) -> InvalidInput:
    return InvalidInput(FieldProblem(("schedule", field), rule))


# Windows.


def _windows_of(part: str) -> Iterable[Window]:
    found = _PART.fullmatch(part)
    if found is None:
        raise _bad("windows", WINDOWS_RULE)
    days = _days_of(found["days"]) if found["days"] else range(7)
    for hours in found["hours"].split(","):
        opens_min, closes_min = _hours_of(hours.strip())
        yield from (Window(day, opens_min, closes_min) for day in days)


def _days_of(text: str) -> Sequence[int]:
    days: list[int] = []
    for item in text.split(","):
        first, _, last = (name.strip() for name in item.partition("-"))
        start = _day_of(first)
        length = (_day_of(last) - start) % 7 if last else 0
        days += [(start + i) % 7 for i in range(length + 1)]
    return sorted(set(days))


def _day_of(name: str) -> int:
    """Return the weekday that a name, or two letters of it, stands for."""
    for number, day in enumerate(DAYS):
        if len(name) > 1 and day.startswith(name):
            return number
    raise _bad("windows", WINDOWS_RULE)


def _hours_of(text: str) -> tuple[int, int]:
    found = _HOURS.fullmatch(text)
    if found is None:
        raise _bad("windows", WINDOWS_RULE)
    hours = [int(number) for number in found.groups()]
    opens_min, closes_min = hours[0] * 60 + hours[1], hours[2] * 60 + hours[3]
    if opens_min >= DAY_MIN or closes_min > DAY_MIN:
        raise _bad("windows", WINDOWS_RULE)
    return opens_min, closes_min if closes_min > opens_min else closes_min + DAY_MIN


def _window_from(windows: Sequence[Window], zone: ZoneInfo, at: datetime) -> Span:
    """Return the first window that has not ended by ``at``."""
    yesterday = wall_of(at, zone).date() - DAY
    days = [yesterday + i * DAY for i in range(AHEAD_DAYS)]
    spans = merged(_span(w, d, zone) for d in days for w in windows if w.day == d.weekday())
    return next(span for span in spans if span[1] > at)


def _span(window: Window, day: date, zone: ZoneInfo) -> Span:
    midnight = datetime.combine(day, time())
    opens = midnight + timedelta(minutes=window.opens_min)
    closes = midnight + timedelta(minutes=window.closes_min)
    return instant(opens, zone), instant(closes, zone)


# Blackouts.


def _around(blackouts: Sequence[Span], at: datetime) -> tuple[datetime | None, datetime | None]:
    """Return when the blackout at this moment ends, if there is one, and when the next begins."""
    place = bisect_right(blackouts, at, key=lambda span: span[0])
    now = blackouts[place - 1] if place else None
    then = blackouts[place][0] if place < len(blackouts) else None
    return (now[1] if now and at < now[1] else None), then


@lru_cache(maxsize=256)
def _blackout_spans(text: str, zone_name: str) -> tuple[Span, ...]:
    zone = zone_of(zone_name)
    return merged(_in_utc(*_range_of(word), zone) for word in text.split())


def _range_of(word: str) -> tuple[date, date]:
    first, slash, last = word.partition("/")
    try:
        start, end = _point(first), _point(last if slash else first)
        fits = (start < end) if isinstance(start, datetime) else (start <= end)
    except (ValueError, TypeError, OverflowError):
        raise _bad("blackouts", BLACKOUTS_RULE) from None
    if not fits or type(start) is not type(end) or {start.year, end.year} - {*YEARS}:
        raise _bad("blackouts", BLACKOUTS_RULE)
    return start, end


def _point(text: str) -> date:
    """Read a date, or a moment: on the wall, or in UTC where it says its offset."""
    if len(text) <= len("2026-12-24"):
        return date.fromisoformat(text)
    at = datetime.fromisoformat(text).replace(microsecond=0)
    return at.astimezone(UTC) if at.tzinfo else at


def _spelled(point: date) -> str:
    if not isinstance(point, datetime):
        return point.isoformat()
    text = point.isoformat(timespec="seconds" if point.second else "minutes")
    return text.replace("+00:00", "Z")


def _in_utc(first: date, last: date, zone: ZoneInfo) -> Span:
    if isinstance(first, datetime) and isinstance(last, datetime):
        start, end = _moment(first, zone), _moment(last, zone)
        return start, end if end > start else start + (last - first)  # skipped whole: as long
    midnight = time()
    until = datetime.combine(last + DAY, midnight)
    return instant(datetime.combine(first, midnight), zone), instant(until, zone)


def _moment(at: datetime, zone: ZoneInfo) -> datetime:
    return at if at.tzinfo else instant(at, zone)
