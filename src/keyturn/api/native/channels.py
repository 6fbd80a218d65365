"""Channels: how notices are brought to people."""

from collections.abc import Mapping
from datetime import time
from typing import Annotated

from fastapi import APIRouter, Query

from keyturn.api.authn import TheCaller, TheWorld
from keyturn.api.lenient import LenientRoute
from keyturn.domain.channel_kinds import parse_channel_kind
from keyturn.domain.channels import AHEAD_S, Channel, Dispatch, Rhythm, Timing
from keyturn.domain.notice import Notice
from keyturn.domain.sensitive import Sensitive
from keyturn.services import channels
from keyturn.services.channels import LOGGED_MAX, ChannelChange, ChannelDraft
from keyturn.wire import channels as wire
from keyturn.wire.base import Text

router = APIRouter(prefix="/api/v1/channels", tags=["Notices"], route_class=LenientRoute)

Few = Annotated[int, Query(ge=1, le=LOGGED_MAX)]


@router.post("")
async def create_channel(
    world: TheWorld, caller: TheCaller, body: wire.CreateChannel
) -> wire.ChannelAnswer:
    """Create a channel; it hears of what happens from now on."""
    draft = ChannelDraft(
        name=body.name,
        kind=parse_channel_kind(body.kind),
        settings=body.settings,
        credential=_hidden(body.credential),
        project=body.project_id,
        selector=body.selector,
        kinds=body.kinds,
        timing=_timing(body.timing),
        ahead_s=AHEAD_S if body.ahead_s is None else body.ahead_s,
    )
    return _one(await channels.create_channel(world, caller, draft))


@router.get("")
async def list_channels(
    world: TheWorld,
    caller: TheCaller,
    project_id: Annotated[Text | None, Query(alias="projectId")] = None,
) -> wire.ChannelsAnswer:
    """List the channels that hear of a project, or all that the caller may see."""
    found = await channels.list_channels(world, caller, project=project_id)
    return wire.ChannelsAnswer(channels=tuple(map(_shown, found)))


@router.get("/{channel_id}")
async def read_channel(world: TheWorld, caller: TheCaller, channel_id: Text) -> wire.ChannelAnswer:
    """Read one channel, by its id or name; what is secret of it is never shown."""
    return _one(await channels.read_channel(world, caller, channel_id))


@router.patch("/{channel_id}")
async def update_channel(
    world: TheWorld, caller: TheCaller, channel_id: Text, body: wire.UpdateChannel
) -> wire.ChannelAnswer:
    """Change, pause or resume a channel; one that is paused hears of nothing."""
    change = ChannelChange(
        name=body.name,
        settings=body.settings,
        credential=None if body.credential is None else _hidden(body.credential),
        selector=body.selector,
        kinds=body.kinds,
        timing=None if body.timing is None else _timing(body.timing),
        ahead_s=body.ahead_s,
        paused=body.paused,
    )
    return _one(await channels.update_channel(world, caller, channel_id, change))


@router.delete("/{channel_id}")
async def delete_channel(
    world: TheWorld, caller: TheCaller, channel_id: Text
) -> wire.ChannelAnswer:
    """Delete a channel and its log; the notices stay."""
    return _one(await channels.delete_channel(world, caller, channel_id))


@router.post("/{channel_id}/test")
async def try_channel(world: TheWorld, caller: TheCaller, channel_id: Text) -> wire.TrialAnswer:
    """Send a message now that says that it is a test, and answer whether it has arrived."""
    failure = await channels.try_channel(world, caller, channel_id)
    return wire.TrialAnswer(delivered=not failure, failure=failure)


@router.get("/{channel_id}/deliveries")
async def list_channel_deliveries(
    world: TheWorld, caller: TheCaller, channel_id: Text, limit: Few = 100
) -> wire.DeliveriesAnswer:
    """List what a channel was to bring, and what has come of it, the newest first."""
    channel = await channels.read_channel(world, caller, channel_id)
    log = await channels.list_log(world, caller, channel.id, limit=limit)
    entries = (delivery(each.dispatch, each.notice, channel) for each in log)
    return wire.DeliveriesAnswer(deliveries=tuple(entries))


def delivery(dispatch: Dispatch, notice: Notice, channel: Channel) -> wire.Delivery:
    """Show the way of a notice through a channel."""
    return wire.Delivery(
        notice_id=notice.id,
        kind=notice.kind.value,
        subject=notice.subject,
        channel_id=channel.id,
        channel=channel.name,
        created_at=dispatch.created_at,
        digest=dispatch.digest,
        attempts=dispatch.attempts,
        delivered_at=dispatch.delivered_at,
        next_attempt_at=dispatch.due_at,
        failure=dispatch.failure,
    )


def _hidden(given: Mapping[str, str]) -> Mapping[str, Sensitive]:
    return {name: Sensitive(value) for name, value in given.items()}


def _timing(told: wire.Timing) -> Timing:
    return Timing(
        Rhythm(told.digest),
        told.zone,
        _clock(told.digest_at),
        _clock(told.quiet_from),
        _clock(told.quiet_to),
    )


def _clock(text: str | None) -> time | None:
    return None if text is None else time.fromisoformat(text)


def _told(at: time | None) -> str | None:
    return None if at is None else f"{at:%H:%M}"


def _one(channel: Channel) -> wire.ChannelAnswer:
    return wire.ChannelAnswer(channel=_shown(channel))


def _shown(channel: Channel) -> wire.Channel:
    timing = channel.timing
    return wire.Channel(
        id=channel.id,
        name=channel.name,
        kind=channel.kind.value,
        project_id=channel.project_id,
        settings=channel.setting,
        selector=channel.selector,
        kinds=channel.kinds,
        timing=wire.Timing(
            digest=timing.rhythm.value,
            digest_at=_told(timing.daily_at),
            zone=timing.zone,
            quiet_from=_told(timing.quiet_from),
            quiet_to=_told(timing.quiet_to),
        ),
        ahead_s=channel.ahead_s,
        paused=channel.paused,
        failing_since=channel.failing_since,
        message=channel.told,
        attempts=channel.attempts,
        next_at=channel.due_at,
        created_at=channel.created_at,
        updated_at=channel.updated_at,
    )
