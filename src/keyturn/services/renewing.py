"""Tokens that last: whoever wants one is given one, and it is renewed once for all who wait.

Whoever renews claims the connection, writes down what it is about to send, asks, and writes down
what came, under the epoch of its claim. A refresh token that is used twice ends a grant at many
servers: after a crash or in doubt it is tried once more and never in a loop.
"""

import asyncio
import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

import structlog

from keyturn.domain.errors import (
    AddressRefused,
    DatabaseAway,
    Fenced,
    KeyturnError,
    NotReady,
    SealBroken,
)
from keyturn.domain.ids import OAuthConnectionId
from keyturn.domain.oauth.answers import (
    Fault,
    NoTokens,
    Reply,
    TokenSet,
    read_exchanged,
    read_token_answer,
)
from keyturn.domain.oauth.connection import (
    Cause,
    Connection,
    Tokens,
    cause_of,
    claimed,
    failed,
    given_back,
    lapsed,
    renewed,
    resting,
    tellable,
    tried,
)
from keyturn.domain.oauth.ladder import NATURAL
from keyturn.domain.oauth.lifetimes import KEEP_ALIVE
from keyturn.domain.oauth.provider import RequestType
from keyturn.domain.oauth.registration import ClientRegistration, proved, rejected
from keyturn.domain.oauth.token_steps import Renew, Stop, Use, Wait, next_step
from keyturn.domain.oauth.words import why_failed, why_lapsed
from keyturn.domain.project import Place
from keyturn.domain.sensitive import Sensitive
from keyturn.services.authors import why_refused
from keyturn.services.clients import (
    Held,
    OpenTokens,
    is_current,
    open_client,
    open_input,
    open_tokens,
    seal_tokens,
)
from keyturn.services.flow_events import tell_connection
from keyturn.services.ladder import climb, settle
from keyturn.services.ports import Members, World, Writing
from keyturn.services.projects import place_of
from keyturn.services.records import must
from keyturn.services.revoking import revoke

log = structlog.get_logger(__name__)

PATIENCE_S = 45.0
"""How long whoever wants a token waits for those who renew it elsewhere."""
LOOK_S = 0.1
AGAIN_S = 0.25
"""Between two tries to write down what came, while the database is away."""
AT_ONCE = 20
"""How many connections are renewed by themselves at the same time."""
LUCK_BYTES = 4
NOT_ASKED = NoTokens(Fault.AWAY, 0)
"""What is there to tell where something was missing to ask with."""
_MEANT = {True: Fault.GRANT, False: Fault.CLIENT, None: Fault.AMBIGUOUS}
"""What a refusal means that names no error, by whether the client's secret is accepted."""


@dataclass(frozen=True)
class Fresh:
    """A connection, and the tokens that are used on it now; None where it takes none."""

    connection: Connection
    tokens: OpenTokens | None


async def fresh(
    world: World, connection_id: OAuthConnectionId, *, refused: int | None = None
) -> Fresh:
    """Return tokens that can be used now, renewed first where they have to be.

    ``refused`` is the number of the token set that a resource did not accept. Raises NotReady.
    """
    return await fresh_of(world, *await _look(world, connection_id), refused=refused)


async def _look(world: World, connection_id: OAuthConnectionId) -> tuple[Connection, Place]:
    async with world.store.reading() as tx:
        connection = await must(tx.find(Connection, id=connection_id))
        return connection, await place_of(tx, connection.folder_id)


async def fresh_of(
    world: World, connection: Connection, place: Place, *, refused: int | None = None
) -> Fresh:
    """Return the same of a connection that was looked at just now, in its place."""
    since_s, connection_id = world.clock.uptime_s(), connection.id
    while True:
        match next_step(connection, world.clock.now(), refused=refused):
            case Use(tokens):
                opened = open_tokens(world, place.project, connection, tokens) if tokens else None
                return Fresh(connection, opened)
            case Stop(told, retry_at):
                raise _not_ready(told, retry_at, world.clock.now())
            case Renew():
                await world.flights.share(
                    connection_id, partial(renew, world, connection_id, refused=refused)
                )
            case Wait():
                await world.flights.share(
                    f"{connection_id} elsewhere", partial(_watch, world, connection)
                )
        if world.clock.uptime_s() - since_s > PATIENCE_S:
            raise NotReady("Another worker is renewing the token, and is slow.", retry_after_s=1.0)
        connection, place = await _look(world, connection_id)


