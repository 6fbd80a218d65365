"""Whatever comes back is a reply, and every reply has a meaning (RFC 6749, 5; checklist C6, C8)."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator

import httpx2
import pytest
from echo_kit import BASE, START, Echo, Step, client, told
from hypothesis import given
from hypothesis import strategies as st

from keyturn.domain.errors import AddressRefused, ServerError
from keyturn.domain.oauth.answers import (
    FORM,
    LIFETIME_MAX_S,
    Fault,
    NoTokens,
    Reply,
    TokenSet,
    read_token_answer,
)
from keyturn.domain.oauth.provider import Endpoints, Provider
from keyturn.domain.sensitive import Sensitive
from keyturn.testing import ManualClock, run_virtually

JSON = {"content-type": "application/json"}
TOKEN = '{"access_token":"a"'


def raw(status: int, body: bytes, **headers: str) -> httpx2.Response:
    """Return an answer of bytes that are called JSON."""
    return httpx2.Response(status, headers=JSON | headers, content=body)


class Odd(httpx2.AsyncByteStream):
    """A body that comes in parts, and then fails or never ends."""

    def __init__(self, part: bytes, end: Exception | None) -> None:
        self._part = part
        self._end = end

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Give one part, then what is the matter."""
        yield self._part
        if self._end:
            raise self._end
        await asyncio.Event().wait()


def odd(end: Exception | None) -> httpx2.Response:
    """Return an answer that begins well."""
    return httpx2.Response(200, headers=JSON, stream=Odd(b'{"access_token":', end))


BROKE = httpx2.RemoteProtocolError("peer closed connection")
LIFETIMES = {
    "3600": 3600,
    '"3600"': 3600,
    "3600.9": 3600,
    "-1": None,
    "0": None,
    "1e400": None,
    "NaN": None,
    "true": None,
    '"soon"': None,
    "[1]": None,
    "9" * 400: LIFETIME_MAX_S,
    "null": None,
}


@pytest.mark.parametrize(("written", "lifetime_s"), LIFETIMES.items())
async def test_c6_expires_in_by_rfc6749_5_1(written: str, lifetime_s: int | None) -> None:
    """Servers write lifetimes as they like; what is nonsense is not known."""
    echo = Echo(raw(200, f'{TOKEN},"expires_in":{written}}}'.encode()))
    answer = read_token_answer(await echo.ask(client()))
    assert isinstance(answer, TokenSet)
    assert answer.lifetime_s == lifetime_s


BAD: dict[str, tuple[Step, Fault]] = {
    "HTML instead of tokens": (
        httpx2.Response(200, headers={"content-type": "text/html"}, content=b"<html>Sign in"),
        Fault.AWAY,
    ),
    "HTML of a proxy": (httpx2.Response(502, content=b"<html>"), Fault.AWAY),
    "nothing": (raw(200, b""), Fault.AWAY),
    "an empty 400": (raw(400, b""), Fault.AMBIGUOUS),
    "an empty 401": (raw(401, b""), Fault.AMBIGUOUS),
    "an empty 403": (raw(403, b""), Fault.AMBIGUOUS),
    "an empty 404": (raw(404, b""), Fault.REQUEST),
    "a list": (raw(200, b'["access_token"]'), Fault.AWAY),
    "a text": (raw(200, b'"access_token"'), Fault.AWAY),
    "null": (raw(200, b"null"), Fault.AWAY),
    "no access token": (raw(200, b'{"token_type":"Bearer"}'), Fault.AWAY),
    "a token that is a number": (raw(200, b'{"access_token":1}'), Fault.AWAY),
    "a token that is an object": (raw(200, b'{"access_token":{}}'), Fault.AWAY),
    "a token of two lines": (raw(200, b'{"access_token":"a\\nb"}'), Fault.AWAY),
    "an empty token": (raw(200, b'{"access_token":""}'), Fault.AWAY),
    "an error within a 200": (raw(200, b'{"error":"invalid_grant"}'), Fault.GRANT),
    "an error that is a number": (raw(400, b'{"error":7}'), Fault.AWAY),
    "an error of nobody's": (raw(400, b'{"error":"oops"}'), Fault.AWAY),
    "binary": (raw(200, bytes(range(256))), Fault.AWAY),
    "half a character": (raw(200, b'{"access_token":"\\ud800"}'), Fault.AWAY),
    "UTF-16 without end": (raw(200, b"\xff\xfe{"), Fault.AWAY),
    "half an object": (raw(200, b'{"access_token":"a'), Fault.AWAY),
    "deep nesting": (raw(200, b"[" * 500_000), Fault.AWAY),
    "a number of 5000 digits": (
        raw(200, TOKEN.encode() + b',"n":' + b"1" * 5000 + b"}"),
        Fault.AWAY,
    ),
    "10 MB": (raw(200, TOKEN.encode() + b" " * 10_000_000 + b"}"), Fault.AWAY),
    "10 MB of an error": (raw(400, b" " * 10_000_000), Fault.AWAY),
    "10 MB in 10 kB": (
        raw(200, gzip.compress(bytes(10_000_000)), **{"content-encoding": "gzip"}),
        Fault.AWAY,
    ),
    "gzip that is none": (raw(200, b"x", **{"content-encoding": "gzip"}), Fault.AWAY),
    "a redirect": (httpx2.Response(302, headers={"location": f"{BASE}/"}), Fault.AWAY),
    "no content": (httpx2.Response(204), Fault.AWAY),
    "a status of nobody's": (raw(799, b"{}"), Fault.AWAY),
    "a teapot": (raw(418, b"{}"), Fault.REQUEST),
    "no answer": (httpx2.ReadTimeout(""), Fault.AWAY),
    "a cut connection": (httpx2.ReadError(""), Fault.AWAY),
    "no protocol": (BROKE, Fault.AWAY),
}


