"""JSON Web Signatures of flows: made and proved by one named algorithm.

Decides which keys fit an algorithm, so that a public key is never taken for a shared secret
(RFC 8725, 2.1) and a weak one for none at all. Knows nothing of claims.
"""

import asyncio
import base64
import binascii
import json
import re
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from threading import Lock
from typing import Final, TypeAlias, TypeVar

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    load_der_private_key,
    load_der_public_key,
    load_pem_private_key,
    load_pem_public_key,
)
from cryptography.x509 import load_pem_x509_certificate
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey, import_key
from joserfc.jws import JWSRegistry

from keyturn.domain.errors import FieldProblem, InvalidInput
from keyturn.domain.sensitive import Sensitive

Key: TypeAlias = RSAKey | ECKey | OKPKey | OctKey
T = TypeVar("T")

CURVES: Final = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
EDWARDS: Final = ("Ed25519", "Ed448")
NAMES: Final = re.compile(r"[HRPE]S(256|384|512)|EdDSA")
RSA_BITS: Final = 2048
KEYS_MAX: Final = 50
KEPT: Final = 100
NO_SECRET: Final = re.compile(r"-----BEGIN |^\s*(ssh-|ecdsa-|sk-ssh-|sk-ecdsa-)")
_ODD: Final = (JoseError, ValueError, TypeError, KeyError, AttributeError, RecursionError)


class JoseSigner:
    """Sign and verify (`services.ports.Signer`).

    Keys are parsed once: to see whether a private RSA key is sound takes a tenth of a second.
    """

    def __init__(self) -> None:
        self._parsed: Final[dict[bytes, Sequence[Key]]] = {}
        self._lock: Final = Lock()

    async def sign(
        self,
        header: Mapping[str, object],
        payload: Mapping[str, object],
        key: Sensitive,
        algorithm: str,
    ) -> Sensitive:
        """Return a token of these, in compact form; ``alg`` and the key's ``kid`` are added."""
        return await asyncio.to_thread(self._signed, header, payload, key, algorithm)

    async def verify(self, token: Sensitive, key: Sensitive, algorithm: str) -> None:
        """Raise InvalidInput unless this key has signed a token by this algorithm, and no other."""
        await asyncio.to_thread(self._verify, token.reveal(), key, algorithm)

    def _signed(
        self,
        header: Mapping[str, object],
        payload: Mapping[str, object],
        key: Sensitive,
        algorithm: str,
    ) -> Sensitive:
        (signing,) = self._keys(key, algorithm, _private)
        named = {"kid": signing.kid} if signing.kid and "kid" not in header else {}
        whole = {**header, **named, "alg": algorithm}
        told = f"{_encoded(_json(whole))}.{_encoded(_json(payload))}"
        made = JWSRegistry.algorithms[algorithm].sign(told.encode(), signing)
        return Sensitive(f"{told}.{_encoded(made)}")

    def _verify(self, token: str, key: Sensitive, algorithm: str) -> None:
        keys, header = self._keys(key, algorithm, _public), _header(token)
        told, _, signature = token.rpartition(".")
        if header.get("alg") != algorithm or "crit" in header:
            raise _wrong("token", f"is not signed by {algorithm}")
        kid = header.get("kid")
        fitting = [each for each in keys if kid is None or each.kid in {None, kid}]
        if not any(_proves(each, told, signature, algorithm) for each in fitting):
            raise _wrong("token", "is not signed by this key")

    def _keys(
        self, text: Sensitive, algorithm: str, parse: Callable[[str, str], Sequence[Key]]
    ) -> Sequence[Key]:
        """Return the keys that a text is of which an algorithm makes use. Raises InvalidInput."""
        if not NAMES.fullmatch(algorithm):
            raise _wrong("algorithm", "is none that is known here")
        clear, parse = text.reveal(), _shared if algorithm.startswith("HS") else parse
        name = f"{parse.__name__} {algorithm} ".encode() + clear.encode(errors="replace")
        known = sha256(name).digest()
        found = self._parsed.get(known) or parse(clear, algorithm)
        with self._lock:
            if len(self._parsed) >= KEPT:
                del self._parsed[next(iter(self._parsed))]
            self._parsed[known] = found
        return found


def _header(token: str) -> Mapping[str, object]:
    """Return the header of a token, proved by nothing; empty where there is none."""
    first, *others = token.split(".")
    told = _decoded(first) if len(others) == 2 else b""
    return _members(told.decode(errors="replace")) or {}


def _proves(key: Key, told: str, signature: str, algorithm: str) -> bool:
    try:
        made = base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4))
        if _encoded(made) != signature:  # one signature has one spelling
            return False
        return JWSRegistry.algorithms[algorithm].verify(told.encode(), made, key)
    except (*_ODD, binascii.Error):
        return False


# --- keys -----------------------------------------------------------------------------------------


