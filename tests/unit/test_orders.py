"""What people may decide of an open turn, and what is refused them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from keyturn.domain.errors import Refused
from keyturn.domain.ids import AppId, RotationId, SecretHash, TurnId
from keyturn.domain.orders import (
    aborted,
    by_hand,
    hurried,
    in_emergency,
    kept_after_all,
    making_room,
    paused,
    reinstating,
    resumed,
    waits_for_next,
)
from keyturn.domain.turn import (
    ENDED,
    MOVES,
    SETTLED,
    UNSERVED,
    Act,
    Held,
    Opened,
    Overlap,
    Phase,
    Policy,
    Posted,
    Reason,
    Trigger,
    Turn,
    Word,
    blocked,
)

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
POSTED = Posted(NOW)
LEASE_END = NOW + timedelta(seconds=45)
OLD = Held(SecretHash("old"), None, None)


def turn(phase: Phase, **changes: Any) -> Turn:  # noqa: ANN401  fields of Turn
    """Make a turn that nobody holds."""
    plain = Turn(
        TurnId("t"), RotationId("r"), AppId("a"), Trigger.MANUAL, phase, NOW, NOW, NOW, OLD
    )
    return replace(plain, **changes)


@pytest.mark.parametrize("phase", sorted(set(Phase) - ENDED - {Phase.BLOCKED}))
def test_a_turn_that_goes_on_can_be_paused(phase: Phase) -> None:
    """A paused turn is open, comes due never, and resumes in its phase with its time run on."""
    still = paused(turn(phase), NOW)
    assert (still.open, still.running, still.wake_at) == (True, False, None)
    again = resumed(still, NOW + timedelta(hours=1))
    assert (again.phase, again.entered_at, again.running) == (phase, NOW, True)


@pytest.mark.parametrize("phase", sorted({*ENDED, Phase.BLOCKED}))
def test_what_stands_still_cannot_be_paused(phase: Phase) -> None:
    """Pausing an ended or blocked turn is refused, and says where it stands."""
    with pytest.raises(Refused, match=f"{phase}: there is nothing to pause"):
        paused(turn(phase), NOW)


def test_a_paused_turn_is_not_paused_twice() -> None:
    """The second pause would forget when the first one began."""
    with pytest.raises(Refused, match="paused"):
        paused(paused(turn(Phase.OVERLAPPING), NOW), NOW)


def test_a_call_under_way_is_waited_for() -> None:
    """A worker that holds the turn may have a call on its way: its lease is waited for."""
    held = turn(Phase.WRITTEN, owner="w", wake_at=LEASE_END, posted=POSTED)
    assert aborted(held, NOW).wake_at == LEASE_END
    later = NOW + timedelta(seconds=10)
    assert resumed(paused(held, NOW), later).wake_at == NOW + SETTLED


@pytest.mark.parametrize("phase", sorted(UNSERVED))
def test_turn_nobody_was_served_by_can_be_aborted(phase: Phase) -> None:
    """Before promotion the new secret is taken back; the turn is told so for good."""
    after = aborted(turn(phase, posted=POSTED), NOW)
    assert (after.phase, after.withdrawn_at, after.word) == (phase, NOW, Word.ABORT)
    assert aborted(after, NOW + timedelta(hours=1)).withdrawn_at == NOW


@pytest.mark.parametrize("phase", [Phase.PLANNED, Phase.WRITTEN])
def test_turn_that_asked_nothing_of_okta_ends_at_once(phase: Phase) -> None:
    """Where Okta was not asked for anything there is nothing to take back."""
    later = NOW + timedelta(hours=1)
    for still in (turn(phase, owner="w"), paused(turn(phase, owner="w"), NOW)):
        after = aborted(still, later)
        assert (after.phase, after.ended_at) == (Phase.ROLLED_BACK, later)
        assert (after.wake_at, after.owner, after.paused_at) == (None, None, None)


@pytest.mark.parametrize("phase", sorted(set(Phase) - UNSERVED - {Phase.BLOCKED}))
def test_served_turn_is_not_aborted(phase: Phase) -> None:
    """Readers may hold the new secret: it stays."""
    with pytest.raises(Refused, match="so it stays"):
        aborted(turn(phase, posted=POSTED), NOW)


def test_blocked_turn_is_aborted_where_it_was_blocked() -> None:
    """A foreign secret in the way is no reason to be stuck for ever."""
    stuck = blocked(turn(Phase.WRITTEN, posted=POSTED), Reason.FOREIGN_SECRET, "", NOW)
    assert aborted(stuck, NOW).phase is Phase.WRITTEN
    unbegun = blocked(turn(Phase.PLANNED), Reason.FOREIGN_SECRET, "", NOW)
    ended = aborted(unbegun, NOW)
    assert (ended.phase, ended.blocked) == (Phase.ROLLED_BACK, None)


@pytest.mark.parametrize("phase", [Phase.RETIRED, Phase.SOAKING])
def test_retired_secret_can_be_reinstated(phase: Phase) -> None:
    """Between retire and delete the old secret can come back."""
    after = reinstating(turn(phase), NOW)
    assert (after.phase, after.word, after.wake_at) == (phase, Word.REINSTATE, NOW)


@pytest.mark.parametrize("phase", sorted(set(Phase) - {Phase.RETIRED, Phase.SOAKING}))
def test_nothing_else_can_be_reinstated(phase: Phase) -> None:
    """Where nothing is retired there is nothing to bring back."""
    with pytest.raises(Refused, match=r": no client secret of it is retired\. "):
        reinstating(turn(phase), NOW)


def test_turn_without_an_old_secret_has_none_to_reinstate() -> None:
    """A first managed secret replaced none of ours."""
    with pytest.raises(Refused, match="is retired"):
        reinstating(turn(Phase.SOAKING, old=None), NOW)


@pytest.mark.parametrize("phase", [Phase.OVERLAPPING, Phase.RETIRED, Phase.SOAKING])
def test_waiting_can_be_cut_short(phase: Phase) -> None:
    """Overlap and soak end on somebody's word, also of a paused turn."""
    after = hurried(paused(turn(phase), NOW), Word.FINISH, NOW)
    assert (after.word, after.running, after.wake_at) == (Word.FINISH, True, NOW)


