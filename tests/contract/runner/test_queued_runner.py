"""The queue wakes turns and decides nothing: whatever it brings, the turn's own row is asked."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import time, timedelta

import pytest
from postgres_kit import Cluster
from procrastinate.exceptions import ConnectorException
from psycopg import InterfaceError, ProgrammingError
from psycopg_pool import PoolTimeout
from rig import Rig, rigged
from sqlalchemy.engine import make_url
from structlog.testing import capture_logs

from keyturn.adapters.runner import EmbeddedRunner, queued
from keyturn.adapters.runner.queued import QUEUED_LEASES, QueuedRunner
from keyturn.adapters.runner.schema import SCHEMA, create_queue, in_our_words
from keyturn.adapters.storage import PostgresStore
from keyturn.domain.errors import DatabaseAway
from keyturn.domain.schedule import Schedule
from keyturn.domain.sensitive import Sensitive
from keyturn.domain.turn import Phase, Turn
from keyturn.services.duties import Doing
from keyturn.services.ports import Counted, Reading, Record
from keyturn.services.turns import start_due
from keyturn.testing import MemoryStore

WEEKLY = Schedule(7, time(0, 0))
DAYS_10_S = timedelta(days=10).total_seconds()


class TimelessStore(PostgresStore):
    """A store whose server has no clock: these tests have one of their own, of another year."""

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Reading]:
        """Open a snapshot."""
        async with super().reading() as tx:
            tx.clock = self._none  # type: ignore[method-assign]
            yield tx

    async def _none(self) -> None:
        return None


@pytest.fixture
async def rig(database: Sensitive) -> AsyncIterator[Rig]:
    """Set up an installation on PostgreSQL, with one rotation that is due."""
    async with rigged() as it:
        await it.rotation(schedule=WEEKLY)
        store = await TimelessStore.open(database)
        memory = it.world.store
        assert isinstance(memory, MemoryStore)
        async with memory.reading() as reading, store.writing() as writing:
            for kind in Record.__args__:
                await writing.add(*await reading.list(kind))
        it.world = replace(it.world, store=store)
        it.clock.advance(DAYS_10_S)
        yield it
        await store.aclose()


@pytest.fixture
def jobs(cluster: Cluster, database: Sensitive) -> Callable[[str], str]:
    """Ask the queue's table behind everybody's back."""
    name = str(make_url(database.reveal()).database)

    def ask(what: str) -> str:
        return cluster.sql(name, f"SET search_path = {SCHEMA}; {what}")

    return ask


def running(rig: Rig, database: Sensitive) -> QueuedRunner:
    """Make a runner that looks nearly without a pause."""
    return QueuedRunner(rig.world, database, tick_s=0.02, concurrency=4)


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    """Let the loop run until something is so."""
    async with asyncio.timeout(30):
        while not await true():
            await asyncio.sleep(0.01)


async def the_turn(rig: Rig) -> Turn:
    """Return the rotation's turn."""
    async with rig.world.store.reading() as tx:
        [turn] = await tx.list(Turn)
    return turn


async def overlapping(rig: Rig) -> bool:
    """Say whether the turn has begun, and stands there."""
    async with rig.world.store.reading() as tx:
        return any(turn.phase is Phase.OVERLAPPING for turn in await tx.list(Turn))


async def test_a_due_turn_is_carried_to_its_end(
    rig: Rig, database: Sensitive, jobs: Callable[[str], str]
) -> None:
    """The schedule is kept, the turn goes from rest to rest, and no job is left behind."""

    async def finished() -> bool:
        async with rig.world.store.reading() as tx:
            turns = await tx.list(Turn)
        if not runner.health().in_hand and jobs("SELECT count(*) FROM procrastinate_jobs") == "0":
            rig.clock.advance(60)
        return any(turn.phase is Phase.FINISHED for turn in turns)

    await create_queue(database)
    async with running(rig, database) as runner:
        await until(finished)
        assert runner.health().found_at_s is not None
    assert runner.health().in_hand == 0
    assert [s["hash"] for s in rig.living()] == [await rig.served_hash()]
    assert jobs("SELECT count(*) FROM procrastinate_jobs") == "0"


