"""The kinds of channels as forms ask for them: what each is, and what its fields are called."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from keyturn.domain.channel_kinds import ChannelKind, Security
from keyturn.domain.channels import Channel


@dataclass(frozen=True)
class Asked:
    """One field of a form; ``hidden`` is one that is typed and never shown again."""

    member: str
    label: str
    hint: str = ""
    needed: bool = True
    hidden: bool = False
    choices: Sequence[tuple[str, str]] = ()

    @property
    def name(self) -> str:
        """Return what the form calls it."""
        return f"{'key' if self.hidden else 'set'}-{self.member}"


@dataclass(frozen=True)
class Title:
    """What a kind is called, and what it does."""

    title: str
    lead: str
    fields: Sequence[Asked]


_SECURITY: Final = (
    (Security.STARTTLS, "STARTTLS"),
    (Security.TLS, "TLS from the first byte"),
    (Security.NONE, "None: a server on this machine"),
)
TITLES: Final[Mapping[ChannelKind, Title]] = MappingProxyType(
    {
        ChannelKind.EMAIL: Title(
            "E-mail",
            "Letters in plain text, through a mail server of yours.",
            (
                Asked("to", "To", "Addresses, with commas between them."),
                Asked("from", "From", "The address that letters come from."),
                Asked("host", "Mail server", "smtp.example.com"),
                Asked("security", "Security", needed=False, choices=_SECURITY),
                Asked("port", "Port", "Left empty, 587 or 465.", needed=False),
                Asked("user", "User", "Where it wants a log-in.", needed=False),
                Asked("password", "Password", needed=False, hidden=True),
            ),
        ),
        ChannelKind.SLACK: Title(
            "Slack",
            "A message in a channel, by an incoming webhook.",
            (
                Asked(
                    "url",
                    "Address of the webhook",
                    "https://hooks.slack.com/services/…: whoever has it may write there.",
                    hidden=True,
                ),
            ),
        ),
        ChannelKind.TEAMS: Title(
            "Teams",
            "A card in a channel, by a webhook of Workflows.",
            (
                Asked(
                    "url",
                    "Address of the webhook",
                    "From “Post to a channel when a webhook request is received”.",
                    hidden=True,
                ),
            ),
        ),
        ChannelKind.WEBHOOK: Title(
            "Webhook",
            "A signed POST to a program of yours.",
            (
                Asked("url", "Address", "https://hooks.example.com/keyturn"),
                Asked(
                    "secret",
                    "Key that it is signed by",
                    "whsec_ and 24 to 64 bytes in base64 (Standard Webhooks).",
                    hidden=True,
                ),
            ),
        ),
    }
)


def shown_settings(one: Channel) -> Sequence[tuple[str, str]]:
    """Return the settings of a channel for people; nothing of them is secret."""
    told = [(each.label, one.setting.get(each.member, "")) for each in TITLES[one.kind].fields]
    return [(name, text) for name, text in told if text]
