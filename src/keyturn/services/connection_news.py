"""Tell people of connections that do otherwise than was told last, and of their clients' secrets.

Whoever changes how one does has it looked at soon (``look_at``); what time alone changes is looked
at then. A notice is written down together with the light that it tells, one for each change.
"""

from dataclasses import replace

from keyturn.domain.notice import (
    Kind,
    Notice,
    NoticeDraft,
    health_to_tell,
    hushed_until,
    is_news,
    kind_of,
    why_told,
)
from keyturn.domain.oauth.connection import Connection, GrantType, State
from keyturn.domain.oauth.health import Health, judge_secret
from keyturn.domain.oauth.lights import Light
from keyturn.domain.oauth.redirects import reauthorization_page
from keyturn.domain.oauth.registration import ClientRegistration
from keyturn.domain.selector import Subject
from keyturn.services.notices import tell
from keyturn.services.ports import Reading, World, Writing
from keyturn.services.projects import place_of
from keyturn.services.usage import seen_of

AT_ONCE = 20
"""How many are looked at, at one time."""


async def look_due(world: World) -> int:
    """Look at what may do otherwise by now, and write down what is to be told of it.

    Return the number of connections and client registrations that were looked at.
    """
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
        for client in clients:
            await _look_at_secret(world, tx, client, judge_secret(client, seen[client.id]))
        connections = await tx.list_due_looks(Connection, now, limit=AT_ONCE)
        for connection in connections:
            await _look_at_connection(world, tx, connection)
    return len(clients) + len(connections)


async def _look_at_connection(world: World, tx: Writing, connection: Connection) -> None:
    """Tell of a connection that does otherwise than was told, its secret apart."""
    health = health_to_tell(connection, world.clock.now())
    if not await _noted(world, tx, connection, health):
        return
    draft = await _draft(tx, connection, Kind.CONNECTION_HEALTH, health)
    asked_again = connection.state is State.LAPSED and connection.grant_type is GrantType.CODE
    page = reauthorization_page(connection.id) if asked_again else f"/connections/{connection.id}"
    await tell(tx, world, replace(draft, page=page))


async def _look_at_secret(
    world: World, tx: Writing, registration: ClientRegistration, health: Health
) -> None:
    """Tell once, for all connections of a client, that its secret does otherwise."""
    if not await _noted(world, tx, registration, health):
        return
    now = world.clock.now()
    draft = await _draft(tx, registration, kind_of(registration, health.light), health)
    renewed = [
        each
        for each in await tx.list(Connection, registration_id=registration.id)
        if each.renewal and each.state is not State.LAPSED
    ]
    ends = [each.tokens.expires_at for each in renewed if each.tokens and each.tokens.expires_at]
    soonest = min((end for end in ends if end > now), default=None)
    well = health.light is Light.HEALTHY
    page = f"/connections/registrations/{registration.id}"
    comes_at = None if well else soonest
    await tell(tx, world, replace(draft, connections=len(renewed), comes_at=comes_at, page=page))


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


async def _draft(
    tx: Reading, one: Connection | ClientRegistration, kind: Kind, health: Health
) -> NoticeDraft:
    place = await place_of(tx, one.folder_id)
    project = place.project
    noun = "connection" if kind is Kind.CONNECTION_HEALTH else "registration"
    of = Subject(project=project.slug, environment=place.environment.slug, path=place.folder.path)
    return NoticeDraft(
        kind=kind,
        organization_id=project.organization_id,
        project_id=project.id,
        subject_id=one.id,
        subject=one.name,
        told=why_told(kind, health),
        of=of,
        comes_at=health.fails_at,
        before=one.light,
        after=health.light,
        command=f"keyturn {noun} show {one.id} --project {project.slug}",
    )