async def _watch(world: World, before: Connection) -> None:
    """Wait until whoever holds a connection has given it back, or has had it for too long.

    One looks for all who wait in this process.
    """
    held = before
    while (
        held.epoch == before.epoch and held.leased_until and held.leased_until > world.clock.now()
    ):
        await asyncio.sleep(LOOK_S)
        async with world.store.reading() as tx:
            held = await must(tx.find(Connection, id=before.id))


def _not_ready(told: str, retry_at: datetime | None, now: datetime) -> NotReady:
    wait_s = max(1.0, (retry_at - now).total_seconds()) if retry_at else None
    return NotReady(told, retry_after_s=wait_s)


async def renew_due(world: World) -> int:
    """Renew what is due before anybody has to wait for it; return how many were looked at."""
    async with world.store.reading() as tx:
        due = await tx.list_due_renewals(world.clock.now(), limit=AT_ONCE)
    await asyncio.gather(*(_renewed_ahead(world, each.id) for each in due))
    return len(due)


async def _renewed_ahead(world: World, connection_id: OAuthConnectionId) -> None:
    """Renew one connection; what fails here keeps none of the others waiting."""
    begin = partial(renew, world, connection_id, ahead=True)
    try:
        await world.flights.share(connection_id, begin)
        await try_tokens(world, connection_id)
    except KeyturnError as error:
        log.info("not renewed", connection=connection_id, why=error.message)


async def renew(
    world: World,
    connection_id: OAuthConnectionId,
    *,
    refused: int | None = None,
    ahead: bool = False,
) -> None:
    """Renew the tokens of a connection, unless that has been done or is under way.

    What goes wrong is written down with the connection or its registration. Raises NotReady where
    the registration's secret was rejected and resting, or is gone; the connection is left alone.
    """
    hold = await _claim(world, connection_id, refused=refused, ahead=ahead)
    if hold is None:
        return
    try:
        await _settled(world, hold, await _ask(world, hold))
    except Fenced:
        log.warning("renewal left to another worker", connection=connection_id)


async def _settled(world: World, hold: "_Hold", reply: Reply) -> None:
    """Write down what came, as long as the lease lets it: it may be the only copy of a token.

    Raises DatabaseAway once it is too late for that, and Fenced.
    """
    while True:
        try:
            await _settle(world, hold, reply)
        except DatabaseAway:
            if _is_late(world, hold):
                raise
            await asyncio.sleep(AGAIN_S)
        else:
            return


async def try_tokens(world: World, connection_id: OAuthConnectionId) -> None:
    """Try whether tokens are still good of which nothing else tells, where there is a way to."""
    now = world.clock.now()
    async with world.store.reading() as tx:
        connection = await tx.find(Connection, id=connection_id)
        if connection is None or not tellable(connection):
            return
        registration = await must(tx.find(ClientRegistration, id=connection.registration_id))
        held = await open_client(world, tx, registration, connection)
    tokens = connection.tokens
    if tokens is None or not held.client.provider.check_url:
        return
    access = open_tokens(world, held.place.project, connection, tokens).access
    status = await world.servers.try_token(held.client, access, tokens.kind)
    async with world.store.writing() as writing:
        stored = await must(writing.find(Connection, id=connection_id))
        if stored.tokens == tokens:
            after = tried(stored, status, why_lapsed(Cause.NO_REFRESH), now)
            await _lapse(writing, world, stored, after)


@dataclass(frozen=True)
class _Hold:
    """A connection in one worker's hands, and what it asks with.

    ``since_s`` is `Clock.uptime_s` from before it was claimed, and ``at`` that moment.
    """

    since_s: float
    at: datetime
    connection: Connection
    registration: ClientRegistration
    held: Held
    by: RequestType
    tokens: OpenTokens | None


