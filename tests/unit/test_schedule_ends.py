"""Where schedules end: a late start in a window, the last year, zones of the machine."""

from datetime import UTC, datetime, time, timedelta

import pytest

from keyturn.domain.errors import InvalidInput
from keyturn.domain.outlook import far_off
from keyturn.domain.schedule import LastTurn, Schedule, allows, checked, preview, starts_at
from keyturn.domain.zones import zone_of

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
HOURLY = checked(Schedule(1, time(9, 0), windows="09:00-10:00", stagger_s=3600))


@pytest.mark.parametrize("key", [f"rotation {i}" for i in range(50)])
def test_who_starts_last_in_a_window_may_be_late(key: str) -> None:
    """A tick that comes five minutes after the start still finds the window open."""
    start = starts_at(HOURLY, NOW, key)
    assert allows(HOURLY, start + timedelta(minutes=5))


def test_stagger_without_a_window_is_used_whole() -> None:
    """There is nothing to be late for."""
    free = Schedule(1, time(9, 0), stagger_s=3600)
    starts = [starts_at(free, NOW, f"rotation {i}") - NOW for i in range(1000)]
    assert max(starts) > timedelta(minutes=58)


def test_preview_ends_where_the_calendar_does() -> None:
    """A hundred dates a century apart are more than there are."""
    slots = preview(checked(Schedule(1, time(0, 0), every="100y")), LastTurn(NOW), 100)
    assert len(slots) == 79
    assert slots[-1].due_at.year == 9926


@pytest.mark.parametrize("name", ["localtime", "posixrules", "posix/UTC", "right/Europe/Berlin"])
def test_zones_that_depend_on_the_machine_are_refused(name: str) -> None:
    """The same schedule means the same dates wherever the database is."""
    with pytest.raises(InvalidInput, match="timeZone"):
        zone_of(name)


def test_date_that_blackouts_put_off_for_ever_is_warned_of() -> None:
    """Nothing forbids it, and nobody is surprised by it."""
    shut = checked(Schedule(7, time(0, 0), blackouts="2026-01-01/2199-12-31"))
    told = far_off(preview(shut, LastTurn(NOW), 1)[0])
    assert "leave no time within 7 days" in told
    assert "2200-01-01" in told


def test_date_within_a_week_is_no_reason_to_warn() -> None:
    """Every window comes once a week."""
    weekly = checked(Schedule(1, time(0, 0), windows="Mo 09:00-10:00"))
    assert [far_off(slot) for slot in preview(weekly, LastTurn(NOW), 3)] == ["", "", ""]
