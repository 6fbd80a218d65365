"""How old what a fleet serves is, against its schedules, and how its rotations stand."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest
from fleet_kit import member
from turn_kit import NOW

from keyturn.domain.fleet import Band, age_of, ages_of, band_of, counts_of, next_at
from keyturn.domain.outlook import Outlook, State
from keyturn.domain.schedule import Schedule, interval_of

DAY = timedelta(days=1)
PLAIN = Schedule(30, time(2, 30))


@pytest.mark.parametrize(
    ("schedule", "interval"),
    [
        (PLAIN, 30 * DAY),
        (replace(PLAIN, every="45m"), timedelta(minutes=45)),
        (replace(PLAIN, every="12h"), DAY / 2),
        (replace(PLAIN, interval_days=182, every="6mo"), 182 * DAY),
        (replace(PLAIN, cron="30 2 * * sun"), 7 * DAY),
        (replace(PLAIN, cron="0 9 * * mon-fri"), 3 * DAY),
        (replace(PLAIN, cron="0 0 1 * *"), 31 * DAY),
        (replace(PLAIN, automatic=False), None),
    ],
    ids=str,
)
def test_an_interval_is_the_longest_pause_of_a_schedule(
    schedule: Schedule, interval: timedelta | None
) -> None:
    """Whatever a schedule is written as, it gives a secret so long; by hand it gives no end."""
    assert interval_of(schedule) == interval


@pytest.mark.parametrize(
    ("days", "band"),
    [
        (0, Band.FIRST),
        (7.5, Band.FIRST),
        (8, Band.SECOND),
        (15.1, Band.THIRD),
        (30, Band.LAST),
        (30.1, Band.OVERDUE),
        (900, Band.OVERDUE),
        (-1, Band.FIRST),
    ],
)
def test_an_age_lies_in_a_band_of_its_interval(days: float, band: Band) -> None:
    """An age is told by the part of the interval that is over; an edge belongs to what is before.

    A clock that was put back makes no age less than none.
    """
    one = member(schedule=PLAIN, issued_at=NOW - days * DAY)
    assert band_of(one, NOW) is band


def test_what_nothing_limits_and_what_is_not_there_have_bands_of_their_own() -> None:
    """Turns by hand make no age too great, and what serves nothing has none."""
    by_hand = member(schedule=replace(PLAIN, automatic=False), issued_at=NOW - 900 * DAY)
    assert band_of(by_hand, NOW) is Band.ENDLESS
    unserved = member(schedule=PLAIN, issued_at=None)
    assert band_of(unserved, NOW) is Band.UNSERVED
    assert age_of(unserved, NOW) is None


def test_ages_are_counted_by_band() -> None:
    """Every band is told, the oldest and the middle age beside them."""
    fleet = [member(schedule=PLAIN, issued_at=NOW - days * DAY) for days in (1, 2, 40)]
    ages = ages_of([*fleet, member(issued_at=None)], NOW)
    assert {band: count for band, count in ages.bands.items() if count} == {
        Band.FIRST: 2,
        Band.OVERDUE: 1,
        Band.UNSERVED: 1,
    }
    assert set(ages.bands) == {*Band}
    assert (ages.oldest_s, ages.median_s) == (40 * 86_400, 2 * 86_400)


def test_no_fleet_has_no_age() -> None:
    """Before the first rotation there is nothing to tell."""
    ages = ages_of([], NOW)
    assert (ages.oldest_s, ages.median_s) == (None, None)
    assert not any(ages.bands.values())


def test_a_fleet_is_counted_by_how_it_stands() -> None:
    """No state is left out, so that a page can show all of them."""
    fleet = [member(outlook=Outlook(state)) for state in (State.OFF, State.OFF, State.BLOCKED)]
    counts = counts_of(fleet)
    assert set(counts) == {*State}
    assert (counts[State.OFF], counts[State.BLOCKED], counts[State.MISSED]) == (2, 1, 0)


def test_what_starts_first_comes_first() -> None:
    """Turns are in the order in which they start; those without a date come last."""
    dates = [NOW + DAY, None, NOW]
    fleet = [member(next_rotation_at=at) for at in dates]
    assert [each.rotation.next_rotation_at for each in sorted(fleet, key=next_at)] == [
        NOW,
        NOW + DAY,
        None,
    ]
    assert next_at(fleet[1]) > datetime(9000, 1, 1, tzinfo=UTC)
