"""Channels and notices, as typed calls."""

from keyturn.client.calls import Calls, part
from keyturn.wire.channels import (
    Channel,
    ChannelAnswer,
    ChannelsAnswer,
    CreateChannel,
    DeliveriesAnswer,
    Delivery,
    TrialAnswer,
    UpdateChannel,
)
from keyturn.wire.notices import Notice, NoticeAnswer, NoticesAnswer

CHANNELS = "/api/v1/channels"
NOTICES = "/api/v1/notices"


class ChannelCalls(Calls):
    """What the API can be asked about channels and notices. Each raises what `Calls` says."""

    async def list_channels(self, project: str | None = None) -> tuple[Channel, ...]:
        """List the channels that hear of a project, or all that the caller may see."""
        query = {"projectId": project} if project else {}
        return (await self.call(ChannelsAnswer, "GET", CHANNELS, query=query)).channels

    async def create_channel(self, body: CreateChannel) -> Channel:
        """Create a channel; it hears of what happens from now on."""
        return (await self.call(ChannelAnswer, "POST", CHANNELS, body=body)).channel

    async def read_channel(self, channel_id: str) -> Channel:
        """Read one channel, by its id or name."""
        return (await self.call(ChannelAnswer, "GET", _at(channel_id))).channel

    async def update_channel(self, channel_id: str, body: UpdateChannel) -> Channel:
        """Change, pause or resume a channel; what the body does not name stays as it is."""
        return (await self.call(ChannelAnswer, "PATCH", _at(channel_id), body=body)).channel

    async def delete_channel(self, channel_id: str) -> Channel:
        """Delete a channel and its log."""
        return (await self.call(ChannelAnswer, "DELETE", _at(channel_id))).channel

    async def test_channel(self, channel_id: str) -> TrialAnswer:
        """Send a message of a test now, and return whether it has arrived."""
        return await self.call(TrialAnswer, "POST", f"{_at(channel_id)}/test")

    async def list_channel_deliveries(
        self, channel_id: str, limit: int = 100
    ) -> tuple[Delivery, ...]:
        """List what a channel was to bring, and what has come of it, the newest first."""
        path, query = f"{_at(channel_id)}/deliveries", {"limit": str(limit)}
        return (await self.call(DeliveriesAnswer, "GET", path, query=query)).deliveries

    async def list_notices(
        self, project: str | None = None, *, kind: str = "", limit: int = 100
    ) -> tuple[Notice, ...]:
        """List what people were told, the newest first."""
        query = {"limit": str(limit)}
        query |= {"projectId": project} if project else {}
        query |= {"kind": kind} if kind else {}
        return (await self.call(NoticesAnswer, "GET", NOTICES, query=query)).notices

    async def read_notice(self, notice_id: str) -> NoticeAnswer:
        """Read one notice, and what has come of it through each channel."""
        return await self.call(NoticeAnswer, "GET", f"{NOTICES}/{part(notice_id)}")


def _at(channel_id: str) -> str:
    return f"{CHANNELS}/{part(channel_id)}"
