"""A process that stands on no firm ground takes nothing up: its clock is off, or the data are new.

By its clock it would take what others hold, or hold what nobody could take over.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import httpx2
import pytest
from rig import ORG_URL, Rig, rigged
from structlog.testing import capture_logs

from keyturn.adapters.runner import EmbeddedRunner
from keyturn.adapters.runner.queued import QueuedRunner
from keyturn.adapters.storage import PostgresStore
from keyturn.api.app import build_api
from keyturn.domain.errors import TurnFailed
from keyturn.domain.rotation import Rotation
from keyturn.domain.schedule import Schedule
from keyturn.domain.sensitive import Sensitive
from keyturn.domain.turn import Turn
from keyturn.services.duties import list_due
from keyturn.services.ports import Due, Footing, Reading, Record, Vitals, World
from keyturn.services.turns import rotate
from keyturn.testing import MemoryStore

WEEKLY = Schedule(7, time(0, 0))
DAYS_10_S = timedelta(days=10).total_seconds()


class Ground(MemoryStore):
    """A store whose database has a clock and a schema of its own."""

    fits = True
    clock: Callable[[], datetime]

    def reading(self) -> AbstractAsyncContextManager[Reading]:
        """Open a snapshot that tells of both."""
        return self._telling()

    @asynccontextmanager
    async def _telling(self) -> AsyncIterator[Reading]:
        async with super().reading() as tx:
            seen: Any = tx
            seen.schema_fits, seen.clock = self._fits, self._now
            yield seen

    async def _fits(self) -> bool:
        return self.fits

    async def _now(self) -> datetime:
        return self.clock()


@asynccontextmanager
async def grounded(*, off_s: float = 0) -> AsyncIterator[tuple[Rig, Ground]]:
    """Give a rig with a rotation that is due, over a database whose clock is so far off."""
    async with rigged() as rig:
        await rig.rotation(schedule=WEEKLY)
        store, memory = Ground(), rig.world.store
        assert isinstance(memory, MemoryStore)
        store.restore(memory.backup())
        store.clock = lambda: rig.clock.now() + timedelta(seconds=off_s)
        rig.world = replace(rig.world, store=store, vitals=Vitals())
        rig.clock.advance(DAYS_10_S)
        yield rig, store


async def test_a_worker_whose_clock_is_off_takes_nothing_up_until_it_is_set() -> None:
    """It says so once, in either direction; a clock that is a little off does no harm."""
    for off_s in (-6, 6, -120, 120):
        async with grounded(off_s=off_s) as (rig, store):
            with capture_logs() as lines:
                assert [await list_due(rig.world) for _ in range(3)] == [frozenset()] * 3
                assert rig.world.vitals.footing is Footing.CLOCK_OFF
                store.clock = rig.clock.now
                assert Due.ROTATIONS in await list_due(rig.world)
        assert [line["event"] for line in lines] == ["work stops", "work goes on"]
    for off_s in (-4, 4):
        async with grounded(off_s=off_s) as (rig, _):
            assert Due.ROTATIONS in await list_due(rig.world)


async def test_how_long_the_database_takes_to_answer_is_no_difference() -> None:
    """Only what cannot be explained by that is the clocks' fault."""
    async with grounded() as (rig, store):
        asked = rig.clock.now

        def late() -> datetime:
            rig.clock.advance(20)
            return asked()

        store.clock = late
        assert Due.ROTATIONS in await list_due(rig.world)


async def test_a_turn_by_hand_changes_nothing_at_okta_where_the_clock_is_off() -> None:
    """Another worker may hold such a turn at any time; it is left to one whose clock is right."""
    async with grounded(off_s=120) as (rig, _):
        await list_due(rig.world)
        async with rig.world.store.reading() as tx:
            [rotation] = await tx.list(Rotation)
        with pytest.raises(TurnFailed, match="goes on by itself"):
            await rotate(rig.world, rig.admin, rotation.id)
        assert rig.posts() == []
        async with rig.world.store.reading() as tx:
            [turn] = await tx.list(Turn)
        assert (turn.owner, turn.running) == (None, True)


async def test_a_runner_that_may_not_work_is_silent_and_serves_readers() -> None:
    """The metric of its silence tells of it, and the alert; no probe takes every server away."""
    async with grounded(off_s=60) as (rig, _):
        runner = EmbeddedRunner(rig.world, tick_s=0.001, concurrency=4)
        async with runner:
            while not rig.world.vitals.footing:
                await asyncio.sleep(0)
            assert rig.world.vitals.found_at_s is None
            assert (await asked(rig.world, "/readyz"))[0] == 200
    assert rig.posts() == []


async def asked(world: World, path: str) -> tuple[int, str]:
    """Ask the server."""
    way = httpx2.ASGITransport(build_api(world, version="0"))
    async with httpx2.AsyncClient(transport=way, base_url=ORG_URL) as http:
        answer = await http.get(path)
    return answer.status_code, answer.text


async def test_over_data_of_another_version_nothing_is_done_and_nobody_served() -> None:
    """A process that still runs while another has brought the schema up to date stands aside."""
    async with grounded() as (rig, store):
        assert (await asked(rig.world, "/api/v1/workspace"))[0] == 401
        store.fits = False
        assert await list_due(rig.world) == frozenset()
        for path in ("/api/v1/workspace", "/", "/openapi.json"):
            status, told = await asked(rig.world, path)
            assert (status, "another version" in told) == (503, True)
        assert (await asked(rig.world, "/healthz"))[0] == 200
        assert (await asked(rig.world, "/metrics"))[0] == 401
        store.fits = True
        await list_due(rig.world)
        assert (await asked(rig.world, "/api/v1/workspace"))[0] == 401


@pytest.mark.slow
async def test_the_queue_is_served_only_while_the_clock_is_right(database: Sensitive) -> None:
    """A worker of the queue whose clock is off leaves jobs to the others, and serves when set."""
    async with rigged() as rig:
        await rig.rotation(schedule=WEEKLY)
        memory, store = rig.world.store, await PostgresStore.open(database)
        async with memory.reading() as reading, store.writing() as writing:
            for kind in Record.__args__:
                await writing.add(*await reading.list(kind))
        rig.world = replace(rig.world, store=store, vitals=Vitals())
        rig.clock.advance(-60 + (datetime.now(UTC) - rig.clock.now()).total_seconds())
        async with QueuedRunner(rig.world, database, tick_s=0.02, concurrency=4) as runner:
            async with asyncio.timeout(30):
                while not rig.world.vitals.footing:
                    await asyncio.sleep(0.01)
            assert runner._worker is None  # noqa: SLF001
            rig.clock.advance((datetime.now(UTC) - rig.clock.now()).total_seconds())
            async with asyncio.timeout(30):
                while True:
                    async with store.reading() as tx:
                        if any(turn.blocked or turn.new for turn in await tx.list(Turn)):
                            break  # somebody has worked at it
                    await asyncio.sleep(0.02)
        await store.aclose()
