"""Bring notices to people: each channel on its own, so that a dead one holds up no other.

A worker holds a channel while it brings what is due there. What came of a try is written down only
while it still holds it; a notice may arrive twice, under one id, and is never forgotten.
"""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from keyturn.domain.channels import (
    LOOK_EVERY,
    Channel,
    Dispatch,
    claimed,
    delivered,
    given_back,
    goes_first,
    missed,
    next_load,
    put_off,
    reached,
    undelivered,
)
from keyturn.domain.errors import DestinationAway, KeyturnError
from keyturn.domain.notice import Kind, Notice
from keyturn.domain.notice_words import digest_of, link_of, message_of
from keyturn.domain.project import Organization
from keyturn.domain.rotation import Rotation
from keyturn.services.notices import forget_old
from keyturn.services.ports import Letter, Reading, World, Writing
from keyturn.services.records import must
from keyturn.services.sealing import open_channel
from keyturn.services.turn_news import look_ahead, still_so

log = structlog.get_logger(__name__)

AT_ONCE = 20
"""How many channels are served at one time."""
LOADED_MAX = 200
"""As many notices as are looked at for one message."""
FAR = timedelta(days=366)


@dataclass(frozen=True)
class Held:
    """A channel in a worker's hands, and `Clock.uptime_s` from before it was taken."""

    channel: Channel
    since_s: float


async def bring_due(world: World) -> int:
    """Bring what is due through every channel; return how many messages have arrived.

    Raises what nobody has foreseen, once every other channel was served.
    """
    await forget_old(world)
    served = await asyncio.gather(
        *(_serve(world, each) for each in await _claim(world)), return_exceptions=True
    )
    for each in served:
        if isinstance(each, BaseException):
            raise each
    return sum(each for each in served if isinstance(each, int))


async def _claim(world: World) -> Sequence[Held]:
    since_s, now = world.clock.uptime_s(), world.clock.now()
    async with world.store.reading() as looking:
        if not await looking.list_due_channels(now, limit=1):
            return ()
    async with world.store.writing() as tx:
        due = await tx.list_due_channels(now, limit=AT_ONCE)
        taken = [claimed(each, now + world.limits.lease) for each in due]
        await tx.replace(*taken)
    return [Held(each, since_s) for each in taken]


async def _serve(world: World, held: Held) -> int:
    """Bring what is due through one channel, as long as that is held and something arrives."""
    channel, now = held.channel, world.clock.now()
    if channel.look_at and channel.look_at <= now and channel.wants(Kind.UPCOMING):
        await look_ahead(world, channel)
    arrived = 0
    while _has_time(world, held) and await _bring_next(world, channel):
        channel, arrived = reached(channel), arrived + 1
    async with world.store.writing() as tx:
        stored = await _still_held(tx, channel)
        if stored:
            looked = bool(stored.look_at and stored.look_at <= now)
            after = replace(stored, look_at=now + LOOK_EVERY) if looked else stored
            await tx.replace(given_back(after, await _next_at(tx, channel, now)))
    return arrived


async def _next_at(tx: Reading, channel: Channel, now: datetime) -> datetime | None:
    """Return when a channel has anything to bring next."""
    next_ones = [
        each.due_at
        for urgent in (True, False)
        for each in await tx.list_due_dispatches(channel.id, now + FAR, urgent=urgent, limit=1)
    ]
    return min(filter(None, next_ones), default=None)


def _has_time(world: World, held: Held) -> bool:
    """Say whether a call may begin: it ends before the lease does."""
    return world.clock.uptime_s() - held.since_s < world.limits.lease.total_seconds() / 3


async def _bring_next(world: World, channel: Channel) -> bool:
    """Bring what is to be brought next, and write down what came of it; say whether to go on."""
    load = await _next_load(world, channel)
    if not load:
        return False
    ways = [way for way, _ in load]
    try:
        letter = await _letter(world, channel, [notice for _, notice in load])
        await world.notifier.deliver(channel.kind, letter)
    except KeyturnError as error:
        log.warning("not told", channel=channel.id, why=error.message)
        await _keep_failure(world, channel, ways, error)
        return False
    now = world.clock.now()
    return await _keep(world, channel, [delivered(each, now) for each in ways], reached)


async def _next_load(world: World, channel: Channel) -> Sequence[tuple[Dispatch, Notice]]:
    """Return what is brought next: what is urgent apart; in quiet hours nothing else."""
    now = world.clock.now()
    async with world.store.reading() as tx:
        urgent, other = [
            await tx.list_due_dispatches(channel.id, now, urgent=each, limit=LOADED_MAX)
            for each in (True, False)
        ]
        due = goes_first(urgent, other, channel.attempts)
        ids = frozenset(each.notice_id for each in due)
        notices = {each.id: each for each in await tx.list(Notice, id=ids)} if ids else {}
        gone = frozenset([each for each in ids if not await _still_so(tx, notices[each])])
    later = [put_off(each, channel.timing, now) for each in due]
    if any(each.due_at != now for each in later):
        await _keep(world, channel, later, lambda stored: stored)
        return ()
    if gone:
        async with world.store.writing() as writing:
            await writing.remove(*(each for each in due if each.notice_id in gone))
    left = [(each, notices[each.notice_id]) for each in due if each.notice_id not in gone]
    return next_load(left, channel.kind)


async def _still_so(tx: Reading, notice: Notice) -> bool:
    """Say whether what a notice warns of is still to come; what has happened has happened."""
    if notice.kind is not Kind.UPCOMING:
        return True
    return still_so(notice, await tx.find(Rotation, id=notice.subject_id))


async def _letter(world: World, channel: Channel, notices: Sequence[Notice]) -> Letter:
    url = world.limits.public_url
    message = message_of(notices[0], url) if len(notices) == 1 else digest_of(notices, url)
    async with world.store.reading() as tx:
        organization = await must(tx.find(Organization, id=channel.organization_id))
    return Letter(
        id=_id_of([each.id for each in notices]),
        at=world.clock.now(),
        message=message,
        notices=notices,
        links=[link_of(each, url) for each in notices],
        settings=channel.setting,
        credential=open_channel(world, organization, channel),
    )


def _id_of(ids: Sequence[str]) -> str:
    """Return an id for the same notices that is the same in every try."""
    if len(ids) == 1:
        return ids[0]
    return str(UUID(bytes=hashlib.sha256(" ".join(ids).encode()).digest()[:16], version=5))


async def _keep_failure(
    world: World, channel: Channel, ways: Sequence[Dispatch], error: KeyturnError
) -> None:
    now = world.clock.now()
    pause_s = error.retry_after_s if isinstance(error, DestinationAway) else None
    why, timing = error.message, channel.timing
    after = [undelivered(each, why, now, timing, retry_after_s=pause_s) for each in ways]

    def failing(stored: Channel) -> Channel:
        return missed(stored, error.message, now, retry_after_s=pause_s)

    await _keep(world, channel, after, failing)


async def _keep(
    world: World,
    channel: Channel,
    ways: Sequence[Dispatch],
    become: Callable[[Channel], Channel],
) -> bool:
    """Write down what came of a try, while the channel is still held; say whether it is."""
    async with world.store.writing() as tx:
        stored = await _still_held(tx, channel)
        if stored is None:
            return False
        await tx.replace(*ways, become(stored))
    return True


async def _still_held(tx: Writing, channel: Channel) -> Channel | None:
    """Return a channel as it is stored, unless somebody else has it, or has changed it."""
    stored = await tx.find(Channel, id=channel.id)
    return stored if stored and stored.epoch == channel.epoch else None
