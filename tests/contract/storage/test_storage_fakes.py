"""The shipped clock and chance, and the machine's own."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from storage_kit import NOW

from keyturn.adapters.system import SystemChance, SystemClock
from keyturn.services.ports import Chance, Clock
from keyturn.testing import ManualClock, SeededChance


def test_a_manual_clock_passes_by_hand_only() -> None:
    """Time stands until it is advanced, and both of its faces advance together."""
    clock = ManualClock(NOW)
    assert (clock.now(), clock.now(), clock.uptime_s()) == (NOW, NOW, 0)
    clock.advance(1.5)
    assert (clock.now(), clock.uptime_s()) == (NOW + timedelta(seconds=1.5), 1.5)


def test_a_manual_clock_runs_forwards_in_utc() -> None:
    """A step backwards, a naive start and a start in another zone are refused."""
    with pytest.raises(ValueError, match="backwards"):
        ManualClock(NOW).advance(-1)
    for start in (NOW.replace(tzinfo=None), NOW.astimezone(timezone(timedelta(hours=1)))):
        with pytest.raises(ValueError, match="UTC"):
            ManualClock(start)


def test_seeded_chance_repeats_itself() -> None:
    """The same seed gives the same bytes and ids, another seed others."""
    one, same, other = SeededChance(1), SeededChance(1), SeededChance(2)
    drawn = [(chance.random_bytes(48), chance.uuid()) for chance in (one, same, other)]
    assert drawn[0] == drawn[1] != drawn[2]


@pytest.mark.parametrize("chance", [SystemChance(), SeededChance(1)])
def test_chance_gives_new_bytes_and_ids(chance: Chance) -> None:
    """Bytes come in the length asked for, ids as random UUIDs, and none twice."""
    assert len({chance.random_bytes(16) for _ in range(100)}) == 100
    assert all(len(chance.random_bytes(count)) == count for count in (0, 1, 48))
    ids = {chance.uuid() for _ in range(100)}
    assert len(ids) == 100
    assert {UUID(each).version for each in ids} == {4}


def test_the_machines_clock_tells_utc_and_never_steps_back() -> None:
    """The time of day is aware and in UTC; uptime does not run backwards."""
    clock: Clock = SystemClock()
    before = clock.uptime_s()
    assert clock.now().tzinfo is UTC
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(minutes=1)
    assert clock.uptime_s() >= before > 0
