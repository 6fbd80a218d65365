"""A calendar is read as people meant it, and no file costs more than a moment."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import click
import pytest

from keyturn.cli.rotation_schedule import schedule_fields, schedule_words
from keyturn.domain.calendars import parse_blackouts
from keyturn.domain.errors import InvalidInput
from keyturn.domain.schedule import allows
from keyturn.services.ical import HORIZON, read_blackouts
from keyturn.services.schedules import (
    DEFAULT,
    ScheduleChange,
    changed_schedule,
    with_calendar_read,
)

NOW = datetime(2026, 11, 1, tzinfo=UTC)
WEEKLY = ("UID:w", "DTSTART:20261102T100000Z", "DURATION:PT2H", "RRULE:FREQ=WEEKLY;COUNT=3")
SECOND = ("UID:w", "RECURRENCE-ID:20261109T100000Z", "DTSTART:20261109T100000Z", "DURATION:PT2H")
FIRST_AND_LAST = "2026-11-02T10:00Z/2026-11-02T12:00Z 2026-11-16T10:00Z/2026-11-16T12:00Z"


def calendar(*events: tuple[str, ...]) -> str:
    """Return a calendar of events."""
    lines = [
        line
        for number, event in enumerate(events)
        for line in ("BEGIN:VEVENT", f"X-NUMBER:{number}", *event, "END:VEVENT")
    ]
    return "\r\n".join(("BEGIN:VCALENDAR", "VERSION:2.0", *lines, "END:VCALENDAR", ""))


def read(*events: tuple[str, ...]) -> str:
    """Return the blackouts of events, in one spelling."""
    return parse_blackouts(read_blackouts(calendar(*events), NOW).text)


def named(uid: str, *events: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Return events of another UID."""
    return [(uid, *event[1:]) for event in events]


def berlin(start: str, *more: str) -> tuple[str, ...]:
    """Return an event that starts by the clock of Berlin."""
    return ("UID:1", f"DTSTART;TZID=Europe/Berlin:{start}", *more)


@pytest.mark.parametrize("first", [WEEKLY, SECOND])
@pytest.mark.parametrize("mark", ["STATUS:CANCELLED", "TRANSP:TRANSPARENT"])
def test_one_of_a_series_is_left_out_by_itself(mark: str, first: tuple[str, ...]) -> None:
    """The occurrence that is cancelled, or leaves its owner free, is no blackout.

    A file may tell of it before the series: RFC 5545 knows no order.
    """
    events = [WEEKLY, (*SECOND, mark)]
    assert read(*(events if first is WEEKLY else reversed(events))) == FIRST_AND_LAST


def test_one_of_a_free_series_is_kept_by_itself() -> None:
    """A series that leaves its owner free keeps nothing from starting but where it says so."""
    found = read((*WEEKLY, "TRANSP:TRANSPARENT"), SECOND)
    assert found == "2026-11-09T10:00Z/2026-11-09T12:00Z"


def test_free_series_costs_nothing() -> None:
    """Days of free series are no blackouts that could be too many, nor is their end followed."""
    endless = (*WEEKLY[:3], "RRULE:FREQ=DAILY", "RDATE:20401102T100000Z", "TRANSP:TRANSPARENT")
    text = calendar(*(event for n in range(3) for event in named(f"UID:{n}", endless, SECOND)))
    found = read_blackouts(text, NOW)
    assert parse_blackouts(found.text) == "2026-11-09T10:00Z/2026-11-09T12:00Z"
    assert found.known_until is None


def test_free_series_that_becomes_busy_is_followed() -> None:
    """One day may stand for all that come later, for as long as they do."""
    free = (*WEEKLY[:3], "RRULE:FREQ=WEEKLY", "TRANSP:TRANSPARENT")
    later = (SECOND[0], SECOND[1].replace(":", ";RANGE=THISANDFUTURE:"), *SECOND[2:])
    found = read_blackouts(calendar(free, later), NOW)
    assert found.known_until == NOW + HORIZON
    weeks = parse_blackouts(found.text).split()
    assert (weeks[0], len(weeks)) == ("2026-11-09T10:00Z/2026-11-09T12:00Z", 260)


@pytest.mark.parametrize("mark", ["STATUS:CANCELLED", "TRANSP:TRANSPARENT"])
def test_series_that_is_free_in_its_later_edition_is_over(mark: str) -> None:
    """What an older edition says is no longer true, wherever the file has it."""
    moved = (*SECOND[:2], "DTSTART:20261110T100000Z", SECOND[3], "SEQUENCE:1")
    newer = (*WEEKLY, "SEQUENCE:1", mark)
    assert read(WEEKLY, newer, moved) == "2026-11-10T10:00Z/2026-11-10T12:00Z"


