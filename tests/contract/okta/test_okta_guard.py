"""No connection is made to an address that Keyturn does not go to."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import httpcore2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from okta_kit import API_TOKEN, APP, START, ScriptedOkta

from keyturn.adapters.okta import OktaHttpOrgs
from keyturn.adapters.okta.guard import GuardedBackend, GuardedTransport, resolve_by_system
from keyturn.domain.connection import ApiToken
from keyturn.domain.errors import AddressRefused, OktaError, OktaUnreachable
from keyturn.domain.okta import CredentialKind
from keyturn.services.ports import OktaOrg
from keyturn.testing import ManualClock, SeededChance

NAMES = {
    "public.test": ["93.184.215.14"],
    "two.test": ["2606:2800:21f:cb07:6820:80da:af6b:8b2c", "93.184.215.14"],
    "private.test": ["10.0.0.1"],
    "mixed.test": ["93.184.215.14", "127.0.0.1"],
    "metadata.test": ["169.254.169.254"],
    "mapped.test": ["::ffff:10.0.0.1"],
    "nowhere.test": [],
    "org.test": ["127.0.0.1"],
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
    """A token of an org on the internet is never sent in clear, though private ones are allowed."""
    backend, inner = guarded(private_allowed=True)
    transport = GuardedTransport(backend, ca_file=None)
    orgs = OktaHttpOrgs(
        ManualClock(START), SeededChance(1), transport=lambda: transport, private_allowed=True
    )
    org = orgs.open(f"{scheme}://public.test", ApiToken(API_TOKEN), journal=lambda call: None)
    with pytest.raises(AddressRefused if scheme == "http" else OktaError):
        await org.credentials_of(APP, CredentialKind.CLIENT_SECRET).list()
    assert inner.connected == ([] if scheme == "http" else [("93.184.215.14", port)])
    await orgs.aclose()


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


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost"])
async def test_the_product_refuses_to_go_home(host: str) -> None:
    """Out of the box an org on this machine is refused, whatever it is called."""
    orgs = OktaHttpOrgs(ManualClock(START), SeededChance(1))
    org = orgs.open(f"https://{host}:9", ApiToken(API_TOKEN), journal=lambda call: None)
    with pytest.raises(AddressRefused):
        await org.credentials_of(APP, CredentialKind.CLIENT_SECRET).list()
    await orgs.aclose()


@pytest.mark.parametrize(
    "address",
    [
        "http://org.test",
        "https://org.test/x",
        "https://",
        "https://a:b@org.test",
        "ftp://org.test",
        "https://org.test:port",
    ],
)
def test_odd_addresses_are_refused_at_once(okta: ScriptedOkta, address: str) -> None:
    """What is not the bare address of an org is refused before any call."""
    with pytest.raises(AddressRefused):
        okta.orgs.open(address, ApiToken(API_TOKEN), journal=okta.journal.append)


# --- over real sockets ---------------------------------------------------------------------------


def write_certificate(folder: Path, name: str) -> Path:
    """Write a key and its self-signed certificate for a name into one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(START - timedelta(days=20_000))
        .not_valid_after(START + timedelta(days=20_000))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = folder / f"{name}.pem"
    file.write_bytes(private + certificate.public_bytes(pem))
    return file


@asynccontextmanager
async def serving(certificate: Path, heads: list[bytes]) -> AsyncIterator[int]:
    """Serve empty lists over TLS and yield the port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n")
        writer.write(b"content-length: 2\r\nconnection: close\r\n\r\n[]")
        writer.close()

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


def open_org(port: int, *, ca_file: Path | None) -> tuple[OktaHttpOrgs, OktaOrg]:
    """Return an org named org.test on this machine."""
    backend = GuardedBackend(private_allowed=True, resolve=resolve)
    orgs = OktaHttpOrgs(
        ManualClock(START),
        SeededChance(1),
        transport=lambda: GuardedTransport(backend, ca_file=ca_file),
    )
    address = f"https://org.test:{port}"
    return orgs, orgs.open(address, ApiToken(API_TOKEN), journal=lambda call: None)


async def test_the_name_is_kept_on_the_wire(tmp_path: Path) -> None:
    """TLS and the Host header speak of the name, though the socket went to the address."""
    certificate, heads = write_certificate(tmp_path, "org.test"), list[bytes]()
    async with serving(certificate, heads) as port:
        orgs, org = open_org(port, ca_file=certificate)
        assert await org.credentials_of(APP, CredentialKind.CLIENT_SECRET).list() == ()
        await orgs.aclose()
    assert f"host: org.test:{port}".encode() in heads[0].lower()


@pytest.mark.parametrize("name", ["org.test", "other.test"])
async def test_a_certificate_must_be_trusted_and_fit(tmp_path: Path, name: str) -> None:
    """Neither an unknown authority nor another name is spoken to; nothing is sent."""
    certificate, heads = write_certificate(tmp_path, name), list[bytes]()
    ca_file = certificate if name == "other.test" else None
    async with serving(certificate, heads) as port:
        orgs, org = open_org(port, ca_file=ca_file)
        with pytest.raises(OktaUnreachable, match="certificate") as caught:
            await org.credentials_of(APP, CredentialKind.CLIENT_SECRET).activate("ocs1")  # type: ignore[arg-type]  # any id
        await orgs.aclose()
    assert not caught.value.effect_possible
    assert heads == []
