"""Possession of a key is proved anew with every request (RFC 9449; checklist C17)."""

import base64
import hashlib

import httpx2
import jwt as pyjwt
import pytest
from echo_kit import BASE, CLIENT_ID, ENDPOINTS, SECRET, START, Echo, client, refused, told

from keyturn.domain.oauth.provider import BasicEncoding, Endpoints, Extra, Part, RequestType
from keyturn.domain.sensitive import Sensitive
from keyturn.services.ports import Client, Proven

ME = f"{BASE}/me"
TOKEN = Sensitive("canary-access")


def bound(echo: Echo, **more: object) -> Client:
    """Return a client with a key."""
    key = echo.servers.new_dpop_key()
    return client(dpop_key=key, check_url=f"{ME}?a=b", **more)  # type: ignore[arg-type]  # as given


def proof(request: httpx2.Request) -> dict[str, object]:
    """Verify a proof by another library, and return its claims."""
    header = pyjwt.get_unverified_header(request.headers["dpop"])
    assert (header["typ"], header["alg"]) == ("dpop+jwt", "ES256")
    assert "d" not in header["jwk"]
    key = pyjwt.PyJWK(header["jwk"], "ES256")
    return pyjwt.decode(request.headers["dpop"], key, ["ES256"], {"verify_iat": False})


