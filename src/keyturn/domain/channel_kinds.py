"""The kinds of channels: the settings of each, and which of them are secret.

Decides only what may be written down; where an address leads is looked at by who goes there.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from keyturn.domain.destination_kinds import (
    WEBHOOK_KEY_RULE,
    Rule,
    is_webhook_key,
    require_fit,
)
from keyturn.domain.errors import FieldProblem, InvalidInput
from keyturn.domain.sensitive import Sensitive

RECEIVERS_MAX = 50
"""As many addresses as one channel writes to: a mailing list has room for more."""


class ChannelKind(StrEnum):
    """How people are reached."""

    EMAIL = "email"
    SLACK = "slack"
    TEAMS = "teams"
    WEBHOOK = "webhook"


class Security(StrEnum):
    """How a connection to a mail server is protected."""

    STARTTLS = "starttls"
    """By STARTTLS, without which nothing is sent (RFC 3207)."""
    TLS = "tls"
    """By TLS from the first byte (RFC 8314)."""
    NONE = "none"
    """Not at all: a server on this machine alone."""


PORTS: Mapping[Security, int] = MappingProxyType(
    {Security.STARTTLS: 587, Security.TLS: 465, Security.NONE: 25}
)


@dataclass(frozen=True)
class ChannelRules:
    """What a kind asks for; what is in ``credential`` is kept sealed and never shown."""

    settings: Mapping[str, Rule]
    credential: Mapping[str, Rule]


_ADDRESS = r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9]([A-Za-z0-9.-]{0,187}[A-Za-z0-9])?"
_MAIL = Rule(_ADDRESS, "must be an e-mail address such as keyturn@example.com")
_MAILS = Rule(rf"{_ADDRESS}( *, *{_ADDRESS})*", "must be e-mail addresses with commas between them")
_HOST = Rule(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?", "must be a host name or IP address")
_PORT = Rule(r"[1-9]\d{0,4}", "must be a port, 1 to 65535", needed=False)
_SECURITY = Rule("|".join(Security), f"must be one of {', '.join(Security)}", needed=False)
_USER = Rule(r"[^\s\x00-\x1f\x7f]{1,254}", "must have no spaces", needed=False)
_PASSWORD = Rule(r"[^\x00-\x1f\x7f]{1,1024}", "must be one line", needed=False)
_URL = Rule(
    r"https?://[!-~]{1,2040}",
    "must be https://HOST/PATH, or http:// for a private address where the server allows those",
)
_KEY = Rule(r"whsec_[A-Za-z0-9+/=]+", WEBHOOK_KEY_RULE)

RULES: Mapping[ChannelKind, ChannelRules] = MappingProxyType(
    {
        ChannelKind.EMAIL: ChannelRules(
            {
                "host": _HOST,
                "port": _PORT,
                "security": _SECURITY,
                "user": _USER,
                "from": _MAIL,
                "to": _MAILS,
            },
            {"password": _PASSWORD},
        ),
        ChannelKind.SLACK: ChannelRules({}, {"url": _URL}),
        ChannelKind.TEAMS: ChannelRules({}, {"url": _URL}),
        ChannelKind.WEBHOOK: ChannelRules({"url": _URL}, {"secret": _KEY}),
    }
)
"""The addresses of Slack's and Teams' webhooks are secrets: who has one may write there."""


def parse_channel_kind(text: str) -> ChannelKind:
    """Return a kind by its name. Raises InvalidInput."""
    if text not in set(ChannelKind):
        raise InvalidInput(FieldProblem(("kind",), "must be one of " + ", ".join(ChannelKind)))
    return ChannelKind(text)


def checked_channel(
    kind: ChannelKind, settings: Mapping[str, str], credential: Mapping[str, Sensitive]
) -> tuple[Mapping[str, str], Mapping[str, Sensitive]]:
    """Return settings and credential of a channel. Raises InvalidInput, which shows no secret."""
    given = {name: text.strip() for name, text in settings.items() if text.strip()}
    hidden = {name: each.reveal().strip() for name, each in credential.items()}
    hidden = {name: text for name, text in hidden.items() if text}
    require_fit("settings", RULES[kind].settings, given)
    require_fit("credential", RULES[kind].credential, hidden)
    if kind is ChannelKind.EMAIL:
        _require_mail(given, hidden)
    if kind is ChannelKind.WEBHOOK and not is_webhook_key(hidden["secret"]):
        raise InvalidInput(FieldProblem(("credential", "secret"), WEBHOOK_KEY_RULE))
    return given, {name: Sensitive(text) for name, text in hidden.items()}


def receivers(settings: Mapping[str, str]) -> Sequence[str]:
    """Return the addresses that a channel writes to, each once."""
    return [*dict.fromkeys(re.split(r" *, *", settings["to"]))]


def security_of(settings: Mapping[str, str]) -> Security:
    """Return how the way to a mail server is protected."""
    return Security(settings.get("security", Security.STARTTLS))


def port_of(settings: Mapping[str, str]) -> int:
    """Return the port of a mail server: the usual one, unless another is set."""
    return int(settings.get("port", PORTS[security_of(settings)]))


def _require_mail(given: Mapping[str, str], hidden: Mapping[str, str]) -> None:
    if ("user" in given) is not ("password" in hidden):
        raise InvalidInput(FieldProblem(("settings", "user"), "goes together with a password"))
    if port_of(given) > 65535:
        raise InvalidInput(FieldProblem(("settings", "port"), _PORT.told))
    if len(receivers(given)) > RECEIVERS_MAX:
        raise InvalidInput(FieldProblem(("settings", "to"), f"must be at most {RECEIVERS_MAX}"))
