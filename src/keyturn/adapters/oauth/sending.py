"""The way to authorization servers: one request out, one reply back.

Decides what counts as a reply, and whether a request may have arrived that got none. A request is
made once: nothing is redirected, repeated or remembered as a cookie.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from re import fullmatch

import httpx2

from keyturn.adapters.oauth.proofs import fingerprint
from keyturn.adapters.oauth.recent import Recent
from keyturn.adapters.oauth.requests import Outgoing
from keyturn.domain.oauth.answers import Reply
from keyturn.domain.sensitive import Sensitive
from keyturn.network.certificates import parse_certificate
from keyturn.network.reading import TooMuch, read_body, retry_after_s
from keyturn.services.ports import Clock

Transports = Callable[[Sensitive | None], httpx2.AsyncBaseTransport]
"""Make what leads to the network, past the guard on addresses, showing a certificate where given.

That is one with its private key, in PEM.
"""

CONNECT_S = 5.0
BODY_MAX = 1024 * 1024
TYPE_MAX = 255
WAYS_MAX = 100
NONCE = r"[!#-\[\]-~]{1,1024}"
"""The characters of RFC 9449, 8.1."""

NOTHING = Reply(0, sent=False)
NOTHING_SENT = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.LocalProtocolError,
    httpx2.UnsupportedProtocol,
    httpx2.InvalidURL,
)
BROKEN = (TimeoutError, TooMuch, httpx2.TransportError, httpx2.DecodingError)


@dataclass(frozen=True)
class Came:
    """A reply, and what it says of DPoP: a nonce, and at resources the challenge with its error."""

    reply: Reply
    nonce: str | None = None
    challenge: str = field(default="", repr=False)


class Sender:
    """Carry requests out; close it with `aclose`. Addresses are judged by who asks and the guard.

    A connection carries one request: one that was left idle may end just as it is used, and then
    nobody knows whether a refresh token is spent.
    """

    def __init__(self, clock: Clock, transport: Transports) -> None:
        self._clock = clock
        self._transport = transport
        self._ways: Recent[bytes, httpx2.AsyncBaseTransport] = Recent(WAYS_MAX)

    async def aclose(self) -> None:
        """Close every connection."""
        for way in self._ways.values():
            await way.aclose()

    async def send(
        self, asked: Outgoing, until: float, certificate: Sensitive | None = None
    ) -> Came:
        """Make a request and return what came until then, in the event loop's seconds.

        Raises AddressRefused, and InvalidInput for what is no certificate.
        """
        try:
            async with asyncio.timeout_at(until):
                return await self._exchange(asked, until, certificate)
        except NOTHING_SENT:
            return Came(NOTHING)
        except BROKEN:
            return Came(Reply(0))

    async def _exchange(self, asked: Outgoing, until: float, certificate: Sensitive | None) -> Came:
        request = _request(asked, until - asyncio.get_running_loop().time())
        answer = await self._way(certificate).handle_async_request(request)
        try:
            body = await read_body(answer, BODY_MAX)
        finally:
            await answer.aclose()
        told = answer.headers
        reply = Reply(
            answer.status_code,
            told.get("content-type", "")[:TYPE_MAX],
            body,
            retry_after_s(told, self._clock.now()),
        )
        return Came(reply, _nonce(told), told.get("www-authenticate", ""))

    def _way(self, certificate: Sensitive | None) -> httpx2.AsyncBaseTransport:
        """Return the way out that shows this certificate: making one reads all authorities.

        Nothing stays open on one that is forgotten but what is under way.
        """
        name = fingerprint(certificate) if certificate else b""
        return self._ways.find_or(name, lambda: self._opened(certificate))

    def _opened(self, certificate: Sensitive | None) -> httpx2.AsyncBaseTransport:
        if certificate:
            parse_certificate(certificate)
        try:
            return self._transport(certificate)
        except OSError as error:  # TLS does not take the certificate: its key is too short
            raise httpx2.ConnectError(type(error).__name__) from None


def _request(asked: Outgoing, limit_s: float) -> httpx2.Request:
    headers = {
        "Accept": "application/json",
        "Accept-Encoding": "identity",
        "Connection": "close",
        "User-Agent": "keyturn",
    }
    named = httpx2.Headers(headers, encoding="utf-8")
    named.update(httpx2.Headers(dict(asked.headers), encoding="utf-8"))
    timeout = httpx2.Timeout(limit_s, connect=min(CONNECT_S, limit_s))
    return httpx2.Request(
        asked.method,
        asked.url,
        headers=named,
        content=asked.body,
        extensions={"timeout": timeout.as_dict()},
    )


def _nonce(headers: Mapping[str, str]) -> str | None:
    told = headers.get("dpop-nonce", "")
    return told if fullmatch(NONCE, told) else None
