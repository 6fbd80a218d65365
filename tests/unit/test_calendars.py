"""Clocks on the wall, windows, blackouts."""

from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keyturn.domain.calendars import Calendar, opening, parse_blackouts, parse_windows
from keyturn.domain.errors import InvalidInput
from keyturn.domain.schedule import LastTurn, Schedule, checked, preview
from keyturn.domain.zones import instant, wall_of
from keyturn.services.ical import HORIZON, read_blackouts

ZONES = [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",  # half an hour
    "America/St_Johns",
    "Pacific/Apia",  # left out a day, in 2011
    "Africa/Casablanca",  # back and forth around Ramadan
    "Asia/Kathmandu",  # none
]
NOW = datetime(2026, 11, 1, tzinfo=UTC)


def utc(text: str) -> datetime:
    """Read a moment as UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def changes(name: str) -> list[datetime]:
    """Return the hours in which a zone's offset changes, 2010 to 2037."""
    zone, start = ZoneInfo(name), datetime(2010, 1, 1, tzinfo=UTC)
    days = changed(zone, [start + timedelta(days=i) for i in range(27 * 366)])
    hours = [[day + timedelta(hours=i) for i in range(25)] for day in days]
    return [hour for each in hours for hour in changed(zone, each)]


def changed(zone: ZoneInfo, moments: list[datetime]) -> list[datetime]:
    """Return the moments after which the zone's offset is another one at the next."""
    offsets = [at.astimezone(zone).utcoffset() for at in moments]
    return [at for at, (a, b) in zip(moments, pairwise(offsets), strict=False) if a != b]


Near = tuple[str, datetime, datetime]
"""A zone, a change of its clocks, and a moment in the days around it."""


def near_changes() -> st.SearchStrategy[tuple[Near, ...]]:
    """Make a moment near a change of every zone: one more costs less than one more example."""
    off = st.integers(-36 * 60, 36 * 60).map(lambda count: timedelta(minutes=count))
    each = [
        st.builds(lambda at, off, name=name: (name, at, at + off), st.sampled_from(found), off)
        for name in ZONES
        if (found := changes(name))
    ]
    return st.tuples(*each)


NEAR = st.deferred(near_changes)


@given(NEAR)
@settings(max_examples=200)
def test_every_time_on_the_wall_is_one_moment(near: tuple[Near, ...]) -> None:
    """It is the first moment that shows it; a time left out is the first moment after the gap."""
    for name, _, moment in near:
        zone = ZoneInfo(name)
        wall = wall_of(moment, zone)
        for shown in (wall, wall + timedelta(minutes=17)):
            at = instant(shown, zone)
            assert wall_of(at, zone) >= shown
            assert wall_of(at - timedelta(seconds=1), zone) < shown
            assert instant(wall_of(at, zone), zone) == at


@pytest.mark.parametrize(
    ("zone", "wall", "moment"),
    [
        ("Europe/Berlin", "2026-03-29T02:30", "2026-03-29T01:00"),
        ("Europe/Berlin", "2026-10-25T02:30", "2026-10-25T00:30"),
        ("America/New_York", "2026-03-08T02:00", "2026-03-08T07:00"),
        ("Australia/Lord_Howe", "2026-10-04T02:10", "2026-10-03T15:30"),
        ("Pacific/Apia", "2011-12-30T12:00", "2011-12-30T10:00"),
    ],
)
def test_times_that_a_day_lacks_or_has_twice(zone: str, wall: str, moment: str) -> None:
    """A gap is left at its end; of two equal times the first counts."""
    assert instant(datetime.fromisoformat(wall), ZoneInfo(zone)) == utc(moment)


