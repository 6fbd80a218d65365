"""Forget what nobody needs any more: old turns, leak reports, receipts, tokens and requests.

Decides what is forgotten when, and that it goes a little at a time, so that nobody waits for it.
Of the audit log nothing is forgotten: see `audit_retention`.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog

from keyturn.domain.identity import AccessToken
from keyturn.domain.leaks import LeakReport
from keyturn.domain.oauth.authorization import AuthorizationRequest
from keyturn.domain.secret import Receipt
from keyturn.domain.turn import Turn
from keyturn.services.ports import Reading, TurnStep, World, Writing

log = structlog.get_logger(__name__)

AT_ONCE: Final = 200
"""As many of each kind are forgotten in one transaction."""
SPENT: Final = timedelta(days=1)
"""How long what proves or asks nothing any more is kept, for those who look why it does not."""


async def forget_old(world: World) -> int:
    """Forget all that is old enough; return how much that was."""
    total = 0
    while count := await _forget_some(world):
        total += count
    if total:
        log.info("forgotten", records=total)
    return total


async def _forget_some(world: World) -> int:
    async with world.store.reading() as looking:
        if not await _old(looking, world, limit=1):
            return 0
    async with world.store.writing() as tx:
        old = await _old(tx, world, limit=AT_ONCE)
        for each in old:
            if isinstance(each, Turn):
                await tx.remove(*await tx.list(TurnStep, turn_id=each.id))
            await tx.remove(each)
    return len(old)


async def _old(
    tx: Reading | Writing, world: World, *, limit: int
) -> Sequence[Turn | LeakReport | Receipt | AccessToken | AuthorizationRequest]:
    now, kept = world.clock.now(), world.limits
    spent: datetime = now - SPENT
    return [
        *await tx.list_old(Turn, now - kept.keep_turns, limit=limit),
        *await tx.list_old(LeakReport, now - kept.keep_turns, limit=limit),
        *await tx.list_old(Receipt, now - kept.keep_receipts, limit=limit),
        *await tx.list_old(AccessToken, spent, limit=limit),
        *await tx.list_old(AuthorizationRequest, spent, limit=limit),
    ]
