"""Private keys: how they are made and read, and what signs with them.

Decides which keys can sign, and by which algorithm. Knows nothing of what is signed.
"""

import json
from dataclasses import dataclass, field

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey, import_key

from keyturn.domain.errors import FieldProblem, InvalidInput
from keyturn.domain.okta import KeyAlgorithm, thumbprint
from keyturn.domain.sensitive import Sensitive
from keyturn.services.ports import Chance

EC_ALGORITHMS = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}
RSA_ALGORITHMS = ("RS256", "RS384", "RS512")
RSA_BITS = 2048
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
P256_SEED_BYTES = 40


@dataclass(frozen=True)
class SigningKey:
    """A private key and the algorithm that it signs with."""

    key: RSAKey | ECKey = field(repr=False)
    algorithm: str


def parse_signing_key(private_jwk: Sensitive) -> SigningKey:
    """Parse a private RSA or EC key in JSON (RFC 7517). Raises InvalidInput, without the reason.

    The reason might quote the key.
    """
    try:
        key = import_key(json.loads(private_jwk.reveal()))
        if isinstance(key, RSAKey | ECKey) and key.is_private:
            return SigningKey(key, _algorithm(key))
    except (JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        pass
    raise InvalidInput(
        FieldProblem(("privateKey",), "must be a private RSA or EC key as a JSON Web Key")
    ) from None


def parse_private_key(text: Sensitive) -> SigningKey:
    """Parse a private RSA or EC key, in JSON or in PEM without a password. Raises InvalidInput."""
    pem = text.reveal().strip()
    if not pem.startswith("-----BEGIN "):
        return parse_signing_key(text)
    try:
        key = _imported(load_pem_private_key(pem.encode(), None))
        return SigningKey(key, _algorithm(key))
    except (ValueError, TypeError, KeyError, UnsupportedAlgorithm):
        rule = f"must be a private RSA key of {RSA_BITS} bits or more, or an EC key, in PEM"
        raise InvalidInput(FieldProblem(("privateKey",), rule)) from None


def _imported(key: object) -> RSAKey | ECKey:
    match key:
        case rsa.RSAPrivateKey() if key.key_size >= RSA_BITS:
            return RSAKey.import_key(key)
        case ec.EllipticCurvePrivateKey():
            return ECKey.import_key(key)
        case _:
            raise ValueError


def new_private_key(chance: Chance, algorithm: KeyAlgorithm) -> dict[str, str]:
    """Make a private key in JSON, named by its thumbprint (RFC 7517, RFC 7638).

    An elliptic key is what the random bytes make it. An RSA key needs primes, which OpenSSL finds
    by random bytes of its own: the one thing in this product that is not made of `Chance`.
    """
    key = (
        RSAKey.generate_key(RSA_BITS)
        if algorithm is KeyAlgorithm.RS256
        else new_elliptic_key(chance)
    )
    members = {name: str(value) for name, value in key.as_dict(private=True).items()}
    return members | {"kid": thumbprint(members), "alg": algorithm.value, "use": "sig"}


def new_elliptic_key(chance: Chance) -> ECKey:
    """Make a P-256 key; more bytes than its order has leave no bias (FIPS 186-5, A.2.1)."""
    number = int.from_bytes(chance.random_bytes(P256_SEED_BYTES)) % (P256_ORDER - 1) + 1
    return ECKey(ec.derive_private_key(number, ec.SECP256R1()), None)


def public_half(private_jwk: Sensitive) -> dict[str, str]:
    """Return the members of a private key that everybody may know."""
    signing = parse_signing_key(private_jwk)
    public = signing.key.as_dict(private=False)
    kept = {name: str(value) for name, value in public.items() if isinstance(value, str)}
    return kept | {"kid": thumbprint(kept), "alg": signing.algorithm, "use": "sig"}


def _algorithm(key: RSAKey | ECKey) -> str:
    if isinstance(key, ECKey):
        return EC_ALGORITHMS[key.curve_name]
    return key.alg if key.alg in RSA_ALGORITHMS else "RS256"
