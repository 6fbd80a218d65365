"""The processes that carry turns: each discharges its duties and claims what has come due.

Does what the runner of the product does at every tick (`services.duties`), but looks only when
something can have changed, and only for what can be due: a tick each second would cost more than
the turns.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime
from functools import partial
from random import Random

from keyturn.cli.simulation.agenda import OF_DUTY, TURNS, Agenda
from keyturn.cli.simulation.processes import Died, Process
from keyturn.cli.simulation.stage import Stage, Station
from keyturn.domain.errors import KeyturnError
from keyturn.services.duties import DUTIES, Claim, Duty, claim_due
from keyturn.services.journey import advance

ASLEEP_S = 6 * 3600.0
AT_ONCE = 10
SLOW_S = 1.0
"""A duty that takes longer holds up nothing else."""
VAIN_S = 120.0
"""How long a worker rests that could not do what was due: the store may be gone."""


class Worker:
    """One process that runs turns, and starts anew some time after it has died."""

    def __init__(self, stage: Stage, agenda: Agenda, name: str, chance: Random) -> None:
        self._stage = stage
        self._agenda = agenda
        self._station: Station = stage.station(name)
        self._chance = chance
        self._rung = asyncio.Event()
        self._vain = False
        self._died = False
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._journeys: set[asyncio.Task[None]] = set()
        self._awaited: tuple[datetime | None, float] = (None, 0.0)
        stage.judge.bells.append(self._ring)
        stage.judge.chores.append(self._ring)

    @property
    def process(self) -> Process:
        """Return the process that it runs in."""
        return self._station.process

    async def run(self) -> None:
        """Run turns for ever."""
        while True:
            self._vain = self._agenda.is_due()
            await self._tick()
            if self._died:
                self._died = False
                await asyncio.sleep(self._chance.choice((0.5, 5.0, 120.0)))
            await self._sleep()

    async def _tick(self) -> None:
        """Do what is not being done already, each thing on its own, as the product's loops do."""
        for duty in DUTIES:
            if self._agenda.is_due(OF_DUTY[duty.discharge]):
                await self._on_its_own(duty.doing, partial(self._discharge, duty))
        if self._agenda.is_due([TURNS]):
            await self._on_its_own("claim", self._claim)

    async def _on_its_own(
        self, what: str, work: Callable[[], Coroutine[object, object, None]]
    ) -> None:
        going = self._busy.get(what)
        if going is None or going.done():
            going = self._busy[what] = asyncio.create_task(self._mortally(what, work))
            await asyncio.wait([going], timeout=SLOW_S)

    async def _mortally(
        self, what: str, work: Callable[[], Coroutine[object, object, None]]
    ) -> None:
        try:
            await self._guarded(what, self.process.run(what, work()))
        except Died:
            self._died = True

    async def _discharge(self, duty: Duty) -> None:
        await duty.discharge(self._station.world)

    async def _claim(self) -> None:
        world, process = self._station.world, self.process
        owner = f"{process.name}.{process.life}"
        claims = await claim_due(world, owner=owner, limit=AT_ONCE)
        self._vain = self._vain and not claims
        for claim in claims:
            journey = asyncio.create_task(self._go(claim))
            self._journeys.add(journey)
            journey.add_done_callback(self._journeys.discard)

    async def _go(self, claim: Claim) -> None:
        turn, work = claim.turn, self.process.begin("turn")
        work.turn_id, work.epoch, work.held_since_s = turn.id, turn.epoch, claim.held_since_s
        journey = advance(self._station.world, turn, held_since_s=claim.held_since_s)
        try:
            await self._guarded("turn", self.process.go_on(work, journey))
        except Died:
            return

    async def _guarded(self, what: str, work: Awaitable[object]) -> None:
        """Do what the runner does with errors: tell them, and let the row come back."""
        judge = self._stage.judge
        try:
            await work
        except KeyturnError as error:
            self._vain = True
            judge.note(self._station.process.name, what, "failed:", error.message)
            judge.search(iter([error.message]))
        except Exception as error:  # noqa: BLE001  the runner's one wide net
            judge.hear_unforeseen(f"{self._station.process.name} {what}", error)

    async def _sleep(self) -> None:
        """Sleep until something is due, or has changed; after a vain look, for a while."""
        if self._vain:
            await asyncio.sleep(VAIN_S)
        loop = asyncio.get_running_loop()
        while (left_s := self._left_s()) > 0:
            self._rung.clear()
            alarm = loop.call_later(left_s, self._rung.set)
            await self._rung.wait()
            alarm.cancel()
        await asyncio.sleep(self._chance.choice((0.01, 0.3, 1.0)))

    def _ring(self) -> None:
        """Wake up where something else has become what is slept until."""
        if not self._rung.is_set() and self._next() != self._awaited:
            self._rung.set()

    def _left_s(self) -> float:
        """Return how long nothing is due, as far as is known now."""
        due_at, _ = self._awaited = self._next()
        left_s = ASLEEP_S if due_at is None else (due_at - self._stage.wall.now()).total_seconds()
        return min(left_s, ASLEEP_S)

    def _next(self) -> tuple[datetime | None, float]:
        """Return what is slept until, and how far ahead the clock is that tells it."""
        return self._agenda.next(), self._stage.wall.ahead_s