@given(st.binary(max_size=200), st.integers(100, 999), st.sampled_from(["application/json", FORM]))
def test_c6_no_answer_raises(body: bytes, status: int, kind: str) -> None:
    """Whatever the bytes, there is a reply and it has a meaning."""
    answer = httpx2.Response(status, headers={"content-type": kind}, content=body)
    reply = asyncio.run(Echo(answer).ask(client()))
    assert (reply.status, reply.body) == (status, body)
    assert isinstance(read_token_answer(reply), TokenSet | NoTokens)


@pytest.mark.parametrize("name", BAD)
async def test_c6_bad_answers_have_a_meaning(name: str) -> None:
    """Nothing that a server answers raises, and none of it is taken for tokens."""
    step, fault = BAD[name]
    answer = read_token_answer(await Echo(step).ask(client()))
    assert isinstance(answer, NoTokens)
    assert answer.fault is fault
    refused = 400 <= answer.status < 500
    assert answer.effect_possible is (fault is Fault.AWAY and not refused)


@pytest.mark.parametrize("end", [BROKE, httpx2.ReadTimeout(""), httpx2.ReadError("")])
async def test_c6_half_a_body_is_no_answer(end: Exception) -> None:
    """What begins well and breaks off may have had its effect."""
    assert await Echo(odd(end)).ask(client()) == Reply(0)


async def test_c6_duplicate_members_and_unknown_ones() -> None:
    """The last of two counts, as JSON parsers have it; what nobody knows is left."""
    body = b'{"access_token":"a","access_token":"b","x":[{}],"token_type":"bEARER"}'
    answer = read_token_answer(await Echo(raw(200, body)).ask(client()))
    assert isinstance(answer, TokenSet)
    assert (answer.access.reveal(), answer.token_type) == ("b", "Bearer")


async def test_c6_an_answer_in_the_form_of_requests() -> None:
    """A few servers answer as they are asked."""
    kind = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
    echo = Echo(httpx2.Response(200, headers=kind, content=b"access_token=a&expires_in=60"))
    answer = read_token_answer(await echo.ask(client()))
    assert isinstance(answer, TokenSet)
    assert answer.lifetime_s == 60


NEVER_SENT = [
    httpx2.ConnectError(""),
    httpx2.ConnectTimeout(""),
    httpx2.PoolTimeout(""),
    httpx2.LocalProtocolError(""),
    httpx2.UnsupportedProtocol(""),
]
MAYBE_SENT = [
    httpx2.WriteError(""),
    httpx2.WriteTimeout(""),
    httpx2.ReadError(""),
    httpx2.ReadTimeout(""),
    httpx2.RemoteProtocolError(""),
    TimeoutError(),
]


