"""Issuers over HTTPS: which signatures count, and how often anybody is asked for keys."""

import asyncio
import base64
import hmac
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import httpx2
import jwt as pyjwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from issuer_kit import (
    BY_DISCOVERY,
    BY_JWKS,
    EC_KEY,
    ISSUER,
    JWKS,
    OTHER_KEY,
    RSA_KEY,
    SMALL_KEY,
    Issuer,
    Key,
    jwk,
    pem,
    signed,
)
from jwt.warnings import InsecureKeyLengthWarning

from keyturn.adapters.oidc import HttpIssuers
from keyturn.domain.errors import (
    AddressRefused,
    InvalidInput,
    IssuerUnreachable,
    Unauthenticated,
)
from keyturn.domain.jwt_auth import KeySource
from keyturn.domain.sensitive import Sensitive
from keyturn.testing import ManualClock

SHARED = "x" * 32
OCTETS = {"kty": "oct", "k": base64.urlsafe_b64encode(SHARED.encode()).rstrip(b"=").decode()}
CLAIMS: dict[str, object] = {"sub": "workload"}


@pytest.fixture
def issuer() -> Issuer:
    """Begin with an issuer of one key."""
    return Issuer()


@pytest.fixture
def clock() -> ManualClock:
    """Begin at some moment."""
    return ManualClock(datetime(2026, 1, 1, tzinfo=UTC))


@pytest.fixture
async def issuers(issuer: Issuer, clock: ManualClock) -> AsyncIterator[HttpIssuers]:
    """Reach the issuer."""
    issuers = HttpIssuers(clock, issuer.transport)
    yield issuers
    await issuers.aclose()


def by_hand(header: dict[str, str], secret: str) -> str:
    """Return a token that carries a MAC by a shared secret, whatever its header says."""
    parts = (json.dumps(each).encode() for each in (header, CLAIMS))
    told = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    mac = hmac.digest(secret.encode(), told, "sha256")
    return (told + b"." + base64.urlsafe_b64encode(mac).rstrip(b"=")).decode()


async def refused(issuers: HttpIssuers, token: str, source: KeySource = BY_JWKS) -> bool:
    """Say whether a token is refused."""
    try:
        await issuers.verify(Sensitive(token), source)
    except Unauthenticated:
        return True
    return False


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        *((RSA_KEY, each) for each in ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")),
        (EC_KEY, "ES256"),
        (ec.generate_private_key(ec.SECP384R1()), "ES384"),
        (ec.generate_private_key(ec.SECP521R1()), "ES512"),
    ],
)
async def test_public_key_signatures_count(
    issuer: Issuer, issuers: HttpIssuers, key: Key, algorithm: str
) -> None:
    """Whatever an issuer signs with, found by discovery, by a set of keys, or given as PEM."""
    issuer.keys = [jwk(OTHER_KEY, "k-0"), jwk(key)]
    by_pem = KeySource(ISSUER, public_keys=(pem(OTHER_KEY), pem(key)))
    token = Sensitive(signed(CLAIMS, key, algorithm))
    for source in (BY_DISCOVERY, BY_JWKS, by_pem):
        issuers.check(source)
        assert await issuers.verify(token, source) == CLAIMS


@pytest.mark.parametrize("source", [BY_JWKS, KeySource(ISSUER, public_keys=(pem(EC_KEY),))])
async def test_nothing_but_a_public_key_proves_anything(
    issuers: HttpIssuers, source: KeySource
) -> None:
    """Neither no signature, nor a shared secret, nor another key, nor half a token is good."""
    good = signed(CLAIMS)
    head, body, signature = good.split(".")
    unsigned = pyjwt.encode(CLAIMS, None, "none", headers={"kid": "k-1"})
    tokens = (
        signed(CLAIMS, OTHER_KEY),
        unsigned,
        unsigned + signature,
        pyjwt.encode(CLAIMS, "x" * 32, "HS256", headers={"kid": "k-1"}),
        f"{head}.{body}.",
        f"{head}.{signed({'sub': 'x'}).split('.')[1]}.{signature}",
        signed(CLAIMS, crit=["unknown"], unknown=1),
        *("", ".", "..", "a.b.c", good + ".x", good[:-2]),
    )
    assert [await refused(issuers, each, source) for each in tokens] == [True] * len(tokens)
    assert not await refused(issuers, good, source)


