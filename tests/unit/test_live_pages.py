"""Parts of pages that follow what happens: so many for each who looks, and not one more."""

from datetime import UTC, datetime

import pytest

from keyturn.domain.errors import TooManyAttempts
from keyturn.testing.clock import ManualClock
from keyturn.web.live import EACH, Following, Watchers

CLOCK = ManualClock(datetime(2026, 3, 1, 12, tzinfo=UTC))


async def look() -> str:
    """Return a part of a page."""
    return "as it is"


def test_one_too_many_is_refused_before_anything_is_sent() -> None:
    """As an error that has a page and a status, while others still come in."""
    watchers = Watchers()
    for _ in range(EACH):
        Following(watchers, "ada", look, CLOCK)
    with pytest.raises(TooManyAttempts):
        Following(watchers, "ada", look, CLOCK)
    Following(watchers, "grace", look, CLOCK)
