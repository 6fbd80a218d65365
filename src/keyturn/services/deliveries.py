"""Bring to destinations what is due there, one worker at a time each.

Whoever has a destination in hand looks, writes down in the audit log what is about to be brought,
brings it, and writes down what was confirmed, under the epoch of its claim. After a crash or in
doubt the next one looks again: bringing the same twice changes nothing.
"""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

import structlog

from keyturn.domain.audit import Attempt
from keyturn.domain.destination import (
    Delivery,
    Destination,
    blocked,
    claimable,
    claimed,
    confirmed,
    failed,
    misnamed,
    renewed,
)
from keyturn.domain.errors import (
    AddressRefused,
    DestinationAway,
    DestinationError,
    DestinationRefused,
    Fenced,
    InvalidInput,
    KeyturnError,
    SealBroken,
)
from keyturn.domain.ids import DestinationId, SecretId
from keyturn.domain.project import Place
from keyturn.domain.secret import Secret
from keyturn.services.outbox import Piece, list_pieces, wake_turns
from keyturn.services.ports import Errand, Item, World, Writing
from keyturn.services.projects import place_of
from keyturn.services.sealing import open_authority, open_version

log = structlog.get_logger(__name__)

Become = Callable[[Destination, datetime], Destination]

AT_ONCE = 10
"""How many destinations are brought something at the same time."""
ROUND = 20
"""How many writes one claim makes at most, so that a large folder keeps nobody waiting."""
FAILURES = 3
"""After how many failures a claim tries nothing more."""
FAULTS = (DestinationError, AddressRefused, InvalidInput, SealBroken)
"""What may go wrong with a delivery, and is written down with its destination."""


async def deliver_due(world: World) -> int:
    """Bring what is due to the destinations whose time has come; return how many were looked at."""
    async with world.store.reading() as tx:
        due = await tx.list_due_destinations(world.clock.now(), limit=AT_ONCE)
    await asyncio.gather(*(_guarded(world, each.id) for each in due))
    return len(due)


async def _guarded(world: World, destination_id: DestinationId) -> None:
    """Bring what is due to one destination; what fails here keeps none of the others waiting."""
    try:
        await deliver(world, destination_id)
    except KeyturnError as error:
        log.warning("not delivered", destination=destination_id, why=error.message)


async def deliver(world: World, destination_id: DestinationId) -> None:
    """Bring to one destination what is due there, unless somebody has it in hand.

    What goes wrong is written down with the destination; nothing is raised for it.
    """
    since_s = world.clock.uptime_s()
    destination = await _claim(world, destination_id)
    if destination is None:
        return
    hold = Hold(world, destination, since_s)
    try:
        await _bring(hold)
    except Fenced as fenced:
        log.warning("delivery left to another worker", destination=destination_id, why=str(fenced))


async def _claim(world: World, destination_id: DestinationId) -> Destination | None:
    now = world.clock.now()
    async with world.store.writing() as tx:
        stored = await tx.find(Destination, id=destination_id)
        if stored is None or not claimable(stored, now):
            return None
        taken = claimed(stored, now + world.limits.lease)
        await tx.replace(taken)
    return taken


async def _bring(hold: "Hold") -> None:
    """Bring as much as one claim may, and give the destination back as it stands then."""
    while hold.goes_on and await hold.bring_next():
        pass
    await hold.give_back()