@pytest.mark.parametrize(
    ("event", "kept"),
    [
        (berlin("20270327T180000", "DURATION:P1D"), "2027-03-27T17:00Z/2027-03-28T16:00Z"),
        (berlin("20270327T180000", "DURATION:PT24H"), "2027-03-27T17:00Z/2027-03-28T17:00Z"),
        (
            berlin("20270327T180000", "DURATION:PT\r\n 2\r\n\t4H"),
            "2027-03-27T17:00Z/2027-03-28T17:00Z",
        ),
        (berlin("20270328T023000", "DURATION:PT1H"), "2027-03-28T01:00Z/2027-03-28T02:30Z"),
    ],
)
def test_hours_are_hours_and_days_are_days(event: tuple[str, ...], kept: str) -> None:
    """A day lasts as long as the clocks have it, so many hours as many, however they are folded."""
    assert read(event) == kept


HERE = """BEGIN:VTIMEZONE
TZID:Here
BEGIN:STANDARD
DTSTART:19701025T030000
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:19700329T020000
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
END:DAYLIGHT
END:VTIMEZONE
BEGIN:VEVENT"""


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Here"])
@pytest.mark.parametrize(
    ("start", "end", "kept"),
    [
        ("28T021500", "28T024500", "28T01:00Z/2027-03-28T01:45Z"),
        ("28T020000", "28T030000", "28T01:00Z/2027-03-28T02:00Z"),
        ("28T023000", "28T031500", "28T01:00Z/2027-03-28T02:15Z"),
        ("28T023030", "28T023045", "28T01:00Z/2027-03-28T01:30:45Z"),
        ("28T013000", "28T033000", "28T00:30Z/2027-03-28T01:30Z"),
        ("28T013000", "28T020000", "28T00:30Z/2027-03-28T01:00Z"),
        ("27T230000", "28T023000", "27T22:00Z/2027-03-28T01:30Z"),
        ("28T030000", "28T031500", "28T01:00Z/2027-03-28T01:15Z"),
    ],
)
def test_night_of_the_clocks_loses_no_blackout(start: str, end: str, kept: str, zone: str) -> None:
    """What begins when the clocks go forward comes as long as ever, from the first moment after.

    A time that they skip is by the offset before (RFC 5545 §3.3.5), whoever says the zone.
    """
    times = (f"DTSTART;TZID={zone}:202703{start}", f"DTEND;TZID={zone}:202703{end}")
    text = calendar(times).replace("BEGIN:VEVENT", HERE.replace("\n", "\r\n"))
    assert parse_blackouts(read_blackouts(text, NOW).text) == f"2027-03-{kept}"


def test_what_ends_too_late_is_cut() -> None:
    """An event without an end in sight is a blackout as long as there can be one."""
    lasting = ("DTSTART;VALUE=DATE:20251224", "DTEND;VALUE=DATE:{}0101")
    for year in ("2300", "9999"):
        event = (lasting[0], lasting[1].format(year))
        assert read(event) == "2025-12-24/2199-12-30"


@pytest.mark.parametrize(
    "event",
    [
        ("DTSTART;VALUE=DATE:20331224",),
        ("DTSTART;VALUE=DATE:20261224", "RDATE;VALUE=DATE:20331224"),
        ("DTSTART;VALUE=DATE:20261224", "RRULE:FREQ=YEARLY;INTERVAL=12"),
    ],
)
def test_whatever_lies_past_the_horizon_is_told(event: tuple[str, ...]) -> None:
    """A calendar that goes on is to be sent again."""
    assert read_blackouts(calendar(event), NOW).known_until == NOW + HORIZON
    free = (*event, "TRANSP:TRANSPARENT")
    assert read_blackouts(calendar(free), NOW).known_until is None


def test_events_of_one_uid_are_all_kept() -> None:
    """Files that give every event the same UID, or none, lose nothing; a later edition wins."""
    days = ["DTSTART;VALUE=DATE:20261224", "DTSTART;VALUE=DATE:20261226"]
    assert read(*(("UID:a", day) for day in days)) == "2026-12-24 2026-12-26"
    assert read(*((day,) for day in days)) == "2026-12-24 2026-12-26"
    editions = (("UID:a", f"SEQUENCE:{number}", day) for number, day in enumerate(days))
    assert read(*editions) == "2026-12-26"


def test_byte_order_mark_is_nothing() -> None:
    """What some programs write first is passed over."""
    text = "\ufeff" + calendar(("DTSTART;VALUE=DATE:20261224",))
    assert parse_blackouts(read_blackouts(text, NOW).text) == "2026-12-24"


DAILY = ("DTSTART;TZID=Europe/Berlin:20260101T100000", "DURATION:PT1H", "RRULE:FREQ=DAILY")
DATES = ",".join(f"{NOW + timedelta(days=n):%Y%m%dT%H%M%SZ}" for n in range(2001))


