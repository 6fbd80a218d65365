"""How much of the shortest overlap is still to come by Okta's clock, and who waits for it."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from turn_kit import LATER, NEW, NOW, OLD, POLICY, decide, listed, turn

from keyturn.domain.evidence import OKTA_AGAIN, OKTA_WAITS, Evidence, floor_over_at, missing_at_okta
from keyturn.domain.steps import EARLY, Do, Seen, Wait, next_step
from keyturn.domain.turn import Act, Opened, Overlap, Phase, Posted, Turn, Word

MADE_AT = NOW - timedelta(hours=5)
"""When Okta made the new secret, by its own clock, which is not ours."""

BEGAN_AFTER = timedelta(seconds=20)
OVER_AT = MADE_AT + BEGAN_AFTER + timedelta(seconds=POLICY.overlap_s)
OVERLAPPING = turn(
    Phase.OVERLAPPING,
    entered_at=NOW + BEGAN_AFTER,
    posted=Posted(NOW),
)
MADE = replace(listed(NEW), created_at=MADE_AT)


def missing_s(
    of: Turn, okta_at: datetime | None, floor_s: int = 300, opened: Opened = Opened.TIME
) -> float:
    """Ask what is missing, in seconds."""
    policy = replace(POLICY, floor_s=floor_s)
    return missing_at_okta(of, policy, MADE, okta_at, opened).total_seconds()


@pytest.mark.parametrize(("before_s", "missing"), [(300, 300), (6, 6), (5, 0), (0, 0), (-60, 0)])
def test_overlap_is_over_when_it_is_by_oktas_clock(before_s: int, missing: int) -> None:
    """Our clock may have been set forward; a few seconds are no difference."""
    assert missing_s(OVERLAPPING, OVER_AT - timedelta(seconds=before_s)) == missing


def test_clock_set_back_makes_no_overlap_shorter() -> None:
    """An overlap that seems to begin before Okta was asked began with the new secret at least."""
    set_back = replace(OVERLAPPING, entered_at=NOW - timedelta(days=1))
    assert missing_s(set_back, MADE_AT) == POLICY.overlap_s


def test_word_leaves_the_floor() -> None:
    """Whoever finishes now waits for the shortest time that clients cache, and no longer."""
    finishing = replace(OVERLAPPING, word=Word.FINISH)
    assert missing_s(finishing, MADE_AT + BEGAN_AFTER, floor_s=60) == 60


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({"word": Word.AT_ONCE}, 0),
        ({"posted": None}, 0),
        ({"attempts": OKTA_WAITS}, 300),
    ],
)
def test_oktas_clock_is_not_waited_for_in_vain(changes: dict[str, object], missing: int) -> None:
    """Not in an emergency, and not without a note of ours; failures make it no later."""
    of = replace(OVERLAPPING, **changes)  # type: ignore[arg-type]  # fields of a turn
    assert missing_s(of, OVER_AT - timedelta(seconds=300)) == missing


@pytest.mark.parametrize(
    ("attempts", "runs_s", "still"),
    [(OKTA_WAITS, 5, False), (OKTA_WAITS, 6, True), (OKTA_WAITS - 1, 0, True)],
)
def test_clock_that_stands_still_keeps_no_turn(attempts: int, runs_s: int, *, still: bool) -> None:
    """Only one that shows the moment of the new secret after so many tries does not run."""
    of = replace(OVERLAPPING, attempts=attempts)
    assert bool(missing_s(of, MADE_AT + timedelta(seconds=runs_s))) is still


def test_backstop_has_passed_by_oktas_clock_too() -> None:
    """A clock of ours that was set forward opens no gate for who has not come yet."""
    hour_before = OVER_AT + timedelta(seconds=POLICY.backstop_s - POLICY.overlap_s - 3600)
    assert missing_s(OVERLAPPING, hour_before, opened=Opened.BACKSTOP) == 3600
    assert missing_s(OVERLAPPING, hour_before, opened=Opened.EVIDENCE) == 0


def test_gate_that_the_backstop_opens_waits_for_it_by_oktas_clock() -> None:
    """What opened the gate says how long both must have worked."""
    policy = replace(POLICY, overlap=Overlap.EVIDENCE)
    seen = Seen(credentials=(listed(OLD), MADE), served=NEW.hash, okta_at=OVER_AT)
    seen = replace(seen, evidence=Evidence(unproved=("crm",)))
    late = NOW + timedelta(seconds=policy.backstop_s + 60)
    step = next_step(OVERLAPPING, seen, policy, late)
    assert policy.backstop_s - policy.overlap_s > OKTA_AGAIN.total_seconds()
    assert step == Wait(late + OKTA_AGAIN, EARLY, tried=True)  # Okta's clock may be set right


def test_nothing_is_missing_where_okta_tells_no_time() -> None:
    """Without a clock of Okta's ours decides."""
    assert missing_s(OVERLAPPING, None) == 0


def test_nothing_is_retired_before_okta_says_so_too() -> None:
    """The gate is open by our clock; by Okta's the overlap still lasts."""
    seen = Seen(credentials=(listed(OLD), MADE), served=NEW.hash)
    early = replace(seen, okta_at=OVER_AT - timedelta(seconds=42))
    assert decide(OVERLAPPING, early, LATER) == Wait(
        LATER + timedelta(seconds=42), EARLY, tried=True
    )
    retire = Do(Act.RETIRE, OLD.okta_id, Opened.TIME)
    assert decide(OVERLAPPING, replace(seen, okta_at=OVER_AT), LATER) == retire
    assert decide(OVERLAPPING, seen, LATER) == retire


@pytest.mark.parametrize(("floor_s", "over_s"), [(60, 60), (300, 300), (900, 300)])
def test_floor_is_never_longer_than_the_overlap(floor_s: int, over_s: int) -> None:
    """A policy that overlaps for less than the floor has the shorter one."""
    policy = replace(POLICY, floor_s=floor_s)
    assert floor_over_at(turn(Phase.OVERLAPPING), policy) == NOW + timedelta(seconds=over_s)
