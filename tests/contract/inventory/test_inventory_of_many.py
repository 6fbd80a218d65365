"""An org of ten thousand apps: read at the rate that Okta allows, and followed in no time."""

import asyncio
from dataclasses import replace

import pytest
from inventory import Taken, misses, take

from keyturn.testing import MemoryStore

pytestmark = pytest.mark.slow

APPS = 10_000


@pytest.fixture(scope="module")
def taken() -> Taken:
    """Take the inventory of a large org once, and bring it up to date an hour later."""
    return asyncio.run(take(MemoryStore(), APPS))


def test_every_app_and_secret_is_known(taken: Taken) -> None:
    """The seeded apps are there as well; ten apps have got a second secret since."""
    assert (taken.apps, taken.secrets) == (APPS + 2, APPS + 1 + 10)


def test_the_rate_limit_is_used_and_never_met(taken: Taken) -> None:
    """The reading takes hardly longer than its calls take at the allowed rate; none is refused."""
    assert taken.refused_429 == 0
    assert APPS + APPS / 200 <= taken.calls <= 1.01 * (APPS + APPS / 200)
    assert taken.took_s <= 1.1 * taken.bound_s


def test_a_target_that_is_missed_is_named(taken: Taken) -> None:
    """Memory is the benchmark's own to judge: this process holds more than one inventory."""
    slow = replace(taken, over_bound=1.2, again_s=61, peak_mb=301)
    assert len([*misses(slow)]) == 3
    assert [*misses(replace(taken, peak_mb=299))] == []


def test_the_same_again_takes_less_than_a_minute(taken: Taken) -> None:
    """Two calls for each app that has changed, and two of the log."""
    assert taken.again_s < 60
    assert taken.again_calls == 22
