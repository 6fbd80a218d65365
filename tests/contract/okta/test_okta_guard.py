"""Orgs are reached past the guard on addresses, and by the name they are called."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from okta_kit import API_TOKEN, APP, START, ScriptedOkta

from keyturn.adapters.okta import OktaHttpOrgs
from keyturn.domain.connection import ApiToken
from keyturn.domain.errors import AddressRefused, OktaUnreachable
from keyturn.domain.okta import CredentialKind
from keyturn.network.guard import GuardedBackend, GuardedTransport
from keyturn.services.ports import OktaOrg
from keyturn.testing import ManualClock, SeededChance


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


async def home(host: str, port: int) -> Sequence[str]:
    """Resolve every name to this machine."""
    return ["127.0.0.1"]


def open_org(port: int, *, ca_file: Path | None) -> tuple[OktaHttpOrgs, OktaOrg]:
    """Return an org named org.test on this machine."""
    backend = GuardedBackend(private_allowed=True, resolve=home)
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
