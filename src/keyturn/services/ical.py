"""Read an iCalendar file (RFC 5545) as blackouts.

Decides how far into the future events that recur are followed, and which events keep no turn from
starting: cancelled ones, and those that leave their owner free.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from icalendar import Calendar, Component
from recurring_ical_events import of  # type: ignore[import-untyped]  # ships no types

from keyturn.domain.calendars import BLACKOUTS_MAX
from keyturn.domain.errors import FieldProblem, InvalidInput

RULE = "must be an iCalendar file: BEGIN:VCALENDAR … END:VCALENDAR, with events (RFC 5545)"
TOO_OFTEN = "must have no event that comes several times a day: say the hours as windows"
TOO_OLD = "must have no event that began before 1970"
TOO_MANY = f"must give {BLACKOUTS_MAX} blackouts at most, of 500 events, 50 of which may recur"
EVENTS_MAX, RECURRING_MAX = 500, 50
HORIZON = timedelta(days=5 * 365)
SLICES = (timedelta(days=31), timedelta(days=365), HORIZON)
"""Looked through one after another, so that a flood of events is noticed while it is small."""

_COARSE = frozenset({"DAILY", "WEEKLY", "MONTHLY", "YEARLY"})
_FINE_PARTS = frozenset({"BYHOUR", "BYMINUTE", "BYSECOND"})
_ODD = (ValueError, KeyError, IndexError, TypeError, AttributeError, OverflowError)
"""What the two libraries raise for files that are none."""


@dataclass(frozen=True)
class Blackouts:
    """Blackouts as text; ``known_until`` is set where the calendar goes on after that."""

    text: str
    known_until: datetime | None


def read_blackouts(text: str, now: datetime) -> Blackouts:
    """Return the events of a calendar that have not ended, as blackouts.

    All-day events and times without a zone are on the clock of the schedule's zone. Raises
    InvalidInput with the rule that the file breaks.
    """
    try:
        return _read(text, now)
    except _ODD:
        raise _bad(RULE) from None


def _read(text: str, now: datetime) -> Blackouts:
    calendar = Calendar.from_ical(text)
    events = [event for event in calendar.walk("VEVENT") if _busy(event)]
    _refuse_floods(events)
    only = Calendar(calendar)
    only.subcomponents = [c for c in calendar.subcomponents if c.name != "VEVENT"] + events
    query, horizon, ranges = of(only), now + HORIZON, dict[str, None]()
    for ahead in SLICES:
        ranges = dict.fromkeys(_ranges(query.between(now, now + ahead)))
        if len(ranges) > BLACKOUTS_MAX:
            raise _bad(TOO_MANY)
    goes_on = any("RRULE" in event for event in events) and any(
        query.between(horizon, horizon + HORIZON)
    )
    return Blackouts(" ".join(ranges), horizon if goes_on else None)


def _bad(rule: str) -> InvalidInput:
    return InvalidInput(FieldProblem(("schedule", "calendar"), rule))


def _busy(event: Component) -> bool:
    free = str(event.get("TRANSP", "")).upper() == "TRANSPARENT"
    return not free and str(event.get("STATUS", "")).upper() != "CANCELLED"


def _refuse_floods(events: list[Component]) -> None:
    rules = [rule for event in events for rule in _rules(event)]
    if len(events) > EVENTS_MAX or len(rules) > RECURRING_MAX:
        raise _bad(TOO_MANY)
    if any(_point(event, "DTSTART").year < 1970 for event in events):
        raise _bad(TOO_OLD)
    for rule in rules:
        names = {str(name).upper() for name in rule}
        if {str(f).upper() for f in rule["FREQ"]} - _COARSE or names & _FINE_PARTS:
            raise _bad(TOO_OFTEN)


def _rules(event: Component) -> Iterable[dict[str, list[object]]]:
    rules = event.get("RRULE", [])
    return rules if isinstance(rules, list) else [rules]


def _ranges(events: Iterable[Component]) -> Iterator[str]:
    for event in events:
        start, end = _point(event, "DTSTART"), _point(event, "DTEND")
        if not isinstance(start, datetime):
            end = max(start, end - timedelta(days=1))  # DTEND is the day after the last
        if not isinstance(start, datetime) or start < end:
            yield f"{_told(start)}/{_told(end)}"


def _point(event: Component, name: str) -> date:
    """Return a date or a moment of an event."""
    found = getattr(event[name], "dt", None)
    if not isinstance(found, date):
        raise TypeError(f"{name} is no date")
    return found


def _told(at: date) -> str:
    return (at.astimezone(UTC) if isinstance(at, datetime) and at.tzinfo else at).isoformat()
