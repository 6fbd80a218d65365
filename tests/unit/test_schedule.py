"""When a rotation is next due."""

from datetime import UTC, datetime, time

import pytest

from keyturn.domain.schedule import LastTurn, Schedule, next_rotation_at

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


def utc(text: str) -> datetime:
    """Read a time of day as UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(("last", "days", "at", "manual", "due"), GOLDEN)
def test_next_date_follows_the_golden_vectors(
    last: str, days: int, at: str, *, manual: bool, due: str
) -> None:
    """The rule gives the dates that Infisical's users have in their calendars."""
    schedule = Schedule(days, time.fromisoformat(at))
    assert next_rotation_at(schedule, LastTurn(utc(last), manual=manual)) == utc(due)


def test_a_failed_turn_is_due_tomorrow() -> None:
    """After a failure the next try is on the next day, also when today's time is still to come."""
    schedule = Schedule(30, time(2, 30))
    failed = LastTurn(utc("2026-03-10T01:00"), failed=True)
    assert next_rotation_at(schedule, failed) == utc("2026-03-11T02:30")


def test_no_date_without_automatic_rotation() -> None:
    """A rotation that is turned by hand only is never due."""
    schedule = Schedule(30, time(0, 0), automatic=False)
    assert next_rotation_at(schedule, LastTurn(utc("2026-01-01T10:00"))) is None
