"""How an app of an emergency stands by its turn, and when an emergency is over."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from keyturn.domain.budget import Shares
from keyturn.domain.emergency import (
    ENDS_FIRST,
    FIRST_STARTS,
    GONE,
    INACTIVE,
    REOPENED,
    STANDS_STILL,
    Way,
    again,
    all_closed,
    as_told,
    begun,
    closed_elsewhere,
    ended,
    followed,
    held_up,
    is_calm,
    is_closed,
    is_left_open,
    is_moving,
    is_over,
    is_paused,
    is_stuck,
    is_waiting,
    left_out,
    rooms,
    way_of,
)
from keyturn.domain.ids import AppId, RolloutId, RotationId, TurnId
from keyturn.domain.reasons import LOST, Reason
from keyturn.domain.rollout import Member, Standing, State
from keyturn.domain.setback import KEEP_CLOSED
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
OVER = replace(ASLEEP, phase=Phase.FINISHED, ended_at=LATER, wake_at=None)
BLOCKED = Blocked(Reason.FOREIGN_SECRET, "ocs1", Phase.WRITTEN)
SERVED_IN_TROUBLE = replace(BLOCKED, phase=Phase.OVERLAPPING)
IN_TROUBLE = replace(TURN, phase=Phase.BLOCKED, blocked=BLOCKED, wake_at=None)
SERVING = replace(TURN, phase=Phase.OVERLAPPING, word=None, tidies_at=None)
SHUT = replace(MEMBER, standing=Standing.CLOSED, closed_at=NOW)
DONE = replace(SHUT, standing=Standing.DONE, ended_at=LATER)
FAILED = replace(MEMBER, standing=Standing.FAILED)
HELD_UP = replace(WAITS, standing=Standing.FAILED, told=STANDS_STILL, ended_at=NOW)
ENDED_UNSERVED = (
    "Its turn has ended and served no new secret: `keyturn turn list` tells why. `keyturn "
    "emergency retry` begins another."
)


def test_an_app_is_closed_once_okta_has_refused_its_old_secret() -> None:
    """Before that a turn that soaks is not asleep for the sake of others."""
    assert followed(MEMBER, replace(ASLEEP, wake_at=NOW), NOW) == MEMBER
    assert followed(MEMBER, ASLEEP, LATER) == SHUT
    assert followed(SHUT, OVER, LATER) == DONE
    assert followed(MEMBER, OVER, NOW) == replace(DONE, closed_at=LATER, ended_at=NOW)


@pytest.mark.parametrize(
    ("turn", "closed"),
    [
        (ASLEEP, True),
        (OVER, True),
        (replace(ASLEEP, wake_at=NOW), False),
        (replace(ASLEEP, wake_at=None, tidies_at=None), False),
        (replace(ASLEEP, phase=Phase.OVERLAPPING), False),
    ],
)
def test_only_a_soak_that_sleeps_for_others_is_closed(turn: Turn, *, closed: bool) -> None:
    """A turn that has ended aside, whatever else is waited for."""
    assert is_closed(turn) is closed


@pytest.mark.parametrize(
    ("turn", "told"),
    [
        (IN_TROUBLE, f"The turn is blocked: {BLOCKED}"),
        (replace(TURN, phase=Phase.ROLLED_BACK, ended_at=NOW), ENDED_UNSERVED),
        (
            replace(TURN, phase=Phase.OVERLAPPING, reinstated=1),
            "Somebody has reinstated the old secret.",
        ),
        (replace(TURN, paused_at=NOW), STANDS_STILL.removeprefix("NOT CLOSED. ")),
    ],
)
def test_what_goes_wrong_is_told_loud(turn: Turn, told: str) -> None:
    """An app whose turn stands still is said not to be closed, until it goes on by itself."""
    failed = followed(MEMBER, turn, NOW)
    assert failed == replace(FAILED, told=f"NOT CLOSED. {told}", ended_at=NOW)
    assert followed(failed, turn, LATER) == failed
    assert followed(failed, TURN, LATER) == MEMBER
    assert followed(failed, ASLEEP, LATER) == SHUT
    assert followed(failed, OVER, LATER) == replace(DONE, closed_at=LATER)
    assert followed(replace(failed, told="other"), turn, LATER) == replace(failed, ended_at=LATER)
    assert followed(replace(MEMBER, told=failed.told), turn, NOW) == failed


def test_what_okta_accepts_again_is_not_told_as_closed() -> None:
    """A turn that came to its soak anew is closed anew, at another time."""
    assert followed(SHUT, replace(ASLEEP, wake_at=NOW), LATER) == SHUT
    back = replace(ASLEEP, phase=Phase.RETIRED, entered_at=LATER, wake_at=LATER)
    reopened = replace(MEMBER, told=REOPENED)
    assert followed(SHUT, back, LATER) == followed(reopened, back, LATER) == reopened
    closed_anew = replace(SHUT, told=REOPENED, closed_at=LATER)
    assert followed(reopened, replace(ASLEEP, entered_at=LATER), LATER) == closed_anew
    done = replace(DONE, told=REOPENED, closed_at=LATER)
    assert followed(closed_anew, replace(OVER, ended_at=NOW), LATER) == done
    why = Blocked(Reason.OLD_SECRET_CHANGED, "", Phase.SOAKING)
    stopped = replace(FAILED, told=f"NOT CLOSED. The turn is blocked: {why}", ended_at=LATER)
    assert followed(SHUT, replace(IN_TROUBLE, blocked=why), LATER) == stopped


def test_a_deactivated_app_stands_for_itself() -> None:
    """Okta accepts nothing of it: it is not told as one that may still work, nor as done."""
    off = replace(IN_TROUBLE, blocked=replace(BLOCKED, reason=Reason.APP_INACTIVE))
    found = followed(MEMBER, off, NOW)
    assert found == replace(MEMBER, standing=Standing.INACTIVE, told=INACTIVE, ended_at=NOW)
    assert not is_stuck(found)
    assert all_closed([found])
    assert not is_over([found], revoke=False)
    assert followed(found, off, LATER) == found
    assert followed(found, TURN, LATER) == MEMBER
    assert followed(found, ASLEEP, LATER) == SHUT


@pytest.mark.parametrize("reason", LOST)
def test_nobody_is_told_to_serve_what_has_leaked(reason: Reason) -> None:
    """Where Okta has lost the new secret, the old one is no way back."""
    lost = replace(IN_TROUBLE, blocked=Blocked(reason, "", Phase.OVERLAPPING))
    told = (
        "NOT CLOSED. The turn is blocked: readers are given a secret that Okta does not accept "
        f"any more. {KEEP_CLOSED} After that: `keyturn emergency retry`."
    )
    assert followed(MEMBER, lost, NOW) == replace(FAILED, told=told, ended_at=NOW)
    assert "turn abort" not in told


def test_one_that_is_gone_is_left_out() -> None:
    """Its rotation has been removed meanwhile; one that has no turn yet is not looked at."""
    gone = replace(MEMBER, standing=Standing.SKIPPED, told=GONE, ended_at=LATER)
    assert followed(MEMBER, None, LATER) == gone
    for kept in (WAITS, DONE, replace(MEMBER, turn_id=None), replace(FAILED, turn_id=None)):
        assert followed(kept, None, LATER) == kept


def test_one_that_is_begun_knows_its_turn_and_nothing_of_the_last() -> None:
    """Begun anew it waits like the others; one that is left out only says so."""
    known = replace(MEMBER, exposure=3, begun_at=LATER)
    failed = replace(
        known, standing=Standing.FAILED, turn_id=TurnId("x"), begun_at=NOW, told="x", ended_at=NOW
    )
    assert begun(failed, TURN, LATER) == known
    assert again(failed) == replace(WAITS, exposure=3)
    left_out = replace(WAITS, standing=Standing.SKIPPED, ended_at=NOW)
    assert ended(HELD_UP, Standing.SKIPPED, NOW) == left_out


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
        (replace(IN_TROUBLE, blocked=SERVED_IN_TROUBLE, tidies_at=None), Way.HURRY),
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
    stopped = replace(IN_TROUBLE, blocked=SERVED_IN_TROUBLE)
    assert way_of(WAITS, stopped) is Way.HURRY
    assert way_of(replace(WAITS, begun_at=NOW), stopped) is Way.FAIL


def test_nothing_is_tidied_up_while_an_app_waits() -> None:
    """One that failed keeps the others not from being deleted, but the emergency from ending."""
    assert not all_closed([SHUT, WAITS])
    assert not all_closed([SHUT, MEMBER])
    assert all_closed([SHUT, FAILED])
    assert not is_over([DONE, FAILED], revoke=False)
    assert not is_moving([DONE, FAILED], revoke=False)
    assert is_moving([FAILED, MEMBER], revoke=False)


@pytest.mark.parametrize(
    ("member", "revoke", "moving", "over"),
    [
        (MEMBER, False, True, False),
        (SHUT, False, True, False),
        (WAITS, False, True, False),
        (HELD_UP, False, False, False),
        (FAILED, True, False, False),
        (replace(MEMBER, standing=Standing.INACTIVE), True, False, False),
        (replace(MEMBER, standing=Standing.SKIPPED), True, False, True),
        (DONE, False, False, True),
        (DONE, True, True, False),
        (replace(DONE, revoked_at=NOW), True, False, True),
    ],
)
def test_what_needs_a_hand_neither_moves_nor_is_over(
    member: Member, *, revoke: bool, moving: bool, over: bool
) -> None:
    """Tokens that are to be revoked keep an emergency going; what was never closed has none."""
    assert is_moving([member], revoke=revoke) is moving
    assert is_over([member], revoke=revoke) is over


@pytest.mark.parametrize(
    ("member", "stuck"),
    [
        (FAILED, True),
        (HELD_UP, True),
        (WAITS, False),
        (MEMBER, False),
    ],
)
def test_an_app_that_waits_for_somebody_to_act_is_stuck(member: Member, *, stuck: bool) -> None:
    """One that only waits for its turn to be started is not."""
    assert is_stuck(member) is stuck


@pytest.mark.parametrize(
    ("member", "waiting"),
    [
        (WAITS, True),
        (HELD_UP, True),
        (MEMBER, False),
        (replace(FAILED, told=STANDS_STILL), False),
        (replace(HELD_UP, told="An earlier turn is blocked"), False),
        (replace(HELD_UP, standing=Standing.SKIPPED), False),
    ],
)
def test_one_whose_earlier_turn_is_paused_waits_for_its_own(
    member: Member, *, waiting: bool
) -> None:
    """It stands as failed, and is begun by itself once somebody resumes that turn."""
    assert is_waiting(member) is waiting


def test_one_is_held_up_by_a_pause_until_somebody_resumes() -> None:
    """It is noted when that began, and not anew with each look."""
    paused = replace(SERVING, paused_at=NOW)
    assert held_up(WAITS, paused, NOW) == HELD_UP
    assert held_up(HELD_UP, paused, LATER) == HELD_UP
    assert held_up(HELD_UP, SERVING, LATER) == replace(WAITS, told=ENDS_FIRST)


@pytest.mark.parametrize(
    ("changes", "calm"),
    [
        ({}, True),
        ({"word": Word.FINISH}, True),
        ({"word": Word.AT_ONCE}, False),
        ({"word": Word.REINSTATE}, False),
        ({"paused_at": NOW}, False),
        ({"reinstated": 1}, False),
        ({"withdrawn_at": NOW}, False),
        ({"ended_at": NOW, "phase": Phase.FINISHED}, False),
    ],
)
def test_a_turn_that_goes_on_without_hurry_is_calm(changes: dict[str, Any], *, calm: bool) -> None:
    """One that somebody takes back is not hurried against them."""
    assert is_calm(replace(SERVING, **changes)) is calm


def test_as_many_are_started_as_a_window_has_room_to_close() -> None:
    """Each org by itself: less what was started within the minute, or has served nobody yet."""
    limits, shares = {1: 50}, Shares()
    waiting = [WAITS, replace(WAITS, number=2, wave=2)]
    assert rooms(waiting, {}, limits, shares, NOW) == {1: 24, 2: FIRST_STARTS}
    lately = replace(MEMBER, number=3, standing=Standing.CLOSED)
    assert rooms([*waiting, lately], {}, limits, shares, NOW)[1] == 23
    assert rooms([*waiting, lately, lately], {}, limits, shares, NOW)[1] == 22
    after = NOW + timedelta(seconds=55)
    assert rooms([*waiting, lately], {}, limits, shares, after - timedelta(seconds=1))[1] == 23
    assert rooms([*waiting, lately], {}, limits, shares, after)[1] == 24
    assert rooms([*waiting, MEMBER], {"t": TURN}, limits, shares, after)[1] == 23
    assert rooms([MEMBER, MEMBER, MEMBER], {"t": TURN}, limits, shares, after) == {1: 21}
    assert rooms([FAILED], {"t": TURN}, limits, shares, after) == {1: 24}
    assert rooms([MEMBER], {}, limits, shares, after) == {1: 24}
    served = replace(TURN, phase=Phase.PROMOTED)
    assert rooms([*waiting, MEMBER], {"t": served}, limits, shares, after)[1] == 24


LOST_NEW = Blocked(next(iter(LOST)), "ocs1", Phase.WRITTEN)
GIVEN_UP = replace(WAITS, standing=Standing.SKIPPED, ended_at=NOW)


@pytest.mark.parametrize(
    ("member", "left"),
    [
        (replace(GIVEN_UP, told=GONE), True),
        (left_out(HELD_UP, "Bea", NOW), True),
        (left_out(replace(MEMBER, standing=Standing.INACTIVE, told=INACTIVE), "Bea", NOW), True),
        (closed_elsewhere(HELD_UP, "other", NOW), False),
        (replace(GIVEN_UP, told=GONE, closed_at=NOW), False),
        (HELD_UP, False),
        (DONE, False),
    ],
)
def test_what_is_left_out_is_not_closed(member: Member, *, left: bool) -> None:
    """Unless another emergency has closed it, or this one had before its rotation went."""
    assert is_left_open(member) is left


@pytest.mark.parametrize(
    "told",
    [
        STANDS_STILL,
        INACTIVE,
        f"NOT CLOSED. {ENDED_UNSERVED}",
        followed(MEMBER, replace(IN_TROUBLE, blocked=LOST_NEW), NOW).told,
    ],
)
def test_what_an_emergency_takes_no_more_is_not_advised(told: str) -> None:
    """Nobody is told to retry what has ended, or that resuming a turn lets that go on."""
    failed = replace(FAILED, told=told)
    assert as_told(failed, State.RUNNING) == failed
    for after in (
        as_told(failed, State.ABANDONED),
        as_told(failed, State.FINISHED),
        left_out(failed, "Bea", NOW),
    ):
        assert "keyturn emergency" not in after.told
        assert "lets the emergency" not in after.told
        assert after.told.removeprefix("Left out by Bea. ").rstrip(".") in told
    assert (
        is_paused(failed) is is_paused(as_told(failed, State.ABANDONED)) is (told == STANDS_STILL)
    )


def test_one_that_somebody_or_another_emergency_settles_is_skipped() -> None:
    """The same app as before, with who did it and when; nothing more is done for it."""
    failed = replace(FAILED, told=INACTIVE)
    skipped = replace(failed, standing=Standing.SKIPPED, ended_at=LATER)
    assert closed_elsewhere(failed, "Spill", LATER) == replace(
        skipped, told="Emergency Spill has closed it."
    )
    by_bea = left_out(failed, "Bea", LATER)
    assert by_bea == replace(skipped, told=by_bea.told)
    assert by_bea.told.startswith("Left out by Bea. ")


def test_only_what_is_stuck_is_paused() -> None:
    """What was left out since somebody paused its turn says so, and is not waited for."""
    assert is_paused(HELD_UP)
    assert not is_paused(replace(HELD_UP, standing=Standing.SKIPPED))
