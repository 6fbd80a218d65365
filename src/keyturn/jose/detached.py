"""Signatures that stand beside what they sign: ECDSA over P-256 with SHA-256 (FIPS 186-5), in DER.

Decides for one key whether it has signed. Knows nothing of where keys come from.
"""

from base64 import b64decode

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePublicKey,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key


def has_signed(pem: str, message: bytes, signature: str) -> bool:
    """Say whether a public key in PEM proves a signature, in base64, of a message.

    What is no such key, or no signature, proves nothing.
    """
    try:
        key = load_pem_public_key(pem.encode())
        if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP256R1):
            return False
        key.verify(b64decode(signature, validate=True), message, ECDSA(SHA256()))
    except (ValueError, UnsupportedAlgorithm, InvalidSignature):
        return False
    return True
