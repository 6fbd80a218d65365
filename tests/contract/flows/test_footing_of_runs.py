"""Runs of flows whose process loses its footing: others go on with them, as nothing was asked."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest
from flow_kit import FlowRig, Mortal, flow_rig
from rig import rigged

from keyturn.domain.errors import NoFooting
from keyturn.domain.flows.run import Phase, Run, RunAnswer
from keyturn.domain.turn import Turn
from keyturn.services.flow_duties import claim_due_runs
from keyturn.services.ports import Footing, ResourceAnswer, RunWrite, Vitals
from keyturn.testing import FakeResources

pytestmark = pytest.mark.anyio

POST = "cards:\n- {card: api.post, with: {url: 'https://a.example.com/a', body: {}}}\n"
TURN = "cards:\n- {card: keyturn.start_turn, with: {rotation: my-okta-rotation}}\n"


@dataclass
class Drifting(Mortal):
    """A store of a process whose clock is found to be off after a write of a run."""

    vitals: Vitals = field(default_factory=Vitals)
    then: Callable[[], Awaitable[object]] | None = None

    async def write_run(self, write: RunWrite) -> None:
        """Write down what is new of a run, and let others do what they do then."""
        await super().write_run(write)
        self.vitals.footing = Footing.CLOCK_OFF
        if self.then:
            await self.then()


@asynccontextmanager
async def noted() -> AsyncIterator[tuple[FlowRig, Run, Drifting]]:
    """Give a run that starts a turn, and the store of a process that notes so and no more."""
    async with rigged() as it:
        await it.rotation()
        rig = FlowRig(it.world, it.clock, it.admin, FakeResources())
        yield rig, await rig.start(await rig.save(TURN)), Drifting(rig.world.store)


async def drift(rig: FlowRig, store: Drifting) -> None:
    """Let the process go on with what is due."""
    world = replace(rig.world, store=store, vitals=store.vitals)  # type: ignore[arg-type]  # enough
    await rig.work(world)


async def test_what_changes_something_is_not_asked_for_by_a_wrong_clock() -> None:
    """By that clock others take the run up at once, or too late; they ask, and once."""
    async with flow_rig() as rig:
        rig.resources.script.append(ResourceAnswer(200))
        off = Vitals()
        off.footing = Footing.CLOCK_OFF
        run = await rig.start(await rig.save(POST))
        with pytest.raises(NoFooting):
            await rig.work(replace(rig.world, vitals=off))
        assert rig.resources.asked == []
        assert (await rig.end(run)).run.phase is Phase.FINISHED
        assert len(rig.resources.asked) == 1


async def test_a_turn_that_was_noted_and_not_asked_for_is_started_by_another_process() -> None:
    """The footing may be lost between the two; the note that it was asked for goes then."""
    async with noted() as (rig, run, store):
        with pytest.raises(NoFooting):
            await drift(rig, store)
        assert await count(rig, Turn) == 0
        assert (await rig.end(run)).run.phase is Phase.FINISHED
        assert await count(rig, Turn) == 1


async def test_the_note_stays_where_somebody_else_has_the_run_by_then() -> None:
    """Whose run it is has read the note, and answers by it."""
    async with noted() as (rig, _, store):

        async def take() -> None:
            rig.clock.advance(rig.world.limits.lease.total_seconds() + 1)
            assert len(await claim_due_runs(rig.world, owner="other", limit=1)) == 1

        store.then = take
        await drift(rig, store)
        assert (await count(rig, RunAnswer), await count(rig, Turn)) == (1, 0)


async def count(rig: FlowRig, kind: type[Turn | RunAnswer]) -> int:
    """Return how many of a kind are stored."""
    async with rig.world.store.reading() as tx:
        return len(await tx.list(kind))