@given(NEAR, st.times().map(lambda at: at.replace(second=0, microsecond=0)))
@settings(max_examples=50, deadline=None)
def test_a_time_of_day_comes_once_a_day_around_every_change(
    near: tuple[Near, ...], any_time: time
) -> None:
    """Around each change of clocks every day has its date: the first moment of that time."""
    for name, change, moment in near:
        if name == "Pacific/Apia" and change.year == 2011:
            continue  # a whole day has no moments
        for at in (any_time, wall_of(moment, ZoneInfo(name)).time()):
            assert_dates(name, LastTurn(change - timedelta(days=3)), at)


def assert_dates(name: str, last: LastTurn, at: time) -> None:
    """Assert that the six dates after a turn are those of that time of day."""
    zone = ZoneInfo(name)
    days = [wall_of(last.at, zone).date() + timedelta(days=i) for i in range(9)]
    moments = [instant(datetime.combine(day, at), zone) for day in days]
    for words in ({"every": "1d", "at": at}, {"cron": f"{at.minute} {at.hour} * * *"}):
        schedule = checked(Schedule(1, time(), zone=name, **words))  # type: ignore[arg-type]
        due = [slot.due_at for slot in preview(schedule, last, 6)]
        start = moments.index(due[0])
        assert due == moments[start : start + 6]
        assert due[0] - last.at < timedelta(hours=49)


WEEKDAYS = Calendar("Europe/Berlin", "Mo-Fr 09:00-12:00,13:00-17:00; Sa,Su 22:00-04:00", "")


@pytest.mark.parametrize(
    ("at", "opens", "closes"),
    [
        ("2026-11-23T07:59", "2026-11-23T08:00", "2026-11-23T11:00"),
        ("2026-11-23T08:00", "2026-11-23T08:00", "2026-11-23T11:00"),
        ("2026-11-23T11:00", "2026-11-23T12:00", "2026-11-23T16:00"),
        ("2026-11-27T16:00", "2026-11-28T21:00", "2026-11-29T03:00"),
        ("2026-11-30T02:59", "2026-11-30T02:59", "2026-11-30T03:00"),
        ("2026-11-30T03:00", "2026-11-30T08:00", "2026-11-30T11:00"),
    ],
)
def test_windows_open_by_the_clock_of_their_zone(at: str, opens: str, closes: str) -> None:
    """A window begins with its first minute and ends before its last, over midnight too."""
    found = opening(WEEKDAYS, utc(at))
    assert (found.starts_at, found.ends_at) == (utc(opens), utc(closes))


def test_days_are_written_in_many_ways() -> None:
    """Two letters, three, whole names, ranges around the week's end, and none for every day."""
    days = [
        sorted({w.day for w in parse_windows(f"{text} 09:00-10:00")})
        for text in ("Mo", "mon - wed", "Friday-Mo", "Sa,Tu", "")
    ]
    assert days == [[0], [0, 1, 2], [0, 4, 5, 6], [1, 5], [0, 1, 2, 3, 4, 5, 6]]
    assert parse_windows("Su 22:00-22:00")[0].closes_min == 46 * 60


BAD_WINDOWS = ["Mo", "Mo 9-17", "Xx 09:00-10:00", "M 09:00-10:00", "25:00-26:00", "24:00-01:00"]


@pytest.mark.parametrize("text", [*BAD_WINDOWS, "Mo 09:60-10:00", "09:00-10:00 Mo", "24:00-24:01"])
def test_odd_windows_are_refused_with_an_example(text: str) -> None:
    """The field, its rule and an example are named."""
    with pytest.raises(InvalidInput, match=r"schedule\.windows: .* such as Mo-Fr 09:00-17:00"):
        parse_windows(text)


def test_too_many_windows_are_refused() -> None:
    """A hundred are enough."""
    with pytest.raises(InvalidInput, match="100 at most"):
        parse_windows("; ".join(f"{i % 24:02}:00-{i % 24:02}:30" for i in range(15)))


