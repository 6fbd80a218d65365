"""No connection is made to an address that Keyturn does not go to."""

import asyncio
from collections.abc import Iterable, Sequence

import httpcore2
import httpx2
import pytest

from keyturn.domain.errors import AddressRefused
from keyturn.network.guard import GuardedBackend, GuardedTransport, resolve_by_system

NAMES = {
    "public.test": ["93.184.215.14"],
    "two.test": ["2606:2800:21f:cb07:6820:80da:af6b:8b2c", "93.184.215.14"],
    "private.test": ["10.0.0.1"],
    "mixed.test": ["93.184.215.14", "127.0.0.1"],
    "metadata.test": ["169.254.169.254"],
    "mapped.test": ["::ffff:10.0.0.1"],
    "nowhere.test": [],
}


async def resolve(host: str, port: int) -> Sequence[str]:
    """Resolve from the table above."""
    if host not in NAMES:
        raise OSError(-2, "Name or service not known")
    return NAMES[host]


class Recorder(httpcore2.AsyncMockBackend):
    """Remember where it was told to connect; fail for IPv6."""

    def __init__(self) -> None:
        super().__init__([])
        self.connected: list[tuple[str, int]] = []

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  # the pool's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Connect to nothing."""
        self.connected.append((host, port))
        if ":" in host:
            raise httpcore2.ConnectError("no route")
        return httpcore2.AsyncMockStream([])


def guarded(*, private_allowed: bool) -> tuple[GuardedBackend, Recorder]:
    """Return a guard and what is behind it."""
    inner = Recorder()
    return GuardedBackend(private_allowed=private_allowed, resolve=resolve, inner=inner), inner


async def test_a_public_name_is_connected_by_the_checked_address() -> None:
    """The socket goes to the address that was checked, not to a second look at the name."""
    backend, inner = guarded(private_allowed=False)
    await backend.connect_tcp("public.test", 443, timeout=5)
    assert inner.connected == [("93.184.215.14", 443)]


async def test_the_next_address_is_tried() -> None:
    """An address that does not answer does not make the name unreachable."""
    backend, inner = guarded(private_allowed=False)
    await backend.connect_tcp("two.test", 443)
    assert [host for host, _ in inner.connected] == NAMES["two.test"]


@pytest.mark.parametrize("name", ["private.test", "mixed.test", "metadata.test", "mapped.test"])
async def test_private_addresses_are_refused(name: str) -> None:
    """One private address among several is enough to connect to none."""
    backend, inner = guarded(private_allowed=False)
    with pytest.raises(AddressRefused):
        await backend.connect_tcp(name, 443)
    assert inner.connected == []


async def test_private_addresses_where_allowed() -> None:
    """Whoever runs an org inside may say so."""
    backend, inner = guarded(private_allowed=True)
    await backend.connect_tcp("private.test", 443)
    assert inner.connected == [("10.0.0.1", 443)]


@pytest.mark.parametrize("name", ["unknown.test", "nowhere.test"])
async def test_a_name_without_address(name: str) -> None:
    """A name that leads nowhere is a failed connection."""
    backend, _ = guarded(private_allowed=False)
    with pytest.raises(httpcore2.ConnectError):
        await backend.connect_tcp(name, 443)


async def test_plain_http_goes_to_private_addresses_only() -> None:
    """Without TLS a public address is refused, whatever else is allowed."""
    backend, inner = guarded(private_allowed=True)
    with pytest.raises(AddressRefused, match="https://"):
        await backend.without_tls().connect_tcp("mixed.test", 80)
    assert inner.connected == []
    await backend.without_tls().connect_tcp("private.test", 80)
    assert inner.connected == [("10.0.0.1", 80)]


@pytest.mark.parametrize(("scheme", "port"), [("http", 80), ("https", 443)])
async def test_the_scheme_decides_whether_a_public_address_is_reached(
    scheme: str, port: int
) -> None:
    """Nothing goes to the internet in clear, though private addresses are allowed."""
    backend, inner = guarded(private_allowed=True)
    transport = GuardedTransport(backend, ca_file=None)
    async with httpx2.AsyncClient(transport=transport) as http:
        with pytest.raises(AddressRefused if scheme == "http" else httpx2.RemoteProtocolError):
            await http.get(f"{scheme}://public.test")
    assert inner.connected == ([] if scheme == "http" else [("93.184.215.14", port)])


async def test_a_resolver_that_hangs() -> None:
    """Resolving counts as connecting: nothing was sent when it takes too long."""

    async def hang(host: str, port: int) -> Sequence[str]:
        await asyncio.Event().wait()
        raise AssertionError

    backend = GuardedBackend(private_allowed=False, resolve=hang, inner=Recorder())
    with pytest.raises(httpcore2.ConnectTimeout):
        await backend.connect_tcp("public.test", 443, timeout=0.001)


async def test_the_system_resolves_literals() -> None:
    """An address given as such is checked like any other."""
    assert await resolve_by_system("127.0.0.1", 443) == ["127.0.0.1"]
