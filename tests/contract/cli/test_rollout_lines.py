"""What commands say of a rollout."""

from datetime import UTC, datetime, timedelta

import pytest

from keyturn.cli import rollout_lines
from keyturn.cli.rollout_progress import follow
from keyturn.client import KeyturnApi, Token
from keyturn.wire.rollouts import (
    PlannedMember,
    PlannedWave,
    Rollout,
    RolloutApproval,
    RolloutMember,
    RolloutMembersAnswer,
    RolloutPlan,
    RolloutWave,
)

AT = datetime.now(UTC)
ROLLOUT = Rollout(
    id="1",
    name="spring",
    reason="",
    selector="",
    state="awaiting",
    told="",
    wave=1,
    waves=(),
    approvals_wanted=True,
    approvals=(),
    go_on_at="finished",
    plan_hash="0" * 64,
    created_by="1",
    creator="first",
    created_at=AT,
    ended_at=None,
)
PLANNED = PlannedMember(
    number=1,
    wave=1,
    rotation_id="r",
    app_id="a",
    name="p/prod/:pay",
    label="Pay",
    owner="",
    connection="okta",
    why="",
    behind=None,
    warnings=(),
)
PLAN = RolloutPlan(
    name="spring",
    reason="",
    selector="",
    approvals=False,
    go_on_at="finished",
    waves=(),
    members=(PLANNED,),
    calls=5,
    last_begins_s=0,
    lasts_s=60,
    plan_hash="0" * 64,
)


@pytest.mark.parametrize(("wave", "hours", "asked"), [(1, 1, False), (1, -1, True), (2, 1, True)])
def test_a_second_person_is_asked_for_until_one_has_approved(
    wave: int, hours: int, *, asked: bool
) -> None:
    """An approval that is over, or of another wave, lets nothing go."""
    approval = RolloutApproval(
        wave=wave, by="2", name="second", at=AT, expires_at=AT + timedelta(hours=hours)
    )
    rollout = ROLLOUT.model_copy(update={"approvals": (approval,)})
    told = "\n".join(rollout_lines.rollout(rollout))
    assert f"Wave {wave} was approved by second" in told
    assert ("A second person lets it go" in told) is asked


def test_who_was_left_out_is_told() -> None:
    """With the command that shows them."""
    wave = RolloutWave(number=1, cut="rest", members=3, standings={"done": 1, "skipped": 2})
    told = [*rollout_lines.rollout(ROLLOUT.model_copy(update={"waves": (wave,)}))]
    assert told[-1] == "2 left out: keyturn rollout members spring --standing skipped"


async def test_a_bar_counts_who_was_left_out_as_nobody_that_turned(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Of those that are to turn it tells how many have, and how many are not to."""
    wave = RolloutWave(number=1, cut="rest", members=4, standings={"done": 1, "skipped": 2})
    over = ROLLOUT.model_copy(update={"waves": (wave,), "state": "halted"})
    assert await follow(KeyturnApi("http://localhost", Token("t")), over, shown=True) == over
    told = capsys.readouterr().err
    assert "rest, 2 left out" in told
    assert "1/2" in told


def test_a_plan_says_when_its_last_wave_begins_and_when_all_has_finished() -> None:
    """Of the last wave no next one is told."""
    waves = tuple(
        PlannedWave(number=number, cut="1", members=1, calls=5, lasts_s=120) for number in (1, 2)
    )
    members = (PLANNED, PLANNED.model_copy(update={"number": 2, "wave": 2}))
    several = {"waves": waves, "members": members, "last_begins_s": 120, "lasts_s": 90_000}
    told = [*rollout_lines.plan(PLAN.model_copy(update=several), 10)]
    assert [line.split()[4:] for line in told[1:4]] == [["next", "after"], ["2", "minutes"], ["-"]]
    assert (
        "The last wave begins after about 2 minutes; all finish in about 1 day 1 hour"
        in "\n".join(told)
    )
    assert "The last wave begins at once; all" in "\n".join(rollout_lines.plan(PLAN, 10))


def test_a_wave_says_what_to_look_at_first() -> None:
    """Where it is approved, as the plan has."""
    member = RolloutMember(
        number=1,
        wave=1,
        rotation_id="r",
        app_id="a",
        name="p/prod/:pay",
        why="",
        behind=None,
        standing="waiting",
        told="",
        turn_id=None,
        phase=None,
        begun_at=None,
        closed_at=None,
        ended_at=None,
        warnings=("It is paused.",),
    )
    page = RolloutMembersAnswer(members=(member,), total=1)
    told = "\n".join(rollout_lines.members(page, ROLLOUT))
    assert "look at this first" in told
    assert "It is paused." in told
    assert "waiting" in told
    over = ROLLOUT.model_copy(update={"state": "abandoned", "ended_at": AT})
    told = "\n".join(rollout_lines.members(page, over))
    assert "not begun" in told
    assert "waiting" not in told


def test_an_aborted_rollout_is_called_so_and_nobody_waits_in_it() -> None:
    """The order, the state and the members have the words that go together."""
    waves = (RolloutWave(number=1, cut="rest", members=3, standings={"done": 1, "waiting": 2}),)
    over = {"waves": waves, "state": "abandoned", "ended_at": AT}
    told = "\n".join(rollout_lines.rollout(ROLLOUT.model_copy(update=over)))
    assert "Rollout spring is aborted." in told
    assert "1 done, 2 not begun" in told


def test_a_plan_says_what_to_look_at_first() -> None:
    """Of each rotation all that is known; where there is nothing, nothing is said."""
    assert "look at this first" not in "\n".join(rollout_lines.plan(PLAN, 10))
    warned = PLANNED.model_copy(update={"warnings": ("It is paused.", "It is gone.")})
    told = "\n".join(rollout_lines.plan(PLAN.model_copy(update={"members": (warned,)}), 10))
    assert "look at this first" in told
    assert "It is paused. It is gone." in told
