"""Tell people of connections that do otherwise than was told last, and of their clients' secrets.

Whoever changes how one does has it looked at soon (``look_at``); what time alone changes is looked
at then. A notice is written down together with the light that it tells, one for each change, and
brought afterwards, under the same id until it has arrived.
"""

from collections.abc import Sequence
from dataclasses import replace

import structlog

from keyturn.domain.access import Caller, Target, Verb
from keyturn.domain.errors import AddressRefused, DestinationAway
from keyturn.domain.ids import NoticeId
from keyturn.domain.notice import (
    Kind,
    Notice,
    claimed,
    delivered,
    health_to_tell,
    hushed_until,
    is_news,
    kind_of,
    outdated,
    undelivered,
    why_told,
)
from keyturn.domain.oauth.connection import Connection, GrantType, State
from keyturn.domain.oauth.health import Health, judge_secret
from keyturn.domain.oauth.lights import Light
from keyturn.domain.oauth.redirects import reauthorization_page
from keyturn.domain.oauth.registration import ClientRegistration
from keyturn.services import gate
from keyturn.services.ports import Reading, World, Writing
from keyturn.services.projects import anywhere_in, place_of, resolve_project
from keyturn.services.usage import seen_of

log = structlog.get_logger(__name__)

AT_ONCE = 20
"""How many are looked at, and how many notices are brought, at one time."""


async def list_notices(world: World, caller: Caller, *, project: str) -> Sequence[Notice]:
    """List what was told of a project's connections, the latest first. Raises Forbidden."""
    project_id, verb = await resolve_project(world, project), Verb.READ_GRANTS
    subject = f"notices of {project}"
    await gate.require(world, caller, verb, anywhere_in(project_id), subject=subject)
    async with world.store.reading() as tx:
        found = await tx.list(Notice, project_id=project_id)
    places = (Target(each.project_id, each.environment, each.secret_path) for each in found)
    seen = [each for each, at in zip(found, places, strict=True) if gate.may(caller, verb, at)]
    return seen[::-1]


async def tell_due(world: World) -> int:
    """Look at what may do otherwise by now, and bring what has not arrived; return what was seen.

    That is the number of connections and client registrations that were looked at.
    """
    looked = await _look(world)
    if world.notifier.anybody:
        await _deliver_due(world)
    return looked


# --- what is to be told ---------------------------------------------------------------------------


async def _look(world: World) -> int:
    now = world.clock.now()
    async with world.store.reading() as looking:
        if not [
            *await looking.list_due_looks(Connection, now, limit=1),
            *await looking.list_due_looks(ClientRegistration, now, limit=1),
        ]:
            return 0
    async with world.store.writing() as tx:
        clients = await tx.list_due_looks(ClientRegistration, now, limit=AT_ONCE)
        seen = await seen_of(tx, clients)
        made = [
            await _of_secret(world, tx, each, judge_secret(each, seen[each.id])) for each in clients
        ]
        connections = await tx.list_due_looks(Connection, now, limit=AT_ONCE)
        made += [await _of_connection(world, tx, each) for each in connections]
        told = [each for each in made if each]
        await tx.add(*told)
        if told:
            await tx.remove(*outdated(await tx.list(Notice), now))
    return len(made)


async def _of_connection(world: World, tx: Writing, connection: Connection) -> Notice | None:
    """Return the notice of a connection that does otherwise than was told, its secret apart."""
    health = health_to_tell(connection, world.clock.now())
    if not await _noted(world, tx, connection, health):
        return None
    notice = await _notice(world, tx, connection, Kind.CONNECTION_HEALTH, health)
    lapsed = connection.state is State.LAPSED and connection.grant_type is GrantType.CODE
    page = reauthorization_page(world.limits.public_url, connection.id)
    return replace(notice, link=page if lapsed else "")


async def _of_secret(
    world: World, tx: Writing, registration: ClientRegistration, health: Health
) -> Notice | None:
    """Return the one notice for all connections of a client whose secret does otherwise."""
    if not await _noted(world, tx, registration, health):
        return None
    kind, now = kind_of(registration, health.light), world.clock.now()
    notice = await _notice(world, tx, registration, kind, health)
    renewed = [
        each
        for each in await tx.list(Connection, registration_id=registration.id)
        if each.renewal and each.state is not State.LAPSED
    ]
    ends = [each.tokens.expires_at for each in renewed if each.tokens and each.tokens.expires_at]
    soonest = min((end for end in ends if end > now), default=None)
    well = health.light is Light.HEALTHY
    return replace(notice, connections=len(renewed), fails_at=None if well else soonest)


async def _noted(
    world: World, tx: Writing, one: Connection | ClientRegistration, health: Health
) -> bool:
    """Write down what is told by now and when to look again; say whether a notice is due."""
    now, after = world.clock.now(), health.light
    news = is_news(one.light, after)
    earlier = await tx.list(Notice, subject_id=one.id) if news else ()
    hushed = hushed_until(after, earlier, now)
    moments = [at for at in (hushed, health.fails_at) if at]
    light = one.light if hushed or after is Light.UNKNOWN else after
    await tx.replace(replace(one, light=light, look_at=min(moments, default=None)))
    return news and not hushed


async def _notice(
    world: World, tx: Reading, one: Connection | ClientRegistration, kind: Kind, health: Health
) -> Notice:
    place, now = await place_of(tx, one.folder_id), world.clock.now()
    return Notice(
        id=NoticeId(world.chance.uuid()),
        kind=kind,
        project_id=place.project.id,
        environment=place.environment.slug,
        secret_path=place.folder.path,
        subject_id=one.id,
        subject=one.name,
        before=one.light,
        after=health.light,
        told=why_told(kind, health),
        created_at=now,
        fails_at=health.fails_at,
        due_at=now if world.notifier.anybody else None,
    )


# --- how it arrives -------------------------------------------------------------------------------


async def _deliver_due(world: World) -> None:
    """Bring the oldest first; where one does not arrive, the others wait for the next time."""
    for _ in range(AT_ONCE):
        taken = await _claim(world)
        if taken is None or not await _deliver(world, taken):
            return


async def _claim(world: World) -> Notice | None:
    now = world.clock.now()
    async with world.store.reading() as looking:
        if not await looking.list_due_notices(now, limit=1):
            return None
    async with world.store.writing() as tx:
        for notice in await tx.list_due_notices(now, limit=1):
            taken = claimed(notice, now + world.limits.lease)
            await tx.replace(taken)
            return taken
    return None


async def _deliver(world: World, notice: Notice) -> bool:
    """Bring one notice and note what came of it; say whether it has arrived."""
    try:
        await world.notifier.deliver(notice, world.clock.now())
    except (DestinationAway, AddressRefused) as error:
        log.warning("not told", notice=notice.id, why=error.message)
        pause_s = error.retry_after_s if isinstance(error, DestinationAway) else None
        now = world.clock.now()
        await _keep(world, undelivered(notice, error.message, now, retry_after_s=pause_s))
        return False
    await _keep(world, delivered(notice, world.clock.now()))
    return True


async def _keep(world: World, after: Notice) -> None:
    """Write down what came of a try, unless it has arrived by another one."""
    async with world.store.writing() as tx:
        stored = await tx.find(Notice, id=after.id)
        if stored and stored.delivered_at is None:
            await tx.replace(after)
