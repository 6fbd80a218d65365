"""What is told of runs, from what their rows say, whoever works on them and however they end."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Literal

import pytest
from flow_kit import Died, flow_rig

from keyturn.domain.flows.run import RunMark
from keyturn.services.ports import Reading, ResourceAnswer, Store, World
from keyturn.services.removal import remove_flow
from keyturn.services.run_history import cancel_run
from keyturn.services.run_news import RunNews
from keyturn.services.streams import Room

pytestmark = pytest.mark.anyio

POST = """cards:
- {id: a, card: api.post, with: {url: "https://a.example.com/a", body: {}}}
- {card: flow.return, with: {status: "{{ a.status }}"}}
"""
NAP = "cards: [{card: flow.wait_for, with: {duration: 60}}]"
UNKEPT = "flow: test\nstart: {kind: helper}\nhistory: none\n"


@dataclass
class Follower:
    """Somebody who looks whenever it is asked to, at all flows."""

    world: World
    mark: RunMark = field(default_factory=RunMark)

    async def look(self) -> list[tuple[str, str]]:
        """Return which runs have begun since the last look, and which phases others came to."""
        page = await RunNews(Room(self.world)).look(self.mark)
        self.mark = page.end
        return [
            ("begun" if each.begun else each.run.phase.value, each.run.id) for each in page.notices
        ]


async def test_each_phase_is_told_once() -> None:
    """Begun, asleep, gone on with, ended; a look without news tells nothing."""
    async with flow_rig() as rig:
        follower = Follower(rig.world)
        run = await rig.start(await rig.save(NAP))
        assert await follower.look() == [("begun", run.id)]
        await rig.work()
        assert await follower.look() == [("sleeping", run.id)]
        rig.clock.advance(60)
        await rig.work()
        assert await follower.look() == [("finished", run.id)]
        assert await follower.look() == []


async def test_a_run_that_goes_on_says_so_before_its_next_card() -> None:
    """Its row does, as soon as somebody has taken it up."""
    async with flow_rig() as rig:
        follower = Follower(rig.world)
        run = await rig.start(await rig.save(NAP))
        await rig.work()
        await follower.look()
        rig.clock.advance(60)
        with suppress(Died):
            await rig.work(rig.mortal(2, "after"))  # the claim, and the first that is written
        assert await follower.look() == [("running", run.id)]


async def test_of_what_comes_between_two_looks_the_last_is_told() -> None:
    """But no beginning and no end is left out."""
    async with flow_rig() as rig:
        follower, view = Follower(rig.world), await rig.save(NAP)
        first = await rig.start(view)
        await rig.end(first)
        second = await rig.start(view)
        await rig.work()
        await cancel_run(rig.world, rig.admin, second.id)
        assert await follower.look() == [
            ("begun", first.id),
            ("begun", second.id),
            ("finished", first.id),
            ("cancelled", second.id),
        ]


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("commit", range(1, 6))
async def test_a_death_makes_nobody_hear_twice(
    commit: int, moment: Literal["before", "after"]
) -> None:
    """Of a run that another worker ends, one beginning and one end are told."""
    async with flow_rig() as rig:
        rig.resources.script.extend([ResourceAnswer(200)] * 2)
        follower, run = Follower(rig.world), await rig.start(await rig.save(POST))
        with suppress(Died):
            await rig.work(rig.mortal(commit, moment))
        heard = await follower.look()
        found = await rig.end(run)
        heard += await follower.look()
        assert heard == [("begun", run.id), (found.run.phase.value, run.id)]


@pytest.mark.parametrize(("status", "end"), [(200, "finished"), (500, "failed")])
async def test_a_run_of_which_nothing_is_kept_ends_when_it_ends(status: int, end: str) -> None:
    """Not when its row says that its worker may have died."""
    async with flow_rig() as rig:
        rig.resources.script.append(ResourceAnswer(status))
        follower, run = Follower(rig.world), await rig.start(await rig.save(POST, UNKEPT))
        with suppress(Died):
            await rig.work(rig.mortal(3, "before"))
        assert await follower.look() == [("begun", run.id)]
        rig.resources.script.append(ResourceAnswer(status))
        other = await rig.start(await rig.save(POST, UNKEPT))
        await rig.work()
        assert await follower.look() == [("begun", other.id), (end, other.id)]


async def test_runs_that_went_with_their_flow_hide_none_that_come() -> None:
    """What is new has a rank of its own, though the highest is free again."""
    async with flow_rig() as rig:
        follower, view = Follower(rig.world), await rig.save(POST)
        rig.resources.script.extend([ResourceAnswer(200)] * 2)
        await rig.end(await rig.start(view))
        await follower.look()
        async with rig.world.store.writing() as tx:
            await remove_flow(tx, view.saved)
        run = await rig.start(await rig.save(POST))
        await rig.end(run)
        assert await follower.look() == [("begun", run.id), ("finished", run.id)]


@dataclass
class Counting:
    """A store that counts how often it is looked at."""

    inner: Store
    looks: int = 0

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Reading]:
        """Open a snapshot."""
        self.looks += 1
        async with self.inner.reading() as tx:
            yield tx


async def test_those_who_know_as_much_share_a_look() -> None:
    """A hundred who wait for news cost what one costs."""
    async with flow_rig() as rig:
        counting = Counting(rig.world.store)
        news = RunNews(Room(replace(rig.world, store=counting), pause_s=3600))  # type: ignore[arg-type]
        for _ in range(100):
            assert (await news.look(RunMark())).notices == []
        assert counting.looks == 1
