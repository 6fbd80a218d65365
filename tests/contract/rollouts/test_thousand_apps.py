"""A thousand apps in waves, with a fault in the second one."""

import pytest
from rig import Rig
from rollout_kit import add_rotations, carry, dead_served, members, standings, started

from keyturn.domain.rollout import Standing, State
from keyturn.domain.turn import Turn
from keyturn.services.rollouts import continue_rollout
from keyturn.services.rollouts_under_way import UNSERVED_MAX

pytestmark = pytest.mark.slow

COUNT = 1000


async def test_a_fault_in_the_second_wave_stops_a_thousand_apps_there(rig: Rig) -> None:
    """The first wave is through, the third untouched, what is served works; mended, all turn."""
    await add_rotations(rig, COUNT, soak_s=600)
    view = await started(rig, "10%", "30%", "rest", reason="the yearly turn")
    bad = (await members(rig))[249]
    foreign = rig.org.create_secret(bad.app_id).id
    rollout = await carry(rig, until=lambda one: one.state is State.HALTED)
    found = await standings(rig)
    assert found[1] == {Standing.DONE}
    assert Standing.FAILED in found[2]
    assert found[3] == {Standing.WAITING}
    assert not await dead_served(rig)
    turns = await _turns(rig)
    assert 100 < len(turns) <= bad.number + UNSERVED_MAX

    await carry(rig)
    assert len(await _turns(rig)) == len(turns), "nothing starts while it has halted"
    assert not await dead_served(rig)

    rig.org.deactivate_secret(bad.app_id, foreign)
    rig.org.delete_secret(bad.app_id, foreign)
    await continue_rollout(rig.world, rig.admin, rollout.id)
    rollout = await carry(rig)
    assert (rollout.id, rollout.state) == (view.rollout.id, State.FINISHED)
    assert {each.standing for each in await members(rig)} == {Standing.DONE}
    assert not await dead_served(rig)
    turns = await _turns(rig)
    assert len(turns) == len({each.rotation_id for each in turns}) == COUNT
    assert all(
        len(app.live_secrets) == 1 for app in rig.org.apps.values() if app.label.startswith("app-")
    )


async def _turns(rig: Rig) -> list[Turn]:
    async with rig.world.store.reading() as tx:
        return [*await tx.list(Turn)]