BLACKOUTS = [
    ("2026-12-24", "2026-12-24"),
    ("2027-01-01, 2026-12-20/2026-12-31", "2026-12-20/2026-12-31 2027-01-01"),
    ("2026-07-04T12:00/2026-07-04T18:00:30", "2026-07-04T12:00/2026-07-04T18:00:30"),
    ("2026-07-04T12:00+02:00/2026-07-04T18:00Z", "2026-07-04T10:00Z/2026-07-04T18:00Z"),
    ("2026-12-24/2026-12-24 2026-12-24", "2026-12-24"),
]


@pytest.mark.parametrize(("text", "kept"), BLACKOUTS)
def test_blackouts_are_kept_in_one_spelling(text: str, kept: str) -> None:
    """Equal blackouts are one, in order, and reading them again changes nothing."""
    assert parse_blackouts(text) == kept == parse_blackouts(kept)


@pytest.mark.parametrize(
    "text",
    [
        "christmas",
        "2026-13-01",
        "2026-12-24T12:00",
        "2026-12-24/2026-12-20",
        "2026-12-24/2026-12-25T12:00",
        "2026-12-24T12:00/2026-12-24T12:00",
        "2026-12-24T12:00/2026-12-24T18:00Z",
        "2026-12-24/",
        "1969-12-31",
        "9999-12-31",
        "0001-01-01T00:00+14:00/2026-01-01T00:00Z",
    ],
)
def test_odd_blackouts_are_refused_with_examples(text: str) -> None:
    """What is no date, half a range, or a range backwards is named with examples."""
    with pytest.raises(InvalidInput, match=r"schedule\.blackouts: .* such as 2026-12-24"):
        parse_blackouts(text)


def test_blackout_days_are_days_of_the_zone() -> None:
    """A blackout of a day lasts from midnight to midnight there."""
    found = opening(Calendar("Asia/Kathmandu", "", "2026-12-24/2026-12-25"), utc("2026-12-24"))
    assert found.starts_at == utc("2026-12-25T18:15")
    before = opening(Calendar("Asia/Kathmandu", "", "2026-12-24"), utc("2026-12-23T18:14"))
    assert (before.starts_at, before.ends_at) == (utc("2026-12-23T18:14"), utc("2026-12-23T18:15"))


def test_blackouts_that_meet_are_left_at_the_end_of_the_last() -> None:
    """One after another, and a window that lies in one, are all passed."""
    blackouts = parse_blackouts("2026-12-24 2026-12-25 2026-12-26T00:00/2026-12-26T09:30")
    found = opening(Calendar("UTC", "09:00-10:00", blackouts), utc("2026-12-24T09:15"))
    assert (found.starts_at, found.ends_at) == (utc("2026-12-26T09:30"), utc("2026-12-26T10:00"))


def test_a_blackout_ends_a_window_early() -> None:
    """An opening lasts until the blackout inside its window begins."""
    calendar = Calendar("UTC", "09:00-17:00", "2026-12-24T12:00/2026-12-24T13:00")
    found = opening(calendar, utc("2026-12-24T10:00"))
    assert (found.starts_at, found.ends_at) == (utc("2026-12-24T10:00"), utc("2026-12-24T12:00"))


@given(NEAR)
@settings(max_examples=40, deadline=None)
def test_an_opening_is_found_around_every_change_of_clocks(near: tuple[Near, ...]) -> None:
    """Also where the clocks swallow the only window of the week, the next one is found."""
    for name, change, at in near:
        day = wall_of(change, ZoneInfo(name)).strftime("%a")
        found = opening(Calendar(name, f"{day} 02:10-02:20", ""), at)
        assert found.ends_at
        assert at <= found.starts_at < found.ends_at
        assert found.starts_at - at < timedelta(days=15)


