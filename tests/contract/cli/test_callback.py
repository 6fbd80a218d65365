"""The loopback address that a browser is sent back to."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import httpx2
import pytest

from keyturn.cli.callback import Callback, listening

ASKED = "https://issuer.example/authorize?state=s1"
PUSHED = "https://issuer.example/authorize?request_uri=r1"
LIMIT_S = 30
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@pytest.fixture
async def callback() -> AsyncIterator[Callback]:
    """Listen."""
    async with listening() as it:
        yield it


async def visit(address: str, method: str = "GET") -> httpx2.Response:
    """Ask as a browser does."""
    async with httpx2.AsyncClient(verify=NO_TLS, trust_env=False) as http:
        return await http.request(method, address)


async def send(callback: Callback, data: bytes) -> bytes:
    """Send bytes and nothing more, and return what comes back."""
    parts = urlsplit(callback.address)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(data)
    writer.write_eof()
    told = await reader.read()
    writer.close()
    return told


async def test_the_answer_is_taken_and_its_page_tells_nothing_of_it(callback: Callback) -> None:
    """What the browser shows is not kept, carries no code on, and runs nothing."""
    answer = asyncio.create_task(callback.answer(ASKED, limit_s=LIMIT_S))
    await asyncio.sleep(0)
    page = await visit(f"{callback.address}?code=canary%20%2B&state=s1&iss=")
    assert await answer == {"code": "canary +", "state": "s1", "iss": ""}
    assert page.status_code == 200
    assert "canary" not in page.text
    assert page.headers["content-security-policy"] == "default-src 'none'"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "no-store"


async def test_only_the_loopback_is_listened_on(callback: Callback) -> None:
    """Nobody else on the network reaches it (RFC 8252, 7.3 and 8.3)."""
    assert urlsplit(callback.address).hostname == "127.0.0.1"


@pytest.mark.parametrize(
    ("target", "method", "status"),
    [
        ("?code=c&state=other", "GET", 400),
        ("?code=c", "GET", 400),
        ("?code=c&state=s1", "POST", 404),
        ("/more?code=c&state=s1", "GET", 404),
    ],
)
async def test_what_is_no_answer_is_waited_past(
    callback: Callback, target: str, method: str, status: int
) -> None:
    """Whatever else a browser on this machine asks for, the answer that comes later counts."""
    answer = asyncio.create_task(callback.answer(ASKED, limit_s=LIMIT_S))
    await asyncio.sleep(0)
    assert (await visit(callback.address + target, method)).status_code == status
    await visit(f"{callback.address}?error=access_denied&state=s1")
    assert (await answer)["error"] == "access_denied"


async def test_a_question_that_was_pushed_shows_no_state(callback: Callback) -> None:
    """Then the server alone can tell whose answer it is (RFC 9126, 4)."""
    answer = asyncio.create_task(callback.answer(PUSHED, limit_s=LIMIT_S))
    await asyncio.sleep(0)
    await visit(f"{callback.address}?code=c&state=any")
    await visit(f"{callback.address}?code=later&state=any")
    assert (await answer)["code"] == "c"


@pytest.mark.parametrize(
    "data", [b"", b"GET /callback?code=c&state=s1 HTTP/1.1", b"\r\n" * 2, b"x" * 100_000]
)
async def test_what_is_no_request_ends_nothing(callback: Callback, data: bytes) -> None:
    """A connection that is opened in advance, or cut, leaves it listening."""
    assert b"200 OK" not in await send(callback, data)
    assert (await visit(callback.address)).status_code == 400


async def test_nobody_is_waited_for_without_end(callback: Callback) -> None:
    """It ends by itself."""
    with pytest.raises(TimeoutError):
        await callback.answer(ASKED, limit_s=0)


async def test_a_port_that_is_taken_is_an_error(callback: Callback) -> None:
    """A port is named where the server wants the very address; then no other will do."""
    port = urlsplit(callback.address).port or 0
    with pytest.raises(OSError, match="address already in use"):
        async with listening(port):
            pass
