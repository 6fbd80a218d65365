"""The table of a turn's moves."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from keyturn.domain.errors import Refused
from keyturn.domain.ids import AppId, RotationId, TurnId
from keyturn.domain.orders import resumed
from keyturn.domain.steps import GUARDS
from keyturn.domain.turn import (
    ENDED,
    MOVES,
    SERVED,
    UNSERVED,
    Act,
    Phase,
    Reason,
    Trigger,
    Turn,
    blocked,
    doubting,
    moved,
    waiting,
)

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)
SETBACKS = {Act.FALL_BACK, Act.GIVE_WAY}


def turn(phase: Phase) -> Turn:
    """Make a turn in a phase."""
    return Turn(TurnId("t"), RotationId("r"), AppId("a"), Trigger.MANUAL, phase, NOW, NOW, NOW)


def test_every_phase_has_its_place() -> None:
    """Each phase is in the table; each that goes on has a guard, and no other has."""
    assert set(MOVES) == set(Phase)
    assert {phase for phase in Phase if MOVES[phase]} - {Phase.BLOCKED} == set(GUARDS)


def test_every_phase_leads_to_an_end() -> None:
    """From every phase an end can be reached, so no turn is trapped."""
    for phase in GUARDS:
        reached, frontier = {phase}, {phase}
        while frontier:
            frontier = {to for at in frontier for to in MOVES[at].values()} - reached
            reached |= frontier
        assert reached & ENDED


def test_no_move_takes_a_served_secret_back() -> None:
    """Once readers have the new version, only its loss at Okta leads to where they would not."""
    for phase in SERVED:
        kept = {to for act, to in MOVES[phase].items() if act not in SETBACKS}
        assert kept <= SERVED | {Phase.BLOCKED}


def test_only_promotion_leads_to_where_readers_are_served() -> None:
    """What is served and what can still be taken back is what the table of moves says."""
    before, after = {Phase.PLANNED}, {MOVES[Phase.VERIFIED][Act.PROMOTE]}
    for phase in Phase:  # in the order of a turn
        if phase in before:
            before |= {to for act, to in MOVES[phase].items() if act is not Act.PROMOTE}
        if phase in after:
            kept = {to for act, to in MOVES[phase].items() if act not in SETBACKS}
            after |= kept - {Phase.BLOCKED}
    assert (after, before) == (SERVED, UNSERVED | {Phase.ROLLED_BACK, Phase.BLOCKED})
    assert {phase for phase in Phase if not MOVES[phase]} == ENDED


def test_illegal_move_changes_nothing() -> None:
    """A move that the table does not hold is refused."""
    with pytest.raises(KeyError):
        moved(turn(Phase.PLANNED), Act.RETIRE, LATER)


def test_move_starts_the_new_phase_afresh() -> None:
    """The phase's clock and its count of tries begin anew."""
    after = moved(replace(turn(Phase.PLANNED), attempts=3), Act.WRITE, LATER)
    assert (after.phase, after.entered_at, after.attempts) == (Phase.WRITTEN, LATER, 0)


def test_withdrawing_does_not_restart_patience() -> None:
    """A new secret on its way out does not get another ten minutes."""
    assert moved(turn(Phase.ISSUED), Act.WITHDRAW, LATER).entered_at == NOW


def test_end_is_recorded() -> None:
    """A turn that ends says when."""
    after = moved(turn(Phase.SOAKING), Act.DELETE, LATER)
    assert after.ended_at == LATER
    assert not after.open
    assert moved(turn(Phase.RETIRED), Act.SOAK, LATER).ended_at is None


def test_blocked_turn_resumes_where_it_was() -> None:
    """Blocking is an end that somebody can undo, and it says who must act."""
    stopped = blocked(turn(Phase.WRITTEN), Reason.FOREIGN_SECRET, "Foreign: ocs1.", LATER)
    assert stopped.open
    assert not stopped.running
    assert (stopped.entered_at, stopped.wake_at) == (LATER, None)
    assert "must choose" in str(stopped.blocked)
    again = resumed(stopped, LATER)
    assert (again.phase, again.blocked, again.wake_at) == (Phase.WRITTEN, None, LATER)


@pytest.mark.parametrize("phase", [p for p in Phase if Act.BLOCK not in MOVES[p]])
def test_only_phases_that_call_okta_can_be_blocked(phase: Phase) -> None:
    """Where nothing can go wrong at Okta, nothing can stop a turn."""
    with pytest.raises(KeyError):
        blocked(turn(phase), Reason.CALL_REFUSED, "", LATER)


def test_running_turn_cannot_be_resumed() -> None:
    """Only a blocked turn has somewhere to resume."""
    with pytest.raises(Refused, match=r": there is nothing to resume\. "):
        resumed(turn(Phase.OVERLAPPING), LATER)


def test_doubt_counts_the_list_until_the_turn_goes_on() -> None:
    """It counts apart from what was tried; a move, a block and whoever resumes begin anew."""
    once = replace(turn(Phase.ISSUED), attempts=3, doubts=1)
    assert doubting(once, LATER) == replace(once, doubts=2, wake_at=LATER)
    assert moved(once, Act.VERIFY, NOW).doubts == 0
    stuck = blocked(once, Reason.CALL_REFUSED, "", NOW)
    assert stuck.doubts == 0
    assert resumed(replace(stuck, doubts=2), LATER).doubts == 0


def test_waiting_counts_the_try() -> None:
    """A wait says until when, and counts."""
    assert waiting(turn(Phase.ISSUED), LATER).attempts == 1
    assert waiting(turn(Phase.ISSUED), LATER).wake_at == LATER
