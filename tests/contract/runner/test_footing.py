"""A process that stands on no firm ground takes nothing up: its clock is off, or the data are new.

By its clock it would take what others hold, or hold what nobody could take over.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from functools import partial
from typing import Any, Self, TypeVar

import httpx2
import pytest
from delivery_kit import destination
from emergency_kit import begun
from rig import ORG_URL, Rig, rigged
from structlog.testing import capture_logs

from keyturn.adapters.runner import EmbeddedRunner
from keyturn.adapters.runner.queued import QueuedRunner
from keyturn.adapters.storage import PostgresStore
from keyturn.api.app import build_api
from keyturn.domain.access import VIEWER, Holding, Verb
from keyturn.domain.errors import Forbidden, NoFooting
from keyturn.domain.identity import AccessToken, AuthMethod, TokenRules
from keyturn.domain.ids import IdentityId
from keyturn.domain.rotation import Rotation
from keyturn.domain.schedule import Schedule
from keyturn.domain.sensitive import Sensitive
from keyturn.domain.turn import Turn
from keyturn.services.destinations import deliver_now
from keyturn.services.duties import Doing, claim_due, list_due
from keyturn.services.gate import require
from keyturn.services.identities import new_access_token
from keyturn.services.orders import (
    abort_turn,
    finish_now,
    pause_turn,
    reinstate_old,
    resume_turn,
)
from keyturn.services.ports import Due, Footing, Pulse, Reading, Record, Vitals, World, Writing
from keyturn.services.rollout_plans import ALL
from keyturn.services.turns import rotate, start_due
from keyturn.testing import MemoryStore

WEEKLY = Schedule(7, time(0, 0))
DAYS_10_S = timedelta(days=10).total_seconds()
Tx = TypeVar("Tx", bound=Reading)
ORDERS = (rotate, pause_turn, resume_turn, abort_turn, reinstate_old, finish_now)


class Ground(MemoryStore):
    """A store whose database has a clock and a schema of its own."""

    fits = True
    clock: Callable[[], datetime]

    def reading(self) -> AbstractAsyncContextManager[Reading]:
        """Open a snapshot that tells of both."""
        return self._telling(super().reading())

    def writing(self) -> AbstractAsyncContextManager[Writing]:
        """Open a transaction that tells of both."""
        return self._telling(super().writing())

    @asynccontextmanager
    async def _telling(self, way: AbstractAsyncContextManager[Tx]) -> AsyncIterator[Tx]:
        async with way as tx:
            seen: Any = tx
            seen.schema_fits, seen.clock = self._fits, self._now
            yield tx

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


async def test_what_goes_by_the_time_is_refused_before_anything_is_written() -> None:
    """Turns, orders, rotations, emergencies and deliveries: another server is to be asked."""
    async with grounded() as (rig, store):
        hook = await destination(rig)
        async with store.reading() as tx:
            [rotation] = await tx.list(Rotation)
        await rotate(rig.world, rig.admin, rotation.id)
        store.clock = lambda: rig.clock.now() - timedelta(hours=1)
        await list_due(rig.world)
        before, posted = store.backup().tables, rig.posts()
        asks: Sequence[Callable[[], Awaitable[object]]] = [
            *(partial(order, rig.world, rig.admin, rotation.id) for order in ORDERS),
            partial(rig.rotation, name="other"),
            partial(begun, rig),
            partial(deliver_now, rig.world, rig.admin, hook.id),
            partial(require, rig.world, rig.admin, Verb.APPROVE_ROLLOUTS, ALL, subject="rollout"),
        ]
        for ask in asks:
            with pytest.raises(NoFooting, match=r"by NTP.*Nothing was changed: ask another server"):
                await ask()
        assert (store.backup().tables, rig.posts()) == (before, posted)
        viewer = replace(rig.admin, holdings=(Holding(VIEWER),))
        with pytest.raises(Forbidden):
            await pause_turn(rig.world, viewer, rotation.id)
        store.clock = rig.clock.now
        await list_due(rig.world)
        await pause_turn(rig.world, rig.admin, rotation.id)


async def test_a_turn_in_hand_when_the_clock_is_set_wrong_is_due_for_others_at_once() -> None:
    """It is given back by the database's time: by this process's they would wait an hour."""
    async with grounded() as (rig, store):
        await start_due(rig.world)
        [claim] = await claim_due(rig.world, owner="one", limit=1)
        right = rig.clock.now()
        store.clock = lambda: right
        rig.clock.advance(3600)
        await list_due(rig.world)
        await rig.advance(claim.turn, claim.held_since_s)
        assert rig.posts() == []
        async with store.reading() as tx:
            [turn] = await tx.list(Turn)
        assert (turn.owner, turn.wake_at) == (None, right)


@pytest.mark.parametrize("wrong", [{"off_s": -3600}, {"fits": False}])
async def test_nothing_is_forgotten_until_a_look_has_found_that_it_may_be(
    wrong: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a wrong clock, or in another version's data, what is old is not known; later it is."""
    monkeypatch.setattr("keyturn.adapters.runner.ticking.FORGET_S", 0.001)
    async with grounded() as (rig, store):
        owner, rules = IdentityId(rig.admin.id), TokenRules(60, 60)
        token, _ = new_access_token(rig.world, owner, AuthMethod.TOKEN, rules)
        async with store.writing() as tx:
            await tx.add(token)
        rig.clock.advance(DAYS_10_S)

        async def is_kept() -> bool:
            async with store.reading() as tx:
                return bool(await tx.list(AccessToken, id=token.id))

        def stand(*, off_s: float = 0, fits: bool = True) -> None:
            store.clock, store.fits = lambda: rig.clock.now() + timedelta(seconds=off_s), fits

        stand(**wrong)
        async with asyncio.timeout(30), EmbeddedRunner(rig.world, tick_s=0.001, concurrency=4):
            for round_ in range(2):  # before anything was right, and afterwards
                while not rig.world.vitals.footing:
                    await asyncio.sleep(0.001)
                if round_:
                    async with store.writing() as tx:
                        await tx.add(token)
                await asyncio.sleep(0.02)
                assert await is_kept()
                stand()
                while await is_kept():
                    await asyncio.sleep(0.001)
                stand(**wrong)


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


async def test_a_look_that_ends_after_the_stop_began_holds_it_up_for_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever comes only then to wait for firm ground, as the queue's worker may, is let go."""

    class Late(EmbeddedRunner):
        async def _serve(self) -> None:
            await served.wait()
            await self._firm.wait()

        async def __aenter__(self) -> Self:
            self._repeat(self._serve, Doing.QUEUE, 1)
            return await super().__aenter__()

    looking, looked, served = asyncio.Event(), asyncio.Event(), asyncio.Event()
    async with grounded(off_s=60) as (rig, store):

        async def slowly() -> datetime:
            looking.set()
            await looked.wait()
            return store.clock()

        monkeypatch.setattr(store, "_now", slowly)
        runner = Late(rig.world, tick_s=0.001, concurrency=4)
        async with asyncio.timeout(10), asyncio.TaskGroup() as stopping:
            await runner.__aenter__()
            await looking.wait()
            stopping.create_task(runner.__aexit__())
            while rig.world.vitals.pulse is not Pulse.STOPPING:
                await asyncio.sleep(0)
            looked.set()
            while not rig.world.vitals.footing:
                await asyncio.sleep(0)
            served.set()


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
