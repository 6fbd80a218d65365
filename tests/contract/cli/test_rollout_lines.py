"""What commands say of a rollout."""

from datetime import UTC, datetime, timedelta

import pytest

from keyturn.cli import rollout_lines
from keyturn.wire.rollouts import Rollout, RolloutApproval

AT = datetime.now(UTC)


@pytest.mark.parametrize(("wave", "hours", "asked"), [(1, 1, False), (1, -1, True), (2, 1, True)])
def test_a_second_person_is_asked_for_until_one_has_approved(
    wave: int, hours: int, *, asked: bool
) -> None:
    """An approval that is over, or of another wave, lets nothing go."""
    approval = RolloutApproval(
        wave=wave, by="2", name="second", at=AT, expires_at=AT + timedelta(hours=hours)
    )
    rollout = Rollout(
        id="1",
        name="spring",
        reason="",
        selector="",
        state="awaiting",
        told="",
        wave=1,
        waves=(),
        approvals_wanted=True,
        approvals=(approval,),
        go_on_at="finished",
        plan_hash="0" * 64,
        created_by="1",
        creator="first",
        created_at=AT,
        ended_at=None,
    )
    told = "\n".join(rollout_lines.rollout(rollout))
    assert f"Wave {wave} was approved by second" in told
    assert ("A second person lets it go" in told) is asked