ICS = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//example//EN
{}
END:VCALENDAR
"""


def event(*lines: str) -> str:
    """Return a calendar of one event."""
    body = "\n".join(("BEGIN:VEVENT", "UID:1@example", "DTSTAMP:20260101T000000Z", *lines))
    return ICS.format(f"{body}\nEND:VEVENT").replace("\n", "\r\n")


@pytest.mark.parametrize(
    ("lines", "kept"),
    [
        (["DTSTART;VALUE=DATE:20261224", "DTEND;VALUE=DATE:20261227"], "2026-12-24/2026-12-26"),
        (["DTSTART;VALUE=DATE:20261224"], "2026-12-24"),
        (
            ["DTSTART;TZID=Europe/Berlin:20261224T180000", "DURATION:PT2H"],
            "2026-12-24T17:00Z/2026-12-24T19:00Z",
        ),
        (["DTSTART:20261224T180000", "DURATION:PT2H"], "2026-12-24T18:00/2026-12-24T20:00"),
        (["DTSTART:20261224T180000Z"], ""),
        (["DTSTART;VALUE=DATE:20251224"], ""),
        (["DTSTART;VALUE=DATE:20261224", "TRANSP:TRANSPARENT"], ""),
        (["DTSTART;VALUE=DATE:20261224", "STATUS:CANCELLED"], ""),
    ],
)
def test_events_become_blackouts(lines: list[str], kept: str) -> None:
    """Days stay days, moments become UTC; what is over, free, cancelled or empty is left out."""
    found = read_blackouts(event(*lines), NOW)
    assert parse_blackouts(found.text) == kept
    assert found.known_until is None


def test_recurring_events_are_followed_to_a_horizon_that_is_told() -> None:
    """Five years of a yearly event are kept, and until when they are known."""
    found = read_blackouts(event("DTSTART;VALUE=DATE:20101224", "RRULE:FREQ=YEARLY"), NOW)
    assert found.text.split() == [f"{y}-12-24/{y}-12-24" for y in range(2026, 2031)]
    assert found.known_until == NOW + HORIZON
    ended = event("DTSTART;VALUE=DATE:20261224", "RRULE:FREQ=YEARLY;COUNT=2")
    assert read_blackouts(ended, NOW).known_until is None


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "iCalendar file"),
        ("hello", "iCalendar file"),
        ("BEGIN:VCALENDAR", "iCalendar file"),
        (event("DTSTART:tomorrow"), "iCalendar file"),
        (event("SUMMARY:no start"), "iCalendar file"),
        (event("DTSTART:20261224T000000Z", "RRULE:FREQ=SECONDLY"), "several times a day"),
        (event("DTSTART:20261224T000000Z", "RRULE:FREQ=DAILY;BYMINUTE=1,2"), "several times"),
        (event("DTSTART;VALUE=DATE:00010101", "RRULE:FREQ=DAILY"), "before 1970"),
        (event("DTSTART;VALUE=DATE:20261224", "RRULE:FREQ=NEVER"), "iCalendar file"),
        (event("DTSTART;VALUE=DATE:20261224") * 2, "iCalendar file"),
    ],
)
def test_odd_calendar_is_refused(text: str, rule: str) -> None:
    """What is no calendar, or floods the blackouts, is named with the rule that it breaks."""
    with pytest.raises(InvalidInput, match=rf"schedule\.calendar: .*{rule}"):
        read_blackouts(text, NOW)


@pytest.mark.parametrize(
    ("ends", "open_at"),
    [("02:45", "01:30"), ("03:00", "01:45"), ("03:05", "01:05")],
)
def test_blackout_that_the_clocks_skip_whole_is_as_long_as_ever(ends: str, open_at: str) -> None:
    """It begins at the first moment after the skipped hour; one that ends later ends as told."""
    day = "2027-03-28"
    told = Calendar("Europe/Berlin", "", parse_blackouts(f"{day}T02:15/{day}T{ends}"))
    just_before = datetime.fromisoformat(f"{day}T00:59:59Z")
    assert opening(told, just_before).ends_at == datetime.fromisoformat(f"{day}T01:00:00Z")
    skipped = datetime.fromisoformat(f"{day}T01:00:00Z")
    assert opening(told, skipped).starts_at == datetime.fromisoformat(f"{day}T{open_at}:00Z")
