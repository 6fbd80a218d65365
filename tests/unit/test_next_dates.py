"""Which date a rotation gets after a turn, a failure or a change, and when it has none."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest
from storage_kit import ROTATION

from keyturn.domain.outlook import (
    State,
    far_off,
    last_turn,
    ordered_anew,
    outlook,
    owed,
    rescheduled,
    started,
    taken_back,
    unstarted,
)
from keyturn.domain.rotation import Rotation
from keyturn.domain.schedule import LastTurn, Schedule, Slot, checked

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
DAY, WEEK = timedelta(days=1), timedelta(days=7)
NOON = time(12, 0)
MONTHLY, OFF = Schedule(30, NOON), Schedule(30, NOON, automatic=False)


def of(schedule: Schedule, **changes: object) -> Rotation:
    """Make a rotation of this schedule that has turned now, as it was due, and failed never."""
    turned = {"last_rotated_at": NOW, "last_due_at": NOW, "last_manual": False}
    dates = {"due_at": None, "next_rotation_at": None, "failures": 0, "asked_at": None}
    return replace(ROTATION, schedule=checked(schedule), **turned | dates | changes)  # type: ignore[arg-type]  # its fields


def test_start_of_the_schedule_is_a_failure_until_it_is_served() -> None:
    """Whoever dies over it tries again tomorrow, and not in a month."""
    begun = started(of(MONTHLY, due_at=NOW, next_rotation_at=NOW), NOW)
    assert (begun.failures, begun.last_due_at) == (1, NOW)
    assert (begun.due_at, begun.next_rotation_at) == (NOW + DAY, NOW + DAY)


@pytest.mark.parametrize(("manual", "days"), [(False, 1), (True, 2)])
def test_no_secret_turns_twice_within_a_day_of_a_turn_by_hand(days: int, *, manual: bool) -> None:
    """Who turned after the time of day has until the day after the next one."""
    turned = of(Schedule(1, time(11, 0)), last_manual=manual)
    due_at = rescheduled(turned, last_turn(turned)).due_at
    assert due_at == NOW - timedelta(hours=1) + days * DAY


def test_change_leaves_a_date_that_has_come_just_now() -> None:
    """What starts this moment is no date that was missed: since when it is due, and its spread."""
    spread = checked(Schedule(1, time(0, 0), windows="12:00-13:00", stagger_s=1800))
    last = LastTurn(NOW - DAY)
    planned = rescheduled(of(spread), last)
    assert planned.due_at
    assert planned.next_rotation_at
    assert planned.due_at < NOW < planned.next_rotation_at
    assert rescheduled(planned, last, not_before=planned.next_rotation_at) == planned


def failed(failures: int) -> Rotation:
    """Make a rotation whose turn of now has failed, as so many in a row; its date is long past."""
    begun = started(of(MONTHLY, failures=failures - 1, last_rotated_at=NOW - 40 * DAY), NOW)
    return replace(begun, last_attempted_at=NOW)


@pytest.mark.parametrize(("later", "wait"), [(DAY, 2 * DAY), (3 * DAY, 3 * DAY)])
def test_off_and_on_again_shortens_no_wait(later: timedelta, wait: timedelta) -> None:
    """After failures it comes when the next try would have, or now where that is past."""
    before = failed(3)
    off = ordered_anew(replace(before, schedule=OFF), before, NOW)
    assert off.due_at is None
    on = ordered_anew(replace(off, schedule=MONTHLY), off, NOW + later)
    assert (on.due_at, on.next_rotation_at) == (NOW + wait, NOW + wait)


@pytest.mark.parametrize(("allowed", "due_at"), [(4, None), (6, NOW + 7 * DAY), (0, NOW + 7 * DAY)])
def test_more_tries_end_the_quarantine_and_shorten_no_wait(
    allowed: int, due_at: datetime | None
) -> None:
    """Who allows more has the next try when it would have come without a quarantine."""
    before = failed(5)
    assert before.due_at is None
    assert "A higher quarantineAfter allows more tries." in outlook(before, NOW).why
    more = replace(MONTHLY, quarantine_after=allowed)
    after = ordered_anew(replace(before, schedule=more), before, NOW + DAY)
    assert (after.due_at, after.next_rotation_at) == (due_at, due_at)


def test_rotation_that_is_being_ended_gets_no_date() -> None:
    """A change of its schedule sets none, and it stands as one that starts nothing by itself."""
    ending = of(MONTHLY, ending=True, due_at=NOW)
    changed = ordered_anew(replace(ending, schedule=Schedule(1, NOON)), ending, NOW)
    assert (changed.due_at, changed.next_rotation_at) == (None, None)
    assert outlook(ending, NOW + DAY).state is State.OFF


def test_turn_that_is_taken_back_leaves_the_interval_to_count_from_the_last_one() -> None:
    """The moment that it was started for is forgotten: the next one is not an interval later."""
    schedule = Schedule(30, NOON, every="12h")
    begun = started(of(schedule, last_rotated_at=NOW - DAY / 2, due_at=NOW), NOW)
    undone = unstarted(begun)
    assert undone.failures == 0
    assert rescheduled(undone, last_turn(undone)).due_at == NOW
    assert rescheduled(begun, last_turn(begun)).due_at == NOW + DAY / 2


def test_schedule_that_is_off_gets_no_date_for_a_turn_that_is_taken_back() -> None:
    """Whoever switched it off sees no turn start by itself."""
    back = taken_back(of(OFF, failures=1), NOW)
    assert (back.failures, back.due_at, back.next_rotation_at) == (0, None, None)


def test_schedule_that_is_off_is_no_quarantine() -> None:
    """Nothing is kept from starting by failures where nothing starts by itself."""
    failures = OFF.quarantine_after
    assert outlook(of(OFF, failures=failures), NOW).state is State.OFF
    assert outlook(of(MONTHLY, failures=failures), NOW).state is State.QUARANTINED


@pytest.mark.parametrize(("late", "told"), [(WEEK, False), (WEEK + timedelta(seconds=1), True)])
def test_week_after_the_date_is_no_reason_to_warn(late: timedelta, *, told: bool) -> None:
    """A window that comes once a week may be a whole week off."""
    assert bool(far_off(Slot(NOW, NOW + late))) is told


@pytest.mark.parametrize(
    ("window", "state"), [("12:00-13:00", State.WAITING), ("12:01-13:00", State.MISSED)]
)
def test_week_of_waiting_for_a_window_is_none_missed(window: str, state: State) -> None:
    """A blackout that takes one window of a week leaves the next one, seven days on."""
    weekly = Schedule(7, NOON, windows=f"Sa {window}", blackouts="2026-11-21")
    due = rescheduled(of(weekly), LastTurn(NOW - WEEK))
    assert due.due_at == NOW
    assert outlook(due, NOW).state is state


def test_turn_that_somebody_has_asked_for_is_not_put_off_by_another_schedule() -> None:
    """What has leaked is closed when there is room, not when the new schedule is due."""
    asked = owed(of(MONTHLY, asked_at=NOW, asked_emergency=True), NOW)
    for schedule in (Schedule(60, NOON), OFF):
        changed = ordered_anew(replace(asked, schedule=schedule), asked, NOW)
        assert changed.next_rotation_at == asked.next_rotation_at == NOW


def test_schedule_starts_nothing_once_it_is_off_though_a_turn_was_asked_for() -> None:
    """That turn starts when the open one has ended: until then the date is the schedule's."""
    asked = of(MONTHLY, asked_at=NOW, due_at=NOW + DAY, next_rotation_at=NOW + DAY)
    off = ordered_anew(replace(asked, schedule=OFF), asked, NOW)
    assert (off.due_at, off.next_rotation_at) == (None, None)
    assert owed(off, NOW + DAY).next_rotation_at == NOW + DAY