async def test_a_row_waits_for_its_job_under_a_new_epoch(
    rig: Rig, database: Sensitive, jobs: Callable[[str], str]
) -> None:
    """What goes into the queue is an id and an epoch; the row is nobody's, and comes due again."""
    await create_queue(database)
    ticker = running(rig, database)
    async with ticker._app.open_async():  # noqa: SLF001  a ticker without its worker
        await start_due(rig.world)
        await ticker._take_due()  # noqa: SLF001
    turn = await the_turn(rig)
    assert (turn.owner, turn.epoch) == (None, 1)
    assert turn.wake_at == rig.clock.now() + rig.world.limits.lease * QUEUED_LEASES
    told = jobs("SELECT args, lock, queueing_lock, scheduled_at FROM procrastinate_jobs")
    assert told == f'{{"epoch": 1, "turn_id": "{turn.id}"}}|||'


CHANGES: dict[str, dict[str, object]] = {
    "another epoch": {"epoch": 5},
    "another owner": {"epoch": 1, "owner": "somebody"},
    "paused": {"epoch": 1, "wake_at": None},
}


@pytest.mark.parametrize("name", CHANGES)
async def test_a_job_that_came_too_late_does_nothing(
    rig: Rig, database: Sensitive, name: str
) -> None:
    """A job whose turn has gone on, is held or stands still leaves the turn as it is."""
    await rig.tick()
    turn = await the_turn(rig)
    async with rig.world.store.writing() as tx:
        await tx.remove(turn)
        turn = replace(turn, **{"owner": None} | CHANGES[name])  # type: ignore[arg-type]
        await tx.add(turn)
    before = rig.org.requests()["last"]
    await running(rig, database)._take(turn.id, 1)  # noqa: SLF001  what a job does
    assert await the_turn(rig) == turn
    assert rig.org.requests()["last"] == before


async def test_the_same_job_would_have_gone_on_in_time(rig: Rig, database: Sensitive) -> None:
    """The control of the test before: with its row unchanged, the job claims and advances it."""
    await rig.tick()
    turn = await the_turn(rig)
    rig.clock.advance(600)
    await running(rig, database)._take(turn.id, turn.epoch)  # noqa: SLF001
    after = await the_turn(rig)
    assert (after.phase, after.owner) == (Phase.SOAKING, None)


async def test_jobs_of_a_dead_worker_are_handed_on(
    rig: Rig, database: Sensitive, jobs: Callable[[str], str]
) -> None:
    """A job that a worker took with it to its grave is done by the next one."""
    await create_queue(database)
    ticker = running(rig, database)
    async with ticker._app.open_async():  # noqa: SLF001
        await start_due(rig.world)
        await ticker._take_due()  # noqa: SLF001
        jobs("UPDATE procrastinate_jobs SET status = 'doing', worker_id = NULL")

    async def overlapping() -> bool:
        return (await the_turn(rig)).phase is Phase.OVERLAPPING

    async with running(rig, database):
        await until(overlapping)
    assert len(rig.posts()) == 1


async def test_a_database_that_is_away_is_no_failure_of_a_worker(
    rig: Rig, cluster: Cluster, database: Sensitive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the look nor the queue counts it as unforeseen, and both go on when it is back."""
    monkeypatch.setattr(queued, "RESTART_S", 0.05)
    runner, silent = running(rig, database), {Doing.LOOKING, Doing.QUEUE}

    async def told() -> bool:
        return silent <= {Doing(line["doing"]) for line in lines}

    cluster.stop("immediate")
    try:
        with capture_logs() as lines:
            async with runner:
                await until(told)
                cluster.start()
                await until(lambda: overlapping(rig))
    except BaseException:
        cluster.start()
        raise
    assert [line for line in lines if line["event"] == "worker failed"] == []
    assert [each for each in rig.world.vitals.counts if each[0] is Counted.FAILURES] == []


@pytest.mark.parametrize(
    ("cause", "told"),
    [
        (PoolTimeout(), DatabaseAway),
        (InterfaceError(), DatabaseAway),
        (ProgrammingError(), ConnectorException),
    ],
)
def test_only_a_queue_that_is_away_is_told_as_such(cause: Exception, told: type[Exception]) -> None:
    """What Procrastinate makes of a defect stays one, and is counted."""
    with pytest.raises(told), in_our_words():
        raise ConnectorException from cause


async def test_the_embedded_runner_shares_the_database(rig: Rig) -> None:
    """Two of them on one database start one turn, and it is done once."""
    pair = [EmbeddedRunner(rig.world, tick_s=0.01, concurrency=4) for _ in range(2)]

    async with pair[0], pair[1]:
        await until(lambda: overlapping(rig))
    assert (await the_turn(rig)).phase is Phase.OVERLAPPING
    assert len(rig.posts()) == 1
