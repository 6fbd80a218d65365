"""When people are warned of an end."""

from datetime import UTC, datetime, timedelta

import pytest

from keyturn.domain.expiry import LEADS, Life, warned_since

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
YEAR = Life(BEGAN, BEGAN + 365 * DAY)


@pytest.mark.parametrize(
    ("left", "lead"), [(15, None), (14, 14), (3, 14), (2, 2), (0.1, 2), (0, None), (-1, None)]
)
def test_people_are_warned_two_weeks_and_two_days_before(left: float, lead: int | None) -> None:
    """By the nearest warning that has come; past the end there is nothing to warn of."""
    since = warned_since(YEAR, YEAR.ends_at - left * DAY)
    assert since == (YEAR.ends_at - lead * DAY if lead else None)


@pytest.mark.parametrize(("days", "warnings"), [(15, 2), (14, 1), (3, 1), (2, 0), (0.5, 0)])
def test_what_never_lasts_so_long_is_not_warned_of(days: float, warnings: int) -> None:
    """A token of an hour is renewed all the time: nobody wants to hear of each."""
    life = Life(BEGAN, BEGAN + days * DAY)
    moments = (BEGAN + n * DAY / 4 for n in range(int(days * 4)))
    found = {warned_since(life, at) for at in moments} - {None}
    assert len(found) == warnings
    assert len(LEADS) == 2
