"""What may be written down of a channel of each kind."""

from base64 import b64encode
from collections.abc import Mapping

import pytest

from keyturn.domain.channel_kinds import (
    ChannelKind,
    Security,
    checked_channel,
    parse_channel_kind,
    port_of,
    receivers,
    security_of,
)
from keyturn.domain.errors import InvalidInput
from keyturn.domain.sensitive import Sensitive

MAIL = {"host": "mail.example.com", "from": "keyturn@example.com", "to": "a@example.com"}
KEY = "whsec_" + b64encode(bytes(32)).decode()


def check(
    kind: ChannelKind, settings: Mapping[str, str], credential: Mapping[str, str] | None = None
) -> Mapping[str, str]:
    """Return the settings as they are kept."""
    hidden = {name: Sensitive(text) for name, text in (credential or {}).items()}
    return checked_channel(kind, settings, hidden)[0]


def test_what_fits_is_kept_without_blanks_around_it() -> None:
    """An empty setting is one that was not given."""
    assert check(ChannelKind.EMAIL, MAIL | {"host": " mail.example.com ", "port": ""}) == MAIL
    assert check(ChannelKind.SLACK, {}, {"url": "https://hooks.slack.com/services/T/B/x"}) == {}
    assert check(ChannelKind.TEAMS, {}, {"url": "https://x.logic.azure.com/workflows/1?a=b"}) == {}
    url = {"url": "https://example.com/hook"}
    assert check(ChannelKind.WEBHOOK, url, {"secret": KEY}) == url


BAD: list[tuple[ChannelKind, dict[str, str], dict[str, str], str]] = [
    (ChannelKind.EMAIL, {"host": ""}, {}, "settings.host"),
    (ChannelKind.EMAIL, {"host": "mail example"}, {}, "settings.host"),
    (ChannelKind.EMAIL, {"port": "0"}, {}, "settings.port"),
    (ChannelKind.EMAIL, {"port": "65536"}, {}, "settings.port"),
    (ChannelKind.EMAIL, {"security": "ssl"}, {}, "settings.security"),
    (ChannelKind.EMAIL, {"from": "keyturn"}, {}, "settings.from"),
    (ChannelKind.EMAIL, {"from": "k@example.com\nBcc: x@example.com"}, {}, "settings.from"),
    (ChannelKind.EMAIL, {"to": "a@example.com\r\nRCPT TO:<x@x.com>"}, {}, "settings.to"),
    (ChannelKind.EMAIL, {"to": "a@example.com b@example.com"}, {}, "settings.to"),
    (ChannelKind.EMAIL, {"to": ",".join(f"a{n}@x.com" for n in range(51))}, {}, "settings.to"),
    (ChannelKind.EMAIL, {"to": "ä@example.com"}, {}, "settings.to"),
    (ChannelKind.EMAIL, {"user": "k"}, {}, "settings.user"),
    (ChannelKind.EMAIL, {}, {"password": "canary"}, "settings.user"),
    (ChannelKind.EMAIL, {"user": "k"}, {"password": "canary\nQUIT"}, "credential.password"),
    (ChannelKind.SLACK, {}, {}, "credential.url"),
    (ChannelKind.SLACK, {"url": "https://x"}, {"url": "https://x"}, "settings.url"),
    (ChannelKind.TEAMS, {}, {"url": "canary"}, "credential.url"),
    (ChannelKind.WEBHOOK, {"url": "https://x"}, {"secret": "whsec_Y2FuYXJ5"}, "credential.secret"),
]


@pytest.mark.parametrize(("kind", "settings", "credential", "field"), BAD)
def test_what_does_not_fit_names_its_field_and_shows_no_secret(
    kind: ChannelKind, settings: dict[str, str], credential: dict[str, str], field: str
) -> None:
    """No line can be ended from within an address, and no password is repeated."""
    whole = MAIL | settings if kind is ChannelKind.EMAIL else settings
    with pytest.raises(InvalidInput) as refused:
        check(kind, whole, credential)
    assert ".".join(refused.value.problems[0].field) == field
    assert "anary" not in str(refused.value)


def test_a_mail_server_has_the_usual_port_of_its_security() -> None:
    """STARTTLS is meant where nothing else is said."""
    assert (security_of(MAIL), port_of(MAIL)) == (Security.STARTTLS, 587)
    assert port_of(MAIL | {"security": "tls"}) == 465
    assert port_of(MAIL | {"security": "none"}) == 25
    assert port_of(MAIL | {"port": "2525"}) == 2525


def test_receivers_are_written_to_once() -> None:
    """However often they were named."""
    assert receivers({"to": "a@x.com , b@x.com,a@x.com"}) == ["a@x.com", "b@x.com"]


def test_a_kind_that_is_none_is_refused() -> None:
    """The rule names those that there are."""
    assert parse_channel_kind("teams") is ChannelKind.TEAMS
    with pytest.raises(InvalidInput, match="email, slack, teams, webhook"):
        parse_channel_kind("pager")
