"""How a rollout goes on, as tables."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from storage_kit import APPROVAL, FINDING, LATER, MEMBER, NOW, ROLLOUT, TURN

from keyturn.domain.carrying import (
    GO_ON_AT,
    Next,
    followed,
    is_good,
    left_behind,
    mended,
    startable,
    what_next,
)
from keyturn.domain.errors import Refused
from keyturn.domain.rollout import ENDED, MOVES, Member, Order, Rollout, Standing, State, moved
from keyturn.domain.turn import Phase, Turn

GOING = replace(TURN, blocked=None, phase=Phase.PLANNED)
RUNNING = replace(ROLLOUT, state=State.RUNNING, wave=1, plan_hash="h", approvals=False)
ONE = replace(MEMBER, wave=1, standing=Standing.TURNING, begun_at=NOW)
TWO = replace(ONE, number=2, wave=2, standing=Standing.WAITING, begun_at=None, turn_id=None)


def at(phase: Phase) -> Turn:
    """Return a turn in a phase."""
    return replace(GOING, phase=phase)


@pytest.mark.parametrize(
    ("turn", "standing"),
    [
        (at(Phase.PLANNED), Standing.TURNING),
        (at(Phase.OVERLAPPING), Standing.TURNING),
        (at(Phase.RETIRED), Standing.CLOSED),
        (at(Phase.SOAKING), Standing.CLOSED),
        (at(Phase.FINISHED), Standing.DONE),
        (at(Phase.ROLLED_BACK), Standing.FAILED),
        (TURN, Standing.FAILED),
        (replace(at(Phase.OVERLAPPING), reinstated=1), Standing.FAILED),
        (None, Standing.SKIPPED),
    ],
)
def test_a_member_stands_as_its_turn_does(turn: Turn | None, standing: Standing) -> None:
    """Blocked, taken back or reinstated is failed; gone is left out."""
    assert followed(ONE, turn, NOW).standing is standing


def test_no_wave_waits_for_the_turn_after_this_one() -> None:
    """Where the overlap lasts until then a member is done once it is served, unless reinstated."""
    lasting, served = replace(ONE, until_next=True), at(Phase.OVERLAPPING)
    assert followed(lasting, served, NOW).standing is Standing.DONE
    assert followed(lasting, at(Phase.PLANNED), NOW).standing is Standing.TURNING
    assert followed(lasting, replace(served, reinstated=1), NOW).standing is Standing.FAILED


def test_drift_is_a_failure_also_of_what_is_done() -> None:
    """And what is done does not become undone by anything else."""
    done = replace(ONE, standing=Standing.DONE)
    assert followed(done, None, NOW) == done
    assert followed(done, None, NOW, FINDING).standing is Standing.FAILED


@pytest.mark.parametrize(
    ("turn", "standing"),
    [
        (None, Standing.WAITING),
        (TURN, Standing.WAITING),
        (at(Phase.ROLLED_BACK), Standing.WAITING),
        (at(Phase.FINISHED), Standing.DONE),
        (at(Phase.OVERLAPPING), Standing.TURNING),
        (replace(at(Phase.OVERLAPPING), reinstated=1), Standing.WAITING),
    ],
)
def test_what_failed_goes_on_as_it_is_by_now(turn: Turn | None, standing: Standing) -> None:
    """Who has mended the turn by hand need not turn twice."""
    wrong = replace(ONE, standing=Standing.FAILED, told="why")
    after = mended(wrong, turn, LATER)
    assert (after.standing, after.told) == (standing, "")


@pytest.mark.parametrize("go_on_at", GO_ON_AT)
@pytest.mark.parametrize("phase", [Phase.DELIVERED, *GO_ON_AT])
def test_a_member_is_good_from_the_phase_that_was_asked_for(go_on_at: Phase, phase: Phase) -> None:
    """No earlier, and from then on."""
    member = followed(ONE, at(phase), NOW)
    order = [Phase.DELIVERED, *GO_ON_AT]
    good = is_good(member, at(phase), replace(RUNNING, go_on_at=go_on_at))
    assert good is (order.index(phase) >= order.index(go_on_at))


@pytest.mark.parametrize("standing", Standing)
def test_only_who_was_left_out_leaves_out_who_waits_for_it(standing: Standing) -> None:
    """The reason names it; nobody waits for what is not there."""
    gate = replace(ONE, number=7, standing=standing, name="p/staging/:pay")
    why = left_behind(gate)
    assert bool(why) is (standing is Standing.SKIPPED)
    assert not why or "7, p/staging/:pay" in why
    assert not left_behind(None)


def test_only_the_wave_under_way_starts_and_only_behind_what_is_good() -> None:
    """Neither a later wave, nor one behind another, nor any once something failed."""
    first = replace(ONE, standing=Standing.WAITING)
    behind = replace(first, number=3, behind=1)
    done = replace(first, standing=Standing.DONE)
    wrong = replace(first, number=4, standing=Standing.FAILED)
    assert [*startable(RUNNING, [first, TWO, behind], {})] == [first]
    assert [*startable(RUNNING, [done, TWO, behind], {})] == [behind]
    assert not startable(RUNNING, [first, wrong], {})
    for state in set(State) - {State.RUNNING}:
        assert not startable(replace(RUNNING, state=state), [first], {})


def following(*members: Member, **changes: object) -> Next:
    """Return what follows for a rollout of these members."""
    approvals = changes.pop("given", ())
    rollout: Rollout = replace(RUNNING, **changes)  # type: ignore[arg-type]  # any field
    return what_next(rollout, members, {TURN.id: GOING}, approvals, NOW)  # type: ignore[arg-type]


DONE, SKIPPED = replace(ONE, standing=Standing.DONE), replace(ONE, standing=Standing.SKIPPED)
GIVEN = replace(APPROVAL, wave=2, plan_hash="h", expires_at=LATER)


def test_a_wave_follows_once_all_before_are_good() -> None:
    """It stays while one is under way; the next is the next that has members; then it is over."""
    assert following(ONE, TWO) == Next(None, 1)
    assert following(DONE, TWO) == Next(None, 2)
    assert following(SKIPPED, replace(TWO, wave=9)) == Next(None, 9)
    assert following(DONE) == Next(Order.FINISH, 1)
    assert following(DONE, SKIPPED).told == "Rotations that were left out: 1."


def test_a_failure_halts_and_says_where() -> None:
    """Whatever else is under way."""
    wrong = replace(TWO, standing=Standing.FAILED, told="It broke.", name="p/dev/:pay")
    follows = following(DONE, wrong, wave=2)
    assert (follows.order, follows.told) == (Order.HALT, "Wave 2: p/dev/:pay. It broke.")
    assert following(DONE, wrong, wave=2, state=State.HALTED).order is None


def test_a_wave_waits_for_an_approval_that_is_good() -> None:
    """Of this wave, of this plan, and not lapsed; one that has begun needs none."""
    assert following(DONE, TWO, approvals=True) == Next(Order.AWAIT, 2)
    assert following(DONE, TWO, approvals=True, given=[GIVEN]) == Next(None, 2)
    for wrong in (
        replace(GIVEN, wave=3),
        replace(GIVEN, plan_hash="other"),
        replace(GIVEN, expires_at=NOW),
    ):
        assert following(DONE, TWO, approvals=True, given=[wrong]).order is Order.AWAIT
    begun = replace(TWO, begun_at=NOW)
    assert following(DONE, TWO, replace(begun, number=3), approvals=True) == Next(None, 2)
    waiting = {"state": State.AWAITING, "wave": 2, "approvals": True}
    assert following(DONE, TWO, **waiting).order is None
    assert following(DONE, TWO, **waiting, given=[GIVEN]).order is Order.APPROVE


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("order", Order)
def test_a_rollout_moves_only_as_the_table_says(state: State, order: Order) -> None:
    """Everything else is refused with what people can do; what has ended says when."""
    rollout = replace(RUNNING, state=state, ended_at=None)
    if order not in MOVES[state]:
        with pytest.raises(Refused, match=f"is {state}") as refused:
            moved(rollout, order, NOW)
        assert not re.search("Possible:.*(await|halt|finish)", str(refused.value))
        return
    after = moved(rollout, order, NOW + timedelta(1), "why")
    assert after.state is MOVES[state][order]
    assert (after.ended_at is not None) is (after.state in ENDED)
    assert after.told == "why"
