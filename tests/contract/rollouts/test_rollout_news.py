"""What people are told of a rollout, and who of them."""

import pytest
from notice_kit import opened_channel
from rig import Rig
from rollout_kit import add_pair, add_rotations, carry, members, started

from keyturn.domain.notice import Kind, Notice
from keyturn.domain.rollout import State
from keyturn.services.orders import pause_turn
from keyturn.services.turns import rotate


async def told(rig: Rig, kind: Kind) -> Notice | None:
    """Return what was written down of a kind, if anybody was to hear it."""
    async with rig.world.store.reading() as tx:
        return next(iter(await tx.list(Notice, kind=kind)), None)


@pytest.mark.parametrize(
    ("chosen", "heard"),
    [
        ({"selector": "rotation=app-0001"}, True),
        ({"selector": "rotation=app-0000"}, False),
        ({"project": "example"}, True),
    ],
)
async def test_a_halt_is_told_to_who_hears_of_what_failed(
    rig: Rig, chosen: dict[str, str], *, heard: bool
) -> None:
    """By its selector or project, with the rollout's name and page; others hear nothing."""
    await opened_channel(rig, "people", kinds=(Kind.ROLLOUT_HALTED,), **chosen)
    await add_rotations(rig, 2)
    await started(rig)
    rig.org.create_secret((await members(rig))[1].app_id)
    rollout = await carry(rig, until=lambda one: one.state is State.HALTED)
    notice = await told(rig, Kind.ROLLOUT_HALTED)
    assert (notice is not None) is heard
    if notice:
        assert (notice.subject, notice.page) == ("spring", f"/rollouts/{rollout.id}")
        assert (notice.of.rotation, notice.subject_id) == ("app-0001", rollout.id)


async def test_the_end_tells_how_many_were_left_out(rig: Rig) -> None:
    """What has not turned is not passed over in silence."""
    await opened_channel(rig, "people", kinds=(Kind.ROLLOUT_FINISHED,))
    tried, _ = await add_pair(rig)
    await rotate(rig.world, rig.admin, tried)
    await pause_turn(rig.world, rig.admin, tried)
    await started(rig)
    await carry(rig)
    notice = await told(rig, Kind.ROLLOUT_FINISHED)
    assert notice
    assert notice.told == "Waves that are over: 1. Rotations that were left out: 2."
