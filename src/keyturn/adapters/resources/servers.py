"""The way to services: one request out, one answer back.

Decides what counts as an answer, and whether a request may have arrived that got none.
"""

import asyncio
from collections.abc import Callable
from hashlib import sha256
from typing import Final, TypeAlias

import httpx2

from keyturn.domain.addresses import resource_url
from keyturn.domain.sensitive import Sensitive
from keyturn.network.certificates import parse_certificate
from keyturn.network.reading import TooMuch, read_body, retry_after_s
from keyturn.services.ports import Clock, NoAnswer, ResourceAnswer, ResourceRequest

Transports: TypeAlias = Callable[[Sensitive | None], httpx2.AsyncBaseTransport]
"""Make what leads to the network, showing a certificate where given: one with its key, in PEM."""

CONNECT_S: Final = 10.0
WAYS_MAX: Final = 100
HEADERS_MAX: Final = 200
NOTHING_SENT: Final = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.LocalProtocolError,
    httpx2.UnsupportedProtocol,
    httpx2.InvalidURL,
)
BROKEN: Final = (httpx2.TransportError, httpx2.DecodingError)
OURS: Final = {"Accept-Encoding": "identity", "Connection": "close", "User-Agent": "keyturn"}


class HttpResourceServers:
    """Ask services (`services.ports.ResourceServers`); close it with `aclose`.

    ``transport`` makes what leads past the guard on addresses, showing a certificate where one is
    given, when it is first needed: that reads all authorities. A connection carries one request:
    one that was left idle may end just as it is used, and then nobody knows whether anything was
    done.
    """

    def __init__(
        self,
        clock: Clock,
        transport: Transports,
        *,
        private_allowed: bool = False,
    ) -> None:
        self._clock: Final = clock
        self._transport: Final = transport
        self._ways: Final[dict[bytes, httpx2.AsyncBaseTransport]] = {}
        self._private_allowed: Final = private_allowed

    async def aclose(self) -> None:
        """Close every connection."""
        for way in self._ways.values():
            await way.aclose()

    async def exchange(self, asked: ResourceRequest) -> ResourceAnswer | NoAnswer:
        """Make one request and return what came. Raises AddressRefused."""
        resource_url(asked.url, private_allowed=self._private_allowed)
        try:
            async with asyncio.timeout(asked.limit_s):
                return await self._answer(asked)
        except NOTHING_SENT as error:
            late = isinstance(error, httpx2.TimeoutException)
            return NoAnswer(sent=False, late=late, why=type(error).__name__)
        except (TimeoutError, httpx2.TimeoutException):
            return NoAnswer(sent=True, late=True, why="no answer in time")
        except BROKEN as error:
            return NoAnswer(sent=True, why=type(error).__name__)

    async def _answer(self, asked: ResourceRequest) -> ResourceAnswer:
        came = await self._way(asked.certificate).handle_async_request(_request(asked))
        cut, body = False, b""
        try:
            body = await read_body(came, asked.most_bytes)
        except TooMuch:
            cut = True
        finally:
            await came.aclose()
        named = tuple((name.lower(), value) for name, value in came.headers.multi_items())
        wait_s = retry_after_s(came.headers, self._clock.now())
        return ResourceAnswer(came.status_code, named[:HEADERS_MAX], body, cut, wait_s)

    def _way(self, certificate: Sensitive | None) -> httpx2.AsyncBaseTransport:
        """Return the way out that shows this certificate; nothing stays open on a forgotten one."""
        shown = certificate.reveal() if certificate else ""
        name = sha256(shown.encode(errors="replace")).digest()
        if name not in self._ways:
            if len(self._ways) >= WAYS_MAX:
                del self._ways[next(iter(self._ways))]
            self._ways[name] = self._opened(certificate)
        return self._ways[name]

    def _opened(self, certificate: Sensitive | None) -> httpx2.AsyncBaseTransport:
        if certificate:
            parse_certificate(certificate)
        try:
            return self._transport(certificate)
        except OSError as error:  # TLS does not take the certificate: its key is too short
            raise httpx2.ConnectError(type(error).__name__) from None


def _request(asked: ResourceRequest) -> httpx2.Request:
    headers = httpx2.Headers(OURS)
    headers.update(
        httpx2.Headers({name: _plain(each) for name, each in asked.headers.items()}, "utf-8")
    )
    timeout = httpx2.Timeout(asked.limit_s, connect=min(CONNECT_S, asked.limit_s))
    return httpx2.Request(
        asked.method,
        asked.url,
        headers=headers,
        content=asked.body or None,
        extensions={"timeout": timeout.as_dict()},
    )


def _plain(value: str | Sensitive) -> str:
    return value.reveal() if isinstance(value, Sensitive) else value
