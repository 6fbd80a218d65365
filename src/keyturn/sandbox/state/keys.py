"""The key pairs of an org: one that signs its tokens, one that its service app signs with.

An org's seed chooses them, so that the same seed signs the same bytes. They are products of primes
that come with this package: everybody has them, and nothing real may trust what they sign.
"""

import hashlib
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib.resources import files
from itertools import combinations

from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc.jwk import RSAKey

from keyturn.sandbox.http import Json
from keyturn.sandbox.oauth.jose import encode

EXPONENT = 65537


@dataclass(frozen=True, slots=True)
class UnpublishedKey:
    """What stands for the key of the org server's access tokens, which Okta shows to nobody.

    No client can tell its signatures from those of an RSA key that it does not have.
    """

    kid: str
    secret: bytes = field(repr=False)


class Keys:
    """Two RSA key pairs of 2,048 bits, and what follows from the first."""

    def __init__(self, signing: RSAKey, service: RSAKey) -> None:
        self.signing, self.service = signing, service
        exponent = str(signing.as_dict(private=True)["d"])
        secret = hashlib.sha256(exponent.encode()).digest()
        self.unpublished = UnpublishedKey(encode(hashlib.sha256(secret).digest()), secret)

    @classmethod
    @lru_cache(maxsize=64)
    def of_seed(cls, seed: int) -> "Keys":
        """Return the key pairs of a seed; no two of 248 seeds in a row have one in common."""
        pairs = tuple(combinations(list_primes(), 2))
        first = 2 * seed % len(pairs)
        return cls(make_key(*pairs[first]), make_key(*pairs[first + 1]))


@cache
def list_primes() -> tuple[int, ...]:
    """Return the 32 primes of 1,024 bits from which all keys are made."""
    lines = (files("keyturn.sandbox.state") / "primes.txt").read_text().split()
    return tuple(int(line, 16) for line in lines)


def make_key(p: int, q: int) -> RSAKey:
    """Return the key pair of two primes, named by its thumbprint (RFC 7638)."""
    d = pow(EXPONENT, -1, (p - 1) * (q - 1))
    numbers = rsa.RSAPrivateNumbers(
        p,
        q,
        d,
        rsa.rsa_crt_dmp1(d, p),
        rsa.rsa_crt_dmq1(d, q),
        rsa.rsa_crt_iqmp(p, q),
        rsa.RSAPublicNumbers(EXPONENT, p * q),
    )
    # To prove primes to be primes takes a hundred times as long; a test did it.
    key = RSAKey(numbers.private_key(unsafe_skip_rsa_key_validation=True), None)
    key.ensure_kid()
    return key


def render_public(key: RSAKey) -> dict[str, Json]:
    """Return the public half as a JWK for signatures."""
    public = key.as_dict(private=False)
    return {
        "kty": "RSA",
        "alg": "RS256",
        "kid": str(public["kid"]),
        "use": "sig",
        "e": str(public["e"]),
        "n": str(public["n"]),
    }


def render_private(key: RSAKey) -> dict[str, str]:
    """Return the whole key as a JWK, for the one who signs with it."""
    return {name: str(value) for name, value in key.as_dict(private=True).items()}
