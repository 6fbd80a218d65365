"""Letters over SMTP: proved by TLS, past the guard, and nothing breaks out of a header."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from mail_kit import HOST, MAIL, PASSWORD, USER, HttpSink, MailSink, mail_sink, notifier_of

from keyturn.adapters.delivery.mail import PostOffice, composed
from keyturn.domain.channel_kinds import ChannelKind
from keyturn.domain.errors import AddressRefused, DestinationAway
from keyturn.domain.notice_words import Message
from keyturn.domain.sensitive import Sensitive
from keyturn.network.guard import GuardedBackend, trusting
from keyturn.services.ports import Letter

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
MESSAGE = Message(
    "pay has turned",
    ("App 0oa1 has one secret.", "Nobody has to do anything."),
    (("Where", "example/prod"), ("App", "Zahlung für Köln")),
    "https://keyturn.example.com/rotations/r-1",
    "keyturn rotation show pay",
)


def letter(sink: MailSink, credential: Mapping[str, str] | None = None, **more: str) -> Letter:
    """Return a letter through a mail server."""
    hidden = {name: Sensitive(text) for name, text in (credential or {}).items()}
    settings = MAIL | {"port": str(sink.port)} | more
    return Letter("n-1", AT, MESSAGE, (), (), settings, hidden)


async def send(sink: MailSink, one: Letter, **given: Any) -> None:  # noqa: ANN401  of notifier_of
    """Send a letter."""
    notifier = notifier_of(HttpSink(), sink, **given)
    try:
        await notifier.deliver(ChannelKind.EMAIL, one)
    finally:
        await notifier.aclose()


async def test_a_letter_arrives_over_starttls_as_people_read_it(tmp_path: Path) -> None:
    """Who it is from and to, what it is about, when, and plain text; the login is behind TLS."""
    async with mail_sink(tmp_path) as sink:
        await send(sink, letter(sink, {"password": PASSWORD}, user=USER))
    (one,), (envelope,) = sink.letters, sink.envelopes
    assert envelope == ("keyturn@example.com", ["one@example.com", "two@example.com"])
    assert one["Subject"] == "[Keyturn] pay has turned"
    assert (one["From"], one["To"]) == (MAIL["from"], MAIL["to"])
    assert one["Date"].datetime == AT
    assert (one["Message-ID"], one["Auto-Submitted"]) == ("<n-1@example.com>", "auto-generated")
    assert one.get_content_type() == "text/plain"
    text = one.get_content()
    for part in (*MESSAGE.text, "Where: example/prod", "Zahlung für Köln", MESSAGE.link):
        assert part in text
    assert "From the command line: keyturn rotation show pay" in text
    assert sink.logins == [(USER, PASSWORD)]
    assert [line.split()[0] for line in sink.heard[:4]] == ["ehlo", "STARTTLS", "ehlo", "AUTH"]
    assert sink.secured == 1


async def test_a_letter_arrives_over_tls_from_the_first_byte(tmp_path: Path) -> None:
    """As servers on port 465 want it."""
    async with mail_sink(tmp_path, tls=True, offers=("8BITMIME",)) as sink:
        await send(sink, letter(sink, security="tls"))
    assert len(sink.letters) == 1


async def test_a_server_on_this_machine_needs_no_tls(tmp_path: Path) -> None:
    """And no other goes without it."""
    async with mail_sink(tmp_path, offers=("8BITMIME",)) as sink:
        await send(sink, letter(sink, security="none"))
    assert len(sink.letters) == 1

    async def elsewhere(host: str, port: int) -> list[str]:
        return ["127.0.0.1", "10.0.0.7"]

    backend = GuardedBackend(private_allowed=True, resolve=elsewhere)
    office = PostOffice(backend, lambda: trusting(None), 15)
    with pytest.raises(AddressRefused, match="this machine alone"):
        await office.send(letter(sink, security="none"))


async def test_nothing_is_sent_to_private_addresses(tmp_path: Path) -> None:
    """The guard looks at what the name of a mail server resolves to."""

    async def inside(host: str, port: int) -> list[str]:
        return ["93.184.216.34", "10.0.0.7"]

    backend = GuardedBackend(private_allowed=False, resolve=inside)
    async with mail_sink(tmp_path) as sink:
        with pytest.raises(AddressRefused, match=r"10\.0\.0\.7"):
            await PostOffice(backend, lambda: trusting(None), 15).send(letter(sink))
    assert sink.heard == []


async def test_a_server_that_offers_no_starttls_gets_nothing(tmp_path: Path) -> None:
    """Neither the password nor the letter goes in the clear."""
    async with mail_sink(tmp_path, offers=("AUTH PLAIN",)) as sink:
        with pytest.raises(DestinationAway, match="offers no STARTTLS"):
            await send(sink, letter(sink, {"password": PASSWORD}, user=USER))
    assert (sink.logins, sink.letters) == ([], [])


@pytest.mark.parametrize("tls", [False, True])
async def test_a_server_that_proves_nothing_gets_nothing(tmp_path: Path, *, tls: bool) -> None:
    """An authority that is not trusted, or another name: the error says which."""
    security = "tls" if tls else "starttls"
    async with mail_sink(tmp_path, tls=tls) as sink:
        for given in ({"trusted": False}, {}):
            host = "other.example.test" if given == {} else HOST
            with pytest.raises(DestinationAway, match="KEYTURN_CA_FILE"):
                await send(sink, letter(sink, security=security, host=host), **given)
    assert sink.letters == []


REFUSALS = [
    ({"MAIL": 550}, "the sender's address (550)"),
    ({"RCPT": 550}, "every receiver's address"),
    ({"DATA": 554}, "the message (554)"),
    ({"AUTH": 535}, "user and password (535)"),
    ({"EHLO": 500, "HELO": 500}, "refused"),
]


@pytest.mark.parametrize(("refuses", "told"), REFUSALS)
async def test_a_refusal_says_what_and_nothing_of_the_servers_words(
    tmp_path: Path, refuses: dict[str, int], told: str
) -> None:
    """The server's words may repeat what it was sent."""
    async with mail_sink(tmp_path, refuses=refuses) as sink:
        with pytest.raises(DestinationAway) as error:
            await send(sink, letter(sink, {"password": PASSWORD}, user=USER))
    assert told in error.value.message
    assert "canary" not in error.value.message


