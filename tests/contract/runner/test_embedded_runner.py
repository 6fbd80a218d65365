"""The runner wakes due turns, a bounded number at a time, and outlives every error."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import time, timedelta
from pathlib import Path

import pytest
from rig import SECRETS, Rig, rigged
from structlog.testing import capture_logs

from keyturn.adapters.runner import EmbeddedRunner
from keyturn.adapters.system.archive import FileArchive
from keyturn.domain.errors import DatabaseAway, OursError
from keyturn.domain.rotation import SecretsMapping
from keyturn.domain.schedule import Schedule
from keyturn.domain.turn import Phase
from keyturn.sandbox import AppDraft, Fault
from keyturn.services.ports import Counted, Store, World, Writing
from keyturn.services.rotations import view
from keyturn.services.turns import rotate

WEEKLY = Schedule(7, time(0, 0))
DAYS_10_S = timedelta(days=10).total_seconds()


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    """Set up an installation connected to a fresh org."""
    async with rigged() as it:
        yield it


def running(rig: Rig, *, concurrency: int = 16) -> EmbeddedRunner:
    """Make a runner that looks without a pause."""
    return EmbeddedRunner(rig.world, tick_s=0.001, concurrency=concurrency)


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    """Let the loop run until something is so."""
    async with asyncio.timeout(30):
        while not await true():
            await asyncio.sleep(0.001)


async def phase(rig: Rig, rotation_id: str) -> Phase | None:
    """Return where the open or last turn stands."""
    turn = (await view(rig.world, rotation_id)).turn
    return turn.phase if turn else None


async def test_due_turn_goes_on_by_itself(rig: Rig) -> None:
    """A turn that sleeps is taken up when its time has come, to its end."""
    rotation = (await rig.rotation(schedule=WEEKLY)).rotation
    await rotate(rig.world, rig.admin, rotation.id)

    async def finished() -> bool:
        rig.clock.advance(60)
        return await phase(rig, rotation.id) is Phase.FINISHED

    async with running(rig):
        await until(finished)
    assert [s["hash"] for s in rig.living()] == [await rig.served_hash()]


async def test_schedule_is_kept(rig: Rig) -> None:
    """A rotation that is due gets its turn."""
    rotation = (await rig.rotation(schedule=WEEKLY)).rotation
    rig.clock.advance(DAYS_10_S)
    async with running(rig):
        await until(lambda: is_in(rig, rotation.id, Phase.OVERLAPPING))


async def is_in(rig: Rig, rotation_id: str, wanted: Phase) -> bool:
    """Say whether a turn stands there."""
    return await phase(rig, rotation_id) is wanted


@dataclass
class Flaky:
    """A store whose first transactions fail."""

    inner: Store
    failures: int

    def reading(self) -> object:
        """Open a snapshot."""
        return self.inner.reading()

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Writing]:
        """Open a transaction, unless it is one that fails."""
        if self.failures:
            self.failures -= 1
            raise OursError("the disk is away")
        async with self.inner.writing() as tx:
            yield tx


async def test_failing_store_does_not_end_the_loop(rig: Rig) -> None:
    """When the store is back, turns go on without anybody's help."""
    rotation = (await rig.rotation(schedule=WEEKLY)).rotation
    rig.clock.advance(DAYS_10_S)
    flaky = Flaky(rig.world.store, failures=5)
    world = replace(rig.world, store=flaky)  # type: ignore[arg-type]  # a store in miniature
    async with EmbeddedRunner(world, tick_s=0.001, concurrency=1):
        await until(lambda: is_in(rig, rotation.id, Phase.OVERLAPPING))
    assert flaky.failures == 0


async def test_a_database_that_is_away_is_told_of_once(rig: Rig) -> None:
    """However often it is looked for, the log has a line for each thing that fails by it."""
    away = Away(rig.world.store, failures=50)
    world = replace(rig.world, store=away)  # type: ignore[arg-type]  # as above
    with capture_logs() as lines:
        async with EmbeddedRunner(world, tick_s=0.001, concurrency=1):
            await until(lambda: found(world))
    assert away.failures == 0
    warned = [line for line in lines if line["log_level"] != "info"]
    assert {line["event"] for line in warned} == {"database away"}
    doings = [line["doing"] for line in warned]
    assert sorted(doings) == sorted({*doings, "looking for what is due"})
    assert failures(world) == {}


