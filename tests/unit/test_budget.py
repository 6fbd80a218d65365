"""What a call is for decides whether a rate window has room for it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from storage_kit import TURN

from keyturn.domain.budget import (
    BATCH,
    USUAL_PER_MIN,
    Ask,
    Purpose,
    Room,
    Shares,
    Verdict,
    Window,
    decide,
    floor,
    grant,
    limits_of,
    purpose_of,
    rate_of,
    reserve,
    starts,
)
from keyturn.domain.steps import Do, Look, Sight
from keyturn.domain.turn import Act, Phase, Trigger, Word

FAIR = Shares()
SECRETS = Look(Sight.CREDENTIALS)
OF_MANY = {"word": Word.AT_ONCE, "tidies_at": datetime(2026, 1, 8, tzinfo=UTC)}


@pytest.mark.parametrize(
    ("purpose", "kept"),
    [
        (Purpose.SAFETY, 0),
        (Purpose.FINISHING, 2),
        (Purpose.STARTING, 2),
        (Purpose.BACKGROUND, 25),
    ],
)
def test_the_reserve_is_for_safety(purpose: Purpose, kept: int) -> None:
    """Of fifty calls two are kept for reinstating, and half is out of the background's reach."""
    assert floor(50, purpose, FAIR) == kept
    assert decide(Room(50, kept + 1), Ask(purpose), FAIR) is Verdict.GO
    assert decide(Room(50, kept), Ask(purpose), FAIR) is Verdict.HOLD


def test_above_the_ceiling_is_for_others() -> None:
    """What is left to others is left alone, but for safety."""
    shares = Shares(ceiling=60)
    assert decide(Room(50, 22), Ask(Purpose.FINISHING), shares) is Verdict.HOLD
    assert decide(Room(50, 23), Ask(Purpose.FINISHING), shares) is Verdict.GO
    assert decide(Room(50, 1), Ask(Purpose.SAFETY), shares) is Verdict.GO


def test_the_reserve_grows_with_the_limit() -> None:
    """It holds one part of a turn at least."""
    assert [reserve(limit, FAIR) for limit in (3, 10, 50, 60, 600)] == [2, 2, 2, 2, 24]


def test_a_share_is_whole_calls() -> None:
    """A limit that does not divide gives others the part of a call that is over."""
    half = Shares(ceiling=50, background=25)
    assert [floor(33, purpose, half) for purpose in Purpose] == [0, 19, 19, 25]


def test_a_part_goes_whole_or_not_at_all() -> None:
    """A turn is not started with room for its list and none for its change."""
    assert decide(Room(50, 3), Ask(Purpose.STARTING, 2), FAIR) is Verdict.HOLD
    assert decide(Room(50, 4), Ask(Purpose.STARTING, 2), FAIR) is Verdict.GO


def test_those_that_waited_come_first() -> None:
    """Room that turns under way are owed is nobody's who could as well begin later."""
    room = Room(50, 10, owed=7)
    assert decide(room, Ask(Purpose.STARTING, 2), FAIR) is Verdict.GIVE_WAY
    assert decide(replace(room, owed=6), Ask(Purpose.STARTING, 2), FAIR) is Verdict.GO
    plenty = Room(50, 40, owed=14)
    assert decide(plenty, Ask(Purpose.BACKGROUND, 2), FAIR) is Verdict.GIVE_WAY
    assert decide(room, Ask(Purpose.FINISHING, 2), FAIR) is Verdict.GO


def test_what_is_not_mine_is_taken_from_the_pool_first() -> None:
    """Calls that this worker has not taken are not made, even where they are left."""
    assert decide(Room(50, 1, pool=20), Ask(Purpose.FINISHING, 2), FAIR) is Verdict.TAKE
    assert decide(Room(50, 1, pool=2), Ask(Purpose.FINISHING, 2), FAIR) is Verdict.HOLD


