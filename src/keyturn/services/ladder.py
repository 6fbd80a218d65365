"""Ask an authorization server whether it accepts a client's secret, without spending a grant.

Knows nothing of when that is asked, nor of what follows.
"""

from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from keyturn.domain.errors import AddressRefused
from keyturn.domain.oauth.answers import Reply
from keyturn.domain.oauth.connection import Connection, released
from keyturn.domain.oauth.ladder import REQUESTS, WORTHLESS, Rung, rungs, verdict
from keyturn.domain.oauth.registration import ClientRegistration, Standing
from keyturn.services.clients import Held
from keyturn.services.outbox import wake_turn_of
from keyturn.services.ports import Members, World, Writing

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Proof:
    """What a server says of a secret: None is nothing. ``by`` names the rung that told."""

    accepted: bool | None
    by: str = ""


async def climb(world: World, held: Held, *, mints: bool) -> Proof:
    """Ask rung by rung until one of them tells; ``mints`` where client credentials are its own."""
    for rung in rungs(held.client.provider, mints=mints):
        accepted = verdict(rung, await _ask(world, held, rung))
        if accepted is not None:
            return Proof(accepted, rung)
    return Proof(None)


async def _ask(world: World, held: Held, rung: Rung) -> Reply:
    try:
        return await world.servers.ask(held.client, REQUESTS[rung], _members(rung))
    except AddressRefused as error:
        log.warning("not asked", why=error.message)
        return Reply(0, sent=False)


def _members(rung: Rung) -> Members:
    match rung:
        case Rung.REFRESH:
            return {"refresh_token": WORTHLESS}
        case Rung.MINT:
            return {}
        case _:
            return {"token": WORTHLESS}


async def settle(
    tx: Writing, after: ClientRegistration, before: ClientRegistration, now: datetime
) -> None:
    """Write down how a registration stands, where that is news, and wake who waits for it."""
    if replace(after, tested_at=before.tested_at, tested_by=before.tested_by) == before:
        return
    await tx.replace(after)
    if after.standing is Standing.ACCEPTED and before.standing is not Standing.ACCEPTED:
        for each in await tx.list(Connection, registration_id=after.id):
            await tx.replace(released(each, now))
    if after.secret_id:
        await wake_turn_of(tx, after.secret_id, now)