class Hold:
    """One worker's hold on one destination; ``since_s`` is from before the claim was made.

    What goes wrong with one secret keeps the others waiting only where all are brought in one
    write, or where nothing seems to go well.
    """

    def __init__(self, world: World, destination: Destination, since_s: float) -> None:
        self._world = world
        self._destination = destination
        self._since_s = since_s
        self._writes = 0
        self._failures = 0
        self._failed: dict[SecretId, KeyturnError] = {}

    @property
    def goes_on(self) -> bool:
        """Say whether this claim may make another write."""
        return self._writes < ROUND and self._failures < FAILURES

    async def bring_next(self) -> bool:
        """Bring the next thing that is due, with its intent on record first; say whether any was.

        Raises Fenced.
        """
        async with self._world.store.reading() as tx:
            pieces = self._chosen(await list_pieces(tx, self._destination))
            place = await place_of(tx, self._destination.folder_id)
        if not pieces:
            return False
        self._writes += 1
        try:
            errand = self._errand(place, pieces)
            await self._intend(place, pieces)
            shown = await self._world.carriers.deliver(self._destination.kind, errand)
        except FAULTS as error:
            self._failures += 1
            self._failed |= dict.fromkeys((each.secret.id for each in pieces), error)
        else:
            await self._confirm(pieces, shown)
        return True

    async def give_back(self) -> None:
        """Give the destination back: confirmed, with more to come at once, or with what failed."""
        errors = [*self._failed.values()]
        away = next((each for each in errors if isinstance(each, DestinationAway)), None)
        if away:
            log.warning("not delivered", destination=self._destination.id, why=away.message)
            await self._become(lambda stored, now: failed(stored, away, now))
        elif errors:
            told = errors[0].message
            log.warning("delivery blocked", destination=self._destination.id, why=told)
            await self._become(lambda stored, _: blocked(stored, told))
        elif self._writes == ROUND:
            await self._become(lambda stored, now: replace(stored, due_at=now, leased_until=None))
        else:
            await self._become(confirmed)

    def still_held(self) -> None:
        """Raise Fenced where the lease is too near its end to change anything elsewhere."""
        spent_s = self._world.clock.uptime_s() - self._since_s
        if spent_s > self._world.limits.lease.total_seconds() * 2 / 3:
            raise Fenced("The lease is too near its end to bring anything anywhere.")

    def _chosen(self, covered: Sequence[Piece]) -> Sequence[Piece]:
        """Return what is brought by the next write: one secret, or all with one that is due.

        The newest come first; after a failure another one does.
        """
        pieces = [each for each in covered if not each.left_out]
        due = [each for each in pieces if each.due]
        wrong = misnamed(self._destination, (each.secret.name for each in pieces))
        for each in pieces if due else ():
            if each.secret.name in wrong:
                self._failed[each.secret.id] = DestinationRefused(wrong[each.secret.name])
        due = [each for each in due if each.secret.id not in self._failed]
        if self._destination.in_one:
            return pieces if due and not wrong else ()
        due.sort(key=lambda each: each.version.created_at, reverse=True)
        first = self._destination.attempts % len(due) if due else 0
        return due[first : first + 1]

    def _errand(self, place: Place, pieces: Sequence[Piece]) -> Errand:
        world, destination = self._world, self._destination
        items = [
            Item(p.target, open_version(world, place.project, p.version), p.version.number)
            for p in pieces
        ]
        return Errand(
            id=_errand_id(destination, pieces),
            place=str(place),
            at=world.clock.now(),
            settings=destination.setting,
            credential=open_authority(world, place.project, destination),
            items=tuple(items),
            still_held=self.still_held,
        )

    async def _intend(self, place: Place, pieces: Sequence[Piece]) -> None:
        """Put on record what is about to be brought, and hold the destination on."""
        since_s, now = self._world.clock.uptime_s(), self._world.clock.now()
        what = ", ".join(f"{each.secret.name} version {each.version.number}" for each in pieces)
        subject = f"secrets of {place}: {what}"
        actor = f"destination {self._destination.id}"
        async with self._world.store.writing() as tx:
            stored = await self._ours(tx)
            await tx.replace(renewed(stored, now + self._world.limits.lease))
            await tx.append_audit(Attempt(now, actor, "deliver", subject, allowed=True))
        self._since_s = since_s

    async def _confirm(self, pieces: Sequence[Piece], shown: str) -> None:
        """Write down what was confirmed, and wake the turns that waited for it."""
        now, destination = self._world.clock.now(), self._destination
        async with self._world.store.writing() as tx:
            await self._ours(tx)
            for piece in pieces:
                if not await tx.find(Secret, id=piece.secret.id):
                    continue  # it was deleted meanwhile
                version = piece.version.number
                had = Delivery(destination.id, piece.secret.id, piece.target, version, now, shown)
                await _note(tx, had)
            await wake_turns(tx, destination.folder_id, now)

    async def _become(self, become: Become) -> None:
        async with self._world.store.writing() as tx:
            await tx.replace(become(await self._ours(tx), self._world.clock.now()))

    async def _ours(self, tx: Writing) -> Destination:
        """Return the destination as it is stored. Raises Fenced where this hold is over."""
        stored = await tx.find(Destination, id=self._destination.id)
        if stored is None or stored.epoch != self._destination.epoch:
            raise Fenced("Somebody else has this destination in hand, or has changed it.")
        return stored


async def _note(tx: Writing, had: Delivery) -> None:
    where = {"destination_id": had.destination_id, "secret_id": had.secret_id}
    known = await tx.find(Delivery, **where)
    await (tx.replace(had) if known else tx.add(had))


def _errand_id(destination: Destination, pieces: Sequence[Piece]) -> str:
    """Name an errand by what it brings, so that every try of it has the same name."""
    told = [f"{each.secret.id} {each.version.number} {each.target}" for each in pieces]
    digest = hashlib.sha256("\n".join([destination.id, *sorted(told)]).encode())
    return f"msg_{digest.hexdigest()[:32]}"
