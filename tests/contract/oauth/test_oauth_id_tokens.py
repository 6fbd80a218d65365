"""ID tokens are proved by the server's public keys (OIDC Core, 3.1.3.7; checklist C12)."""

import asyncio
import base64
import json

import httpx2
import jwt as pyjwt
import pytest
from echo_kit import ENDPOINTS, SECRET, Echo, Step, client, told
from issuer_kit import EC_KEY, OTHER_KEY, RSA_KEY, SMALL_KEY, jwk, pem, signed

from keyturn.domain.oauth.provider import Endpoints
from keyturn.domain.sensitive import Sensitive

CLAIMS: dict[str, object] = {"iss": "https://as.example.com", "sub": "canary-somebody"}
KEYS = told(200, {"keys": [jwk(EC_KEY), jwk(RSA_KEY, "k-2")]})
NEW_KEYS = told(200, {"keys": [jwk(OTHER_KEY, "k-3")]})
AWAY = httpx2.Response(503)
ONE = client()


async def claims(echo: Echo, token: str) -> object:
    """Read what a token says."""
    return await echo.servers.read_claims(ONE, Sensitive(token))


def unsigned() -> str:
    """Return a token that nobody signed (RFC 8725, 2.1)."""
    parts = ({"alg": "none", "kid": "k-1"}, CLAIMS)
    texts = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode() for part in parts]
    return ".".join(text.rstrip("=") for text in texts) + "."


def by_public_key() -> str:
    """Return a token that takes the public key for a shared secret."""
    key = pem(EC_KEY).encode()
    head = pyjwt.utils.base64url_encode(b'{"alg":"HS256","kid":"k-1"}')
    body = pyjwt.utils.base64url_encode(json.dumps(CLAIMS).encode())
    mac = pyjwt.algorithms.HMACAlgorithm(pyjwt.algorithms.HMACAlgorithm.SHA256).sign(
        head + b"." + body, key
    )
    return b".".join((head, body, pyjwt.utils.base64url_encode(mac))).decode()


@pytest.mark.parametrize(
    "token",
    [
        signed(CLAIMS),
        signed(CLAIMS, kid=None),
        signed(CLAIMS, RSA_KEY, "RS256", "k-2"),
        signed(CLAIMS, RSA_KEY, "PS256", "k-2"),
    ],
)
async def test_c12_a_signature_by_a_key_of_the_server(token: str) -> None:
    """Any of its keys will do, by a public-key algorithm."""
    assert await claims(Echo(KEYS), token) == CLAIMS


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "a.b.c",
        unsigned(),
        by_public_key(),
        signed(CLAIMS, SECRET, "HS256"),
        signed(CLAIMS, OTHER_KEY),
        signed(CLAIMS, RSA_KEY, "RS256", "k-1"),
        signed(CLAIMS)[:-4] + "AAAA",
        "é" + signed(CLAIMS),
    ],
    ids=range(10),
)
async def test_c12_nothing_else_is_believed_by_oidc_core_3_1_3_7(token: str) -> None:
    """No signature, one by a shared secret, by nobody's key, by a key under another name."""
    assert await claims(Echo(KEYS), token) is None


async def test_c12_what_is_no_token_asks_nobody() -> None:
    """Junk has no key to look for."""
    echo = Echo(KEYS)
    assert await claims(echo, "x.y.z") is None
    assert echo.heard == []


async def test_c12_each_server_has_keys_of_its_own() -> None:
    """What one of them signs, another has not signed."""
    echo = Echo(KEYS, NEW_KEYS)
    other = client(endpoints=Endpoints(jwks="https://other.example.com/keys"))
    assert await claims(echo, signed(CLAIMS)) == CLAIMS
    assert await echo.servers.read_claims(other, Sensitive(signed(CLAIMS))) is None


async def test_c12_a_short_key_proves_nothing() -> None:
    """Not even one that the server publishes (NIST SP 800-131A)."""
    echo = Echo(told(200, {"keys": [jwk(SMALL_KEY)]}))
    with pytest.warns(pyjwt.warnings.InsecureKeyLengthWarning):
        token = signed(CLAIMS, SMALL_KEY, "RS256")
    assert await claims(echo, token) is None


async def test_c12_keys_are_kept_for_minutes_and_read_once_for_all() -> None:
    """However many tokens come at once, a server is asked once, and again in time."""
    echo = Echo(KEYS, KEYS)
    found = await asyncio.gather(*(claims(echo, signed(CLAIMS)) for _ in range(5)))
    assert found == [CLAIMS] * 5
    assert echo.targets == [f"GET {ENDPOINTS.jwks}"]
    echo.clock.advance(300)
    await claims(echo, signed(CLAIMS))
    assert len(echo.heard) == 2


async def test_c12_an_unknown_key_has_the_keys_read_again_once() -> None:
    """A server that has a new key is believed; one that is asked over and over is left alone."""
    echo = Echo(KEYS, NEW_KEYS)
    new = signed(CLAIMS, OTHER_KEY, kid="k-3")
    assert [await claims(echo, new), await claims(echo, new)] == [None, None]
    echo.clock.advance(30)
    assert await claims(echo, new) == CLAIMS
    assert len(echo.heard) == 2


@pytest.mark.parametrize("fault", [AWAY, httpx2.ReadTimeout("")])
async def test_c12_keys_outlive_a_short_outage(fault: Step) -> None:
    """For an hour; then nobody can prove anything."""
    echo = Echo(KEYS, *[fault] * 9)
    assert await claims(echo, signed(CLAIMS)) == CLAIMS
    echo.clock.advance(3599)
    assert await claims(echo, signed(CLAIMS)) == CLAIMS
    echo.clock.advance(1)
    assert await claims(echo, signed(CLAIMS)) is None


@pytest.mark.parametrize("bad", ["", "http://as.example.com/keys", "file:///etc/passwd"])
async def test_c8_keys_come_from_an_address_that_is_one(bad: str) -> None:
    """Without keys nothing is believed, and nobody is asked."""
    echo = Echo(KEYS)
    one = client(endpoints=Endpoints(jwks=bad))
    assert await echo.servers.read_claims(one, Sensitive(signed(CLAIMS))) is None
    assert echo.heard == []


async def test_claims_that_are_no_object() -> None:
    """A signature alone is no identity."""
    token = pyjwt.api_jws.encode(b"[1]", EC_KEY, "ES256", {"kid": "k-1"})
    assert await claims(Echo(KEYS), token) is None