def ath() -> str:
    """Return the hash of the token (RFC 9449, 4.2)."""
    digest = hashlib.sha256(TOKEN.reveal().encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def wanted(nonce: str = "n1") -> httpx2.Response:
    """Return the demand for a nonce (RFC 9449, 8)."""
    return refused(400, "use_dpop_nonce", dpop_nonce=nonce)


def challenge(nonce: str) -> httpx2.Response:
    """Return a resource's demand for a nonce (RFC 9449, 9)."""
    why = 'DPoP error="use_dpop_nonce", error_description="Say it again"'
    return told(401, {}, dpop_nonce=nonce, www_authenticate=why)


async def test_c17_a_proof_by_rfc9449_4_2() -> None:
    """It names method and address without its query, when, and once; the first has no nonce."""
    echo = Echo()
    await echo.ask(bound(echo, extras=(Extra(Part.QUERY, "a", "b"),)))
    claims = proof(echo.heard[0])
    assert claims.pop("jti")
    assert claims == {"htm": "POST", "htu": ENDPOINTS.token, "iat": int(START.timestamp())}


@pytest.mark.parametrize("request_type", RequestType)
async def test_c17_which_requests_are_proved(request_type: RequestType) -> None:
    """Those that bring tokens, and what is pushed, which binds the code (RFC 9449, 10.1)."""
    echo = Echo()
    await echo.ask(bound(echo), request_type)
    others = {"authorize", "device_authorization", "revoke", "introspect"}
    assert ("dpop" in echo.heard[0].headers) is (request_type not in others)


async def test_c17_a_client_without_a_key_proves_nothing() -> None:
    """Nor does it ask again for a nonce that it has no use for."""
    echo = Echo(wanted())
    assert (await echo.ask(client())).status == 400
    assert "dpop" not in echo.heard[0].headers
    assert len(echo.heard) == 1


async def test_c17_a_nonce_is_taken_up_once_by_rfc9449_8() -> None:
    """The request is made again with the nonce, in a proof of its own."""
    echo = Echo(wanted("n1"))
    assert (await echo.ask(bound(echo, basic_encoding=BasicEncoding.RAW))).status == 200
    first, second = (proof(each) for each in echo.heard)
    assert (first.get("nonce"), second["nonce"]) == (None, "n1")
    assert first["jti"] != second["jti"]
    assert echo.heard[0].content == echo.heard[1].content
    assert echo.basic(0) == echo.basic(1) == f"{CLIENT_ID}:{SECRET}"


async def test_c17_a_server_that_always_wants_another_nonce() -> None:
    """Is asked twice, and not for ever."""
    echo = Echo(*[wanted(f"n{number}") for number in range(9)])
    assert (await echo.ask(bound(echo))).status == 400
    assert len(echo.heard) == 2


@pytest.mark.parametrize("nonce", ["", "n 1", 'n"1', "n" * 1025, "n\\1"])
async def test_c17_what_is_no_nonce_is_not_taken_up(nonce: str) -> None:
    """Its characters and a sensible length are checked (RFC 9449, 8.1)."""
    echo = Echo(wanted(nonce))
    await echo.ask(bound(echo))
    assert len(echo.heard) == 1


async def test_c17_the_newest_nonce_of_a_server_is_remembered() -> None:
    """One comes with any answer (8.2), counts for all of a server's addresses, and nowhere else."""
    echo = Echo(told(200, {}, dpop_nonce="n1"), told(200, {}, dpop_nonce="n2"))
    one = bound(echo)
    await echo.ask(one)
    await echo.ask(one, RequestType.PUSH)
    await echo.ask(one)
    other = Endpoints(token=ENDPOINTS.token, refresh="https://other.example.com/token")
    await echo.ask(bound(echo, endpoints=other))
    assert [proof(each).get("nonce") for each in echo.heard] == [None, "n1", "n2", None]


async def test_c17_a_key_that_is_none_sends_nothing() -> None:
    """A request that should be proved is not made without."""
    echo = Echo()
    reply = await echo.ask(client(dpop_key=Sensitive("canary")))
    assert (reply.status, reply.sent, echo.heard) == (0, False, [])
    one = client(dpop_key=Sensitive("canary"), check_url=ME)
    assert await echo.servers.try_token(one, TOKEN, "DPoP") == 0


def test_c17_a_request_of_somebody_else_is_proved() -> None:
    """Who calls a resource by a bound token gets the proof for it, with the nonce it was told."""
    servers = Echo().servers
    text = servers.prove_possession(
        servers.new_dpop_key(), Proven("PUT", f"{ME}?a=b#c", TOKEN, "n1")
    )
    claims = proof(httpx2.Request("PUT", ME, headers={"dpop": text}))
    assert (claims["htm"], claims["htu"], claims["nonce"]) == ("PUT", ME, "n1")
    assert claims["ath"] == ath()


def test_c17_each_new_key_is_another() -> None:
    """Keys are made of chance."""
    servers = Echo().servers
    assert servers.new_dpop_key() != servers.new_dpop_key()


# --- whether a token is good ------------------------------------------------------------------


async def test_c17_a_bound_token_is_shown_by_rfc9449_7_1() -> None:
    """The scheme is DPoP, and the proof is of this very token."""
    echo = Echo(told(204, None))
    assert await echo.servers.try_token(bound(echo), TOKEN, "DPoP") == 204
    request = echo.heard[0]
    assert echo.targets == [f"GET {ME}?a=b"]
    assert request.headers["authorization"] == "DPoP canary-access"
    assert proof(request)["ath"] == ath()
    assert (proof(request)["htm"], proof(request)["htu"]) == ("GET", ME)


async def test_c17_a_resource_may_want_a_nonce_too_by_rfc9449_9() -> None:
    """Once; a token that is not taken then is not good."""
    echo = Echo(challenge("r1"), told(200, {}), challenge("r2"), challenge("r3"))
    one = bound(echo)
    assert await echo.servers.try_token(one, TOKEN, "DPoP") == 200
    assert await echo.servers.try_token(one, TOKEN, "DPoP") == 401
    nonces = [proof(each).get("nonce") for each in echo.heard]
    assert nonces == [None, "r1", "r1", "r2"]


async def test_c17_a_resource_that_names_no_nonce_is_asked_once() -> None:
    """Nor is there a proof without a key: the token is shown, and is not taken."""
    bare = told(401, {}, www_authenticate='DPoP error="use_dpop_nonce"')
    echo = Echo(bare, bare)
    assert await echo.servers.try_token(bound(echo), TOKEN, "DPoP") == 401
    assert await echo.servers.try_token(client(check_url=ME), TOKEN, "DPoP") == 401
    assert ["dpop" in each.headers for each in echo.heard] == [True, False]


async def test_a_bearer_token_is_shown_as_one() -> None:
    """Neither a proof nor a credential of the client goes with it."""
    echo = Echo(told(401, {}, dpop_nonce="n"), told(200, {}), httpx2.ReadError(""))
    one = bound(echo, extras=(Extra(Part.HEADER, "x-key", "canary"),))
    assert await echo.servers.try_token(one, TOKEN, "Bearer") == 401
    assert await echo.servers.try_token(one, TOKEN, "Bearer") == 200
    assert await echo.servers.try_token(one, TOKEN, "Bearer") == 0
    assert echo.heard[0].headers["authorization"] == "Bearer canary-access"
    assert not {"dpop", "x-key"} & echo.heard[0].headers.keys()
