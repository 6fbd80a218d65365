"""Read an iCalendar file (RFC 5545) as blackouts.

Decides how far into the future events that recur are followed, how much work a file may be, and
which events keep no turn from starting: cancelled ones, and those that leave their owner free.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from dateutil.rrule import rrule, rrulestr  # type: ignore[import-untyped]  # ships no types
from dateutil.tz import resolve_imaginary  # type: ignore[import-untyped]  # ships no types
from icalendar import Calendar, Component, vDDDTypes, vRecur
from recurring_ical_events import of  # type: ignore[import-untyped]  # ships no types

from keyturn.domain.calendars import BLACKOUTS_MAX, DAY, YEARS
from keyturn.domain.errors import FieldProblem, InvalidInput

RULE = "must be an iCalendar file: BEGIN:VCALENDAR … END:VCALENDAR, with events (RFC 5545)"
TOO_OFTEN = "must have no event that comes several times a day: say the hours as windows"
TOO_OLD = "must have no event that began before 1970"
TOO_MANY = f"must give {BLACKOUTS_MAX} blackouts at most, of 500 events, 50 of which may recur"
TOO_LONG = (
    "must have no events that recur as often as these since so long, or as seldom: let them begin "
    "later, or list their dates (RDATE)"
)
NEVER = "must have no event that never comes"
NO_ZONE = "must name time zones of the IANA database, or bring them along (VTIMEZONE), unlike {}"
EVENTS_MAX, RECURRING_MAX = 500, 50
STEPS_MAX = 50_000
"""So many times the rules of a file may come, or pass a day, week, month or year of theirs."""
HORIZON = timedelta(days=5 * 365)
CYCLE = 400
"""After so many years days and weekdays come as they came."""

_DAYS = {"DAILY": 1, "WEEKLY": 7, "MONTHLY": 30, "YEARLY": 365}
_PARTS = frozenset({"FREQ", "INTERVAL", "UNTIL", "COUNT", "WKST"}) | frozenset(
    {"BYDAY", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYMONTH", "BYSETPOS"}
)
_FINE_PARTS = frozenset({"BYHOUR", "BYMINUTE", "BYSECOND"})
_FINE = frozenset({"HOURLY", "MINUTELY", "SECONDLY"})
_FOLD, _MINUTE = re.compile(r"\r?\n[ \t]"), timedelta(minutes=1)
_EXACT, _IN_HOURS = "X-KEYTURN-EXACT", re.compile(r"(?im)^DURATION(?:;[^:\r\n]*)?:\+?PT[^\r\n]*")
_ODD = (ValueError, KeyError, IndexError, TypeError, AttributeError, OverflowError)
"""What the libraries raise for files that are none."""


@dataclass(frozen=True)
class Blackouts:
    """Blackouts as text; ``known_until`` is set where the calendar goes on after that."""

    text: str
    known_until: datetime | None


@dataclass
class Work:
    """What the rules of a file come to: all their steps, and those that are no past."""

    steps: int = 0
    ahead: int = 0
    goes_on: bool = False

    def add(self, steps: int) -> None:
        """Count steps. Raises InvalidInput where there are too many."""
        self.steps += steps
        if self.steps > STEPS_MAX:
            raise _bad(TOO_LONG)


def read_blackouts(text: str, now: datetime) -> Blackouts:
    """Return the events of a calendar that had not ended a day ago, as blackouts.

    All-day events and times without a zone are on the clock of the schedule's zone, where that day
    may last longer. Takes up to a second. Raises InvalidInput with the rule that the file breaks.
    """
    try:
        return _read(text.removeprefix("\ufeff"), now - DAY, now + HORIZON)
    except _ODD:
        raise _bad(RULE) from None


def _read(text: str, since: datetime, horizon: datetime) -> Blackouts:
    # What reads the file forgets how a duration was said: hours are exact, days follow the clock.
    unfolded = _FOLD.sub("", text)
    calendar = Calendar.from_ical(_IN_HOURS.sub(rf"\g<0>\r\n{_EXACT}:1", unfolded))
    every = calendar.walk("VEVENT")
    if not every:
        raise _bad(RULE)
    events = _kept(every)
    _refuse_floods(events)
    only = Calendar(calendar)
    only.subcomponents = [c for c in calendar.subcomponents if c.name != "VEVENT"] + events
    _set_apart(events)
    goes_on = _follow(events, since, horizon)
    ranges = dict.fromkeys(_ranges(filter(_busy, of(only).between(since, horizon))))
    return Blackouts(" ".join(ranges), horizon if goes_on else None)


def _bad(rule: str) -> InvalidInput:
    return InvalidInput(FieldProblem(("schedule", "calendar"), rule))


def _busy(event: Component) -> bool:
    free = str(event.get("TRANSP", "")).upper() == "TRANSPARENT"
    return not free and str(event.get("STATUS", "")).upper() != "CANCELLED"


def _kept(every: Sequence[Component]) -> list[Component]:
    """Return the events that come to blackouts, with their series.

    A free series is not followed, unless one of its days makes all that come later busy.
    """
    busy = [event for event in every if _busy(event)]
    uids, followed = set(map(_uid, busy)), {_uid(event) for event in busy if _from_then_on(event)}
    events = [event for event in every if _uid(event) in uids]
    for event in events:
        if not _busy(event) and _uid(event) not in followed:
            event.pop("RRULE", None)
            event.pop("RDATE", None)
    return events


def _uid(event: Component) -> str:
    return str(event.get("UID"))


def _from_then_on(event: Component) -> bool:
    return "RECURRENCE-ID" in event and "RANGE" in event["RECURRENCE-ID"].params


# What a file may ask for.


def _refuse_floods(events: Sequence[Component]) -> None:
    rules = [rule for event in events for rule in _rules(event)]
    dates = sum(len(_dates(event, name)) for event in events for name in ("RDATE", "EXDATE"))
    if len(events) > EVENTS_MAX or len(rules) > RECURRING_MAX or dates > BLACKOUTS_MAX:
        raise _bad(TOO_MANY)
    if any(_point(event, "DTSTART").year < YEARS[0] for event in events):
        raise _bad(TOO_OLD)
    for rule in rules:
        if _FINE & {str(f).upper() for f in rule["FREQ"]} or _FINE_PARTS & {*_names(rule)}:
            raise _bad(TOO_OFTEN)
        numbers = [int(n) for name in ("INTERVAL", "COUNT") for n in rule.get(name, [])]
        if {*_names(rule)} - _PARTS or min(numbers, default=1) < 1:
            raise _bad(RULE)


def _follow(events: Sequence[Component], since: datetime, horizon: datetime) -> bool:
    """Say whether anything comes after the horizon, before what costs more follows the rules.

    Raises InvalidInput for rules that are too much work, or never come true.
    """
    work = Work()
    for event in events:
        starts = [_wall(_point(event, "DTSTART")), *map(_wall, _dates(event, "RDATE"))]
        if _busy(event):
            work.ahead += sum(since.replace(tzinfo=None) < at for at in starts)
            work.goes_on |= max(starts) >= horizon.replace(tzinfo=None)
        for rule in _rules(event):
            work.goes_on |= _follow_rule(rule, starts[0], (since, horizon), work)
    if work.ahead > BLACKOUTS_MAX:
        raise _bad(TOO_MANY)
    return work.goes_on


def _follow_rule(
    rule: vRecur, start: datetime, ahead: tuple[datetime, datetime], work: Work
) -> bool:
    """Count what a rule comes to, and say whether it comes after the horizon."""
    since, horizon = (at.replace(tzinfo=None) for at in ahead)
    until = rule.get("UNTIL", [None])[0]
    step = timedelta(_DAYS[str(rule["FREQ"][0]).upper()] * int(rule.get("INTERVAL", [1])[0]))
    work.add(_wait(rule, start) // step)
    last = start
    for at in _without(rule, {"UNTIL"}, start):
        work.add((at - last) // step + 1)
        if until and at.date() > _wall(until).date():
            return False
        if at > horizon:
            return True
        work.ahead, last = work.ahead + (at > since), at
    return False


def _wait(rule: vRecur, start: datetime) -> timedelta:
    """Tell how long a rule takes to come true; raises InvalidInput where that is centuries.

    It is asked for the last years that there are, because the search ends only with them.
    """
    late = start.replace(year=start.year + (9999 - CYCLE - start.year) // CYCLE * CYCLE)
    first: datetime | None = next(iter(_without(rule, {"UNTIL", "COUNT"}, late)), None)
    if first is None:
        raise _bad(NEVER)
    return first - late


def _without(rule: vRecur, ends: set[str], start: datetime) -> rrule:
    """Return a rule by the clock on the wall, without what would end it."""
    parts = vRecur({name: value for name, value in rule.items() if name not in ends})
    text: bytes = parts.to_ical()  # type: ignore[no-untyped-call]
    return rrulestr(text.decode(), dtstart=start)


def _names(rule: vRecur) -> Iterable[str]:
    return (str(name).upper() for name in rule)


def _rules(event: Component) -> Sequence[vRecur]:
    rules = event.get("RRULE", [])
    return rules if isinstance(rules, list) else [rules]


def _dates(event: Component, name: str) -> Sequence[date]:
    """Return the dates that an event adds or leaves out; of a period its beginning."""
    found = event.get(name, [])
    each = [at.dt for dates in (found if isinstance(found, list) else [found]) for at in dates.dts]
    return [at[0] if isinstance(at, tuple) else at for at in each]


def _set_apart(events: Iterable[Component]) -> None:
    """Tell events apart that share a UID, which is a mistake, and cut off what ends too late."""
    seen = set()
    for number, event in enumerate(events):
        one = (_uid(event), event.get("SEQUENCE"))
        if "RECURRENCE-ID" not in event:
            if one in seen:
                event["UID"] = f"{one[0]} {number}"
            seen.add(one)
        if "DTEND" in event:
            event["DTEND"] = vDDDTypes(_cut(_point(event, "DTEND")))


# What becomes of an event.


def _ranges(events: Iterable[Component]) -> Iterator[str]:
    for event in events:
        start, end = _point(event, "DTSTART"), _point(event, "DTEND")
        if not (isinstance(start, datetime) and isinstance(end, datetime)):
            yield f"{start}/{_cut(max(start, end - DAY))}"  # DTEND is the day after the last
            continue
        first, last, skipped = _told(start), _told(end), resolve_imaginary(start) - start
        if skipped or _EXACT in event:
            last = first + (end - start)
        if first < last:
            first = _jump(first, skipped, start.tzinfo) if skipped else first
            yield f"{first.isoformat()}/{_cut(last).isoformat()}"


def _point(event: Component, name: str) -> date:
    """Return a date or a moment of an event."""
    found = event[name]
    at, zone = getattr(found, "dt", None), found.params.get("TZID")
    if not isinstance(at, date):
        raise TypeError(f"{name} is no date")
    if zone and isinstance(at, datetime) and at.tzinfo is None:
        raise _bad(NO_ZONE.format(zone[:64]))
    return at


def _wall(at: date) -> datetime:
    """Return what the clock of the event says, without a zone."""
    return at.replace(tzinfo=None) if isinstance(at, datetime) else datetime.combine(at, time())


def _told(at: datetime) -> datetime:
    """Return the moment in UTC, or what the clock says where it has no zone.

    A time that the clocks skip is by the offset before (RFC 5545 §3.3.5).
    """
    resolved: datetime = resolve_imaginary(at)
    return resolved.astimezone(UTC) if at.tzinfo else at


def _jump(late: datetime, skipped: timedelta, zone: tzinfo | None) -> datetime:
    """Return the moment, not long before, at which the clocks skipped so much."""
    early, offset = (late - skipped).replace(second=0), late.astimezone(zone).utcoffset()
    minutes = bisect_left(
        range(skipped // _MINUTE),
        x=True,
        key=lambda n: (early + n * _MINUTE).astimezone(zone).utcoffset() == offset,
    )
    return early + minutes * _MINUTE


def _cut(at: date) -> date:
    """Return a moment, or the last that blackouts may have."""
    return at if at.year < YEARS[-1] else at.replace(year=YEARS[-1], month=12, day=30)