def test_whoever_says_finish_in_an_emergency_takes_nothing_back() -> None:
    """A worker may be in the middle of ending the old secret by the stronger word."""
    urgent = hurried(turn(Phase.OVERLAPPING), Word.AT_ONCE, NOW)
    assert hurried(urgent, Word.FINISH, NOW).word is Word.AT_ONCE
    calm = hurried(turn(Phase.OVERLAPPING), Word.FINISH, NOW)
    assert hurried(calm, Word.AT_ONCE, NOW).word is Word.AT_ONCE
    later = NOW + timedelta(hours=1)
    given = replace(urgent, closes_at=later, tidies_at=later, attempts=3, wake_at=None)
    assert hurried(given, Word.FINISH, later) == replace(given, attempts=0, wake_at=later)


def test_an_emergency_leaves_consumers_the_time_it_says() -> None:
    """What was said before of that time, or of other apps, stands no more."""
    soon, later = NOW + timedelta(minutes=5), NOW + timedelta(days=7)
    before = turn(Phase.OVERLAPPING, closes_at=later, tidies_at=later)
    told = replace(before, word=Word.AT_ONCE, closes_at=soon, tidies_at=None)
    assert hurried(before, Word.AT_ONCE, NOW, soon) == told
    assert hurried(told, Word.AT_ONCE, NOW) == replace(told, closes_at=None)


@pytest.mark.parametrize("phase", [Phase.PLANNED, Phase.ISSUED, Phase.FINISHED])
def test_what_waits_for_nothing_cannot_be_hurried(phase: Phase) -> None:
    """A secret that is not served yet is not hurried into anything."""
    with pytest.raises(Refused, match=r": it has no overlap or soak to cut short\. "):
        hurried(turn(phase), Word.AT_ONCE, NOW)


def test_blocked_turn_begins_its_phase_anew() -> None:
    """What somebody had to mend gives the phase its time again."""
    later = NOW + timedelta(days=1)
    stuck = replace(blocked(turn(Phase.ISSUED), Reason.CALL_REFUSED, "", NOW), attempts=3)
    again = resumed(stuck, later)
    assert (again.entered_at, again.attempts) == (later, 0)


@pytest.mark.parametrize("phase", sorted(p for p in MOVES if Act.BLOCK in MOVES[p]))
def test_pause_calms_an_emergency_until_the_old_one_is_off(phase: Phase) -> None:
    """What has leaked never comes back; a block calms nobody, whoever resumes after it."""
    of = turn(phase, word=Word.AT_ONCE)
    off = phase in (Phase.RETIRED, Phase.SOAKING)
    assert resumed(paused(of, NOW), NOW).word is (Word.AT_ONCE if off else None)
    assert resumed(blocked(of, Reason.CALL_REFUSED, "", NOW), NOW).word is Word.AT_ONCE
    finish = turn(phase, word=Word.FINISH)
    assert resumed(paused(finish, NOW), NOW).word is Word.FINISH


