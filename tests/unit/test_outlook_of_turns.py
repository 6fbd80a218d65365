"""How a rotation stands while its turn does not go on, and when it is taken back unbegun."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest
from storage_kit import ROTATION
from turn_kit import turn

from keyturn.domain.outlook import State, forbids, next_try_at, outlook, taken_back
from keyturn.domain.reasons import Reason
from keyturn.domain.schedule import Schedule, checked
from keyturn.domain.turn import Phase, Trigger, blocked

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
NOON = checked(Schedule(1, time(12, 0), windows="12:00-13:00"))
IN_TIME = replace(ROTATION, schedule=NOON, due_at=NOW, next_rotation_at=NOW, failures=0)
BEFORE = NOW - timedelta(days=90)


def test_paused_turn_is_not_forgotten() -> None:
    """Since when nothing goes on is told, whatever the schedule says."""
    stands = outlook(IN_TIME, NOW, turn=turn(Phase.OVERLAPPING, paused_at=BEFORE))
    assert stands.state is State.PAUSED
    assert "since 2026-08-23 12:00 UTC" in stands.why


@pytest.mark.parametrize(
    ("next_at", "told"), [(NOW, "tried again at 2026-11-21 12:00"), (None, "waits for somebody")]
)
def test_blocked_turn_says_when_it_was_tried_and_what_comes(
    next_at: datetime | None, told: str
) -> None:
    """A blocked turn is no quiet schedule."""
    begun = turn(Phase.PLANNED, created_at=BEFORE - timedelta(days=3))
    stopped = blocked(begun, Reason.APP_GONE, "", BEFORE)
    stands = outlook(replace(IN_TIME, next_rotation_at=next_at), NOW, turn=stopped)
    assert stands.state is State.BLOCKED
    assert "began at 2026-08-20 12:00 UTC" in stands.why
    assert "its last try at 2026-08-23 12:00 UTC" in stands.why
    assert told in stands.why


def test_ended_turn_leaves_the_schedule_to_tell() -> None:
    """What was paused once and has ended is past."""
    ended = turn(Phase.FINISHED, ended_at=BEFORE)
    later = replace(IN_TIME, due_at=NOW + timedelta(days=1))
    assert outlook(later, NOW, turn=ended).state is State.SCHEDULED


@pytest.mark.parametrize(("refused", "told"), [(True, "Okta refuses"), (False, "served last")])
def test_quarantine_tells_what_is_served(refused: bool, told: str) -> None:  # noqa: FBT001  a row of the table
    """Nobody is told that a dead secret works on."""
    left = replace(IN_TIME, failures=5)
    stands = outlook(left, NOW, refused=refused)
    assert stands.state is State.QUARANTINED
    assert told in stands.why


@pytest.mark.parametrize(
    ("trigger", "phase", "minutes", "expected"),
    [
        (Trigger.SCHEDULED, Phase.PLANNED, 59, False),
        (Trigger.SCHEDULED, Phase.PLANNED, 60, True),
        (Trigger.MANUAL, Phase.PLANNED, 60, False),
        (Trigger.SCHEDULED, Phase.WRITTEN, 60, False),
    ],
)
def test_only_an_unbegun_turn_of_the_schedule_is_forbidden(
    trigger: Trigger, phase: Phase, minutes: int, *, expected: bool
) -> None:
    """People wait for no window, and what has begun goes on."""
    of, now = turn(phase, trigger=trigger), NOW + timedelta(minutes=minutes)
    assert forbids(IN_TIME, of, now) is expected


def test_turn_that_is_taken_back_unbegun_is_due_since_when_it_was() -> None:
    """It was no failure, and it starts in the next window."""
    begun = replace(IN_TIME, failures=3, last_due_at=NOW, due_at=None, next_rotation_at=None)
    back = taken_back(begun, NOW + timedelta(hours=2))
    assert (back.failures, back.due_at) == (2, NOW)
    assert back.next_rotation_at == NOW + timedelta(days=1)


def test_repairs_back_off_as_the_schedule_does() -> None:
    """After the fifth failure a week passes."""
    waits = [next_try_at(replace(IN_TIME, failures=n), NOW) - NOW for n in (0, 1, 2, 3, 4, 5, 9)]
    assert [wait.days for wait in waits] == [1, 1, 1, 2, 4, 7, 7]
