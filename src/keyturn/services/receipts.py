"""Remember who was given which version of what a rotation keeps.

Decides when a read tells something new; what a receipt says of its reader is the domain's to know.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from keyturn.domain.access import Caller
from keyturn.domain.errors import Unauthenticated
from keyturn.domain.identity import Identity
from keyturn.domain.ids import IdentityId
from keyturn.domain.secret import Copy, Receipt, Secret, Version, after_read
from keyturn.services.ports import Reading, World


@dataclass(frozen=True)
class Said:
    """What a reader has told of its copy, and when it asked, before anything was looked up."""

    copy: Copy
    asked_at: datetime


async def note_reads(
    world: World,
    caller: Caller,
    found: Sequence[tuple[Secret, Version]],
    said: Said,
) -> None:
    """Remember who holds which version of what a rotation keeps; other secrets never retire.

    A secret that was deleted meanwhile leaves nothing to remember. Raises Unauthenticated where the
    reader was: it may be given nothing any more.
    """
    kept = [(secret, version) for secret, version in found if secret.rotation_id]
    if said.copy is Copy.WITHHELD or not kept:
        return
    async with world.store.reading() as tx:
        news = [each for each in kept if await _news(tx, world, caller, each, said)]
    if not news:
        return
    async with world.store.writing() as writing:
        if await writing.find(Identity, id=caller.id) is None:
            raise Unauthenticated
        ids = frozenset(secret.id for secret, _ in news)
        there = {secret.id for secret in await writing.list(Secret, id=ids)}
        for each in news:
            if each[0].id not in there:
                continue
            receipt = await _news(writing, world, caller, each, said)
            last = await _find_receipt(writing, caller, each[0])
            if receipt:
                await (writing.replace(receipt) if last else writing.add(receipt))


async def _news(
    tx: Reading, world: World, caller: Caller, read: tuple[Secret, Version], said: Said
) -> Receipt | None:
    """Return the receipt that a read leaves, or None where it tells nothing more."""
    last = await _find_receipt(tx, caller, read[0])
    after = receipt_of(world, caller, read, last, said)
    return None if after == last else after


def receipt_of(
    world: World,
    caller: Caller,
    read: tuple[Secret, Version],
    last: Receipt | None,
    said: Said,
) -> Receipt:
    """Return the receipt after a read; the last one where the read tells nothing more."""
    secret, version = read
    now, number = world.clock.now(), version.number
    if last is None:
        return Receipt(secret.id, IdentityId(caller.id), number, number, now, number)
    return after_read(last, number, now, said.copy, asked_at=said.asked_at)


async def _find_receipt(tx: Reading, caller: Caller, secret: Secret) -> Receipt | None:
    return await tx.find(Receipt, secret_id=secret.id, identity_id=caller.id)
