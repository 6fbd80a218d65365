"""What an order that is refused says instead, and what an emergency leaves behind."""

from datetime import timedelta

import pytest
from turn_kit import NOW, POSTED, turn

from keyturn.domain.errors import Refused
from keyturn.domain.orders import (
    hurried,
    paused,
    possible,
    reinstating,
    resumed,
    what_can_be_done,
)
from keyturn.domain.turn import Opened, Phase, Reason, Turn, Word, blocked

LATER = NOW + timedelta(days=3)


@pytest.mark.parametrize(
    ("of", "orders"),
    [
        (turn(Phase.WRITTEN), ("pause", "abort")),
        (turn(Phase.PROMOTED), ("pause", "finish-now")),
        (turn(Phase.OVERLAPPING), ("pause", "finish-now")),
        (paused(turn(Phase.OVERLAPPING), NOW), ("resume", "finish-now")),
        (turn(Phase.SOAKING), ("pause", "reinstate", "finish-now")),
        (turn(Phase.SOAKING, old=None), ("pause", "finish-now")),
        (blocked(turn(Phase.ISSUED), Reason.CALL_REFUSED, "", NOW), ("resume", "abort")),
        (
            blocked(turn(Phase.OVERLAPPING), Reason.NEW_SECRET_OFF, "", NOW),
            ("resume", "abort", "finish-now"),
        ),
        (
            blocked(turn(Phase.PROMOTED), Reason.CONNECTION_CHANGED, "", NOW),
            ("resume", "abort", "finish-now"),
        ),
        (turn(Phase.FINISHED), ()),
    ],
)
def test_possible_orders_are_those_that_are_heeded(of: Turn, orders: tuple[str, ...]) -> None:
    """What is offered is not refused afterwards."""
    assert possible(of) == orders


def test_every_refusal_says_what_can_be_done() -> None:
    """Who asks for what is not there is told what is."""
    for order in (resumed, reinstating):
        with pytest.raises(Refused, match="`keyturn turn pause`, `keyturn turn finish-now`"):
            order(turn(Phase.OVERLAPPING), NOW)
    with pytest.raises(Refused, match="`keyturn turn resume`, `keyturn turn abort`"):
        paused(paused(turn(Phase.ISSUED), NOW), NOW)
    with pytest.raises(Refused, match="`keyturn turn abort`"):
        hurried(turn(Phase.ISSUED), Word.FINISH, NOW)
    assert what_can_be_done(turn(Phase.FINISHED)) == (
        "It has ended: `keyturn rotation turn` starts the next one."
    )


def test_what_okta_may_have_retired_is_reinstated_once_that_is_known() -> None:
    """Where the answer to a deactivation was lost, the way back leads on."""
    unsure = turn(Phase.OVERLAPPING, opened=Opened.TIME)
    told = "was asked to deactivate .* has not confirmed it.*`keyturn turn resume`.*then reinstate"
    for stands in (unsure, paused(unsure, NOW), blocked(unsure, Reason.CALL_REFUSED, "", NOW)):
        with pytest.raises(Refused, match=told):
            reinstating(stands, NOW)


@pytest.mark.parametrize("word", [None, *Word])
def test_emergency_does_not_outlive_a_pause(word: Word | None) -> None:
    """Whoever paused it calmed it, unless it is said again; what blocks it does not."""
    kept = None if word is Word.AT_ONCE else word
    of = turn(Phase.WRITTEN, word=word, posted=POSTED)
    assert resumed(paused(of, NOW), LATER).word is kept
    assert resumed(blocked(of, Reason.FOREIGN_SECRET, "", NOW), LATER).word is word
