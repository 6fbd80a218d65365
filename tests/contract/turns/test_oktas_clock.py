"""The shortest overlap by Okta's clock: ours may have been set forward in the middle of it."""

import pytest
from rig import SECRETS, Rig

from keyturn.domain.errors import TurnFailed
from keyturn.domain.turn import Overlap, Phase, Turn
from keyturn.sandbox import Fault
from keyturn.services.orders import finish_now
from keyturn.services.policies import PolicyChange
from keyturn.services.rotations import view
from keyturn.services.turns import rotate


async def overlapping(rig: Rig, *, behind_s: float) -> str:
    """Turn once; Okta's next lists tell a time that is so far behind ours."""
    policy = PolicyChange(overlap=Overlap.FIXED, overlap_s=900, soak_s=3600)
    rotation = (await rig.rotation(policy=policy)).rotation
    await rotate(rig.world, rig.admin, rotation.id)
    rig.org.add_fault(Fault("wrong-clock", "GET", SECRETS, seconds=-behind_s, count=1))
    return rotation.id


async def turn_of(rig: Rig, rotation_id: str) -> Turn:
    """Return the newest turn."""
    turn = (await view(rig.world, rotation_id)).turn
    assert turn
    return turn


async def test_clock_that_was_set_forward_shortens_no_overlap(rig: Rig) -> None:
    """Where ours says 900 s and Okta's 300, the other 600 s are waited for."""
    rotation_id = await overlapping(rig, behind_s=600)
    await rig.live(900)
    turn = await turn_of(rig, rotation_id)
    assert turn.phase is Phase.OVERLAPPING
    assert turn.wake_at
    assert (turn.wake_at - rig.clock.now()).total_seconds() == pytest.approx(600, abs=1)
    await rig.live(599)
    assert (await turn_of(rig, rotation_id)).phase is Phase.OVERLAPPING
    await rig.live(1)
    assert (await turn_of(rig, rotation_id)).phase is Phase.SOAKING


async def test_clocks_may_differ_by_a_moment(rig: Rig) -> None:
    """Okta tells whole seconds: that costs no second look."""
    rotation_id = await overlapping(rig, behind_s=4)
    await rig.live(900)
    assert (await turn_of(rig, rotation_id)).phase is Phase.SOAKING


async def test_time_before_the_overlap_does_not_count(rig: Rig) -> None:
    """What went by between adding the secret and serving it is no part of the overlap."""
    policy = PolicyChange(overlap=Overlap.FIXED, overlap_s=900)
    rotation = (await rig.rotation(policy=policy)).rotation
    no_probe = Fault("error-before-effect", "POST", "/oauth2/v1/introspect", skip=1)
    fault = rig.org.add_fault(no_probe)
    with pytest.raises(TurnFailed):
        await rotate(rig.world, rig.admin, rotation.id)
    rig.org.remove_fault(fault)
    await rig.live(1800)
    assert (await turn_of(rig, rotation.id)).phase is Phase.OVERLAPPING
    rig.org.add_fault(Fault("wrong-clock", "GET", SECRETS, seconds=-60, count=1))
    await rig.live(900)
    assert (await turn_of(rig, rotation.id)).phase is Phase.OVERLAPPING


async def test_word_waits_for_the_floor_alone(rig: Rig) -> None:
    """Whoever says that the turn may finish shortens the overlap by Okta's clock as well."""
    rotation_id = await overlapping(rig, behind_s=600)
    await rig.live(900)
    await finish_now(rig.world, rig.admin, rotation_id)
    rig.org.add_fault(Fault("wrong-clock", "GET", SECRETS, seconds=-599, count=1))
    await rig.tick()
    assert (await turn_of(rig, rotation_id)).phase is Phase.SOAKING


async def test_emergency_asks_no_clock(rig: Rig) -> None:
    """At once is at once."""
    rotation_id = await overlapping(rig, behind_s=3600)
    await finish_now(rig.world, rig.admin, rotation_id, at_once=True)
    await rig.tick()
    assert (await turn_of(rig, rotation_id)).phase is Phase.FINISHED


async def test_clock_that_stands_still_keeps_no_turn_for_ever(rig: Rig) -> None:
    """The clock of a sandbox may stand: after ten waits the turn goes on."""
    rotation_id = await overlapping(rig, behind_s=900)
    for waits in range(2, 12):
        await rig.live(900)
        assert (await turn_of(rig, rotation_id)).phase is Phase.OVERLAPPING
        rig.org.add_fault(Fault("wrong-clock", "GET", SECRETS, seconds=-900 * waits, count=1))
    await rig.live(900)
    assert (await turn_of(rig, rotation_id)).phase is Phase.SOAKING