async def test_a_database_that_is_there_and_fails_again_is_counted(rig: Rig) -> None:
    """A disk that is full, or a defect in a statement: the alert on an absence sees neither."""
    rotation = (await rig.rotation(schedule=WEEKLY)).rotation
    await rotate(rig.world, rig.admin, rotation.id)
    full = Full(rig.world.store)
    world = replace(rig.world, store=full)  # type: ignore[arg-type]  # as above

    async def counted() -> bool:
        rig.clock.advance(60)
        return "taking up due turns" in failures(world)

    async with EmbeddedRunner(world, tick_s=0.001, concurrency=1):
        await until(counted)
    assert "looking for what is due" not in failures(world)


async def test_audit_entries_are_moved_whatever_becomes_of_forgetting(
    rig: Rig, tmp_path: Path
) -> None:
    """One that fails keeps the other from nothing."""
    limits = replace(rig.world.limits, keep_turns=timedelta.max, keep_audit=timedelta(days=1))
    world = replace(rig.world, limits=limits, archive=FileArchive(tmp_path))
    await rig.rotation()
    rig.clock.advance(DAYS_10_S)

    async def moved() -> bool:
        return any(tmp_path.iterdir())

    async with EmbeddedRunner(world, tick_s=60, concurrency=1):
        await until(moved)
    assert failures(world) == {"forgetting what is old": 1}


def failures(world: World) -> dict[str, int]:
    """Count what workers failed at."""
    counts = world.vitals.counts.items()
    return {doing: count for (of, doing), count in counts if of is Counted.FAILURES}


async def found(world: World) -> bool:
    """Say whether a runner has found its database."""
    return world.vitals.found_at_s is not None


@dataclass
class Away:
    """A store whose database is away for the first looks."""

    inner: Store
    failures: int

    def reading(self) -> object:
        """Open a snapshot, once it is back."""
        if self.failures:
            self.failures -= 1
            raise DatabaseAway
        return self.inner.reading()

    def writing(self) -> object:
        """Open a transaction."""
        return self.inner.writing()


@dataclass
class Full:
    """A store whose disk is full."""

    inner: Store

    def reading(self) -> object:
        """Open a snapshot."""
        return self.inner.reading()

    def writing(self) -> object:
        """Fail."""
        raise DatabaseAway


@dataclass
class Watched:
    """A store that counts what is opened."""

    inner: Store
    read: int = 0
    written: int = 0

    def reading(self) -> object:
        """Open a snapshot."""
        self.read += 1
        return self.inner.reading()

    def writing(self) -> object:
        """Open a transaction."""
        self.written += 1
        return self.inner.writing()


async def test_where_nothing_is_due_there_is_one_look_a_tick(rig: Rig) -> None:
    """Nothing is opened for any duty that has nothing to do, and nothing waits to write."""
    watched = Watched(rig.world.store)
    world = replace(rig.world, store=watched)  # type: ignore[arg-type]  # as above
    ticks = 0

    async def several() -> bool:
        nonlocal ticks
        ticks += 1
        return ticks > 10

    async with EmbeddedRunner(world, tick_s=60, concurrency=1):
        await until(several)
    # Others note the audit log's head, and see what is to be forgotten, and what expires.
    assert (watched.read, watched.written) == (4, 0)


async def test_no_more_turns_at_once_than_allowed(rig: Rig) -> None:
    """With room for one, the second turn waits until the first one rests."""
    await rig.rotation(schedule=WEEKLY)
    app = rig.org.create_app(AppDraft("second"))
    mapping = SecretsMapping("SECOND_ID", "SECOND_SECRET")
    second = (
        await rig.rotation(name="second", parameter=app.id, mapping=mapping, schedule=WEEKLY)
    ).rotation
    rig.clock.advance(DAYS_10_S)
    at_once = most_at_once(rig)
    async with running(rig, concurrency=1):
        await until(lambda: is_in(rig, second.id, Phase.OVERLAPPING))
    assert at_once() == 1


def most_at_once(rig: Rig) -> Callable[[], int]:
    """Hold every POST of a secret for some turns of the loop and count how many are held."""
    held, most = 0, 0

    async def sleep(seconds: float) -> None:
        nonlocal held, most
        held += 1
        most = max(most, held)
        for _ in range(100):
            await asyncio.sleep(0)
        held -= 1

    rig.org.sleep = sleep
    rig.org.add_fault(Fault("delay", "POST", SECRETS, seconds=1))
    return lambda: most


async def test_leaving_waits_for_turns_in_hand(rig: Rig) -> None:
    """A server that stops lets each turn come to its next rest."""
    rotation = (await rig.rotation(schedule=WEEKLY)).rotation
    rig.clock.advance(DAYS_10_S)
    at_once = most_at_once(rig)

    async def begun() -> bool:
        return at_once() > 0

    async with running(rig):
        await until(begun)
    assert await phase(rig, rotation.id) is Phase.OVERLAPPING
