"""Keys that tokens are bound to outlive the process that made them."""

import json
from datetime import UTC, datetime

import jwt as pyjwt
import pytest
from joserfc.jwk import ECKey, OKPKey, RSAKey

from keyturn.domain.errors import InvalidInput
from keyturn.domain.sensitive import Sensitive
from keyturn.jose.dpop import DpopKey
from keyturn.testing import ManualClock, SeededChance

CLOCK = ManualClock(datetime(2026, 5, 1, 12, tzinfo=UTC))


@pytest.fixture
def key() -> DpopKey:
    """Make a key."""
    return DpopKey.new(CLOCK, SeededChance(1))


def test_a_kept_key_proves_as_before(key: DpopKey) -> None:
    """What another library finds in a proof of the parsed key is what tokens were bound to."""
    again = DpopKey.parse(key.private_jwk, CLOCK, SeededChance(2))
    proof = again.prove("POST", "https://as.example.com/token?x=1#y", nonce="n1")
    header = pyjwt.get_unverified_header(proof)
    public = pyjwt.PyJWK(header["jwk"], "ES256")
    claims = pyjwt.decode(proof, public, ["ES256"], {"verify_iat": False})
    assert header["jwk"] == key.key.as_dict(private=False)
    assert (claims["htu"], claims["nonce"]) == ("https://as.example.com/token", "n1")
    assert again.thumbprint == key.thumbprint == key.key.thumbprint()


def test_the_private_half_stays_inside(key: DpopKey) -> None:
    """Neither a proof nor a repr shows it; what is stored is Sensitive."""
    private = json.loads(key.private_jwk.reveal())["d"]
    assert "d" not in pyjwt.get_unverified_header(key.prove("GET", "https://a.example"))["jwk"]
    assert private not in f"{key!r}{key.private_jwk!r}"


def test_a_new_key_is_made_of_chance_alone(key: DpopKey) -> None:
    """The same chance makes the same key, and the next one another."""
    chance = SeededChance(1)
    assert DpopKey.new(CLOCK, chance).private_jwk == key.private_jwk
    assert DpopKey.new(CLOCK, chance).private_jwk != key.private_jwk


@pytest.mark.parametrize(
    "jwk",
    [
        {},
        ECKey.generate_key("P-256").as_dict(private=False),
        ECKey.generate_key("P-384").as_dict(private=True),
        OKPKey.generate_key("Ed25519").as_dict(private=True),
        RSAKey.generate_key(2048).as_dict(private=True),
    ],
    ids=["nothing", "public", "P-384", "Ed25519", "RSA"],
)
def test_no_other_key_is_taken(jwk: dict[str, object]) -> None:
    """Proofs are signed by ES256, so that the key has to be a private P-256 key."""
    with pytest.raises(InvalidInput, match="privateKey"):
        DpopKey.parse(Sensitive(json.dumps(jwk)), CLOCK, SeededChance(1))
