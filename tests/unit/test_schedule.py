"""When a rotation is next due, and when its turn starts."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.domain.calendars import opening
from keyturn.domain.errors import InvalidInput
from keyturn.domain.schedule import (
    BACKOFF_DAYS,
    LastTurn,
    Schedule,
    allows,
    checked,
    next_rotation_at,
    next_slot,
    preview,
)

GOLDEN = [
    ("2026-01-01T10:00:00", 30, "00:00", True, "2026-02-01T00:00"),
    ("2026-01-01T10:00:00", 30, "12:00", True, "2026-01-31T12:00"),
    ("2026-01-01T12:00:30", 30, "12:00", True, "2026-02-01T12:00"),
    ("2026-01-01T11:59:59", 30, "12:00", True, "2026-01-31T12:00"),
    ("2026-01-31T00:17:00", 30, "00:00", False, "2026-03-02T00:00"),
    ("2026-01-31T23:59:59", 1, "23:59", True, "2026-02-02T23:59"),
    ("2026-02-27T06:00:00", 1, "06:00", False, "2026-02-28T06:00"),
    ("2026-12-31T08:00:00", 1, "09:30", True, "2027-01-01T09:30"),
]
BERLIN, NOON = "Europe/Berlin", time(12, 0)
MOMENTS = st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001  the strategy gives the zone


def utc(text: str) -> datetime:
    """Read a time of day as UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def ours(**fields: object) -> Schedule:
    """Return a schedule that goes beyond Infisical's rule."""
    return checked(Schedule(30, time(0, 0), **fields))  # type: ignore[arg-type]  # fields of it


def dates(schedule: Schedule, after: str, wanted: int = 3, key: str = "") -> list[str]:
    """Return the next starts as text, in UTC."""
    slots = preview(schedule, LastTurn(utc(after), manual=True), wanted, key)
    return [f"{slot.starts_at:%Y-%m-%dT%H:%M}" for slot in slots]


@pytest.mark.parametrize(("last", "days", "at", "manual", "due"), GOLDEN)
def test_next_date_follows_the_golden_vectors(
    last: str, days: int, at: str, *, manual: bool, due: str
) -> None:
    """The rule gives the dates that Infisical's users have in their calendars."""
    schedule = Schedule(days, time.fromisoformat(at))
    last_turn = LastTurn(utc(last), manual=manual, due_at=utc("2025-12-01"))
    assert next_rotation_at(schedule, last_turn) == utc(due)


def test_a_failed_turn_is_due_tomorrow() -> None:
    """After a failure the next try is on the next day, also when today's time is still to come."""
    schedule = Schedule(30, time(2, 30))
    failed = LastTurn(utc("2026-03-10T01:00"), failed=True)
    assert next_rotation_at(schedule, failed) == utc("2026-03-11T02:30")


@pytest.mark.parametrize(("failures", "days"), [*enumerate(BACKOFF_DAYS, start=1), (99, 7)])
def test_tries_after_failures_back_off_to_a_limit(failures: int, days: int) -> None:
    """The more turns fail in a row, the longer until the next, but never longer than a week."""
    failed = LastTurn(utc("2026-03-10T01:00"), failed=True, failures=failures)
    due_at = next_rotation_at(Schedule(30, time(2, 30)), failed)
    assert due_at == utc("2026-03-10T02:30") + timedelta(days=days)


@pytest.mark.parametrize("words", [{"every": "12h"}, {"cron": "0 3 * * sun"}])
def test_a_failed_turn_of_any_schedule_comes_back_a_day_later(words: dict[str, str]) -> None:
    """Where there is no time of day, tomorrow is a day later, to the minute."""
    failed = LastTurn(utc("2026-03-10T01:00:30"), failed=True)
    assert next_rotation_at(ours(**words), failed) == utc("2026-03-11T01:01")


def test_no_date_without_automatic_rotation() -> None:
    """A rotation that is turned by hand only is never due."""
    schedule = Schedule(30, time(0, 0), automatic=False)
    assert next_rotation_at(schedule, LastTurn(utc("2026-01-01T10:00"))) is None
    assert preview(schedule, LastTurn(utc("2026-01-01T10:00")), 3) == []


