"""Rollouts and emergencies that somebody looks at again and again."""

from dataclasses import replace

import pytest
from emergency_kit import begun
from rig import Rig
from rollout_kit import add_rotations, after_a_step, carry, started

from keyturn.domain.errors import Forbidden, NotFound
from keyturn.domain.rollout import Standing
from keyturn.services.ports import Reading
from keyturn.services.rollout_watching import (
    SHARE,
    Part,
    Watch,
    watch_emergency,
    watch_rollout,
)


async def test_a_rollout_is_seen_as_it_is_by_now(rig: Rig) -> None:
    """Its waves, those of a standing that are asked for, and who failed."""
    await add_rotations(rig, 3)
    seen = await started(rig, "1")
    watch = await watch_rollout(rig.world, rig.admin, seen.rollout.id, Part(Standing.WAITING, 1, 1))
    first = await watch.look(rig.admin)
    assert ([each.number for each, _ in first.page.members], first.page.total) == ([2], 3)
    await carry(rig, until=after_a_step())
    later = await watch.look(rig.admin)
    assert later.of.counts[1] == {Standing.TURNING: 1}
    assert later.page.total == 2
    assert later.failed == []


async def test_an_emergency_is_seen_with_all_its_apps(rig: Rig) -> None:
    """And with what proves of some of them that they are closed; by its name as well."""
    await add_rotations(rig, 3)
    seen = await begun(rig)
    watch = await watch_emergency(rig.world, rig.admin, seen.rollout.name, Part(limit=2))
    sight = await watch.look(rig.admin)
    assert (len(sight.members), len(sight.proofs), sight.total) == (3, 2, 3)


async def test_whoever_lost_the_right_sees_no_more(rig: Rig) -> None:
    """The gate was passed when they came; what they hold now counts at each look."""
    await add_rotations(rig, 1)
    seen = await started(rig)
    watch = await watch_rollout(rig.world, rig.admin, seen.rollout.id, Part())
    with pytest.raises(Forbidden):
        await watch.look(replace(rig.admin, holdings=()))
    with pytest.raises(NotFound):
        await watch_emergency(rig.world, rig.admin, seen.rollout.id, Part())


async def test_a_look_that_takes_long_is_not_taken_again_at_once(rig: Rig) -> None:
    """Looks take a tenth of the time at most, whoever looks how often."""
    looks = 0

    async def slow(_: Reading) -> int:
        nonlocal looks
        looks += 1
        rig.clock.advance(1)
        return looks

    watch = Watch(rig.world, slow)
    assert [await watch.look(rig.admin) for _ in range(3)] == [1, 1, 1]
    rig.clock.advance(1 / SHARE + 0.1)
    assert await watch.look(rig.admin) == 2
