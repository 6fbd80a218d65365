"""What commands say of a rollout."""

from datetime import UTC, datetime, timedelta

import pytest

from keyturn.cli import rollout_lines
from keyturn.wire.rollouts import PlannedMember, Rollout, RolloutApproval, RolloutPlan, RolloutWave

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


def test_a_plan_says_what_to_look_at_first() -> None:
    """Of each rotation all that is known; where there is nothing, nothing is said."""
    assert "look at this first" not in "\n".join(rollout_lines.plan(PLAN, 10))
    warned = PLANNED.model_copy(update={"warnings": ("It is paused.", "It is gone.")})
    told = "\n".join(rollout_lines.plan(PLAN.model_copy(update={"members": (warned,)}), 10))
    assert "look at this first" in told
    assert "It is paused. It is gone." in told
