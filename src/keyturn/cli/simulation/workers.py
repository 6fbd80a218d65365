"""The processes that carry turns: each starts what is due and claims what has come due.

Does what the runner of the product does at every tick, but looks only when something can have
changed: a tick each second would cost more than the turns.
"""

import asyncio
from collections.abc import Iterator
from datetime import datetime
from random import Random

from keyturn.cli.simulation.processes import Died, Process
from keyturn.cli.simulation.stage import Stage, Station
from keyturn.domain.errors import KeyturnError
from keyturn.domain.rotation import Rotation
from keyturn.domain.turn import Turn
from keyturn.services.journey import advance
from keyturn.services.turns import start_due

ASLEEP_S = 6 * 3600.0
AT_ONCE = 10


class Worker:
    """One process that runs turns, and starts anew some time after it has died."""

    def __init__(self, stage: Stage, name: str, chance: Random) -> None:
        self._stage = stage
        self._station: Station = stage.station(name)
        self._chance = chance
        self._rung = asyncio.Event()
        self._vain = False
        self._journeys: set[asyncio.Task[None]] = set()
        stage.judge.bells.append(self._rung.set)

    @property
    def process(self) -> Process:
        """Return the process that it runs in."""
        return self._station.process

    async def run(self) -> None:
        """Run turns for ever."""
        while True:
            try:
                await self._tick()
            except Died:
                await asyncio.sleep(self._chance.choice((0.5, 5.0, 120.0)))
            await self._sleep()

    async def _tick(self) -> None:
        process = self._station.process
        self._vain = any(due <= self._stage.wall.now() for due in self._due())
        await self._guarded("start", process.run("start", self._start()))
        if self._station.process.frozen_until_s > self._stage.clock.uptime_s():
            return
        await self._guarded("claim", process.run("claim", self._claim()))

    async def _start(self) -> None:
        await start_due(self._station.world)

    async def _claim(self) -> None:
        world, clock = self._station.world, self._stage.wall
        since_s, now = clock.uptime_s(), clock.now()
        owner = f"{self._station.process.name}.{self._station.process.life}"
        async with world.store.writing() as tx:
            lease = world.limits.lease
            turns = await tx.claim_due(now, owner=owner, lease=lease, limit=AT_ONCE)
        self._vain = self._vain and not turns
        for turn in turns:
            journey = asyncio.create_task(self._go(turn, since_s))
            self._journeys.add(journey)
            journey.add_done_callback(self._journeys.discard)

    async def _go(self, turn: Turn, since_s: float) -> None:
        process = self._station.process
        work = process.begin("turn")
        work.turn_id, work.epoch, work.held_since_s = turn.id, turn.epoch, since_s
        journey = advance(self._station.world, turn, held_since_s=since_s)
        try:
            await self._guarded("turn", process.go_on(work, journey))
        except Died:
            return

    async def _guarded(self, what: str, work: "asyncio.Future[object] | object") -> None:
        """Do what the runner does with errors: tell them, and let the row come back."""
        judge = self._stage.judge
        try:
            await work  # type: ignore[misc]  # a coroutine of any result
        except KeyturnError as error:
            self._vain = True
            judge.note(self._station.process.name, what, "failed:", error.message)
            judge.search(iter([error.message]))
        except Exception as error:  # noqa: BLE001  the runner's one wide net
            judge.hear_unforeseen(f"{self._station.process.name} {what}", error)

    async def _sleep(self) -> None:
        """Sleep until something is due, or has changed; after a vain look, for half a minute."""
        if self._vain:
            await asyncio.sleep(30.0)
        self._rung.clear()
        now = self._stage.wall.now()
        due = min(self._due(), default=None)
        left_s = ASLEEP_S if due is None else (due - now).total_seconds()
        left_s = min(max(left_s, 0.0), ASLEEP_S)
        try:
            async with asyncio.timeout(left_s):
                await self._rung.wait()
        except TimeoutError:
            pass
        await asyncio.sleep(self._chance.choice((0.01, 0.3, 1.0)))

    def _due(self) -> Iterator[datetime]:
        backup = self._stage.store.backup()
        for turn in backup.list(Turn):
            if turn.wake_at:
                yield turn.wake_at
        for rotation in backup.list(Rotation):
            if rotation.next_rotation_at:
                yield rotation.next_rotation_at