def window(remaining: int) -> Window:
    """Make a window of fifty calls."""
    return Window("org", "me", "apps", 50, remaining, datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("remaining", "calls", "granted"),
    [(50, 1, BATCH), (25, 1, 5), (22, 1, 5), (4, 2, 2), (3, 2, 0), (2, 1, 0)],
)
def test_a_worker_gets_enough_or_nothing(remaining: int, calls: int, granted: int) -> None:
    """It gets no more than a quarter of what is left beside the reserve, unless it needs it."""
    assert grant(window(remaining), Ask(Purpose.FINISHING, calls), FAIR) == granted


@pytest.mark.parametrize("purpose", Purpose)
def test_nobody_is_granted_what_is_kept(purpose: Purpose) -> None:
    """However much remains, a grant leaves what is not for its purpose."""
    for remaining in range(51):
        granted = grant(window(remaining), Ask(purpose, 2), FAIR)
        assert granted == 0 or remaining - granted >= floor(50, purpose, FAIR), remaining


def test_the_limit_of_apps_and_their_secrets_is_what_turns_have() -> None:
    """The narrowest of all callers; no other window counts, and the usual where none is known."""
    others = [("/api/v1/apps/{id}", 40), ("/api/v1/apps/X", 40)]
    buckets = [("/api/v1/apps", 50), ("api/v1/apps", 60), *others]
    told = [replace(window(1), bucket=name, limit=limit) for name, limit in buckets]
    assert limits_of(told) == limits_of(told[::-1]) == {"org": 50}
    assert limits_of(told[2:]) == {}
    assert rate_of(50, FAIR) == rate_of(None, FAIR) == USUAL_PER_MIN - 2
    assert rate_of(1, FAIR) == 1


def test_a_window_starts_as_many_turns_as_it_has_room_for() -> None:
    """Two calls start a turn, and even the smallest window starts one."""
    assert (starts(50, FAIR), starts(51, FAIR), starts(1, FAIR)) == (24, 24, 1)


@pytest.mark.parametrize(
    ("turn", "step", "purpose"),
    [
        ({"phase": Phase.PLANNED, "trigger": Trigger.SCHEDULED}, SECRETS, Purpose.STARTING),
        ({"phase": Phase.PLANNED, "trigger": Trigger.MANUAL}, SECRETS, Purpose.FINISHING),
        ({"phase": Phase.WRITTEN, "trigger": Trigger.SCHEDULED}, Do(Act.ISSUE), Purpose.FINISHING),
        ({"phase": Phase.PLANNED, "word": Word.AT_ONCE}, SECRETS, Purpose.SAFETY),
        ({"phase": Phase.OVERLAPPING, "word": Word.AT_ONCE}, Do(Act.RETIRE), Purpose.SAFETY),
        ({"phase": Phase.SOAKING, "word": Word.AT_ONCE}, Do(Act.DELETE), Purpose.FINISHING),
        ({"phase": Phase.WRITTEN, **OF_MANY}, Do(Act.ISSUE), Purpose.FINISHING),
        ({"phase": Phase.OVERLAPPING, **OF_MANY}, Do(Act.RETIRE), Purpose.SAFETY),
        ({"phase": Phase.OVERLAPPING}, SECRETS, Purpose.FINISHING),
        ({"phase": Phase.SOAKING}, SECRETS, Purpose.SAFETY),
        ({"phase": Phase.SOAKING}, Do(Act.REINSTATE), Purpose.SAFETY),
        ({"phase": Phase.SOAKING}, Do(Act.DELETE), Purpose.FINISHING),
    ],
)
def test_what_a_step_is_for(turn: dict[str, object], step: Look | Do, purpose: Purpose) -> None:
    """Reinstating and emergencies go first, and what has not begun last.

    Of many apps in an emergency those go first that can be closed; nobody hurries to delete.
    """
    changed = replace(TURN, blocked=None, **turn)  # type: ignore[arg-type]  # fields of a turn
    assert purpose_of(changed, step) is purpose