async def test_a_wrong_password_is_told_without_it(tmp_path: Path) -> None:
    """Its owner learns that the server does not take it."""
    async with mail_sink(tmp_path) as sink:
        with pytest.raises(DestinationAway, match="user and password") as error:
            await send(sink, letter(sink, {"password": "canary-wrong"}, user=USER))
    assert "canary" not in error.value.message


async def test_nobody_waits_for_a_silent_server_for_long(tmp_path: Path) -> None:
    """Its connection is ended, so that no thread is left behind."""
    async with mail_sink(tmp_path, silent=True) as sink:
        with pytest.raises(DestinationAway, match="too long"):
            await send(sink, letter(sink), limit_s=0.2)


async def test_a_server_that_is_not_there_is_away(tmp_path: Path) -> None:
    """The error names what to look at."""
    async with mail_sink(tmp_path) as sink:
        pass
    with pytest.raises(DestinationAway, match="host, port and security"):
        await send(sink, letter(sink))


async def test_one_receiver_who_is_refused_keeps_no_other_from_the_letter(tmp_path: Path) -> None:
    """It has arrived then: to send it again would reach the others twice."""
    async with mail_sink(tmp_path, unknown="one@example.com") as sink:
        await send(sink, letter(sink))
    assert sink.envelopes == [("keyturn@example.com", ["two@example.com"])]


def test_no_title_ends_its_header() -> None:
    """Whatever a title held, a letter has the headers that it is to have and no others."""
    one = letter(MailSink())
    with pytest.raises(ValueError, match="linefeed"):
        composed(replace(one, message=replace(MESSAGE, title="pay\r\nBcc: x@example.com")))