async def test_a_public_key_is_no_shared_secret(issuer: Issuer, issuers: HttpIssuers) -> None:
    """A token signed with the bytes of the public key as a password is refused."""
    issuer.keys = [jwk(RSA_KEY), OCTETS | {"kid": "k-2"}]
    for algorithm in ("HS256", "RS256"):
        for kid in ("k-1", "k-2"):
            assert await refused(issuers, by_hand({"alg": algorithm, "kid": kid}, SHARED))
            assert await refused(issuers, by_hand({"alg": algorithm, "kid": kid}, pem(RSA_KEY)))


@pytest.mark.parametrize(
    ("published", "kid", "good"),
    [
        (jwk(EC_KEY, None), "anything", True),
        (jwk(EC_KEY, "k-1"), None, True),
        (jwk(EC_KEY, "k-1"), "k-2", False),
        (jwk(EC_KEY, use="enc"), "k-1", False),
        (jwk(EC_KEY, alg="ES384"), "k-1", False),
        (jwk(EC_KEY, crv="P-999"), "k-1", False),
        ({"kty": "EC"}, "k-1", False),
    ],
)
async def test_keys_are_chosen_by_what_they_say(
    issuer: Issuer,
    issuers: HttpIssuers,
    published: dict[str, object],
    kid: str | None,
    *,
    good: bool,
) -> None:
    """A name, where both have one, has to be the same; a key for something else is none."""
    issuer.keys = [published]
    assert await refused(issuers, signed(CLAIMS, kid=kid)) != good


async def test_a_small_rsa_key_proves_nothing(issuer: Issuer, issuers: HttpIssuers) -> None:
    """Below 2048 bits it is neither used nor taken."""
    issuer.keys = [jwk(SMALL_KEY)]
    with pytest.warns(InsecureKeyLengthWarning):
        token = signed(CLAIMS, SMALL_KEY, "RS256")
    assert await refused(issuers, token)
    with pytest.raises(InvalidInput):
        issuers.check(KeySource(ISSUER, public_keys=(pem(SMALL_KEY),)))


async def test_keys_are_asked_for_once_in_their_time(
    issuer: Issuer, issuers: HttpIssuers, clock: ManualClock
) -> None:
    """Many at once share one question, and the next is minutes away."""
    token = Sensitive(signed(CLAIMS))
    await asyncio.gather(*(issuers.verify(token, BY_JWKS) for _ in range(20)))
    clock.advance(299)
    await issuers.verify(token, BY_JWKS)
    assert issuer.asked == ["/keys"]
    clock.advance(1)
    await issuers.verify(token, BY_JWKS)
    assert issuer.asked == ["/keys"] * 2


async def test_an_unknown_key_is_asked_for_though_not_over_and_over(
    issuer: Issuer, issuers: HttpIssuers, clock: ManualClock
) -> None:
    """A new key of the issuer counts at once; who sends junk cannot make Keyturn call others."""
    await issuers.verify(Sensitive(signed(CLAIMS)), BY_JWKS)
    issuer.keys = [jwk(OTHER_KEY, "k-2")]
    new = signed(CLAIMS, OTHER_KEY, kid="k-2")
    assert await refused(issuers, new)
    clock.advance(30)
    assert not await refused(issuers, new)
    for _ in range(50):
        assert await refused(issuers, signed(CLAIMS, kid="junk"))
    assert len(issuer.asked) == 2


