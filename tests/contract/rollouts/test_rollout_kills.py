"""A rollout whose worker dies at any commit goes on where it stopped, and turns nobody twice."""

from dataclasses import replace

import pytest
from rig import Rig, rigged
from rollout_kit import add_rotations, carry, dead_served, members, started, the_rollout

from keyturn.domain.rollout import Standing, State
from keyturn.domain.turn import Turn
from keyturn.services.flights import Flights
from keyturn.services.ports import World
from keyturn.services.seats import Seats
from keyturn.testing import MemoryStore
from keyturn.testing.memory import Backup

pytestmark = pytest.mark.slow


class Killed(BaseException):
    """The process is gone."""


class MortalStore(MemoryStore):
    """A store whose process dies just before or just after one of its commits, once."""

    def __init__(self, held: Backup, commit: int, *, after: bool) -> None:
        super().__init__()
        self.restore(held)
        self._left = commit
        self._after = after

    def publish(self, backup: Backup, revision: int) -> None:
        """Hold what a transaction has made, unless death comes first."""
        self._left -= 1
        if self._left == 0 and not self._after:
            raise Killed
        super().publish(backup, revision)
        if self._left == 0:
            raise Killed


def reborn(world: World, store: MemoryStore) -> World:
    """Return the world of a new process over a store."""
    return replace(world, store=store, flights=Flights(), seats=Seats())


@pytest.mark.parametrize("after", [False, True])
async def test_a_death_at_any_commit_changes_nothing_in_the_end(*, after: bool) -> None:
    """Each rotation turns once, the second after the first, and readers have what works."""
    commit = 1
    while await _dies(commit, after=after):
        commit += 1
    assert commit > 30


async def _dies(commit: int, *, after: bool) -> bool:
    """Run a rollout to its end with a death at this commit; say whether there were so many."""
    async with rigged() as rig:
        await add_rotations(rig, 2, soak_s=0)
        await started(rig, "1", "rest")
        store = MortalStore(rig.world.store.backup(), commit, after=after)  # type: ignore[attr-defined]  # a MemoryStore
        rig.world = reborn(rig.world, store)
        died = False
        try:
            await carry(rig)
        except Killed:
            died = True
            rig.world = reborn(rig.world, store)
            await carry(rig)
        await _require_good_end(rig)
        return died


async def _require_good_end(rig: Rig) -> None:
    assert (await the_rollout(rig)).state is State.FINISHED
    found = await members(rig)
    assert {each.standing for each in found} == {Standing.DONE}
    assert not await dead_served(rig)
    async with rig.world.store.reading() as tx:
        first, second = await tx.list(Turn)
    assert [first.rotation_id, second.rotation_id] == [each.rotation_id for each in found]
    assert first.ended_at
    assert first.ended_at <= second.created_at
