"""How an app of an emergency stands by its turn, and when an emergency is over."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from keyturn.domain.budget import Shares
from keyturn.domain.emergency import (
    FIRST_STARTS,
    GONE,
    INACTIVE,
    REOPENED,
    Way,
    all_closed,
    followed,
    is_over,
    is_stuck,
    rooms,
    way_of,
)
from keyturn.domain.ids import AppId, RolloutId, RotationId, TurnId
from keyturn.domain.reasons import LOST, Reason
from keyturn.domain.rollout import Member, Standing
from keyturn.domain.turn import Blocked, Phase, Trigger, Turn, Word

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(days=7)
TURN = Turn(
    id=TurnId("t"),
    rotation_id=RotationId("r"),
    app_id=AppId("a"),
    trigger=Trigger.MANUAL,
    phase=Phase.ISSUED,
    created_at=NOW,
    entered_at=NOW,
    wake_at=NOW,
    word=Word.AT_ONCE,
    tidies_at=LATER,
)
MEMBER = Member(
    rollout_id=RolloutId("e"),
    number=1,
    wave=1,
    rotation_id=RotationId("r"),
    app_id=AppId("a"),
    standing=Standing.TURNING,
    turn_id=TurnId("t"),
    begun_at=NOW,
)
WAITS = replace(MEMBER, standing=Standing.WAITING, turn_id=None, begun_at=None)
ASLEEP = replace(TURN, phase=Phase.SOAKING, wake_at=LATER)
BLOCKED = Blocked(Reason.FOREIGN_SECRET, "ocs1", Phase.WRITTEN)
IN_TROUBLE = replace(TURN, phase=Phase.BLOCKED, blocked=BLOCKED, wake_at=None)
SERVING = replace(TURN, phase=Phase.OVERLAPPING, word=None, tidies_at=None)


def test_an_app_is_closed_once_okta_has_refused_its_old_secret() -> None:
    """Before that a turn that soaks is not asleep for the sake of others."""
    assert followed(MEMBER, replace(ASLEEP, wake_at=NOW), NOW).standing is Standing.TURNING
    assert followed(MEMBER, ASLEEP, LATER).standing is Standing.CLOSED
    assert followed(MEMBER, ASLEEP, LATER).closed_at == NOW
    done = replace(ASLEEP, phase=Phase.FINISHED, ended_at=LATER, wake_at=None)
    assert followed(MEMBER, done, LATER).standing is Standing.DONE


@pytest.mark.parametrize(
    "turn",
    [
        IN_TROUBLE,
        replace(TURN, phase=Phase.ROLLED_BACK, ended_at=NOW),
        replace(TURN, phase=Phase.OVERLAPPING, reinstated=1),
        replace(TURN, paused_at=NOW),
    ],
)
def test_what_goes_wrong_is_told_loud(turn: Turn) -> None:
    """An app whose turn stands still is said not to be closed, until it goes on by itself."""
    failed = followed(MEMBER, turn, NOW)
    assert (failed.standing, failed.told[:10]) == (Standing.FAILED, "NOT CLOSED")
    assert "Okta did not accept" not in failed.told
    assert followed(failed, turn, LATER) == failed
    assert followed(failed, TURN, LATER).standing is Standing.TURNING
    assert followed(failed, ASLEEP, LATER).told == ""


def test_what_okta_accepts_again_is_not_told_as_closed() -> None:
    """A turn that came to its soak anew is closed anew, at another time."""
    shut = followed(MEMBER, ASLEEP, NOW)
    back = replace(ASLEEP, phase=Phase.RETIRED, entered_at=LATER, wake_at=LATER)
    again = followed(shut, back, LATER)
    assert (again.standing, again.told, again.closed_at) == (Standing.TURNING, REOPENED, None)
    anew = replace(ASLEEP, entered_at=LATER)
    assert followed(again, anew, LATER).closed_at == LATER
    refused = Blocked(Reason.OLD_SECRET_CHANGED, "", Phase.SOAKING)
    stopped = followed(shut, replace(IN_TROUBLE, blocked=refused), LATER)
    assert (stopped.standing, stopped.closed_at) == (Standing.FAILED, None)


def test_a_deactivated_app_stands_for_itself() -> None:
    """Okta accepts nothing of it: it is not told as one that may still work, nor as done."""
    off = replace(IN_TROUBLE, blocked=replace(BLOCKED, reason=Reason.APP_INACTIVE))
    found = followed(MEMBER, off, NOW)
    assert (found.standing, found.told, is_stuck(found)) == (Standing.INACTIVE, INACTIVE, False)
    assert all_closed([found])
    assert not is_over([found], revoke=False)
    assert followed(found, off, LATER) == found
    assert followed(found, TURN, LATER).standing is Standing.TURNING


@pytest.mark.parametrize("reason", LOST)
def test_nobody_is_told_to_serve_what_has_leaked(reason: Reason) -> None:
    """Where Okta has lost the new secret, the old one is no way back."""
    lost = replace(IN_TROUBLE, blocked=Blocked(reason, "", Phase.OVERLAPPING))
    told = followed(MEMBER, lost, NOW).told
    assert "do NOT have it served again" in told
    assert "turn abort" not in told


def test_one_that_is_gone_is_left_out() -> None:
    """Its rotation has been removed meanwhile; one that has no turn yet is not looked at."""
    assert (followed(MEMBER, None, NOW).standing, followed(MEMBER, None, NOW).told) == (
        Standing.SKIPPED,
        GONE,
    )
    assert followed(WAITS, None, NOW) == WAITS


@pytest.mark.parametrize(
    ("turn", "way"),
    [
        (None, Way.START),
        (replace(TURN, phase=Phase.PLANNED), Way.TAKE),
        (replace(TURN, phase=Phase.VERIFIED), Way.TAKE),
        (IN_TROUBLE, Way.TAKE),
        (replace(TURN, withdrawn_at=NOW), Way.WAIT),
        (replace(TURN, paused_at=NOW), Way.WAIT),
        (SERVING, Way.HURRY),
        (replace(SERVING, word=Word.AT_ONCE, closes_at=LATER), Way.HURRY),
        (replace(SERVING, word=Word.AT_ONCE), Way.WAIT),
    ],
)
def test_a_turn_under_way_is_taken_or_ends_first(turn: Turn | None, way: Way) -> None:
    """One that has served nobody closes what has leaked; what one has served may have leaked."""
    assert way_of(WAITS, turn) is way


def test_one_that_ends_when_its_time_is_over_is_waited_for() -> None:
    """Told so by this emergency; another one may leave less time."""
    ending = replace(SERVING, word=Word.AT_ONCE, closes_at=LATER)
    assert way_of(replace(WAITS, begun_at=NOW), ending) is Way.WAIT
    taken = replace(ending, tidies_at=LATER)
    assert way_of(replace(WAITS, begun_at=NOW), taken) is Way.HURRY


def test_one_that_was_hurried_and_has_stopped_is_for_people() -> None:
    """It is hurried once, and not for ever."""
    stopped = replace(IN_TROUBLE, blocked=replace(BLOCKED, phase=Phase.OVERLAPPING))
    assert way_of(WAITS, stopped) is Way.HURRY
    assert way_of(replace(WAITS, begun_at=NOW), stopped) is Way.FAIL


def test_nothing_is_tidied_up_while_an_app_waits() -> None:
    """One that failed keeps the others not from being deleted, but the emergency from ending."""
    closed, failed = (
        replace(MEMBER, standing=Standing.CLOSED, closed_at=NOW),
        replace(MEMBER, standing=Standing.FAILED),
    )
    done = replace(closed, standing=Standing.DONE)
    assert not all_closed([closed, WAITS])
    assert not all_closed([closed, MEMBER])
    assert all_closed([closed, failed])
    assert not is_over([done, failed], revoke=False)
    assert not is_over([closed], revoke=False)
    assert is_over([done, replace(MEMBER, standing=Standing.SKIPPED)], revoke=True) is False
    assert is_over([replace(done, revoked_at=NOW)], revoke=True)
    assert is_over([done], revoke=False)


def test_as_many_are_started_as_a_window_has_room_to_close() -> None:
    """Each org by itself: less what was started within the minute, or has served nobody yet."""
    limits, shares = {1: 50}, Shares()
    waiting = [WAITS, replace(WAITS, number=2, wave=2)]
    assert rooms(waiting, {}, limits, shares, NOW) == {1: 24, 2: FIRST_STARTS}
    lately = replace(MEMBER, number=3, standing=Standing.CLOSED)
    assert rooms([*waiting, lately], {}, limits, shares, NOW)[1] == 23
    after = NOW + timedelta(seconds=60)
    assert rooms([*waiting, lately], {}, limits, shares, after)[1] == 24
    assert rooms([*waiting, MEMBER], {"t": TURN}, limits, shares, after)[1] == 23
    served = replace(TURN, phase=Phase.PROMOTED)
    assert rooms([*waiting, MEMBER], {"t": served}, limits, shares, after)[1] == 24
