"""One request out, one answer back: the adapter over real sockets, and the fake beside it."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest
from echo_kit import START, Wire, resolving, shown, wire
from issuer_kit import EC_KEY

from keyturn.adapters.resources import HttpResourceServers
from keyturn.domain.errors import AddressRefused, InvalidInput
from keyturn.domain.sensitive import Sensitive
from keyturn.network.guard import GuardedBackend, GuardedTransport, Resolve, resolve_by_system
from keyturn.sandbox.tls import write_tls_files
from keyturn.services.ports import (
    NoAnswer,
    NoResources,
    ResourceAnswer,
    ResourceRequest,
    ResourceServers,
)
from keyturn.testing import FakeResources, ManualClock

OK = b"HTTP/1.1 200 OK\r\nX-Two: a\r\nx-two: b\r\ncontent-length: 2\r\n\r\nhi"
URL = "https://api.example.com/things"


@asynccontextmanager
async def guarded(
    *, private_allowed: bool = True, resolve: Resolve = resolve_by_system, ca_pem: str = ""
) -> AsyncIterator[HttpResourceServers]:
    """Give the adapter as it goes out past the guard."""
    backend = GuardedBackend(private_allowed=private_allowed, resolve=resolve)

    def way(shown: Sensitive | None) -> httpx2.AsyncBaseTransport:
        return GuardedTransport(backend, ca_file=None, ca_pem=ca_pem, certificate=shown)

    made = HttpResourceServers(ManualClock(START), way, private_allowed=private_allowed)
    yield made
    await made.aclose()


def over(answer: Callable[[httpx2.Request], object]) -> HttpResourceServers:
    """Give the adapter over a transport that answers, or raises."""

    async def handle(request: httpx2.Request) -> httpx2.Response:
        told = answer(request)
        if isinstance(told, Exception):
            raise told
        assert isinstance(told, httpx2.Response)
        return told

    return HttpResourceServers(ManualClock(START), lambda _: httpx2.MockTransport(handle))


def to(peer: Wire, method: str = "GET", **more: object) -> ResourceRequest:
    """Return a request to a peer."""
    return ResourceRequest(method, f"http://localhost:{peer.port}/x?y=%20", **more)  # type: ignore[arg-type]  # as given


# --- the adapter and the fake -----------------------------------------------------------------


def of_http() -> ResourceServers:
    """Return the adapter before a service that answers 302 and twelve bytes."""
    return over(lambda _: httpx2.Response(302, headers={"Location": "/a"}, content=b"x" * 12))


def of_memory() -> ResourceServers:
    """Return the fake before the same."""
    return FakeResources(*[ResourceAnswer(302, (("location", "/a"),), b"x" * 12)] * 2)


@pytest.mark.parametrize("make", [of_http, of_memory])
async def test_a_redirection_is_an_answer(make: Callable[[], ResourceServers]) -> None:
    """It is followed by nobody: what goes with a request is for its address."""
    came = await make().exchange(ResourceRequest("GET", URL))
    assert isinstance(came, ResourceAnswer)
    assert (came.status, came.header("location"), came.body) == (302, "/a", b"x" * 12)


@pytest.mark.parametrize("make", [of_http, of_memory])
async def test_a_body_is_read_up_to_a_bound(make: Callable[[], ResourceServers]) -> None:
    """Beyond, nothing of it is there, and the status is."""
    came = await make().exchange(ResourceRequest("GET", URL, most_bytes=11))
    assert isinstance(came, ResourceAnswer)
    assert (came.status, came.cut, came.body) == (302, True, b"")
    whole = await make().exchange(ResourceRequest("GET", URL, most_bytes=12))
    assert isinstance(whole, ResourceAnswer)
    assert not whole.cut


@pytest.mark.parametrize("make", [of_http, of_memory])
@pytest.mark.parametrize("url", ["http://api.example.com/", "ftp://x/", "https://u:p@x/", "x"])
async def test_an_address_that_is_none(make: Callable[[], ResourceServers], url: str) -> None:
    """Nothing is sent to it."""
    with pytest.raises(AddressRefused):
        await make().exchange(ResourceRequest("GET", url))


async def silent(request: httpx2.Request) -> httpx2.Response:
    """Answer nothing, ever."""
    await asyncio.Event().wait()
    raise AssertionError


@pytest.mark.parametrize(
    "servers",
    [
        HttpResourceServers(ManualClock(START), lambda _: httpx2.MockTransport(silent)),
        FakeResources(None),
    ],
)
async def test_a_service_that_is_silent(servers: ResourceServers) -> None:
    """What was sent may have arrived, and it took too long."""
    came = await servers.exchange(ResourceRequest("POST", URL, limit_s=0.001))
    assert isinstance(came, NoAnswer)
    assert (came.sent, came.late) == (True, True)


async def test_nobody_is_asked_where_there_is_nobody() -> None:
    """An installation without the port sends nothing."""
    assert await NoResources().exchange(ResourceRequest("GET", URL)) == NoAnswer(sent=False)


def test_a_request_shows_nothing() -> None:
    """Neither its address, which may have a secret in it, nor what goes along."""
    made = ResourceRequest("GET", f"{URL}?k=canary", {"a": Sensitive("canary")}, b"canary")
    assert "canary" not in repr(made)
    assert "canary" not in repr(ResourceAnswer(200, (("a", "canary"),), b"canary"))


# --- the adapter ------------------------------------------------------------------------------


async def test_what_is_sent() -> None:
    """Method, address and headers as they are; no cookie, no other authority, no compression."""
    async with wire(OK) as peer, guarded() as servers:
        headers = {"Authorization": Sensitive("Bearer t"), "x": "\u00e9", "User-Agent": "flow"}
        came = await servers.exchange(to(peer, "PATCH", headers=headers, body=b"{}"))
    assert isinstance(came, ResourceAnswer)
    assert (came.status, came.every("x-two"), came.body) == (200, ("a", "b"), b"hi")
    head, *lines = peer.heard[0].decode().strip().split("\r\n")
    assert head == "PATCH /x?y=%20 HTTP/1.1"
    assert {line.partition(":")[0].lower() for line in lines} == {
        *("host", "authorization", "x", "user-agent", "content-length"),
        *("accept-encoding", "connection"),
    }
    assert "Connection: close" in lines


@pytest.mark.parametrize(
    ("answer", "sent"),
    [
        (b"", True),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{", True),
        (b"SSH-2.0-OpenSSH_9.2\r\n", True),
    ],
)
async def test_half_an_answer_is_none(answer: bytes, sent: object) -> None:
    """The request has arrived all the same."""
    async with wire(answer) as peer, guarded() as servers:
        came = await servers.exchange(to(peer, "POST"))
    assert isinstance(came, NoAnswer)
    assert (came.sent, came.late, len(peer.heard)) == (sent, False, 1)


async def test_nobody_there() -> None:
    """A port that nobody listens at has seen nothing."""
    async with wire(OK) as peer:
        one = to(peer)
    async with guarded() as servers:
        came = await servers.exchange(one)
    assert isinstance(came, NoAnswer)
    assert not came.sent


PRIVATE = [["127.0.0.1"], ["10.0.0.1"], ["169.254.169.254"], ["93.184.215.14", "192.168.0.1"]]


@pytest.mark.parametrize("addresses", PRIVATE, ids=" ".join)
async def test_a_name_that_leads_inside_is_refused(addresses: Sequence[str]) -> None:
    """No flow looks into the network that Keyturn stands in."""
    async with guarded(private_allowed=False, resolve=resolving(addresses)) as servers:
        with pytest.raises(AddressRefused, match="not on the public internet"):
            await servers.exchange(ResourceRequest("GET", URL))


async def test_plain_http_leaves_no_machine() -> None:
    """Where private addresses are allowed, a public one still wants TLS."""
    async with guarded(resolve=resolving(["93.184.215.14"])) as servers:
        with pytest.raises(AddressRefused, match="without TLS"):
            await servers.exchange(ResourceRequest("GET", "http://api.example.com/"))


@pytest.mark.parametrize(
    ("header", "wait_s"), [("7", 7.0), ("Fri, 01 May 2026 12:00:30 GMT", 30.0), ("soon", None)]
)
async def test_how_long_a_service_asks_to_be_left_alone(header: str, wait_s: float | None) -> None:
    """In seconds or by a date (RFC 9110, 10.2.3)."""
    servers = over(lambda _: httpx2.Response(429, headers={"retry-after": header}))
    came = await servers.exchange(ResourceRequest("GET", URL))
    assert isinstance(came, ResourceAnswer)
    assert came.retry_after_s == wait_s


async def test_a_certificate_is_shown_where_it_is_given(tmp_path: Path) -> None:
    """Each with its own request: it goes along with no other (RFC 8705, 3)."""
    files, trusted = write_tls_files(tmp_path), tmp_path / "clients.pem"
    mine = shown(EC_KEY, "mine")
    trusted.write_text(mine)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=trusted)
    context.load_cert_chain(files.certificate, files.key)
    context.verify_mode = ssl.CERT_OPTIONAL
    async with wire(OK, context) as peer, guarded(ca_pem=files.authority.read_text()) as servers:
        for certificate in (Sensitive(mine), None, Sensitive(mine)):
            url = f"https://localhost:{peer.port}/"
            asked = ResourceRequest("GET", url, certificate=certificate)
            assert isinstance(await servers.exchange(asked), ResourceAnswer)
    assert [bool(each) for each in peer.certificates] == [True, False, True]


async def test_what_is_no_certificate_is_not_shown() -> None:
    """Nor is anything sent without it, where there should be one."""
    one = ResourceRequest("GET", URL, certificate=Sensitive("canary"))
    with pytest.raises(InvalidInput) as caught:
        await over(lambda _: httpx2.Response(200)).exchange(one)
    assert "canary" not in caught.value.message

    def way(certificate: Sensitive | None) -> httpx2.AsyncBaseTransport:
        raise ssl.SSLError("EE_KEY_TOO_SMALL")

    came = await HttpResourceServers(ManualClock(START), way).exchange(ResourceRequest("GET", URL))
    assert isinstance(came, NoAnswer)
    assert not came.sent