def _shared(text: str, algorithm: str) -> Sequence[Key]:
    """Return a shared secret: a text as it is, or a symmetric key in JSON."""
    secret = text.encode(errors="replace")
    members = _members(text)
    if members is not None:
        if members.get("kty") != "oct" or members.get("alg") not in {None, algorithm}:
            raise _no_secret()
        secret = _decoded(str(members.get("k", "")))
    if NO_SECRET.search(text) or _is_key(secret) or _is_key(_decoded(text)):
        raise _no_secret()
    if len(secret) * 8 < int(algorithm[2:]):
        least = int(algorithm[2:]) // 8
        raise _wrong("key", f"must be a secret of at least {least} bytes for {algorithm}")
    kid = members.get("kid") if members else None
    return [OctKey.import_key(secret, {"kid": kid} if isinstance(kid, str) else None)]


def _no_secret() -> InvalidInput:
    return _wrong("key", "must be a shared secret, and no public or private key of another kind")


def _is_key(data: bytes) -> bool:
    """Say whether bytes are a key of another kind, without its usual wrapping."""
    for load in (load_der_public_key, lambda der: load_der_private_key(der, None)):
        try:
            load(data)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            continue
        return True
    return False


def _private(text: str, algorithm: str) -> Sequence[Key]:
    rule = f"must be a private key for {algorithm}, in PEM without a password or in JSON"
    members = _members(text)
    try:
        native = load_pem_private_key(text.strip().encode(), None) if members is None else None
        key = _of_native(native) if members is None else _of_members(members, algorithm)
    except (*_ODD, UnsupportedAlgorithm):
        raise _wrong("key", rule) from None
    if key is None or not key.is_private or not _fits(key, algorithm):
        raise _wrong("key", rule)
    return [key]


def _public(text: str, algorithm: str) -> Sequence[Key]:
    rule = f"must be a public key for {algorithm}, in PEM or in JSON, or a set of keys in JSON"
    members = _members(text)
    try:
        found = [_of_native(_public_pem(text))] if members is None else _of_set(members, algorithm)
    except (*_ODD, UnsupportedAlgorithm):
        raise _wrong("key", rule) from None
    keys = [key for key in found if key and not key.is_private and _fits(key, algorithm)]
    if not keys:
        raise _wrong("key", rule)
    return keys


def _public_pem(text: str) -> object:
    pem = text.strip().encode()
    if b"-----BEGIN CERTIFICATE-----" in pem:
        return load_pem_x509_certificate(pem).public_key()
    return load_pem_public_key(pem)


def _members(text: str) -> Mapping[str, object] | None:
    """Return the members of what is JSON; None for what is no object."""
    try:
        value = json.loads(text) if text.lstrip().startswith("{") else None
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _of_set(members: Mapping[str, object], algorithm: str) -> Sequence[Key | None]:
    listed = members.get("keys", [members])
    every = listed[:KEYS_MAX] if isinstance(listed, list) else []
    return [_found(each, algorithm) for each in every if isinstance(each, dict)]


def _found(members: Mapping[str, object], algorithm: str) -> Key | None:
    """Return one key of several; what is no key for this algorithm is left out."""
    try:
        return _of_members(members, algorithm)
    except (*_ODD, UnsupportedAlgorithm):
        return None


def _of_members(members: Mapping[str, object], algorithm: str) -> Key | None:
    if members.get("alg") not in {None, algorithm} or members.get("use") not in {None, "sig"}:
        return None
    modulus = int.from_bytes(_decoded(str(members.get("n", ""))))
    if members.get("kty") == "RSA" and modulus.bit_length() < RSA_BITS:
        return None
    told: dict[str, str | list[str]] = {
        name: each for name, each in members.items() if isinstance(each, str)
    }
    return import_key(told)


def _of_native(key: object) -> Key | None:
    match key:
        case rsa.RSAPrivateKey() | rsa.RSAPublicKey() if key.key_size >= RSA_BITS:
            return RSAKey.import_key(key)
        case ec.EllipticCurvePrivateKey() | ec.EllipticCurvePublicKey():
            return ECKey.import_key(key)
        case (
            ed25519.Ed25519PrivateKey()
            | ed25519.Ed25519PublicKey()
            | ed448.Ed448PrivateKey()
            | ed448.Ed448PublicKey()
        ):
            return OKPKey.import_key(key)
        case _:
            return None


def _fits(key: Key, algorithm: str) -> bool:
    match key:
        case RSAKey():
            return algorithm[:2] in {"RS", "PS"}
        case ECKey():
            return key.curve_name == CURVES.get(algorithm)
        case OKPKey():
            return algorithm == "EdDSA" and key.curve_name in EDWARDS
        case _:
            return False


# --- bytes ----------------------------------------------------------------------------------------


def _json(members: Mapping[str, object]) -> bytes:
    try:
        return json.dumps(members, separators=(",", ":"), allow_nan=False).encode()
    except (ValueError, TypeError, RecursionError):
        raise _wrong("payload", "cannot be written as JSON") from None


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    """Return what a text is in base64, of either alphabet; nothing where it is none."""
    packed = "".join(text.split()).replace("+", "-").replace("/", "_")
    try:
        return base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4))
    except (ValueError, binascii.Error):
        return b""


def _wrong(field: str, rule: str) -> InvalidInput:
    return InvalidInput(FieldProblem((field,), rule))
