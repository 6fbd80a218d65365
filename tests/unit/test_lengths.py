"""Lengths of time in words."""

import pytest

from keyturn.domain.lengths import spoken


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "0 seconds"),
        (1, "1 second"),
        (300, "5 minutes"),
        (3_601, "1 hour 1 second"),
        (86_400, "1 day"),
        (8_640_000, "100 days"),
        (93_784, "1 day 2 hours 3 minutes 4 seconds"),
        (299.6, "5 minutes"),
    ],
)
def test_a_length_of_time_is_said_whole(seconds: float, told: str) -> None:
    """By days at most, and without the parts that are none."""
    assert spoken(seconds) == told


def test_an_estimate_is_said_by_its_largest_parts() -> None:
    """Nobody wants the seconds of a week."""
    assert spoken(93_784, parts=2) == "1 day 2 hours"
    assert spoken(59, parts=2) == "59 seconds"
