"""A rig with people in it: one channel of each kind, to sinks here."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mail_kit import MAIL, PASSWORD, USER, HttpSink, MailSink, mail_sink, notifier_of
from notice_kit import PUBLIC, opened_channel
from rig import Rig, rigged

from keyturn.domain.channel_kinds import ChannelKind
from keyturn.domain.notice import Kind, Notice
from keyturn.domain.rotation import Rotation
from keyturn.domain.sensitive import Sensitive
from keyturn.services.channels import ChannelChange, delete_channel, update_channel
from keyturn.services.notices import tell
from keyturn.services.turn_news import draft_of

SLACK, TEAMS, HOOK = "slack.example.com", "teams.example.com", "people.example.com"
CANARY = "canary-of-the-address"
NAMES = ("mail", "slack", "teams", "hook")

Happens = Callable[[Rig], Awaitable[object]]


@dataclass
class Town:
    """A rig, and who is told of what happens there."""

    rig: Rig
    mail: MailSink
    http: HttpSink

    async def notices(self) -> list[Notice]:
        """Return what was written down, the oldest first."""
        async with self.rig.world.store.reading() as tx:
            return [*await tx.list(Notice)]

    def letters(self) -> list[str]:
        """Return what came by mail: subjects and texts."""
        return [f"{one['Subject']}\n{one.get_content()}" for one in self.mail.letters]

    def chats(self, host: str) -> list[str]:
        """Return what came to a chat, as text."""
        return [json.dumps(each, ensure_ascii=False) for each in self.http.told(host)]

    def hooks(self) -> list[Any]:
        """Return what a program was told, one by one."""
        told = self.http.told(HOOK)
        return [one for each in told for one in each["data"].get("notices", [each])]

    def everything(self) -> str:
        """Return all that was sent to anybody."""
        raw = [each.as_string() for each in self.mail.letters]
        bodies = [each.content.decode() for each in self.http.requests]
        return "\n".join([*raw, *self.letters(), *bodies])


@asynccontextmanager
async def town(folder: Path, **channel: Any) -> AsyncIterator[Town]:  # noqa: ANN401  of each channel
    """Set up an installation with a channel of each kind, which wants what ``channel`` says."""
    async with mail_sink(folder) as mail, rigged() as rig:
        http = HttpSink()
        notifier = notifier_of(http, mail)
        limits = replace(rig.world.limits, public_url=PUBLIC, private_addresses_allowed=True)
        rig.world = replace(rig.world, notifier=notifier, limits=limits)
        by_mail = {"kind": ChannelKind.EMAIL, "credential": {"password": Sensitive(PASSWORD)}}
        settings = MAIL | {"port": str(mail.port), "user": USER}
        await opened_channel(rig, "mail", **by_mail, settings=settings, **channel)
        for kind, host in ((ChannelKind.SLACK, SLACK), (ChannelKind.TEAMS, TEAMS)):
            url = {"url": Sensitive(f"https://{host}/{CANARY}")}
            await opened_channel(rig, kind, kind=kind, settings={}, credential=url, **channel)
        await opened_channel(rig, "hook", **channel)
        yield Town(rig, mail, http)
        await notifier.aclose()


async def told_of(rig: Rig, kind: Kind = Kind.FINISHED, count: int = 1) -> None:
    """Have so many things be told of one rotation, made where there is none."""
    async with rig.world.store.reading() as looking:
        rotations = await looking.list(Rotation)
    rotation = rotations[0] if rotations else (await rig.rotation()).rotation
    async with rig.world.store.writing() as tx:
        for number in range(count):
            draft = await draft_of(tx, rig.world, rotation, kind, f"It has happened ({number}).")
            await tell(tx, rig.world, draft)


async def only(it: Town, name: str) -> None:
    """Leave one channel alone."""
    for each in NAMES:
        if each != name:
            await delete_channel(it.rig.world, it.rig.admin, each)


async def change(it: Town, name: str, **changes: Any) -> None:  # noqa: ANN401
    """Change a channel."""
    await update_channel(it.rig.world, it.rig.admin, name, ChannelChange(**changes))
