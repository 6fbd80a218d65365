"""Over real sockets: TLS, certificates, and where names lead to (checklist C8, C15)."""

import ssl
from collections.abc import Sequence
from pathlib import Path

import httpx2
import pytest
from echo_kit import START, Wire, client, guarded, resolving, shown, wire
from issuer_kit import EC_KEY, OTHER_KEY, signed

from keyturn.adapters.oauth import HttpAuthorizationServers
from keyturn.adapters.oauth.recent import Recent
from keyturn.domain.errors import AddressRefused
from keyturn.domain.oauth.answers import Reply
from keyturn.domain.oauth.provider import ClientAuth, Endpoints, Extra, Part, RequestType
from keyturn.domain.sensitive import Sensitive
from keyturn.sandbox.tls import TlsFiles, write_tls_files
from keyturn.services.ports import Client
from keyturn.testing import ManualClock, SeededChance

GOOD = b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{"access_token":"a"}'


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> TlsFiles:
    """Make an authority, and a certificate for localhost."""
    return write_tls_files(tmp_path_factory.mktemp("tls"))


def at(peer: Wire, scheme: str = "http", **more: object) -> Client:
    """Return a client of this peer."""
    url = f"{scheme}://localhost:{peer.port}/token"
    return client(endpoints=Endpoints(token=url, jwks=url), check_url=url, **more)  # type: ignore[arg-type]  # as given


async def refresh(servers: HttpAuthorizationServers, one: Client) -> Reply:
    """Ask once."""
    return await servers.ask(one, RequestType.REFRESH, {"refresh_token": Sensitive("canary")})


