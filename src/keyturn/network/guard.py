"""The way out to the network, past the guard on addresses.

Decides which resolved addresses are connected to. The check is made on the very address that the
socket gets, so no second look at the name can lead elsewhere; TLS still proves the name.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Self

import httpcore2
import httpx2

from keyturn.domain.addresses import refuse_private, refuse_public_http
from keyturn.domain.sensitive import Sensitive
from keyturn.network.certificates import parse_certificate

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

IDLE_S = 15.0
MOST_CONNECTIONS = 100


async def resolve_by_system(host: str, port: int) -> Sequence[str]:
    """Return the IP addresses of a host as the system resolves it."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class GuardedBackend(httpcore2.AsyncNetworkBackend):
    """Connect to addresses that `domain.addresses` allows, and to no other.

    ``inner`` makes the connection; ``resolve`` turns a name into addresses; ``plain`` says that no
    TLS follows.
    """

    def __init__(
        self,
        *,
        private_allowed: bool,
        resolve: Resolve = resolve_by_system,
        inner: httpcore2.AsyncNetworkBackend | None = None,
        plain: bool = False,
    ) -> None:
        self._private_allowed = private_allowed
        self._resolve = resolve
        self._inner = inner or httpcore2.AnyIOBackend()
        self._plain = plain

    def without_tls(self) -> Self:
        """Return the same guard for plain http."""
        return type(self)(
            private_allowed=self._private_allowed,
            resolve=self._resolve,
            inner=self._inner,
            plain=True,
        )

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  # the pool's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Connect to the first address that answers, once every one of them is allowed.

        Raises AddressRefused if any is not.
        """
        try:
            async with asyncio.timeout(timeout):
                addresses = await self.addresses_of(host, port)
                share_s = timeout / len(addresses) if timeout and addresses else None
                return await self._first(addresses, port, share_s, socket_options)
        except TimeoutError:
            raise httpcore2.ConnectTimeout from None

    async def addresses_of(self, host: str, port: int) -> Sequence[str]:
        """Return every address of a host, for who connects by other means.

        Raises AddressRefused if any is not allowed, httpcore2.ConnectError where there is none.
        """
        try:
            addresses = await self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise httpcore2.ConnectError(str(error)) from None
        for address in addresses:
            refuse_private(address, private_allowed=self._private_allowed)
            if self._plain:
                refuse_public_http(address)
        return addresses

    async def _first(
        self,
        addresses: Sequence[str],
        port: int,
        share_s: float | None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None,
    ) -> httpcore2.AsyncNetworkStream:
        last: Exception = httpcore2.ConnectError("the name has no address")
        for address in addresses:
            try:
                return await self._inner.connect_tcp(
                    address, port, timeout=share_s, socket_options=socket_options
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                last = error
        raise last


class GuardedTransport(httpx2.AsyncBaseTransport):
    """Carry HTTP over guarded connections, one pool for all hosts and one for those without TLS.

    ``ca_file`` names certificate authorities to trust beside the system's, ``ca_pem`` holds some.
    ``certificate`` is shown to servers that ask for one: a chain and its key in PEM.
    Proxies of the environment are not used: behind one, the guard would see its address alone.
    """

    def __init__(
        self,
        backend: GuardedBackend,
        *,
        ca_file: Path | None,
        ca_pem: str = "",
        certificate: Sensitive | None = None,
    ) -> None:
        context = trusting(ca_file, ca_pem, certificate)
        self._tls = _Pool(backend, context)
        self._plain = _Pool(backend.without_tls(), context)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request. Raises AddressRefused for where it must not go."""
        pool = self._tls if request.url.scheme == "https" else self._plain
        return await pool.handle_async_request(request)

    async def aclose(self) -> None:
        """Close every connection."""
        await self._tls.aclose()
        await self._plain.aclose()


def trusting(
    ca_file: Path | None, ca_pem: str = "", certificate: Sensitive | None = None
) -> ssl.SSLContext:
    """Return what proves servers: by the system's authorities, and by those given."""
    if ca_file is None and not ca_pem and not certificate:
        return _system_trust()
    context = httpx2.create_ssl_context(trust_env=False)
    if ca_file is not None:
        context.load_verify_locations(ca_file)
    if ca_pem:
        context.load_verify_locations(cadata=ca_pem)
    if certificate:
        parse_certificate(certificate).show_in(context)
    return context


@cache
def _system_trust() -> ssl.SSLContext:
    """Return what trusts the system's authorities and nobody else; to read them all takes long."""
    return httpx2.create_ssl_context(trust_env=False)


class _Pool(httpx2.AsyncHTTPTransport):
    def __init__(self, backend: GuardedBackend, context: ssl.SSLContext) -> None:
        super().__init__(verify=context, trust_env=False)
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=context,
            max_connections=MOST_CONNECTIONS,
            keepalive_expiry=IDLE_S,
            network_backend=backend,
        )
