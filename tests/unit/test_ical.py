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


def berlin(start: str, *more: str) -> tuple[str, ...]:
    """Return an event that starts by the clock of Berlin."""
    return ("UID:1", f"DTSTART;TZID=Europe/Berlin:{start}", *more)


@pytest.mark.parametrize("mark", ["STATUS:CANCELLED", "TRANSP:TRANSPARENT"])
def test_one_of_a_series_is_left_out_by_itself(mark: str) -> None:
    """The occurrence that is cancelled, or leaves its owner free, is no blackout."""
    assert read(WEEKLY, (*SECOND, mark)) == FIRST_AND_LAST


def test_one_of_a_free_series_is_kept_by_itself() -> None:
    """A series that leaves its owner free keeps nothing from starting but where it says so."""
    found = read((*WEEKLY, "TRANSP:TRANSPARENT"), SECOND)
    assert found == "2026-11-09T10:00Z/2026-11-09T12:00Z"


@pytest.mark.parametrize(
    ("event", "kept"),
    [
        (berlin("20270327T180000", "DURATION:P1D"), "2027-03-27T17:00Z/2027-03-28T16:00Z"),
        (berlin("20270327T180000", "DURATION:PT24H"), "2027-03-27T17:00Z/2027-03-28T17:00Z"),
        (
            berlin("20270328T020000", "DTEND;TZID=Europe/Berlin:20270328T030000"),
            "",
        ),
        (
            berlin("20270328T023000", "DTEND;TZID=Europe/Berlin:20270328T031500"),
            "2027-03-28T01:00Z/2027-03-28T01:15Z",
        ),
        (berlin("20270328T023000", "DURATION:PT1H"), "2027-03-28T01:00Z/2027-03-28T02:00Z"),
    ],
)
def test_ends_are_compared_as_moments(event: tuple[str, ...], kept: str) -> None:
    """Where the clocks go forward, what has no time is left out; hours are hours, days are days."""
    assert read(event) == kept


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