UNTIL_NEXT = Policy(overlap_s=300, soak_s=0, overlap=Overlap.UNTIL_NEXT)
WINDING_UP = [Phase.OVERLAPPING, Phase.RETIRED, Phase.SOAKING]


@pytest.mark.parametrize("phase", Phase)
def test_turn_ends_for_the_next_one_once_its_secret_is_served(phase: Phase) -> None:
    """Only a turn whose old secret waits for the next turn, by its policy, makes room for it."""
    assert waits_for_next(turn(phase), UNTIL_NEXT) is (phase in WINDING_UP)
    assert not waits_for_next(turn(phase), replace(UNTIL_NEXT, overlap=Overlap.FIXED))


@pytest.mark.parametrize("changes", [{"reinstated": 1}, {"paused_at": NOW}])
def test_secret_in_use_or_in_question_does_not_make_room(changes: dict[str, Any]) -> None:
    """A reinstated secret is somebody's, and a paused turn stands still for a reason."""
    assert not waits_for_next(turn(Phase.OVERLAPPING, **changes), UNTIL_NEXT)


def test_making_room_ends_the_overlap_only() -> None:
    """A soak goes on, and what people have said of the turn stands."""
    told = making_room(turn(Phase.OVERLAPPING), NOW)
    assert (told.word, told.wake_at) == (Word.FINISH, NOW)
    for kept in (turn(Phase.SOAKING), turn(Phase.OVERLAPPING, word=Word.AT_ONCE)):
        assert making_room(kept, NOW) is kept


def test_resumed_turn_that_has_not_begun_is_theirs_who_resumed_it() -> None:
    """Somebody waits for it now; one that has begun, or that was theirs already, stays so."""
    planned = turn(Phase.PLANNED, trigger=Trigger.SCHEDULED)
    assert by_hand(planned) == replace(planned, trigger=Trigger.MANUAL)
    assert by_hand(planned, Trigger.CONSENT).trigger is Trigger.CONSENT
    begun, first = replace(planned, phase=Phase.WRITTEN), turn(Phase.PLANNED, trigger=Trigger.FIRST)
    assert (by_hand(begun), by_hand(first)) == (begun, first)


@pytest.mark.parametrize("phase", sorted(UNSERVED))
def test_what_has_served_nobody_can_be_an_emergencys(phase: Phase) -> None:
    """A blocked one goes on; consumers are left their time, and it tidies up after the others."""
    later = NOW + timedelta(days=7)
    stopped = blocked(turn(phase), Reason.APP_GONE, "", NOW)
    for before in (turn(phase), stopped):
        for within_s in (0, 300):
            going = in_emergency(before, NOW, within_s, later)
            assert going == turn(phase, word=Word.AT_ONCE, within_s=within_s, tidies_at=later)


@pytest.mark.parametrize("phase", [Phase.PROMOTED, Phase.OVERLAPPING, Phase.SOAKING])
def test_what_has_served_its_secret_is_not_taken(phase: Phase) -> None:
    """What it has served may be what has leaked."""
    told = f"The turn is {phase}: what it has served may be what has leaked. What can be done: "
    with pytest.raises(Refused, match=f"^{told}"):
        in_emergency(turn(phase), NOW, 0, NOW)


def test_an_abort_that_leads_nowhere_is_taken_back_once_no_call_of_it_can_arrive() -> None:
    """What Okta was asked to deactivate is not served before that can no longer come about."""
    of = turn(Phase.ISSUED, posted=POSTED, word=Word.ABORT, withdrawn_at=NOW)
    stuck = blocked(of, Reason.NEW_SECRET_ONLY, "", NOW)
    kept = kept_after_all(stuck, NOW + SETTLED)
    assert kept == replace(stuck, word=None, withdrawn_at=None)
    with pytest.raises(Refused) as refused:
        kept_after_all(stuck, NOW + SETTLED - timedelta(seconds=1))
    assert refused.value.message == (
        "The new client secret was to be taken back, and a call that does so may still arrive at "
        "Okta. Ask again after 12:01:00 UTC."
    )


def test_what_is_not_retired_for_certain_cannot_be_reinstated() -> None:
    """Where Okta's answer was lost, the turn has to go on first; else nothing was retired."""
    unsure = turn(Phase.OVERLAPPING, opened=Opened.TIME)
    with pytest.raises(Refused, match=r"stands still\) until it soaks; then reinstate\. What can"):
        reinstating(unsure, NOW)
    for of in (turn(Phase.OVERLAPPING), turn(Phase.SOAKING, old=None, opened=Opened.TIME)):
        with pytest.raises(Refused, match="no client secret of it is retired"):
            reinstating(of, NOW)