@pytest.mark.parametrize(
    "error", [*NEVER_SENT, *MAYBE_SENT], ids=lambda error: type(error).__name__
)
async def test_a_request_is_unsent_only_where_nothing_can_have_left(error: Exception) -> None:
    """What may have arrived may have used up a refresh token."""
    reply = await Echo(error).ask(client())
    assert reply == Reply(0, sent=error in MAYBE_SENT)
    answer = read_token_answer(reply)
    assert isinstance(answer, NoTokens)
    assert answer.effect_possible is reply.sent


async def test_a_call_ends_though_the_body_does_not() -> None:
    """A server that goes on for ever is left at the limit."""
    assert await Echo(odd(None), call_limit_s=0.02).ask(client()) == Reply(0)


def test_a_question_takes_no_longer_than_its_limit() -> None:
    """However many places an issuer may speak at, and however often a server wants a nonce."""

    async def spent_s() -> float:
        echo, loop = Echo(*(odd(None) for _ in range(3))), asyncio.get_running_loop()
        begun_s = loop.time()
        with pytest.raises(ServerError):
            await echo.servers.read_metadata(BASE)
        return loop.time() - begun_s

    assert run_virtually(ManualClock(START), spent_s()) == pytest.approx(15)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_c8_a_redirect_is_not_followed_by_rfc9700_4_12(status: int) -> None:
    """Wherever it leads, nobody else is told the secret; nor is a cookie given back."""
    away = {"location": "https://elsewhere.example.com/token", "set-cookie": "canary=1"}
    echo = Echo(httpx2.Response(status, headers=away), told(200, {}))
    assert (await echo.ask(client())).status == status
    await echo.ask(client())
    assert {each.url.host for each in echo.heard} == {"as.example.com"}
    assert "cookie" not in echo.heard[1].headers


@pytest.mark.parametrize(
    "url",
    [
        "http://as.example.com/token",
        "ftp://as.example.com/token",
        "file:///etc/passwd",
        "https://user:canary@as.example.com/token",
        "https://as.example.com/token#x",
        "https://as.example.com:99999/token",
        "https://",
        "https://as.example.com/" + "x" * 2048,
    ],
)
async def test_c8_addresses_that_are_none_are_refused(url: str) -> None:
    """Only https, with a host, without credentials; whatever else is refused before it is asked."""
    echo, one = Echo(), client(endpoints=Endpoints(token=url), check_url=url)
    with pytest.raises(AddressRefused, match="the endpoint of refresh_token must") as caught:
        await echo.ask(one)
    assert await echo.servers.try_token(one, Sensitive("t"), "Bearer") == 0
    for provider, whose in ((one.provider, "the token"), (Provider(issuer=url), "the issuer")):
        with pytest.raises(AddressRefused, match=f"The address of {whose}"):
            echo.servers.check(provider)
    assert "canary" not in str(caught.value)
    assert echo.heard == []


WHEN = [
    ("120", 120.0),
    (" 0 ", 0.0),
    ("9" * 40, 999999999.0),
    ("Fri, 01 May 2026 12:00:30 GMT", 30.0),
    ("Fri, 01 May 2026 12:00:30", 30.0),
    ("Fri, 01 May 2026 14:00:30 +0200", 30.0),
    ("Fri, 01 May 2026 11:00:00 GMT", 0.0),
    ("-5", None),
    ("1.5", None),
    ("\u0661", None),
    ("soon", None),
    ("", None),
    ("Fri, 31 Dec 99999999999 23:59:59 GMT", None),
    ("Wed, 21 Oct 2015 07:28:00 -9999", None),
]


@pytest.mark.parametrize(("written", "seconds"), WHEN)
async def test_retry_after_by_rfc9110_10_2_3(written: str, seconds: float | None) -> None:
    """Seconds or a date tell how long to wait, and nonsense tells nothing."""
    answer = httpx2.Response(429, headers=[(b"retry-after", written.encode())])
    reply = await Echo(answer).ask(client())
    assert (reply.status, reply.retry_after_s) == (429, seconds)


async def test_what_is_read_is_bounded_and_named() -> None:
    """A megabyte is read, and not more; an endless name of a type is cut."""
    whole = json.dumps({"access_token": "a", "x": "y" * 1_048_532}).encode()
    assert len(whole) <= 1_048_576
    reply = await Echo(raw(200, whole, **{"content-type": "t" * 9000})).ask(client())
    assert (len(reply.body), len(reply.media_type)) == (len(whole), 255)
    assert (await Echo(raw(200, bytes(1_048_577))).ask(client())).status == 0