@pytest.mark.parametrize(
    "fault",
    [
        httpx2.Response(500),
        httpx2.Response(302, headers={"location": JWKS}),
        httpx2.Response(200, content=b"<html>"),
        httpx2.Response(200, content=b"[]"),
        httpx2.Response(200, content=b"[" * 100_000),
        httpx2.Response(200, content=b" " * 300_000 + b"{}"),
        httpx2.ConnectError("no way"),
        httpx2.ReadTimeout("silence"),
        AddressRefused("The address leads to 10.0.0.1."),
    ],
)
@pytest.mark.parametrize("source", [BY_JWKS, BY_DISCOVERY])
async def test_keys_that_do_not_come_are_the_issuers_fault(
    issuer: Issuer, issuers: HttpIssuers, fault: httpx2.Response | Exception, source: KeySource
) -> None:
    """The caller learns that and no more, and the issuer is not asked again at once."""
    issuer.fault = fault
    for _ in range(3):
        with pytest.raises(IssuerUnreachable) as caught:
            await issuers.verify(Sensitive(signed(CLAIMS)), source)
        assert "10.0.0.1" not in caught.value.message
    assert len(issuer.asked) == 1


async def test_keys_outlive_an_issuer_that_is_away(
    issuer: Issuer, issuers: HttpIssuers, clock: ManualClock
) -> None:
    """For an hour those that are known count, and no longer."""
    token = Sensitive(signed(CLAIMS))
    await issuers.verify(token, BY_JWKS)
    issuer.fault = httpx2.Response(503)
    clock.advance(3599)
    assert await issuers.verify(token, BY_JWKS) == CLAIMS
    clock.advance(1)
    with pytest.raises(IssuerUnreachable):
        await issuers.verify(token, BY_JWKS)


@pytest.mark.parametrize(
    "changes",
    [{"name": "https://other.example.com"}, {"jwks_uri": ""}, {"jwks_uri": "http://a.example"}],
)
async def test_a_discovery_document_is_the_issuers_own(
    issuer: Issuer, issuers: HttpIssuers, changes: dict[str, str]
) -> None:
    """One that names another issuer, or leads nowhere, gives no keys."""
    vars(issuer).update(changes)
    with pytest.raises(IssuerUnreachable):
        await issuers.verify(Sensitive(signed(CLAIMS)), BY_DISCOVERY)
    assert "/keys" not in issuer.asked


@pytest.mark.parametrize(
    "source",
    [
        KeySource(ISSUER, jwks_url="http://issuer.example.com"),
        KeySource(ISSUER, jwks_url="file:///etc/passwd"),
        KeySource(ISSUER, discovery_url="https://user@issuer.example.com"),
        KeySource(ISSUER, discovery_url="issuer.example.com"),
    ],
)
async def test_addresses_that_cannot_be_are_refused(
    issuers: HttpIssuers, source: KeySource
) -> None:
    """Neither other schemes, nor names and passwords, nor plain http outside of a sandbox."""
    with pytest.raises(AddressRefused):
        issuers.check(source)


@pytest.mark.parametrize("text", ["", "junk", pem(EC_KEY)[:-40], "-----BEGIN PRIVATE KEY-----"])
async def test_what_is_no_public_key_is_refused(issuers: HttpIssuers, text: str) -> None:
    """The field is named; a private key is none either."""
    with pytest.raises(InvalidInput, match="publicKeys"):
        issuers.check(KeySource(ISSUER, public_keys=(text,)))


async def test_no_more_sources_are_kept_than_fit(issuer: Issuer, issuers: HttpIssuers) -> None:
    """However many there are, memory is bounded; the oldest is asked again."""
    token = Sensitive(signed(CLAIMS))
    for number in range(201):
        await issuers.verify(token, KeySource(ISSUER, jwks_url=f"{JWKS}/{number}"))
    await issuers.verify(token, KeySource(ISSUER, jwks_url=f"{JWKS}/200"))
    assert len(issuer.asked) == 201
    await issuers.verify(token, KeySource(ISSUER, jwks_url=f"{JWKS}/0"))
    assert len(issuer.asked) == 202
