"""When a client's secret is proved: after it has changed, and again while it is rejected."""

import asyncio
from functools import partial

import structlog

from keyturn.domain.errors import KeyturnError
from keyturn.domain.ids import RegistrationId
from keyturn.domain.oauth.connection import Connection, GrantType, State
from keyturn.domain.oauth.registration import (
    ClientRegistration,
    Scheme,
    proved,
    rejected,
    unsettled,
)
from keyturn.domain.oauth.words import why_rejected
from keyturn.services.clients import Held, is_current, open_client
from keyturn.services.ladder import Proof, climb, settle
from keyturn.services.ports import World
from keyturn.services.renewing import renew

log = structlog.get_logger(__name__)

AT_ONCE = 20
RENEWED_MAX = 3
"""How many connections one proof may cost a refresh."""


async def prove_due(world: World) -> int:
    """Ask about the secrets whose time has come; return how many registrations were looked at."""
    now = world.clock.now()
    async with world.store.reading() as looking:
        if not await looking.list_due_proofs(now, limit=1):
            return 0
    async with world.store.writing() as tx:
        due = await tx.list_due_proofs(now, limit=AT_ONCE)
        for each in due:  # so that no other worker asks as well
            await tx.replace(unsettled(each, now))
    await asyncio.gather(*(_guarded(world, each.id) for each in due))
    return len(due)


async def _guarded(world: World, registration_id: RegistrationId) -> None:
    """Prove one registration; what fails here keeps none of the others waiting."""
    try:
        await prove(world, registration_id)
    except KeyturnError as error:
        log.warning("not proved", registration=registration_id, why=error.message)


async def prove(world: World, registration_id: RegistrationId) -> ClientRegistration | None:
    """Ask whether the secret is accepted, note what came of it, and return the registration.

    Where no question tells, one of its connections is renewed: that does. None where the
    registration is gone. Raises NotReady where its secret is.
    """
    async with world.store.reading() as tx:
        registration = await tx.find(ClientRegistration, id=registration_id)
        if registration is None or registration.scheme is not Scheme.OAUTH:
            return registration
        held = await open_client(world, tx, registration)
        connections = await tx.list(Connection, registration_id=registration_id)
    mints = any(each.grant_type is GrantType.CLIENT_CREDENTIALS for each in connections)
    proof = await climb(world, held, mints=mints)
    if proof.accepted is None:
        await _renew_one(world, registration, held)
    else:
        await _note(world, registration_id, held, proof)
    async with world.store.reading() as tx:
        return await tx.find(ClientRegistration, id=registration_id)


async def _note(world: World, registration_id: RegistrationId, held: Held, proof: Proof) -> None:
    now = world.clock.now()
    async with world.store.writing() as tx:
        before = await tx.find(ClientRegistration, id=registration_id)
        if before is None or not await is_current(tx, before, held):
            return
        if proof.accepted:
            after = proved(before, held.version, now, proof.by)
        else:
            told = why_rejected()
            after = rejected(before, held.version, now, told, proof.by)
        await settle(tx, after, before, now)


async def _renew_one(world: World, registration: ClientRegistration, held: Held) -> None:
    """Renew connections, one after the other, until the answer to one tells of the secret."""
    now = world.clock.now()
    async with world.store.reading() as tx:
        every = await tx.list(Connection, registration_id=registration.id)
    able = [each for each in every if each.renewal and each.state is not State.LAPSED]
    rested = [each for each in able if each.retry_at is None or each.retry_at <= now]
    for each in sorted(rested, key=lambda one: one.attempts)[:RENEWED_MAX]:
        refused = each.tokens.number if each.tokens else None
        begin = partial(renew, world, each.id, refused=refused, ahead=True)
        await world.flights.share(each.id, begin)
        async with world.store.reading() as tx:
            after = await tx.find(ClientRegistration, id=registration.id)
        if after is None or after.tested == held.version:
            return
