"""Notices as letters, over SMTP (RFC 5321) with TLS.

The server's addresses pass the guard, and the connection goes to one of those; TLS still proves the
name. Speaking to a server takes a thread, because the standard library's client waits.
"""

import asyncio
import smtplib
import socket
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from ipaddress import ip_address

import httpcore2
import structlog

from keyturn.domain.channel_kinds import Security, port_of, receivers, security_of
from keyturn.domain.errors import AddressRefused, DestinationAway
from keyturn.domain.notice_words import Message
from keyturn.domain.sensitive import Sensitive
from keyturn.network.guard import GuardedBackend
from keyturn.services.ports import Letter

log = structlog.get_logger(__name__)

PREFIX = "[Keyturn] "
WHO = "the mail server"


class PostOffice:
    """Send letters; ``limit_s`` is how long one may take in all."""

    def __init__(
        self, backend: GuardedBackend, trust: Callable[[], ssl.SSLContext], limit_s: float
    ) -> None:
        self._backend = backend
        self._trust = trust
        self._limit_s = limit_s

    async def send(self, letter: Letter) -> None:
        """Hand a letter to the mail server. Raises DestinationAway, AddressRefused."""
        talk: _Talk | None = None
        try:
            async with asyncio.timeout(self._limit_s):
                talk = await self._talk(letter)
                await asyncio.to_thread(talk.hold)
        except TimeoutError:
            raise DestinationAway(f"{WHO.capitalize()} took too long.") from None
        except smtplib.SMTPException as error:
            raise DestinationAway(_refusal(error)) from None
        except (OSError, httpcore2.ConnectError, UnicodeError) as error:
            raise DestinationAway(_silence(error)) from None
        finally:
            if talk is not None:
                talk.hang_up()

    async def _talk(self, letter: Letter) -> "_Talk":
        settings, security = letter.settings, security_of(letter.settings)
        host, port = settings["host"], port_of(settings)
        addresses = await self._backend.addresses_of(host, port)
        if security is Security.NONE and not all(ip_address(a).is_loopback for a in addresses):
            raise AddressRefused(
                "Mail goes without TLS to a server on this machine alone: set security to starttls "
                "or tls."
            )
        return _Talk(
            host=host,
            port=port,
            addresses=addresses,
            security=security,
            context=None if security is Security.NONE else self._trust(),
            login=(settings["user"], letter.credential["password"]) if "user" in settings else None,
            sender=settings["from"],
            to=receivers(settings),
            letter=composed(letter),
            limit_s=self._limit_s,
        )


@dataclass
class _Talk:
    """One talk with a mail server, in a thread of its own; `hang_up` ends it from outside."""

    host: str
    port: int
    addresses: Sequence[str]
    security: Security
    context: ssl.SSLContext | None
    login: tuple[str, Sensitive] | None
    sender: str
    to: Sequence[str]
    letter: bytes
    limit_s: float
    _socket: socket.socket | None = field(default=None, init=False)

    def hold(self) -> None:
        """Say all that there is to say. Raises SMTPException, OSError."""
        with _Client(self._connected, self.host, self.sender.partition("@")[2]) as client:
            if self.security is Security.STARTTLS:
                client.starttls(context=self.context)
                self._socket = client.sock
            if self.login:
                user, password = self.login
                client.login(user, password.reveal())
            refused = client.sendmail(self.sender, [*self.to], self.letter)
        if refused:
            log.warning("not everybody was written to", refused=len(refused), of=len(self.to))

    def hang_up(self) -> None:
        """End the connection, whoever waits on it."""
        if self._socket:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def _connected(self) -> socket.socket:
        """Connect to the first address that answers; they have passed the guard."""
        last: OSError = OSError("the name has no address")
        for address in self.addresses:
            try:
                plain = socket.create_connection((address, self.port), self.limit_s)
            except OSError as error:
                last = error
                continue
            self._socket = plain
            if self.security is Security.TLS and self.context:
                self._socket = self.context.wrap_socket(plain, server_hostname=self.host)
            return self._socket
        raise last


class _Client(smtplib.SMTP):
    """The standard library's client on a connection that somebody else makes."""

    def __init__(self, connected: Callable[[], socket.socket], host: str, name: str) -> None:
        self._connected = connected
        super().__init__(host, local_hostname=name)  # it connects, and TLS has to prove this host

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return self._connected()


def composed(letter: Letter) -> bytes:
    """Return a letter as it is sent; the policy refuses headers with more than one line."""
    settings, sender = letter.settings, letter.settings["from"]
    mail = EmailMessage(policy=SMTP)
    mail["Subject"] = PREFIX + letter.message.title
    mail["From"] = sender
    mail["To"] = ", ".join(receivers(settings))
    mail["Date"] = format_datetime(letter.at)
    mail["Message-ID"] = f"<{letter.id}@{sender.partition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence answers it
    mail.set_content(text_of(letter.message))
    return mail.as_bytes()


def text_of(message: Message) -> str:
    """Return what people read in a letter: plain text, so that no name becomes markup."""
    facts = "\n".join(f"{name}: {text}" for name, text in message.facts)
    command = f"From the command line: {message.command}" if message.command else ""
    parts = (*message.text, facts, message.link, command)
    return "\n\n".join(filter(None, parts)) + "\n"


def _refusal(error: smtplib.SMTPException) -> str:
    """Say what the server refused, by its code alone: its words may repeat what it was sent."""
    what = next((told for kind, told in _REFUSED.items() if isinstance(error, kind)), "to talk")
    code = f" ({error.smtp_code})" if isinstance(error, smtplib.SMTPResponseException) else ""
    return f"{WHO.capitalize()} refused {what}{code}: look at it, and at the channel's settings."


_REFUSED = {
    smtplib.SMTPAuthenticationError: "user and password",
    smtplib.SMTPSenderRefused: "the sender's address",
    smtplib.SMTPRecipientsRefused: "every receiver's address",
    smtplib.SMTPDataError: "the message",
    smtplib.SMTPNotSupportedError: "what the settings ask of it: it offers no STARTTLS or no login",
    smtplib.SMTPServerDisconnected: "to go on",
}


def _silence(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"The certificate of {WHO} does not prove its name by an authority that is trusted: "
            "look at the host, or set KEYTURN_CA_FILE."
        )
    kind = type(error).__name__
    return f"No answer came from {WHO} ({kind}): look at its host, port and security."
