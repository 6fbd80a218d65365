"""A mail server on this machine that keeps what it is sent, and people who are reached by HTTP.

Speaks as much of SMTP as a client needs: EHLO, STARTTLS, AUTH, MAIL, RCPT, DATA, QUIT (RFC 5321).
"""

import asyncio
import base64
import json
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import httpx2
from authorization_kit import self_signed

from keyturn.adapters.delivery import ChannelNotifier
from keyturn.network.guard import GuardedBackend, trusting

HOST = "mail.example.test"
USER, PASSWORD = "keyturn", "canary-password-of-mail"
MAIL = {"host": HOST, "from": "keyturn@example.com", "to": "one@example.com, two@example.com"}


@dataclass
class MailSink:
    """A mail server; ``refuses`` are commands it says no to, by the code that it says it with.

    ``tls`` is whether TLS begins with the first byte, ``offers`` what EHLO tells of, ``unknown``
    whom it does not know.
    """

    tls: bool = False
    offers: tuple[str, ...] = ("STARTTLS", "AUTH PLAIN")
    refuses: dict[str, int] = field(default_factory=dict)
    silent: bool = False
    unknown: str = ""
    letters: list[EmailMessage] = field(default_factory=list)
    envelopes: list[tuple[str, list[str]]] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    logins: list[tuple[str, str]] = field(default_factory=list)
    secured: int = 0
    port: int = 0
    ca_file: Path | None = None
    _context: ssl.SSLContext | None = None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Hold one talk."""
        try:
            if self.silent:
                await reader.read()
                return
            await _say(writer, "220 sink")
            await self._talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        finally:
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := (await reader.readline()).decode().strip():
            self.heard.append(line)
            verb = line.split()[0].upper()
            if verb in self.refuses:
                await _say(writer, f"{self.refuses[verb]} canary of the server: {line}")
                continue
            await _say(writer, self._answer(verb, line))
            if verb == "STARTTLS":
                assert self._context
                await writer.start_tls(self._context)
                self.secured += 1
            if verb == "DATA":
                self.letters.append(_letter(await reader.readuntil(b"\r\n.\r\n")))
                await _say(writer, "250 taken")

    def _answer(self, verb: str, line: str) -> str:
        match verb:
            case "EHLO":
                told = ("sink", *self.offers)
                return "\r\n".join([*(f"250-{each}" for each in told[:-1]), f"250 {told[-1]}"])
            case "AUTH":
                _, user, password = base64.b64decode(line.split()[2]).decode().split("\0")
                self.logins.append((user, password))
                good = (user, password) == (USER, PASSWORD)
                return "235 welcome" if good else "535 canary of the server"
            case "MAIL":
                self.envelopes.append((_address(line), []))
            case "RCPT":
                if _address(line) == self.unknown:
                    return "550 canary of the server"
                self.envelopes[-1][1].append(_address(line))
        return _GOOD.get(verb, "250 ok")


_GOOD = {"STARTTLS": "220 go ahead", "DATA": "354 go on", "QUIT": "221 bye"}


async def _say(writer: asyncio.StreamWriter, text: str) -> None:
    writer.write(f"{text}\r\n".encode())
    await writer.drain()


def _address(line: str) -> str:
    return line.partition("<")[2].partition(">")[0]


def _letter(raw: bytes) -> EmailMessage:
    lines = raw.removesuffix(b".\r\n").split(b"\r\n")
    whole = b"\r\n".join(line[1:] if line.startswith(b"..") else line for line in lines)
    read = message_from_bytes(whole, policy=default)
    assert isinstance(read, EmailMessage)
    return read


@asynccontextmanager
async def mail_sink(folder: Path, **given: Any) -> AsyncIterator[MailSink]:  # noqa: ANN401
    """Serve mail on a free port, by a certificate for `HOST` of an authority of its own."""
    sink = MailSink(**given)
    chain, private = self_signed(HOST)
    sink.ca_file = folder / "mail-ca.pem"
    sink.ca_file.write_text(chain, "utf-8")
    both = folder / "mail.pem"
    both.write_text(chain + private, "utf-8")
    sink._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)  # noqa: SLF001  its own
    sink._context.load_cert_chain(both)  # noqa: SLF001  its own
    context = sink._context if sink.tls else None  # noqa: SLF001  its own
    server = await asyncio.start_server(sink.serve, "127.0.0.1", 0, ssl=context)
    sink.port = server.sockets[0].getsockname()[1]
    try:
        yield sink
    finally:
        server.close()


@dataclass
class HttpSink:
    """Whoever is posted to: it keeps what came, and answers with a status.

    What has the text ``refused`` in it, if that is any, is answered with 500.
    """

    status: int = 200
    refused: str = ""
    requests: list[httpx2.Request] = field(default_factory=list)
    headers: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        """Answer one request."""
        self.requests.append(request)
        refused = self.refused and self.refused in request.content.decode()
        status = 500 if refused else self.status
        return httpx2.Response(status, headers=self.headers, text="canary of the receiver")

    def told(self, host: str) -> list[Any]:
        """Return the bodies that were posted to a host, the oldest first."""
        return [json.loads(each.content) for each in self.requests if each.url.host == host]


async def here(host: str, port: int) -> list[str]:
    """Resolve every name to this machine."""
    return ["127.0.0.1"]


def notifier_of(
    http: HttpSink, mail: MailSink | None = None, *, trusted: bool = True, limit_s: float = 15
) -> ChannelNotifier:
    """Return who brings letters to these sinks, and trusts the mail server's authority."""
    backend = GuardedBackend(private_allowed=True, resolve=here)
    ca_file = mail.ca_file if mail and trusted else None
    return ChannelNotifier(
        httpx2.MockTransport(http), backend, lambda: trusting(ca_file), call_limit_s=limit_s
    )
