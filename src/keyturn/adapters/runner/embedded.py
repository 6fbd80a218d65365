"""Run due turns inside this process.

The turn's own row is the truth; this only wakes it. A row whose worker died comes due again when
its lease ends, so running a turn twice, late or never is harmless.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Self

import structlog

from keyturn.domain.turn import Turn
from keyturn.services.journey import advance
from keyturn.services.ports import World
from keyturn.services.turns import start_due

log = structlog.get_logger(__name__)


class EmbeddedRunner:
    """Claim due turns and advance them, a bounded number at a time.

    ``tick_s`` is the pause between two looks. Use it as an async context manager: leaving it stops
    claiming and waits for the turns in hand to reach their next rest.
    """

    def __init__(self, world: World, *, tick_s: float, concurrency: int) -> None:
        self._world = world
        self._tick_s = tick_s
        self._concurrency = concurrency
        self._owner = world.chance.uuid()
        self._stopping = asyncio.Event()
        self._journeys: set[asyncio.Task[None]] = set()
        self._loop: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._loop = asyncio.create_task(self._run(), name="runner")
        return self

    async def __aexit__(self, *error: object) -> None:
        self._stopping.set()
        if self._loop:
            await self._loop
        await asyncio.gather(*self._journeys)

    async def _run(self) -> None:
        while not self._stopping.is_set():
            await self._guarded(self._start_due, "starting scheduled turns")
            await self._guarded(self._claim_due, "claiming due turns")
            try:
                await asyncio.wait_for(self._stopping.wait(), self._tick_s)
            except TimeoutError:
                continue

    async def _start_due(self) -> None:
        await start_due(self._world)

    async def _claim_due(self) -> None:
        room = self._concurrency - len(self._journeys)
        if room <= 0:
            return
        since_s, now = self._world.clock.uptime_s(), self._world.clock.now()
        async with self._world.store.writing() as tx:
            lease = self._world.limits.lease
            turns = await tx.claim_due(now, owner=self._owner, lease=lease, limit=room)
        for turn in turns:
            journey = asyncio.create_task(self._go(turn, since_s), name=f"turn {turn.id}")
            self._journeys.add(journey)
            journey.add_done_callback(self._journeys.discard)

    async def _go(self, turn: Turn, since_s: float) -> None:
        async def journey() -> None:
            await advance(self._world, turn, held_since_s=since_s)

        await self._guarded(journey, "advancing a turn", turn=turn.id)

    async def _guarded(self, work: Callable[[], Awaitable[None]], what: str, **about: str) -> None:
        """Keep the loop alive whatever happens; the row itself brings its turn back.

        Only the kind of error is logged: nobody can vouch for the text of an unforeseen one.
        """
        try:
            await work()
        except Exception as error:  # noqa: BLE001  the one wide net of a worker
            log.error("worker failed", doing=what, error=type(error).__name__, **about)
