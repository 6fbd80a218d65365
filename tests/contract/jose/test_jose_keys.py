"""Private keys are read as JSON or PEM; what cannot sign is told apart without quoting it."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from echo_kit import START, jwk, pem
from issuer_kit import EC_KEY, RSA_KEY, SMALL_KEY
from issuer_kit import pem as public_pem

from keyturn.domain.errors import InvalidInput
from keyturn.domain.sensitive import Sensitive
from keyturn.jose.assertions import Assertions
from keyturn.jose.keys import parse_private_key
from keyturn.testing import ManualClock, SeededChance

P384, ED25519 = ec.generate_private_key(ec.SECP384R1()), ed25519.Ed25519PrivateKey.generate()
ODD_CURVE = ec.generate_private_key(ec.SECP224R1())


def sealed() -> str:
    """Return a key under a password."""
    sealing = BestAvailableEncryption(b"x")
    return EC_KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, sealing).decode()


def traditional() -> str:
    """Return a key in the older form of PEM."""
    older = PrivateFormat.TraditionalOpenSSL
    return RSA_KEY.private_bytes(Encoding.PEM, older, NoEncryption()).decode()


@pytest.mark.parametrize(
    ("text", "algorithm", "kid"),
    [
        (jwk(EC_KEY), "ES256", "k1"),
        (jwk(RSA_KEY), "RS256", "k1"),
        (pem(EC_KEY), "ES256", None),
        (pem(P384), "ES384", None),
        (pem(RSA_KEY), "RS256", None),
        (traditional(), "RS256", None),
        (f"\n {pem(EC_KEY)}", "ES256", None),
    ],
    ids=range(7),
)
def test_keys_that_sign(text: str, algorithm: str, kid: str | None) -> None:
    """A key in PEM has no name; its kind tells the algorithm (RFC 7518, 3.1)."""
    found = parse_private_key(Sensitive(text))
    assert (found.algorithm, found.key.kid, found.key.is_private) == (algorithm, kid, True)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "canary",
        pem(SMALL_KEY),
        pem(ODD_CURVE),
        pem(ED25519),  # type: ignore[arg-type]  # of a kind that is not taken
        sealed(),
        public_pem(EC_KEY),
        pem(EC_KEY)[:90],
        json.dumps({**json.loads(jwk(EC_KEY)), "d": 1}),
    ],
    ids=range(9),
)
def test_keys_that_do_not(text: str) -> None:
    """Short, sealed, public, half, or of a kind that is not taken."""
    with pytest.raises(InvalidInput, match="privateKey: must be a private RSA") as caught:
        parse_private_key(Sensitive(text))
    assert "canary" not in str(caught.value)


def test_a_public_key_is_no_secret_to_sign_with() -> None:
    """Whoever knows it could sign as well (RFC 8725, 2.1)."""
    assertions = Assertions("https://as.example.com", ManualClock(START), SeededChance(1))
    with pytest.raises(InvalidInput, match="no public key"):
        assertions.by_secret("c1", Sensitive(public_pem(EC_KEY)))