async def _claim(
    world: World, connection_id: OAuthConnectionId, *, refused: int | None, ahead: bool
) -> _Hold | None:
    """Take a connection in hand, with what is about to be sent written down first."""
    since_s, now = world.clock.uptime_s(), world.clock.now()
    async with world.store.writing() as tx:
        stored = await tx.find(Connection, id=connection_id)
        step = next_step(stored, now, refused=refused, ahead=ahead) if stored else None
        if stored and isinstance(step, Stop) and ahead:
            await _look_after(tx, world, stored)
        if stored is None or not isinstance(step, Renew):
            return None
        world.vitals.require_footing()  # a token is spent once: others' holds have to count
        registration = await must(tx.find(ClientRegistration, id=stored.registration_id))
        try:
            held = await open_client(world, tx, registration, stored)
        except (NotReady, SealBroken) as error:
            await tx.replace(failed(stored, NOT_ASKED, error.message, now))
            return None
        if registration.rejects(held.version, now):
            await tx.replace(resting(stored, registration.due_at, registration.told))
            return None
        project = held.place.project
        tokens = open_tokens(world, project, stored, stored.tokens) if stored.tokens else None
        taken = claimed(stored, _spent(step.by, tokens), now, world.limits.lease)
        await tx.replace(taken)
    return _Hold(since_s, now, taken, registration, held, step.by, tokens)


async def _look_after(tx: Writing, world: World, connection: Connection) -> None:
    """Have what cannot be renewed left alone; where its tokens have ended, it says so."""
    now = world.clock.now()
    ends_at = connection.tokens and connection.tokens.expires_at
    if ends_at and ends_at <= now and connection.renewal is None:
        cause = Cause.NO_REFRESH
        after = lapsed(connection, cause, why_lapsed(cause), now)
        await _lapse(tx, world, connection, after)
    elif connection.due_at and connection.due_at <= now:
        again = now + KEEP_ALIVE if tellable(connection) else None
        next_at = connection.retry_at or ends_at or again
        await tx.replace(replace(connection, due_at=next_at if next_at and next_at > now else None))


def _spent(by: RequestType, tokens: OpenTokens | None) -> bytes:
    """Return by what a renewal is recognised that may have used a refresh token up."""
    if by is not RequestType.REFRESH or not tokens or not tokens.refresh:
        return b""
    return hashlib.sha256(tokens.refresh.reveal().encode()).digest()


async def _ask(world: World, hold: _Hold) -> Reply:
    """Ask for tokens; where nothing can be asked at all, that is a reply too. Raises Fenced."""
    try:
        members = await _members(world, hold)
        _refuse_late(world, hold)
        return await world.servers.ask(hold.held.client, hold.by, members)
    except (AddressRefused, NotReady, SealBroken) as error:
        log.warning("not asked", connection=hold.connection.id, why=error.message)
        return Reply(0, sent=False)


def _refuse_late(world: World, hold: _Hold) -> None:
    """Raise Fenced where the lease is too near its end to send a refresh token.

    By the time it arrives somebody else may have used it, and a second use ends the grant.
    """
    if _is_late(world, hold):
        raise Fenced("The lease is too near its end to ask for tokens.")


def _is_late(world: World, hold: _Hold) -> bool:
    return world.clock.uptime_s() - hold.since_s > world.limits.lease.total_seconds() * 2 / 3


async def _members(world: World, hold: _Hold) -> Members:
    provider, connection = hold.held.client.provider, hold.connection
    resources = {"resource": provider.resources} if provider.resources else {}
    if hold.by is RequestType.REFRESH and hold.tokens and hold.tokens.refresh:
        return {"refresh_token": hold.tokens.refresh, **resources}
    given = open_input(world, hold.held.place.project, connection)
    subject = {}
    if connection.source_id:
        source = await fresh(world, connection.source_id)
        if source.tokens:
            subject = {"subject_token": source.tokens.access}
    scope = {"scope": provider.scope(connection.scopes)} if connection.scopes else {}
    return {**scope, **resources, **given, **subject}


# --- what came of it ------------------------------------------------------------------------------


async def _settle(world: World, hold: _Hold, reply: Reply) -> None:
    """Write down what came. Raises Fenced where somebody else has the connection by now."""
    exchanged = hold.by is RequestType.EXCHANGE
    answer = read_exchanged(reply) if exchanged else read_token_answer(reply)
    if isinstance(answer, TokenSet):
        if not await _keep(world, hold, answer):
            await revoke(world, hold.held, OpenTokens(answer.access, answer.refresh))
        return
    fault = answer.fault
    if fault is Fault.AMBIGUOUS:
        proof = await climb(world, hold.held, mints=False)
        answer = replace(answer, fault=_MEANT[proof.accepted])
    if answer.fault is Fault.CLIENT:
        await _blame_client(world, hold, answer)
    else:
        await _blame_grant(world, hold, answer)


