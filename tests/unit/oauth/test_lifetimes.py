"""When tokens count as spent, when they are renewed, and how long a server is left in peace."""

import math
from datetime import UTC, datetime, timedelta

import pytest

from keyturn.domain.oauth.lifetimes import pause_after, renew_at, skew

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("lasts_s", "skew_s"), [(3600, 60), (300, 60), (299, 59.8), (60, 12), (10, 2), (0, 0)]
)
def test_the_skew_is_a_minute_or_a_fifth(lasts_s: int, skew_s: float) -> None:
    """Tokens that live for seconds are not renewed on every use."""
    assert skew(timedelta(seconds=lasts_s)) == timedelta(seconds=skew_s)


@pytest.mark.parametrize(
    ("lasts_s", "luck", "before_s"), [(3600, 0, 60), (3600, 0.5, 90), (3600, 1, 120), (50, 1, 20)]
)
def test_luck_spreads_out_what_is_renewed_ahead(lasts_s: int, luck: float, before_s: int) -> None:
    """It is done up to twice the skew before the end, and never so late that a use waits for it."""
    ends = NOW + timedelta(seconds=lasts_s)
    assert renew_at(NOW, ends, luck) == ends - timedelta(seconds=before_s)


@pytest.mark.parametrize(
    ("attempts", "asked_s", "waits_s"),
    [
        (1, None, 30),
        (2, None, 60),
        (3, None, 300),
        (4, None, 900),
        (99, None, 900),
        (1, 45.5, 45.5),
        (4, 45.5, 900),
        (1, 0.0, 30),
        (1, -1e9, 30),
        (1, 3600.0, 3600),
        (1, 3601.0, 3600),
        (1, 1e300, 3600),
        (1, math.inf, 3600),
        (1, math.nan, 3600),
    ],
)
def test_the_pause_is_the_longer_of_ours_and_theirs(
    attempts: int, asked_s: float | None, waits_s: float
) -> None:
    """A server's wish counts for up to an hour, whatever number it writes."""
    assert pause_after(attempts, asked_s) == timedelta(seconds=waits_s)
