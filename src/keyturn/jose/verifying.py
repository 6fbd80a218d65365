"""Public keys of issuers, and what they prove.

Decides which algorithms count: public-key ones alone, so that nobody signs with a public key taken
for a shared secret (RFC 8725, 2.1 and 3.1), and never ``none``. Knows nothing of claims.
"""

import json
from base64 import urlsafe_b64decode
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey, import_key

PublicKey = RSAKey | ECKey

ALGORITHMS: Final[Mapping[str, type[PublicKey]]] = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), RSAKey),
    **dict.fromkeys(("ES256", "ES384", "ES512"), ECKey),
}
RSA_BITS_MIN = 2048
KEYS_MAX = 50
_REGISTRY: Final = jws.JWSRegistry(algorithms=[*ALGORITHMS], strict_check_header=False)


def parse_pem(pem: str) -> PublicKey | None:
    """Parse a public key in PEM; None for anything else."""
    try:
        key = load_pem_public_key(pem.strip().encode())
    except (ValueError, UnsupportedAlgorithm):
        return None
    if isinstance(key, RSAPublicKey):
        return RSAKey.import_key(key) if key.key_size >= RSA_BITS_MIN else None
    return ECKey.import_key(key) if isinstance(key, EllipticCurvePublicKey) else None


def parse_jwks(document: object) -> Sequence[PublicKey]:
    """Parse the public keys for signatures of a set (RFC 7517, 5); what else is in it is left."""
    listed = document.get("keys") if isinstance(document, dict) else None
    members = (
        [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    )
    found = (_parse_jwk(each) for each in members[:KEYS_MAX] if each.get("use", "sig") == "sig")
    return [key for key in found if key is not None]


def _parse_jwk(members: dict[str, object]) -> PublicKey | None:
    told: dict[str, str | list[str]] = {
        name: each for name, each in members.items() if isinstance(each, str)
    }
    try:
        key = import_key(told) if _strong(told) else None
    except (JoseError, ValueError, TypeError, KeyError, UnsupportedAlgorithm):
        return None
    return key if isinstance(key, PublicKey) else None


def _strong(members: Mapping[str, object]) -> bool:
    """Say whether a key is no RSA key, or a long one (NIST SP 800-131A)."""
    modulus = urlsafe_b64decode(f"{members.get('n', '')}==")
    bits = int.from_bytes(modulus).bit_length()
    return members.get("kty") != "RSA" or bits >= RSA_BITS_MIN


def header_of(token: str) -> Mapping[str, object]:
    """Return the header of a JWS, proved by nothing; empty where there is none."""
    try:
        return jws.extract_compact(token.encode()).headers()
    except (JoseError, ValueError, UnicodeError, RecursionError):
        return {}


def verified(token: str, header: Mapping[str, object], keys: Iterable[PublicKey]) -> object:
    """Return what a JWS carries that one of the keys has signed, or None."""
    algorithm, kid = header.get("alg"), header.get("kid")
    wanted = ALGORITHMS.get(algorithm) if isinstance(algorithm, str) else None
    if wanted is None:
        return None
    fitting = (
        key for key in keys if isinstance(key, wanted) and (kid is None or key.kid in (None, kid))
    )
    return next((found for key in fitting if (found := _claims(token, key)) is not None), None)


def _claims(token: str, key: PublicKey) -> object:
    try:
        proved = jws.deserialize_compact(token.encode(), key, registry=_REGISTRY)
        return json.loads(proved.payload or b"")
    except (JoseError, ValueError, RecursionError):
        return None
