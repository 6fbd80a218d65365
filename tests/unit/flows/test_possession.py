"""Proofs of possession: every check of RFC 9449, 4.3 refuses what it is there for."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping

import pytest

from keyturn.domain.flows.bearers import Fault, Shown, TokenRefused
from keyturn.domain.flows.possession import (
    ALGORITHMS,
    CHECKS,
    WINDOW_S,
    Expected,
    hash_of,
    read_proof,
    require_bound,
)

URL = "https://keyturn.example.com/api/flo/abc/invoke"
NOW = 1_772_366_400
ASKED = Expected("POST", URL, "token", NOW)
JWK = {"kty": "EC", "crv": "P-256", "x": "eHg", "y": "eXk"}
HEADER: Mapping[str, object] = {"typ": "dpop+jwt", "alg": "ES256", "jwk": JWK}
CLAIMS: Mapping[str, object] = {
    "htm": "POST",
    "htu": URL,
    "iat": NOW,
    "jti": "j-1",
    "ath": hash_of("token"),
}


def part(told: object) -> str:
    """Encode one part of a JWT."""
    return urlsafe_b64encode(json.dumps(told).encode()).rstrip(b"=").decode()


def proof(header: Mapping[str, object] = HEADER, **claims: object) -> str:
    """Return a proof with other claims; None leaves one out."""
    told = {name: each for name, each in {**CLAIMS, **claims}.items() if each is not None}
    return f"{part(header)}.{part(told)}.c2ln"


def headed(**header: object) -> str:
    """Return a proof with another header."""
    return proof({name: each for name, each in {**HEADER, **header}.items() if each is not None})


def refused(*texts: str) -> str:
    """Return which check refuses; empty for a good proof."""
    try:
        read_proof(texts, ASKED)
    except TokenRefused as refusal:
        return refusal.message.partition("its ")[2].partition(" ")[0] or refusal.message
    return ""


def test_a_proof_of_the_request_is_good() -> None:
    """What it says is read; the signature is another's matter."""
    found = read_proof((proof(),), ASKED)
    assert (found.algorithm, found.jti, found.key) == ("ES256", "j-1", JWK)
    assert len(found.thumbprint) == 43


ROWS = {
    "typ": [headed(typ=None), headed(typ="JWT"), headed(typ=["dpop+jwt"])],
    "alg": [headed(alg=None), headed(alg="none"), headed(alg="HS256"), headed(alg=["ES256"])],
    "crit": [headed(crit=["x"])],
    "jwk": [
        headed(jwk=None),
        headed(jwk=[JWK]),
        headed(jwk={"kty": "EC"}),
        headed(jwk={"kty": "oct", "k": "eHg"}),
        headed(jwk=JWK | {"d": "eHg"}),
        headed(jwk={"kty": "RSA", "n": "eHg", "e": "AQAB", "dp": "x"}),
    ],
    "jti": [proof(jti=None), proof(jti=""), proof(jti=1), proof(jti="x" * 513)],
    "htm": [proof(htm=None), proof(htm="GET"), proof(htm="post")],
    "htu": [
        proof(htu=None),
        proof(htu=URL + "/"),
        proof(htu=URL.replace("https", "http")),
        proof(htu=URL.replace("example", "other")),
        proof(htu="https://[x"),
        proof(htu=[URL]),
    ],
    "iat": [
        proof(iat=None),
        proof(iat=NOW - WINDOW_S - 1),
        proof(iat=NOW + WINDOW_S + 1),
        proof(iat=str(NOW)),
        proof(iat=True),
        proof(iat=float("nan")),
        proof(iat=10**400),
    ],
    "ath": [proof(ath=None), proof(ath=hash_of("other")), proof(ath="token")],
}


@pytest.mark.parametrize("name", ROWS)
def test_each_check_refuses(name: str) -> None:
    """The one that it is about, whatever else is good."""
    assert [refused(each) for each in ROWS[name]] == [name] * len(ROWS[name])


def test_every_check_has_its_row() -> None:
    """None is without a proof that it alone refuses."""
    assert [check.name for check in CHECKS] == [*ROWS]


@pytest.mark.parametrize("texts", [(), (proof(), proof()), ("x",), ("a.b.c",), ("x" * 20_000,)])
def test_there_is_one_proof_and_it_is_a_jwt(texts: tuple[str, ...]) -> None:
    """Two are as good as none."""
    with pytest.raises(TokenRefused) as refusal:
        read_proof(texts, ASKED)
    assert (refusal.value.fault, refusal.value.scheme) == (Fault.INVALID_PROOF, "DPoP")


@pytest.mark.parametrize(
    "written",
    [URL + "?a=1", URL + "#a", URL.replace("example", "EXAMPLE"), URL.replace(".com", ".com:443")],
)
def test_one_address_has_several_spellings(written: str) -> None:
    """Query, fragment, case of the host and the usual port play no part (RFC 3986, 6.2)."""
    assert refused(proof(htu=written)) == ""


def test_only_asymmetric_algorithms_count() -> None:
    """No shared secret proves anything here."""
    assert [refused(headed(alg=name)) for name in ALGORITHMS] == [""] * len(ALGORITHMS)
    assert not [name for name in ALGORITHMS if name.startswith("HS")]


BOUND = {"cnf": {"jkt": read_proof((proof(),), ASKED).thumbprint}}


@pytest.mark.parametrize(
    ("claims", "proved", "good"),
    [
        ({}, False, True),
        (BOUND, True, True),
        (BOUND, False, False),
        ({}, True, False),
        ({"cnf": {"jkt": "other"}}, True, False),
        ({"cnf": {"x5t#S256": "x"}}, False, False),
        ({"cnf": {"x5t#S256": "x"}}, True, False),
        ({"cnf": "x"}, False, False),
        ({"token_type": "DPoP"}, False, False),
        ({"token_type": "Bearer"}, False, True),
    ],
)
def test_token_scheme_and_key_belong_together(
    claims: dict[str, object], *, proved: bool, good: bool
) -> None:
    """A bound token counts with its own key alone, and a plain one with none (RFC 9449, 7)."""
    shown = read_proof((proof(),), ASKED) if proved else None
    try:
        require_bound(Shown(claims), "DPoP" if proved else "Bearer", shown)
    except TokenRefused as refusal:
        assert refusal.fault is Fault.INVALID_TOKEN  # noqa: PT017  what it is refused by
        assert not good
    else:
        assert good
