"""Channels: created, looked at, tried, changed, paused, removed, with the log of what they brought.

Whoever says where notices go could read them there: it takes the right to edit channels in the
project that they are of, or above all projects. What is brought, and when, is in `dispatching`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from keyturn.domain import names
from keyturn.domain.access import Caller, Target, Verb
from keyturn.domain.channel_kinds import ChannelKind, checked_channel
from keyturn.domain.channels import (
    AHEAD_S,
    ALWAYS,
    Channel,
    Dispatch,
    Timing,
    checked_ahead,
    checked_kinds,
    checked_timing,
    decide_again,
    paused,
    reached,
    watching,
)
from keyturn.domain.destination import flat
from keyturn.domain.destination_kinds import require_again
from keyturn.domain.errors import (
    AddressRefused,
    DestinationAway,
    FieldProblem,
    InvalidInput,
    NotFound,
    Taken,
)
from keyturn.domain.ids import ChannelId
from keyturn.domain.notice import Kind, Notice
from keyturn.domain.notice_words import trial_of
from keyturn.domain.project import Organization, Project
from keyturn.domain.sensitive import Sensitive
from keyturn.services import gate
from keyturn.services.notices import may_see, target_of
from keyturn.services.ports import Letter, Reading, World, Writing
from keyturn.services.projects import resolve_project
from keyturn.services.records import must, read_left
from keyturn.services.sealing import open_channel, seal_channel
from keyturn.services.selectors import read_selector

LOGGED_MAX = 1000
DECIDED_AT_ONCE = 200
REACHED_BY = frozenset({"from", "to"})
"""Settings of a mail channel that lead its password nowhere else."""


@dataclass(frozen=True)
class ChannelDraft:
    """A channel as somebody asks for it; without a project it hears of all of them."""

    name: str
    kind: ChannelKind
    settings: Mapping[str, str]
    credential: Mapping[str, Sensitive] = field(repr=False)
    project: str | None = None
    selector: str = ""
    kinds: tuple[str, ...] = ()
    timing: Timing = ALWAYS
    ahead_s: int = AHEAD_S


@dataclass(frozen=True)
class ChannelChange:
    """What to change; None leaves a field as it is, settings are replaced as a whole."""

    name: str | None = None
    settings: Mapping[str, str] | None = None
    credential: Mapping[str, Sensitive] | None = field(default=None, repr=False)
    selector: str | None = None
    kinds: tuple[str, ...] | None = None
    timing: Timing | None = None
    ahead_s: int | None = None
    paused: bool | None = None


@dataclass(frozen=True)
class LogEntry:
    """A notice that a channel was to bring, and what has come of it."""

    dispatch: Dispatch
    notice: Notice


async def create_channel(world: World, caller: Caller, draft: ChannelDraft) -> Channel:
    """Store a channel; it hears of what happens from now on.

    Raises InvalidInput, AddressRefused, Forbidden, NotFound, Taken.
    """
    settings, credential = _checked(world, draft.kind, draft.settings, draft.credential)
    project_id = await resolve_project(world, draft.project) if draft.project else None
    name = names.slug("name", draft.name)
    subject = f"channel {name} ({draft.kind})"
    await gate.require(world, caller, Verb.EDIT_CHANNELS, Target(project_id), subject=subject)
    new_id, now = ChannelId(world.chance.uuid()), world.clock.now()
    async with world.store.writing() as tx:
        organization = await must(tx.find(Organization, id=caller.organization_id))
        if project_id and not await tx.find(Project, id=project_id):
            raise NotFound(f"There is no project {draft.project}.")
        await _refuse_taken_name(tx, organization, name)
        channel = Channel(
            id=new_id,
            organization_id=organization.id,
            project_id=project_id,
            name=name,
            kind=draft.kind,
            settings=flat(settings),
            created_at=now,
            updated_at=now,
            sealed=seal_channel(world, organization, new_id, credential),
            selector=_selector(world, draft.selector),
            kinds=checked_kinds(draft.kinds),
            timing=checked_timing(draft.timing),
            ahead_s=checked_ahead(draft.ahead_s),
        )
        channel = watching(channel, now)
        await tx.add(channel)
    return channel


async def list_channels(
    world: World, caller: Caller, *, project: str | None = None
) -> Sequence[Channel]:
    """List the channels that hear of a project, or all that the caller may see.

    Raises Forbidden, NotFound.
    """
    project_id = await resolve_project(world, project) if project else caller.home
    target, verb = Target(project_id, somewhere=True), Verb.READ_CHANNELS
    await gate.require(world, caller, verb, target, subject="channels")
    async with world.store.reading() as tx:
        every = await tx.list(Channel, organization_id=caller.organization_id)
    near = [each for each in every if project_id is None or each.project_id in (None, project_id)]
    return [each for each in near if gate.may(caller, verb, target_of(each))]


async def read_channel(world: World, caller: Caller, channel_id: str) -> Channel:
    """Read one channel, by its id or name. Raises NotFound, Forbidden."""
    return await _admit(world, caller, Verb.READ_CHANNELS, channel_id)


async def list_log(
    world: World, caller: Caller, channel_id: str, *, limit: int = 100
) -> Sequence[LogEntry]:
    """List the newest notices that a channel was to bring, with what has come of each.

    Raises NotFound, Forbidden, InvalidInput.
    """
    if not 1 <= limit <= LOGGED_MAX:
        raise InvalidInput(FieldProblem(("limit",), f"must be 1 to {LOGGED_MAX}"))
    channel = await _admit(world, caller, Verb.READ_CHANNELS, channel_id, "log")
    async with world.store.reading() as tx:
        ways = await tx.list_newest(Dispatch, limit=limit, channel_id=channel.id)
        ids = frozenset(each.notice_id for each in ways)
        notices = {each.id: each for each in await tx.list(Notice, id=ids)} if ids else {}
    entries = (LogEntry(each, notices[each.notice_id]) for each in ways)
    return [each for each in entries if may_see(caller, each.notice)]


async def try_channel(world: World, caller: Caller, channel_id: str) -> str:
    """Send a message that says that it is a test, now, whatever the channel waits for.

    Return why it has not arrived, or nothing. Raises NotFound, Forbidden.
    """
    channel = await _admit(world, caller, Verb.EDIT_CHANNELS, channel_id, "test")
    async with world.store.reading() as tx:
        organization = await must(tx.find(Organization, id=channel.organization_id))
    letter = Letter(
        id=world.chance.uuid(),
        at=world.clock.now(),
        message=trial_of(channel.name, world.limits.public_url),
        notices=(),
        links=(),
        settings=channel.setting,
        credential=open_channel(world, organization, channel),
    )
    try:
        await world.notifier.deliver(channel.kind, letter)
    except (DestinationAway, AddressRefused) as error:
        return error.message
    return ""


async def update_channel(
    world: World, caller: Caller, channel_id: str, change: ChannelChange
) -> Channel:
    """Change, pause or resume a channel; one that is paused hears of nothing, and forgets the rest.

    Settings that lead elsewhere need what is secret again, because that is sent to nobody else.
    Raises InvalidInput, AddressRefused, Forbidden, NotFound, Taken.
    """
    channel = await _admit(world, caller, Verb.EDIT_CHANNELS, channel_id, "change")
    async with world.store.writing() as tx:
        stored = await read_left(tx.find(Channel, id=channel.id), f"channel {channel.name}")
        organization = await must(tx.find(Organization, id=stored.organization_id))
        after = _led(world, organization, stored, change)
        if after.name != stored.name:
            await _refuse_taken_name(tx, organization, after.name)
        after = await _standing(tx, world, after, change)
        await tx.replace(after)
    return after


async def delete_channel(world: World, caller: Caller, channel_id: str) -> Channel:
    """Remove a channel and its log; notices stay. Raises NotFound, Forbidden."""
    channel = await _admit(world, caller, Verb.EDIT_CHANNELS, channel_id, "delete")
    async with world.store.writing() as tx:
        await remove_channels(tx, [channel])
    return channel


async def remove_channels(tx: Writing, channels: Sequence[Channel]) -> None:
    """Remove channels with their logs."""
    for channel in channels:
        await tx.remove(*await tx.list(Dispatch, channel_id=channel.id), channel)


async def _admit(
    world: World, caller: Caller, verb: Verb, channel_id: str, detail: str = ""
) -> Channel:
    """Find a channel and pass the gate for it; a refusal does not tell whether it is there."""
    async with world.store.reading() as tx:
        of_ours = {"organization_id": caller.organization_id}
        found = await tx.find(Channel, id=channel_id, **of_ours) or await tx.find(
            Channel, name=channel_id, **of_ours
        )
    seen = found if found and gate.may(caller, Verb.READ_CHANNELS, target_of(found)) else None
    seen = seen or (found if found and gate.may(caller, verb, target_of(found)) else None)
    target = target_of(seen) if seen else Target(caller.home, somewhere=True)
    subject = f"channel {channel_id}" + (f" ({detail})" if detail else "")
    await gate.require(world, caller, verb, target, subject=subject)
    if seen is None:
        raise NotFound(f"There is no channel {channel_id}.")
    return seen


def _led(
    world: World, organization: Organization, stored: Channel, change: ChannelChange
) -> Channel:
    """Return a channel with what leads to people, and what it hears of, as it is to be."""
    settings = stored.setting if change.settings is None else change.settings
    credential = change.credential
    if credential is None:
        credential = open_channel(world, organization, stored)
        if _way(settings) != _way(stored.setting):
            require_again(credential)
    settings, credential = _checked(world, stored.kind, settings, credential)
    return replace(
        stored,
        name=names.slug("name", change.name) if change.name else stored.name,
        settings=flat(settings),
        sealed=seal_channel(world, organization, stored.id, credential),
        selector=stored.selector if change.selector is None else _selector(world, change.selector),
        kinds=stored.kinds if change.kinds is None else checked_kinds(change.kinds),
        timing=stored.timing if change.timing is None else checked_timing(change.timing),
        ahead_s=stored.ahead_s if change.ahead_s is None else checked_ahead(change.ahead_s),
    )


async def _standing(tx: Writing, world: World, led: Channel, change: ChannelChange) -> Channel:
    """Return a changed channel, which brings what waits as if it had always been so.

    Who has it in hand writes nothing down any more.
    """
    now = world.clock.now()
    after = replace(led, updated_at=now, epoch=led.epoch + 1, leased_until=None)
    undelivered = await tx.list(Dispatch, channel_id=led.id, delivered_at=None)
    waiting = [each for each in undelivered if each.due_at]
    if change.paused or (change.paused is None and led.paused):
        still = paused(after)
        await _decide_again(tx, still, waiting)
        return still
    fresh = reached(replace(after, paused=False))
    await _decide_again(tx, fresh, waiting)
    return watching(replace(fresh, due_at=now if waiting else None), now)


async def _decide_again(tx: Writing, channel: Channel, waiting: Sequence[Dispatch]) -> None:
    """Have what waits be brought as a channel wants it now, and leave out what it does not.

    The log tells of that, but of turns to come: they are looked for anew once they are wanted.
    """
    for start in range(0, len(waiting), DECIDED_AT_ONCE):
        part = waiting[start : start + DECIDED_AT_ONCE]
        ids = frozenset(each.notice_id for each in part)
        notices = {each.id: each for each in await tx.list(Notice, id=ids)}
        now = channel.updated_at
        decided = [decide_again(each, notices[each.notice_id], channel, now) for each in part]
        await tx.replace(*(new for old, new in zip(part, decided, strict=True) if new != old))
        out = [each for each in decided if not each.due_at]
        await tx.remove(*(each for each in out if notices[each.notice_id].kind is Kind.UPCOMING))


def _checked(
    world: World,
    kind: ChannelKind,
    settings: Mapping[str, str],
    credential: Mapping[str, Sensitive],
) -> tuple[Mapping[str, str], Mapping[str, Sensitive]]:
    given, hidden = checked_channel(kind, settings, credential)
    world.notifier.check(kind, given, hidden)
    return given, hidden


def _way(settings: Mapping[str, str]) -> Mapping[str, str]:
    return {name: text.strip() for name, text in settings.items() if name not in REACHED_BY}


def _selector(world: World, text: str) -> str:
    return str(read_selector(world, text))


async def _refuse_taken_name(tx: Reading, organization: Organization, name: str) -> None:
    if await tx.find(Channel, organization_id=organization.id, name=name):
        raise Taken(f"There is a channel {name} already: choose another name.")
