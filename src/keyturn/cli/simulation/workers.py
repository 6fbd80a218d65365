"""The processes that carry turns: each discharges its duties and claims what has come due.

Does what the runner of the product does at every tick (`services.duties`), but looks only when
something can have changed, and only for what can be due: a tick each second would cost more than
the turns.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from datetime import datetime, timedelta
from functools import partial
from operator import attrgetter
from random import Random

from keyturn.cli.simulation.processes import Died, Process
from keyturn.cli.simulation.stage import Stage, Station
from keyturn.domain.connection import OktaConnection
from keyturn.domain.destination import Destination, State
from keyturn.domain.errors import KeyturnError
from keyturn.domain.oauth.connection import Connection
from keyturn.domain.oauth.registration import ClientRegistration
from keyturn.domain.rotation import Rotation
from keyturn.domain.turn import Turn
from keyturn.services.deliveries import deliver_due
from keyturn.services.drift import reconcile_due
from keyturn.services.duties import DUTIES, Claim, Duty, claim_due
from keyturn.services.journey import advance
from keyturn.services.ports import Record, World
from keyturn.services.proving import prove_due
from keyturn.services.renewing import renew_due
from keyturn.services.turns import start_due
from keyturn.testing.memory import Backup

ASLEEP_S = 6 * 3600.0
AT_ONCE = 10
SLOW_S = 1.0
"""A duty that takes longer holds up nothing else."""
VAIN_S = 120.0
"""How long a worker rests that could not do what was due: the store may be gone."""

OF_DUTY: Mapping[Callable[[World], Awaitable[object]], type[Record]] = {
    start_due: Rotation,
    reconcile_due: OktaConnection,
    deliver_due: Destination,
    prove_due: ClientRegistration,
    renew_due: Connection,
}
"""What a duty is due for."""
DUE: Mapping[type[Record], Callable[..., datetime | None]] = {
    Turn: attrgetter("wake_at"),
    Rotation: attrgetter("next_rotation_at"),
    Destination: attrgetter("due_at"),
    OktaConnection: attrgetter("next_reconcile_at"),
    ClientRegistration: attrgetter("due_at"),
    Connection: attrgetter("due_at"),
}
"""When each of them is."""


class Worker:
    """One process that runs turns, and starts anew some time after it has died."""

    def __init__(self, stage: Stage, name: str, chance: Random) -> None:
        self._stage = stage
        self._station: Station = stage.station(name)
        self._chance = chance
        self._rung = asyncio.Event()
        self._vain = False
        self._died = False
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._journeys: set[asyncio.Task[None]] = set()
        stage.judge.bells.append(self._rung.set)
        stage.judge.chores.append(self._rung.set)

    @property
    def process(self) -> Process:
        """Return the process that it runs in."""
        return self._station.process

    async def run(self) -> None:
        """Run turns for ever."""
        while True:
            self._vain = self._is_due()
            await self._tick()
            if self._died:
                self._died = False
                await asyncio.sleep(self._chance.choice((0.5, 5.0, 120.0)))
            await self._sleep()

    async def _tick(self) -> None:
        """Do what is not being done already, each thing on its own, as the product's loops do."""
        for duty in DUTIES:
            if self._is_due(OF_DUTY.get(duty.discharge)):
                await self._on_its_own(duty.doing, partial(self._discharge, duty))
        if self._is_due(Turn):
            await self._on_its_own("claim", self._claim)

    def _is_due(self, kind: type[Record] | None = None) -> bool:
        """Say whether anything is due, of one kind or of any."""
        now, backup = self._stage.wall.now(), self._stage.store.backup()
        kinds = [kind] if kind else DUE
        return any(at <= now for each in kinds for at in self._due(backup, each))

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
        while (left_s := self._left_s()) > 0:
            self._rung.clear()
            try:
                async with asyncio.timeout(left_s):
                    await self._rung.wait()
            except TimeoutError:
                break
        await asyncio.sleep(self._chance.choice((0.01, 0.3, 1.0)))

    def _left_s(self) -> float:
        """Return how long nothing is due, as far as is known now."""
        backup = self._stage.store.backup()
        due = min(
            (at for each in DUE for at in self._due(backup, each, pressing=True)), default=None
        )
        left_s = ASLEEP_S if due is None else (due - self._stage.wall.now()).total_seconds()
        return min(left_s, ASLEEP_S)

    def _due(
        self, backup: Backup, kind: type[Record], *, pressing: bool = False
    ) -> Iterator[datetime]:
        """Tell when records of a kind are due, all of them or what is worth waking up for.

        To look at a destination that has everything is not.
        """
        for each in backup.list(kind):
            idle = pressing and isinstance(each, Destination) and each.state is State.CONFIRMED
            at: datetime | None = DUE[kind](each)
            if at and not idle and self._may_have_drifted(each):
                yield at

    def _may_have_drifted(self, connection: Record) -> bool:
        """Say whether anything at Okta has changed since the last comparison, if it is of those.

        Where nothing has, none is made.
        """
        if not isinstance(connection, OktaConnection):
            return True
        looked_at = connection.reconciled_at
        ahead = timedelta(seconds=self._stage.wall.ahead_s)
        return looked_at is None or self._stage.org.apps.changed_since(looked_at - ahead)
