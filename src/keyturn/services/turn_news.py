"""Tell people of turns: before they start, when they are put off, and what has become of them.

What has happened to a turn is told in the transaction in which it happens. Where nobody is to be
told, nothing is looked up: the record of a turn says it all.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from keyturn.domain.channels import Brought, Channel, Dispatch, decide
from keyturn.domain.connection import OktaConnection
from keyturn.domain.ids import NoticeId
from keyturn.domain.inventory import ListedApp, OwnerRule
from keyturn.domain.notice import KEPT, Kind, Notice, NoticeDraft, of_turn
from keyturn.domain.owners import owners_by
from keyturn.domain.project import Place
from keyturn.domain.rotation import Rotation
from keyturn.domain.selector import Subject
from keyturn.domain.turn import UNSERVED, Turn
from keyturn.services.inventory_views import Kept, subject_of
from keyturn.services.notices import anybody_hears, send, tell
from keyturn.services.ports import Reading, World, Writing
from keyturn.services.projects import place_of
from keyturn.services.records import must

HELD_UP_AFTER = timedelta(minutes=15)
"""How long a turn may wait for room in Okta's rate limit before that is told."""
LOOKED_AT_MAX = 10_000
CHUNK = 50
"""As many as are written down in one transaction."""
COMES = "Its schedule asks for a turn."


async def tell_turn(tx: Writing, world: World, before: Turn, after: Turn) -> None:
    """Tell of what has become of a turn, once its rotation knows of it."""
    kind = of_turn(before, after)
    if kind is None or not await anybody_hears(tx):
        return
    rotation = await tx.find(Rotation, id=after.rotation_id)
    if rotation:
        why = _why(kind, rotation, after)
        await tell(tx, world, await draft_of(tx, world, rotation, kind, why))


async def tell_put_off(tx: Writing, world: World, rotation: Rotation, why: str) -> None:
    """Tell that a turn that was due starts later, and why."""
    if await anybody_hears(tx):
        at = rotation.next_rotation_at
        again = f" It starts at {_told(at)}." if at else ""
        draft = await draft_of(tx, world, rotation, Kind.DEFERRED, why + again)
        await tell(tx, world, replace(draft, comes_at=at))


async def tell_held_up(tx: Writing, world: World, turn: Turn, now: datetime) -> None:
    """Tell once of a turn that Okta's rate limit has kept from beginning for long."""
    held_up = turn.phase in UNSERVED and now - turn.created_at >= HELD_UP_AFTER
    if not held_up or not await anybody_hears(tx):
        return
    rotation = await must(tx.find(Rotation, id=turn.rotation_id))
    earlier = await tx.list(Notice, subject_id=rotation.id, kind=Kind.DEFERRED)
    if not any(each.created_at >= turn.created_at for each in earlier):
        why = f"Okta's rate limit has had no room since {_told(turn.created_at)}."
        await tell(tx, world, await draft_of(tx, world, rotation, Kind.DEFERRED, why))


async def draft_of(
    tx: Reading, world: World, rotation: Rotation, kind: Kind, told: str
) -> NoticeDraft:
    """Return what is to be told of a rotation, whatever that is; ``told`` is what has happened."""
    place = await place_of(tx, rotation.folder_id)
    slug = place.project.slug
    return NoticeDraft(
        kind=kind,
        organization_id=place.project.organization_id,
        project_id=place.project.id,
        subject_id=rotation.id,
        subject=rotation.name,
        told=told,
        of=await subject_of_rotation(tx, world, rotation, place),
        page=f"/rotations/{rotation.id}",
        command=f"keyturn rotation show {rotation.name} --project {slug}",
    )


