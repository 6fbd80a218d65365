"""What every runner does at each tick, and the wide net around all that it does."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Self

import structlog

from keyturn.adapters.runner.port import Health
from keyturn.domain.errors import DatabaseAway
from keyturn.domain.turn import Turn
from keyturn.services.audit import note_head
from keyturn.services.audit_retention import archive_old
from keyturn.services.duties import DUTIES, Doing, list_due
from keyturn.services.expiry_news import tell_expiring
from keyturn.services.flow_duties import claim_due_runs
from keyturn.services.journey import advance
from keyturn.services.ports import Counted, Due, Pulse, World
from keyturn.services.retention import forget_old
from keyturn.services.runs import go_on

log = structlog.get_logger(__name__)

WITNESS_S = 60.0
"""Seconds between two notes of the audit log's head."""

FORGET_S = 3600.0
"""Seconds between two looks for what may be forgotten."""

WARN_S = 3600.0
"""Seconds between two looks for what expires before long."""


class Ticking(ABC):
    """Discharge every duty of a worker and take up due turns and runs, again and again.

    ``tick_s`` is the pause between two looks, ``concurrency`` how many are in hand at a time.
    """

    def __init__(self, world: World, *, tick_s: float, concurrency: int) -> None:
        self._world = world
        self._tick_s = tick_s
        self._concurrency = concurrency
        self._runs: set[asyncio.Task[None]] = set()
        self._owner = world.chance.uuid()
        self._stopping = asyncio.Event()
        self._firm = asyncio.Event()
        """The last look has found that this process may work; see `Vitals.footing`."""
        self._in_hand = 0
        self._found_at_s: float | None = None
        self._loops: list[asyncio.Task[None]] = []
        self._chores: dict[str, asyncio.Task[None]] = {}
        self._away: dict[Doing, float | None] = {}

    async def __aenter__(self) -> Self:
        self._world.vitals.pulse = Pulse.RUNNING
        self._world.vitals.began_at_s = self._world.clock.uptime_s()
        self._repeat(self._look, Doing.LOOKING, self._tick_s)
        self._repeat(self._once_firm(note_head), Doing.NOTING, WITNESS_S)
        self._repeat(self._once_firm(forget_old), Doing.FORGETTING, FORGET_S)
        self._repeat(self._once_firm(archive_old), Doing.ARCHIVING, FORGET_S)
        self._repeat(self._once_firm(tell_expiring), Doing.WARNING, WARN_S)
        return self

    async def __aexit__(self, *error: object) -> None:
        self._world.vitals.pulse = Pulse.STOPPING
        self._stopping.set()
        self._firm.set()  # nobody waits for it any more
        await asyncio.gather(*self._loops)
        await asyncio.gather(*self._chores.values())
        await asyncio.gather(*self._runs)

    def health(self) -> Health:
        """Say how many turns are in hand, and when the database was found last."""
        return Health(self._in_hand, self._found_at_s)

    async def _look(self) -> None:
        """Look once for all that may be due, and begin what is and is not being done already.

        Each thing is done on its own: a slow one holds up none of the others. Where nothing may be
        done, the runner is as silent as without a database, and told of as such.
        """
        due = await list_due(self._world)
        if self._world.vitals.footing:
            if not self._stopping.is_set():  # else who waits for it would hold up the stop
                self._firm.clear()
            return
        self._firm.set()
        self._found_at_s = self._world.vitals.found_at_s = self._world.clock.uptime_s()
        if Due.TURNS in due:
            self._begin(self._take_due, Doing.TAKING_TURNS)
        if Due.RUNS in due:
            self._begin(self._take_runs, Doing.TAKING_RUNS)
        for duty in DUTIES:
            if duty.of & due:
                self._begin(partial(duty.discharge, self._world), duty.doing)

    def _begin(self, work: Callable[[], Awaitable[object]], what: Doing) -> None:
        going = self._chores.get(what)
        if going is None or going.done():
            self._chores[what] = asyncio.create_task(self._guarded(work, what), name=what)

    @abstractmethod
    async def _take_due(self) -> None:
        """Take up the turns that are due."""

    async def _take_runs(self) -> None:
        """Claim runs of flows that are due, and go on with them.

        They come by no queue: most of what runs was invoked, and runs where it was.
        """
        free = self._world.seats.free(self._world.limits.flow_runs_at_once)
        room = min(self._concurrency - len(self._runs), free)
        claims = await claim_due_runs(self._world, owner=self._owner, limit=room) if room else ()
        for run in claims:
            work = partial(go_on, self._world, run)
            going = self._guarded(work, Doing.GOING_ON, run=run.id)
            task = asyncio.create_task(going, name=f"run {run.id}")
            self._runs.add(task)
            task.add_done_callback(self._runs.discard)

    def _repeat(self, work: Callable[[], Awaitable[object]], what: Doing, pause_s: float) -> None:
        """Do something again and again in a loop of its own."""

        async def loop() -> None:
            while not self._stopping.is_set():
                await self._guarded(work, what)
                await self._pause(pause_s)

        self._loops.append(asyncio.create_task(loop(), name=what))

    def _once_firm(
        self, work: Callable[[World], Awaitable[object]]
    ) -> Callable[[], Awaitable[object]]:
        """Return the same work, put off until a look has found that this process may do it."""

        async def put_off() -> None:
            await self._firm.wait()
            if not self._stopping.is_set():
                await work(self._world)

        return put_off

    async def _pause(self, seconds: float) -> None:
        """Wait so long, or until the runner is stopped."""
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return

    async def _advance(self, turn: Turn, since_s: float) -> None:
        """Advance a claimed turn, whatever happens; its row brings it back."""

        async def journey() -> None:
            await advance(self._world, turn, held_since_s=since_s)

        self._in_hand += 1
        try:
            await self._guarded(journey, Doing.ADVANCING, turn=turn.id)
        finally:
            self._in_hand -= 1

    async def _guarded(
        self, work: Callable[[], Awaitable[object]], what: Doing, **about: str
    ) -> None:
        """Keep the loop alive whatever happens; the row itself brings its turn back."""
        try:
            await work()
            self._away.pop(what, None)
        except DatabaseAway as away:
            self._note_away(what, away, about)
        except Exception as error:  # noqa: BLE001  the one wide net of a worker
            self._note_failure(what, error, about)

    def _note_away(self, what: Doing, away: DatabaseAway, about: Mapping[str, str]) -> None:
        """Log once that the database is away; it is not counted, an alert of its own tells of it.

        One that was found since, and does not work at the same thing again, is not away.
        """
        if what not in self._away:
            log.warning("database away", doing=what.value, why=away.message, **about)
        elif self._away[what] != self._found_at_s:
            self._note_failure(what, away, about)
        self._away[what] = self._found_at_s

    def _note_failure(self, what: Doing, error: Exception, about: Mapping[str, str]) -> None:
        """Log the kind of error alone: nobody can vouch for the text of an unforeseen one."""
        self._world.vitals.count(Counted.FAILURES, what)
        log.error("worker failed", doing=what.value, error=type(error).__name__, **about)