ON_THE_WIRE = {
    b"": 0,
    b"SSH-2.0-OpenSSH_9.2\r\n": 0,
    b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{": 0,
    b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{": 0,
    b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 40_000 + b"\r\n": 0,
    b"HTTP/1.1 99999 OK\r\n\r\n": 0,
    b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}": 0,
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 400 No\r\ncontent-length: 2\r\n\r\n{}": 400,
    GOOD: 200,
}


@pytest.mark.parametrize(("answer", "status"), ON_THE_WIRE.items(), ids=range(len(ON_THE_WIRE)))
async def test_c6_whatever_the_wire_brings_is_a_reply(answer: bytes, status: int) -> None:
    """Half an answer, and what is no HTTP, may have used the refresh token up all the same."""
    async with wire(answer) as peer, guarded() as servers:
        reply = await refresh(servers, at(peer))
    assert (reply.status, reply.sent) == (status, True)
    assert b"connection: close" in peer.heard[0].lower()


async def test_nobody_there_is_nothing_sent() -> None:
    """A port that nobody listens at has seen nothing."""
    async with wire(GOOD) as peer, guarded() as servers:
        one = at(peer)
    async with guarded() as servers:
        assert await refresh(servers, one) == Reply(0, sent=False)


async def test_a_header_of_two_lines_is_never_sent() -> None:
    """What a stored secret holds cannot end a header and begin another."""
    extras = (Extra(Part.HEADER, "x-key", "canary\r\nx-other: 1"),)
    async with wire(GOOD) as peer, guarded() as servers:
        assert await refresh(servers, at(peer, extras=extras)) == Reply(0, sent=False)
    assert peer.heard == []


# --- TLS --------------------------------------------------------------------------------------


def serving(files: TlsFiles, client_pem: Path | None = None) -> ssl.SSLContext:
    """Return how a server shows its certificate, and which it wants of clients."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=client_pem)
    context.load_cert_chain(files.certificate, files.key)
    context.verify_mode = ssl.CERT_REQUIRED if client_pem else ssl.CERT_NONE
    return context


async def test_c8_tls_is_verified(files: TlsFiles) -> None:
    """A certificate of nobody known ends the call before the secret is sent."""
    async with wire(GOOD, serving(files)) as peer, guarded() as servers:
        assert await refresh(servers, at(peer, "https")) == Reply(0, sent=False)
    assert peer.heard == []


async def test_c15_tls_client_auth_by_rfc8705_2_1(files: TlsFiles, tmp_path: Path) -> None:
    """Each client shows its own certificate, to the token endpoint and with bound tokens."""
    trusted = tmp_path / "clients.pem"
    certificates = {"one": shown(EC_KEY, "one"), "two": shown(OTHER_KEY, "two")}
    trusted.write_text("".join(certificates.values()))
    tls, ca_pem = serving(files, trusted), files.authority.read_text()
    async with wire(GOOD, tls) as peer, guarded(ca_pem=ca_pem) as servers:
        for text in certificates.values():
            one = at(peer, "https", auth=ClientAuth.TLS, secret=text)
            assert (await refresh(servers, one)).status == 200
            assert await servers.try_token(one, Sensitive("t"), "Bearer") == 200
    names = [dict(pair[0] for pair in each["subject"]) for each in peer.certificates if each]  # type: ignore[attr-defined]  # as ssl has it
    assert [each["commonName"] for each in names] == ["one", "one", "two", "two"]


async def test_c15_a_certificate_goes_to_no_other_client(files: TlsFiles, tmp_path: Path) -> None:
    """A client without one does not show that of the client before it."""
    trusted = tmp_path / "clients.pem"
    trusted.write_text(shown(EC_KEY))
    tls, ca_pem = serving(files, trusted), files.authority.read_text()
    async with wire(GOOD, tls) as peer, guarded(ca_pem=ca_pem) as servers:
        mine = at(peer, "https", auth=ClientAuth.TLS, secret=trusted.read_text())
        assert (await refresh(servers, mine)).status == 200
        assert (await refresh(servers, at(peer, "https", auth=ClientAuth.POST))).status == 0
    assert len(peer.heard) == 1


async def test_c15_a_certificate_that_tls_does_not_take_sends_nothing() -> None:
    """What cannot be shown is no reason to fail, nor to go without."""

    def way(certificate: Sensitive | None) -> httpx2.AsyncBaseTransport:
        raise ssl.SSLError("EE_KEY_TOO_SMALL")

    clock, chance = ManualClock(START), SeededChance(1)
    servers = HttpAuthorizationServers(clock, chance, way)
    one = client(ClientAuth.TLS, secret=shown(EC_KEY))
    assert await refresh(servers, one) == Reply(0, sent=False)


# --- where names lead -------------------------------------------------------------------------

PRIVATE = [
    ["127.0.0.1"],
    ["10.0.0.1"],
    ["169.254.169.254"],
    ["::1"],
    ["fd00::1"],
    ["::ffff:10.0.0.1"],
    ["93.184.215.14", "192.168.0.1"],
]


@pytest.mark.parametrize("addresses", PRIVATE, ids=" ".join)
async def test_c8_a_name_that_leads_inside_is_refused(addresses: Sequence[str]) -> None:
    """Token, discovery and key addresses pass the guard; no socket is opened."""
    one = client(check_url="https://as.example.com/me")
    async with guarded(private_allowed=False, resolve=resolving(*[addresses] * 4)) as servers:
        with pytest.raises(AddressRefused, match="not on the public internet"):
            await refresh(servers, one)
        with pytest.raises(AddressRefused):
            await servers.read_metadata("https://as.example.com")
        assert await servers.read_claims(one, Sensitive(signed({}))) is None
        assert await servers.try_token(one, Sensitive("t"), "Bearer") == 0


async def test_c8_a_name_that_changes_its_mind_is_judged_anew() -> None:
    """The second look leads inside: the very address that is connected to was judged."""
    looks = resolving(["127.0.0.1"], ["10.0.0.1"])
    async with wire(GOOD) as peer, guarded(resolve=looks) as servers:
        assert (await refresh(servers, at(peer))).status == 200
    inside = resolving([], ["127.0.0.1"])
    async with wire(GOOD) as peer, guarded(private_allowed=False, resolve=inside) as servers:
        one = at(peer, "https")
        assert await refresh(servers, one) == Reply(0, sent=False)
        with pytest.raises(AddressRefused):
            await refresh(servers, one)
    assert peer.heard == []


async def test_c8_plain_http_leaves_no_machine() -> None:
    """Where private addresses are allowed, a public one still wants TLS."""
    async with guarded(resolve=resolving(["93.184.215.14"])) as servers:
        with pytest.raises(AddressRefused, match="without TLS"):
            await refresh(servers, client(endpoints=Endpoints(token="http://as.example.com/t")))


def test_what_is_remembered_is_bounded() -> None:
    """The oldest goes; what is seen again is as new."""
    seen: Recent[str, int] = Recent(2)
    for name in "abac":
        seen.keep(name, len(seen))
    assert seen == {"a": 2, "c": 2}
    assert (seen.find_or("a", lambda: 9), seen.find_or("d", lambda: 9)) == (2, 9)
    assert list(seen) == ["c", "d"]