async def subject_of_rotation(
    tx: Reading, world: World, rotation: Rotation, place: Place
) -> Subject:
    """Return what a selector picks a rotation by; the label is that of the inventory, if known."""
    connection = await must(tx.find(OktaConnection, id=rotation.connection_id))
    url, organization_id = connection.instance_url, connection.organization_id
    ways = frozenset(each.id for each in await tx.list(OktaConnection, instance_url=url))
    listed = await tx.list(ListedApp, connection_id=ways, app_id=rotation.app_id)
    if listed:
        rules = await tx.list(OwnerRule, organization_id=organization_id)
        owner = owners_by(world.limits.owner_pattern, rules)(listed[0].label)
        return subject_of(listed[0], connection, owner, Kept(rotation, place))
    return Subject(
        app=rotation.app_id,
        client=rotation.client_id,
        auth=rotation.auth_method,
        connection=connection.name,
        rotation=rotation.name,
        project=place.project.slug,
        environment=place.environment.slug,
        path=place.folder.path,
    )


async def look_ahead(world: World, channel: Channel) -> None:
    """Put on their way what a channel is to tell of turns that start before long."""
    wanted = await _list_untold(world, channel)
    for start in range(0, len(wanted), CHUNK):
        async with world.store.writing() as tx:
            for draft in wanted[start : start + CHUNK]:
                await _announce(tx, world, channel, draft)


async def _list_untold(world: World, channel: Channel) -> Sequence[NoticeDraft]:
    """Return what the channel wants to hear of turns that start before long, and has not heard."""
    now = world.clock.now()
    until = now + timedelta(seconds=channel.ahead_s)
    async with world.store.reading() as tx:
        soon = await tx.list_due_rotations(until, limit=LOOKED_AT_MAX)
        times = frozenset(each.next_rotation_at for each in soon)
        told = await tx.list(Notice, kind=Kind.UPCOMING, comes_at=times) if times else ()
        ids = frozenset(each.id for each in told)
        ways = await tx.list(Dispatch, channel_id=channel.id, notice_id=ids) if ids else ()
        mine = {each.notice_id for each in ways}
        heard = {(each.subject_id, each.comes_at) for each in told if each.id in mine}
        drafts = [
            replace(await draft_of(tx, world, each, Kind.UPCOMING, COMES), comes_at=at)
            for each in soon
            if (at := each.next_rotation_at) and at > now and (each.id, at) not in heard
        ]
    return [each for each in drafts if isinstance(decide(each, channel, now), Brought)]


async def _announce(tx: Writing, world: World, channel: Channel, draft: NoticeDraft) -> None:
    """Tell a channel of one; the notice is the same for every channel."""
    now = world.clock.now()
    told = await tx.list(Notice, subject_id=draft.subject_id, kind=Kind.UPCOMING)
    notice = next((each for each in told if each.comes_at == draft.comes_at), None)
    if notice is None:
        new_id = NoticeId(world.chance.uuid())
        notice = Notice(**vars(draft), id=new_id, created_at=now, forget_at=now + KEPT)
        await tx.add(notice)
    stored = await tx.find(Channel, id=channel.id)
    if stored and isinstance(way := decide(draft, stored, now), Brought):
        await send(tx, notice, stored, way, now)


def still_so(notice: Notice, rotation: Rotation | None) -> bool:
    """Say whether what a notice warns of is still to come, by its rotation as that is now."""
    if notice.kind is not Kind.UPCOMING:
        return True
    return rotation is not None and rotation.next_rotation_at == notice.comes_at


def _why(kind: Kind, rotation: Rotation, turn: Turn) -> str:
    """Say why, and when it is tried again."""
    match kind:
        case Kind.BLOCKED:
            at = rotation.next_rotation_at
            again = f" It is tried again at {_told(at)}." if at else ""
            return f"{turn.blocked}{again}"
        case Kind.STARTED:
            return f"App {turn.app_id} gets a new {turn.rules.noun}."
        case Kind.FINISHED:
            return f"App {turn.app_id} has one {turn.rules.noun}, the one that is served."
        case _:
            return rotation.last_message or "Somebody has asked for it."


def _told(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