@pytest.mark.parametrize(
    ("events", "rule"),
    [
        ([], "iCalendar file"),
        ([("DTSTART:20261224T100000", "DTEND;TZID=Nowhere/Else:20261224T110000")], "Nowhere/Else"),
        ([DAILY] * 2, "2000 blackouts"),
        ([DAILY] * 50, "since so long"),
        ([("DTSTART;VALUE=DATE:19700101", "RRULE:FREQ=DAILY")] * 3, "since so long"),
        ([(*DAILY[:2], "RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO")] * 4, "as seldom"),
        ([("DTSTART:20261224T100000Z", f"EXDATE:{DATES}")], "2000 blackouts"),
        ([("DTSTART:20261224T100000Z", "RRULE:FREQ=YEARLY;RSCALE=HEBREW")], "iCalendar file"),
        *(
            ([(*DAILY[:2], f"RRULE:FREQ={each};BYMONTH=2;BYMONTHDAY=30")] * 50, "never comes")
            for each in ("MONTHLY", "YEARLY")
        ),
    ],
)
def test_flood_is_refused_before_it_is_followed(
    events: list[tuple[str, ...]], rule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a file may cost is known before it does; the rule that it breaks is named."""
    monkeypatch.setattr("keyturn.services.ical.of", None)
    with pytest.raises(InvalidInput, match=rf"schedule\.calendar: .*{rule}"):
        read(*events)


@pytest.mark.parametrize("part", ["INTERVAL=0", "COUNT=0", "COUNT=-1"])
def test_rule_by_numbers_that_count_nothing_is_refused(part: str) -> None:
    """Steps of nothing would be followed for ever; RFC 5545 has positive numbers only."""
    with pytest.raises(InvalidInput, match="iCalendar file"):
        read((*DAILY, f"RRULE:FREQ=DAILY;{part}"))


def test_holidays_since_long_are_no_flood() -> None:
    """Fifty yearly days from 1970 on are read."""
    days = [
        (f"UID:{n}", f"DTSTART;VALUE=DATE:197001{n % 28 + 1:02}", "RRULE:FREQ=YEARLY;COUNT=99")
        for n in range(50)
    ]
    assert len(read(*days).split()) == 28 * 5


@pytest.mark.parametrize(
    ("event", "sent_at"),
    [
        (("DTSTART;VALUE=DATE:20261224",), 18),
        (("DTSTART:20261224T090000", "DTEND:20261224T210000"), 19),
        (("DTSTART;VALUE=DATE:20101224", "RRULE:FREQ=YEARLY"), 20),
    ],
)
async def test_today_lasts_as_long_as_where_the_schedule_is(
    event: tuple[str, ...], sent_at: int
) -> None:
    """West of Greenwich it is still today when the day is over there."""
    here = ZoneInfo("America/Los_Angeles")
    now = datetime(2026, 12, 24, sent_at, tzinfo=here).astimezone(UTC)
    change = ScheduleChange(zone=here.key, calendar=calendar(event))
    read_change = await with_calendar_read(change, now)
    assert read_change.calendar is None
    schedule = changed_schedule(DEFAULT, read_change, now)
    assert schedule == changed_schedule(DEFAULT, change, now)
    assert not allows(schedule, now + timedelta(minutes=30))


WORDS = {
    "every": None,
    "cron": None,
    "at": None,
    "time_zone": None,
    "window": (),
    "blackout": (),
    "stagger": None,
    "quarantine_after": None,
}


def test_file_of_another_encoding_is_refused_at_the_terminal(tmp_path: Path) -> None:
    """Who sends a calendar that is not UTF-8 is told so; a byte order mark is passed over."""
    file = tmp_path / "days.ics"
    file.write_bytes("BEGIN:VCALENDAR\r\nSUMMARY:F\xe9ri\xe9\r\n".encode("latin-1"))
    with pytest.raises(click.UsageError, match="not UTF-8"):
        schedule_fields({**WORDS, "calendar": file})  # type: ignore[typeddict-item]
    file.write_bytes(b"\xef\xbb\xbfBEGIN:VCALENDAR")
    kept = schedule_fields({**WORDS, "calendar": file})  # type: ignore[typeddict-item]
    assert kept["calendar"] == "BEGIN:VCALENDAR"


@pytest.mark.parametrize(
    ("every", "told"),
    [("45m", "Every 45m"), ("12H", "Every 12H"), ("6mo", "Every 6mo at 00:00 UTC")],
)
def test_steps_are_told_without_a_time_of_day(every: str, told: str) -> None:
    """What comes every 45 minutes comes at no time of the day."""
    words = {**WORDS, "calendar": None, "every": every}
    at = datetime(2026, 1, 1, tzinfo=UTC)
    assert schedule_words(words, interval=30, rotate_at=at) == told  # type: ignore[arg-type]