EVERY = [
    ("45m", "2026-01-01T10:00", ["2026-01-01T10:45", "2026-01-01T11:30", "2026-01-01T12:15"]),
    ("12h", "2026-01-01T10:00", ["2026-01-01T22:00", "2026-01-02T10:00", "2026-01-02T22:00"]),
    ("2w", "2026-01-01T00:00", ["2026-01-16T00:00", "2026-01-30T00:00", "2026-02-13T00:00"]),
    ("1mo", "2027-12-31T10:00", ["2028-01-31T00:00", "2028-02-29T00:00", "2028-03-29T00:00"]),
    ("6mo", "2026-08-31T10:00", ["2027-02-28T00:00", "2027-08-28T00:00", "2028-02-28T00:00"]),
    ("1y", "2028-02-29T10:00", ["2029-02-28T00:00", "2030-02-28T00:00", "2031-02-28T00:00"]),
]


@pytest.mark.parametrize(("every", "last", "due"), EVERY)
def test_intervals_go_from_minutes_to_years(every: str, last: str, due: list[str]) -> None:
    """Minutes and hours are counted through, months and years by the calendar, cut to its ends."""
    assert dates(ours(every=every), last) == due


@pytest.mark.parametrize("every", ["4m", "0d", "1", "d", "-1d", "1.5h", "101y", "9" * 30 + "d"])
def test_odd_interval_is_refused_with_an_example(every: str) -> None:
    """What is no interval, or too short or long a one, is named with its rule."""
    with pytest.raises(InvalidInput, match=r"schedule\.every: .* such as 45m"):
        ours(every=every)


def test_days_are_kept_as_the_interval_that_infisical_knows() -> None:
    """Days and weeks are days; other intervals are told in days, roughly."""
    kept = [(s.every, s.interval_days) for s in (ours(every="7d"), ours(every="2w"))]
    assert kept == [("", 7), ("", 14)]
    assert [ours(every=t).interval_days for t in ("6mo", "1y", "45m", "72h")] == [182, 365, 1, 3]


def test_cron_reckons_in_its_time_zone() -> None:
    """Half past two on Sundays in Berlin is another UTC time in winter than in summer."""
    schedule = ours(cron="30 2 * * sun", zone=BERLIN)
    due = ["2026-03-22T01:30", "2026-03-29T01:00", "2026-04-05T00:30"]
    assert dates(schedule, "2026-03-20T00:00") == due


@pytest.mark.parametrize(
    "cron", ["* * * *", "0 0 0 1 1 1", "61 * * * *", "0 0 31 2 *", "x", "@daily"]
)
def test_cron_that_is_none_or_never_comes_true_is_refused(cron: str) -> None:
    """Wrong fields, seconds, and the 31st of February are named with an example."""
    with pytest.raises(InvalidInput, match=r"schedule\.cron: .* such as 30 2"):
        ours(cron=cron)


def test_contradictions_are_refused() -> None:
    """Cron leaves no room for an interval or a time of day."""
    with pytest.raises(InvalidInput, match=r"schedule\.cron"):
        ours(cron="0 0 * * *", every="1mo")
    with pytest.raises(InvalidInput, match=r"schedule\.at"):
        ours(cron="0 0 * * *", at=NOON)
    with pytest.raises(InvalidInput, match=r"schedule\.staggerSeconds"):
        ours(stagger_s=604_801)


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../etc/passwd", "Europe", "europe\x00"])
def test_unknown_time_zone_is_refused(zone: str) -> None:
    """A name that the IANA database does not have is named with one that it has."""
    with pytest.raises(InvalidInput, match=r"schedule\.timeZone: .* such as Europe/Berlin"):
        ours(zone=zone)


def test_time_of_day_follows_its_zone_through_the_year() -> None:
    """Noon in Berlin stays noon in Berlin, and the 30 days are days there."""
    schedule = ours(at=NOON, zone=BERLIN)
    assert dates(schedule, "2026-03-01T09:00") == [
        "2026-03-31T10:00",
        "2026-04-30T10:00",
        "2026-05-30T10:00",
    ]


def test_a_window_holds_a_due_turn_until_it_opens_and_no_delay_adds_up() -> None:
    """Every day at 23:00, in a window from 02:00 to 04:00, is once every night."""
    schedule = ours(every="1d", at=time(23, 0), windows="02:00-04:00")
    assert dates(schedule, "2026-01-01T10:00") == [
        "2026-01-03T02:00",
        "2026-01-04T02:00",
        "2026-01-05T02:00",
    ]


