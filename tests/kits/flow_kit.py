"""Flows in an installation in memory: saved, run, and run again after a death at any commit."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal

from rig import PLACE, START, founded

from keyturn.domain.access import ADMIN, Caller, Holding
from keyturn.domain.audit import Attempt
from keyturn.domain.flows.run import Cause, Run
from keyturn.domain.flows.values import Value
from keyturn.domain.flows.walk import Response
from keyturn.domain.identity import Identity
from keyturn.domain.turn import Policy
from keyturn.services.flow_duties import claim_due_runs
from keyturn.services.flows import FlowView, save_flow
from keyturn.services.ports import Recorded, RunWrite, Store, World, Writing
from keyturn.services.run_history import RunView, open_result, read_run
from keyturn.services.runs import go_on
from keyturn.services.starting import start_run
from keyturn.testing import FakeResources, ManualClock

HEAD = "flow: test\nstart: {kind: helper, inputs: {n: number}}\n"


class Died(BaseException):
    """The process is gone: nothing catches this."""


@dataclass
class Mortal:
    """A store whose process dies just before or just after the commit of a number."""

    inner: Store
    commit: int = 0
    moment: Literal["before", "after"] = "after"
    commits: int = 0

    def reading(self) -> object:
        """Open a snapshot."""
        return self.inner.reading()

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Writing]:
        """Open a transaction; it may not live to see its commit, or what follows."""
        self.commits += 1
        dies = self.commits == self.commit
        async with self.inner.writing() as tx:
            yield tx
            if dies and self.moment == "before":
                raise Died
        if dies:
            raise Died

    async def write_run(self, write: RunWrite) -> None:
        """Write down what is new of a run; it may not live to see it durable, or what follows."""
        self.commits += 1
        if self.commits == self.commit and self.moment == "before":
            raise Died
        await self.inner.write_run(write)
        if self.commits == self.commit:
            raise Died

    async def append_audit(self, attempt: Attempt) -> Recorded:
        """Append one audit entry."""
        return await self.inner.append_audit(attempt)

    async def revision(self) -> int:
        """Return the revision of what is served."""
        return await self.inner.revision()


@dataclass
class FlowRig:
    """An installation, its administrator, and the services that its flows ask."""

    world: World
    clock: ManualClock
    admin: Caller
    resources: FakeResources

    async def save(self, cards: str, head: str = HEAD) -> FlowView:
        """Save a flow of these cards."""
        return await save_flow(self.world, self.admin, PLACE, head + cards)

    async def start(self, view: FlowView, given: Value = None) -> Run:
        """Start a run that nobody works on yet."""
        async with self.world.store.writing() as tx:
            cause = Cause.BY_HAND
            return await start_run(tx, self.world, view, given or {}, cause=cause, by="test")

    async def work(self, world: World | None = None) -> int:
        """Go on with what is due, as one worker does; return with how many."""
        chosen = world or self.world
        claims = await claim_due_runs(chosen, owner="worker", limit=100)
        for claim in claims:
            await go_on(chosen, claim)
        return len(claims)

    async def read(self, run: Run) -> RunView:
        """Read a run with its steps."""
        return await read_run(self.world, self.admin, run.id)

    async def end(self, run: Run) -> RunView:
        """Let time pass until a run has ended."""
        for _ in range(100):
            found = await self.read(run)
            if found.run.ended_at:
                return found
            due = found.run.wake_at or self.clock.now()
            self.clock.advance(max(0.0, (due - self.clock.now()).total_seconds()))
            await self.work()
        raise AssertionError("the run came to no end")

    async def result(self, run: Run) -> Response:
        """Let time pass until a run has ended; return what it answered."""
        found = open_result(self.world, await self.end(run))
        assert found
        return found

    def mortal(self, commit: int, moment: Literal["before", "after"]) -> World:
        """Return a process on the same store that dies at a commit."""
        store = Mortal(self.world.store, commit, moment)
        return replace(self.world, store=store)  # type: ignore[arg-type]


@asynccontextmanager
async def flow_rig() -> AsyncIterator[FlowRig]:
    """Set up an installation whose flows ask services in memory."""
    async with founded(START, Policy(overlap_s=300, soak_s=3600)) as it:
        resources = FakeResources()
        limits = replace(it.world.limits, lease=timedelta(seconds=60))
        world = replace(it.world, resources=resources, limits=limits)
        async with world.store.reading() as tx:
            found = await tx.find(Identity, name="administrator")
        assert found
        admin = Caller(found.id, found.name, found.organization_id, (Holding(ADMIN),))
        yield FlowRig(world, it.clock, admin, resources)