async def _keep(world: World, hold: _Hold, answer: TokenSet) -> bool:
    """Keep new tokens; the refresh token stays as it is where no other came (RFC 6749, 6).

    Say whether they are anybody's: the connection may be gone by now. Raises Fenced.
    """
    now, luck = world.clock.now(), draw(world)
    provider = hold.held.client.provider
    async with world.store.writing() as tx:
        if await tx.find(Connection, id=hold.connection.id) is None:
            return False
        stored = await _ours(tx, hold)
        before = hold.tokens.refresh if hold.tokens else None
        tokens = sealed(world, hold.held, stored, answer, asked_at=hold.at, refresh=before)
        granted = stored.granted or stored.scopes
        if answer.scope is not None:
            granted = provider.scopes(answer.scope)
        await tx.replace(renewed(stored, tokens, granted, luck))
        registration = await must(tx.find(ClientRegistration, id=stored.registration_id))
        shown = provider.auth_for(hold.by).needs  # who shows no secret proves none
        if shown and await is_current(tx, registration, hold.held):
            after = proved(registration, hold.held.version, now, NATURAL)
            await settle(tx, after, registration, now)
    return True


def sealed(
    world: World,
    held: Held,
    connection: Connection,
    answer: TokenSet,
    *,
    asked_at: datetime,
    refresh: Sensitive | None = None,
) -> Tokens:
    """Return a token set as it is kept; ``refresh`` is used on where no other token came.

    Its life is counted from ``asked_at``: it began at some moment from then on.
    """
    number = connection.tokens.number + 1 if connection.tokens else 1
    opened = OpenTokens(answer.access, answer.refresh or refresh)
    return Tokens(
        number=number,
        sealed=seal_tokens(world, held.place.project, connection, number, opened),
        kind=answer.token_type,
        renewable=opened.refresh is not None,
        issued_at=asked_at,
        expires_at=asked_at + timedelta(seconds=answer.lifetime_s) if answer.lifetime_s else None,
        version=held.version,
    )


async def _blame_client(world: World, hold: _Hold, answer: NoTokens) -> None:
    """Note that the secret was rejected, once for all connections of the registration.

    A secret that was replaced meanwhile has nothing to do with it: the new one is tried at once.
    """
    now = world.clock.now()
    async with world.store.writing() as tx:
        stored = await _ours(tx, hold)
        before = await must(tx.find(ClientRegistration, id=stored.registration_id))
        if not await is_current(tx, before, hold.held):
            await tx.replace(given_back(stored, now))
            return
        after = rejected(before, hold.held.version, now, why_failed(answer), NATURAL)
        await settle(tx, after, before, now)
        await tx.replace(resting(given_back(stored, now), after.due_at, after.told))


async def _blame_grant(world: World, hold: _Hold, answer: NoTokens) -> None:
    now, told = world.clock.now(), why_failed(answer)
    refused = answer.fault is Fault.GRANT and hold.by is RequestType.REFRESH
    left = await why_refused(world, hold.registration, hold.connection) if refused else ""
    async with world.store.writing() as tx:
        stored = await _ours(tx, hold)
        cause = cause_of(stored, answer)
        if cause and hold.by is RequestType.REFRESH:
            after = lapsed(stored, cause, left or why_lapsed(cause), now)
            await _lapse(tx, world, stored, after)
        else:
            await tx.replace(failed(stored, answer, told, now))
    log.warning("not renewed", connection=stored.id, why=told)


async def _lapse(tx: Writing, world: World, before: Connection, after: Connection) -> None:
    """Write down a connection that may have lapsed, and start the flows that listen for that."""
    await tx.replace(after)
    await tell_connection(tx, world, before, after)


async def _ours(tx: Writing, hold: _Hold) -> Connection:
    """Return the connection as it is stored. Raises Fenced where this hold is over."""
    stored = await tx.find(Connection, id=hold.connection.id)
    if stored is None or stored.epoch != hold.connection.epoch:
        raise Fenced("Somebody else has this connection in hand, or has authorized it anew.")
    return stored


def draw(world: World) -> float:
    """Return a number from 0 to 1 that spreads out what would come due together."""
    drawn = int.from_bytes(world.chance.random_bytes(LUCK_BYTES))
    return drawn / float(2 ** (8 * LUCK_BYTES) - 1)