def test_blackout_moves_a_due_turn_behind_it() -> None:
    """A due date in the holidays is kept once they are over, in the first window."""
    schedule = ours(windows="Mo-Fr 09:00-17:00", blackouts="2026-12-20/2027-01-03")
    assert dates(schedule, "2026-11-25T00:00", 1) == ["2027-01-04T09:00"]


STAGGER = {"every": "1d", "windows": "02:00-04:00", "stagger_s": 3600}


def test_equal_schedules_spread_over_the_stagger() -> None:
    """A hundred rotations of equal settings start all over the hour, each at its own second."""
    starts = [dates(ours(**STAGGER), "2026-01-01T10:00", 1, f"r{i}")[0] for i in range(100)]
    assert starts == [dates(ours(**STAGGER), "2026-01-01T10:00", 1, f"r{i}")[0] for i in range(100)]
    minutes = {int(start[-2:]) for start in starts}
    assert min(minutes) < 5
    assert max(minutes) > 54
    assert len(minutes) > 40


@given(
    MOMENTS, st.uuids(), st.integers(0, 604_800), st.sampled_from(["02:00-02:10", "Sa 22:00-04:00"])
)
def test_stagger_never_leaves_the_window_or_comes_before_what_is_due(
    at: datetime, key: object, stagger_s: int, windows: str
) -> None:
    """Whatever the id and the stagger, a start is in a window and not early."""
    schedule = ours(every="7d", windows=windows, stagger_s=stagger_s, zone=BERLIN)
    slot = next_slot(schedule, LastTurn(at), str(key))
    assert slot
    assert slot.starts_at >= slot.due_at > at
    assert allows(schedule, slot.starts_at)
    assert slot.starts_at < slot.due_at + timedelta(days=8)


@given(MOMENTS, st.sampled_from(["5m", "7h", "1d", "30d", "1mo", "1y"]), st.integers(0, 3000))
def test_after_downtime_a_turn_is_due_once(at: datetime, every: str, days: int) -> None:
    """However many dates passed meanwhile, the next is after the turn that caught up."""
    schedule = ours(every=every, windows="00:00-24:00")
    late = LastTurn(at + timedelta(days=days), due_at=at)
    first = next_slot(schedule, late)
    assert first
    assert first.due_at > late.at
    second = next_slot(schedule, LastTurn(first.starts_at, due_at=first.due_at))
    assert second
    assert second.due_at > first.due_at


@given(MOMENTS, st.sampled_from([BERLIN, "America/New_York", "Australia/Lord_Howe", "Asia/Tehran"]))
def test_dates_of_a_day_come_once_each_day(at: datetime, zone: str) -> None:
    """A time of day of a zone gives one date on each of its days, none twice, none left out."""
    slots = preview(ours(every="1d", at=time(2, 15), zone=zone), LastTurn(at), 20)
    days = [slot.due_at.astimezone(ZoneInfo(zone)).date() for slot in slots]
    assert days == [days[0] + timedelta(days=i) for i in range(20)]


def test_opening_is_a_moment_itself_where_nothing_forbids_it() -> None:
    """Without windows and blackouts every moment is allowed, with no end in sight."""
    free = opening(Schedule(30, time()).calendar, utc("2026-01-01"))
    assert (free.starts_at, free.ends_at) == (utc("2026-01-01"), None)


@pytest.mark.parametrize(
    ("cron", "kept"),
    [
        ("5-5/10 2-2/3 * * *", "5 2 * * *"),
        ("0 0 1-15/1 * 1-1/2,3-5/2", "0 0 1-15/1 * 1,3-5/2"),
        ("0 0 * * mon-mon/2", "0 0 * * mon"),
        ("5-05/10 04-4/2 * * *", "5 04 * * *"),
        ("0-00/15 0 * dec-12/2 0-sun/2", "0 0 * dec 0"),
        ("0 0 * JAN-1/2 sun-SUN/2", "0 0 * JAN sun"),
        ("1-10/2 0-2/2 * jan-12/2 mon-5/2", "1-10/2 0-2/2 * jan-12/2 mon-5/2"),
    ],
)
def test_range_of_one_in_steps_is_one(cron: str, kept: str) -> None:
    """As every cron has it, and not where steps begin."""
    assert checked(Schedule(1, time(0), cron=cron)).cron == kept
