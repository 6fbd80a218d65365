"""Notices: written down with the change that they tell of, put on their way, listed, forgotten.

`tell` is the one way to write one: in the transaction of the change itself, so that each change is
told once, whoever dies when. It is brought afterwards, by `dispatching`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from keyturn.domain.access import Caller, Target, Verb
from keyturn.domain.channels import Brought, Channel, Dispatch, awaited, decide
from keyturn.domain.errors import FieldProblem, InvalidInput, NotFound
from keyturn.domain.ids import NoticeId
from keyturn.domain.notice import KEPT, KEPT_ANYWAY, URGENT, Kind, Notice, NoticeDraft
from keyturn.services import gate
from keyturn.services.ports import Reading, World, Writing
from keyturn.services.projects import resolve_project

LISTED_MAX = 1000
FORGOTTEN_AT_ONCE = 500

VERBS: Mapping[str, Verb] = MappingProxyType(
    {
        "turn": Verb.READ_ROTATIONS,
        "secret": Verb.READ_ROTATIONS,
        "connection": Verb.READ_GRANTS,
        "registration": Verb.READ_GRANTS,
        "access": Verb.READ_CONNECTIONS,
        "rollout": Verb.READ_ROLLOUTS,
        "emergency": Verb.READ_ROLLOUTS,
        "compliance": Verb.READ_COMPLIANCE,
    }
)
"""What somebody must hold to see a notice, by the first word of its kind; else to see channels."""


@dataclass(frozen=True)
class NoticeView:
    """A notice, and its ways to people, each with the name of its channel."""

    notice: Notice
    ways: Sequence[tuple[Dispatch, Channel]]


async def tell(tx: Writing, world: World, draft: NoticeDraft) -> Notice | None:
    """Write a notice down, on its way through every channel that it is for; or None without any.

    Of connections one is written down though nobody is to be told: nothing else is on record there.
    """
    now = world.clock.now()
    channels = await tx.list(Channel, organization_id=draft.organization_id)
    ways = [(each, decide(draft, each, now)) for each in channels]
    wanted = [(each, way) for each, way in ways if isinstance(way, Brought)]
    if not wanted and draft.kind not in KEPT_ANYWAY:
        return None
    new_id = NoticeId(world.chance.uuid())
    notice = Notice(**vars(draft), id=new_id, created_at=now, forget_at=now + KEPT)
    await tx.add(notice)
    for channel, way in wanted:
        await send(tx, notice, channel, way, now)
    return notice


async def send(tx: Writing, notice: Notice, channel: Channel, way: Brought, now: datetime) -> None:
    """Put a notice on its way through a channel."""
    urgent = notice.kind in URGENT
    await tx.add(Dispatch(notice.id, channel.id, now, way.at, way.digest, urgent))
    await tx.replace(awaited(channel, way.at))


async def anybody_hears(tx: Reading) -> bool:
    """Say whether there is any channel at all; where none is, little has to be found out."""
    return any(not each.paused for each in await tx.list(Channel))


async def list_notices(
    world: World, caller: Caller, *, project: str | None = None, kind: str = "", limit: int = 100
) -> Sequence[Notice]:
    """List the newest notices, of a project or of all that the caller may see; newest first.

    Raises Forbidden, InvalidInput, NotFound.
    """
    if kind and kind not in set(Kind):
        raise InvalidInput(FieldProblem(("kind",), f"must be one of {', '.join(Kind)}"))
    if not 1 <= limit <= LISTED_MAX:
        raise InvalidInput(FieldProblem(("limit",), f"must be 1 to {LISTED_MAX}"))
    project_id = await resolve_project(world, project) if project else caller.home
    subject = f"notices of {project}" if project else "notices"
    target = Target(project_id, somewhere=True)
    await gate.require(world, caller, Verb.READ_CHANNELS, target, subject=subject)
    where: dict[str, object] = {"organization_id": caller.organization_id}
    where |= {"project_id": project_id} if project_id else {}
    where |= {"kind": Kind(kind)} if kind else {}
    async with world.store.reading() as tx:
        found = await tx.list_newest(Notice, limit=LISTED_MAX, **where)
    return [each for each in found if may_see(caller, each)][:limit]


async def read_notice(world: World, caller: Caller, notice_id: str) -> NoticeView:
    """Read one notice, and what has come of it through each channel. Raises NotFound, Forbidden."""
    async with world.store.reading() as tx:
        found = await tx.find(Notice, id=notice_id, organization_id=caller.organization_id)
        seen = found if found and may_see(caller, found) else None
        ways = await tx.list(Dispatch, notice_id=notice_id) if seen else ()
        ids = frozenset(each.channel_id for each in ways)
        channels = {each.id: each for each in await tx.list(Channel, id=ids)} if ids else {}
    target = Target(seen.project_id if seen else caller.home, somewhere=True)
    subject = f"notice {notice_id}"
    await gate.require(world, caller, Verb.READ_CHANNELS, target, subject=subject)
    if seen is None:
        raise NotFound(f"There is no notice {notice_id}.")
    shown = [(each, channels[each.channel_id]) for each in ways]
    may = [pair for pair in shown if gate.may(caller, Verb.READ_CHANNELS, target_of(pair[1]))]
    return NoticeView(seen, may)


def may_see(caller: Caller, notice: Notice) -> bool:
    """Say whether somebody may see what a notice is of."""
    verb = VERBS.get(notice.kind.partition(".")[0], Verb.READ_CHANNELS)
    place = Target(notice.project_id, notice.of.environment, notice.of.path)
    return gate.may(caller, verb, place)


def target_of(channel: Channel) -> Target:
    """Return what a channel is for the gate: something of its project, or above all of them."""
    return Target(channel.project_id)


async def forget_old(world: World) -> None:
    """Forget notices that are too old, with what has come of them."""
    now = world.clock.now()
    async with world.store.reading() as looking:
        if not await looking.list_old_notices(now, limit=1):
            return
    async with world.store.writing() as tx:
        old = await tx.list_old_notices(now, limit=FORGOTTEN_AT_ONCE)
        ids = frozenset(each.id for each in old)
        await tx.remove(*await tx.list(Dispatch, notice_id=ids), *old)
