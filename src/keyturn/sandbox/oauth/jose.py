"""Reading and signing of JWTs: the part that the OAuth endpoints share.

Knows no org and no client; which key is right is for those who ask.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import cast

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key, RSAKey
from joserfc.jws import JWSRegistry
from joserfc.util import urlsafe_b64decode

from keyturn.sandbox.http import Json, parse_json

ASYMMETRIC = ("RS256", "RS384", "RS512", "ES256", "ES384", "ES512")
SYMMETRIC = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}
RS256_BYTES = 256
FARTHEST_S = 10**12
_REMEMBERED = 256
_encode_json = json.JSONEncoder(separators=(",", ":")).encode


_REGISTRIES = {algorithm: JWSRegistry(algorithms=[algorithm]) for algorithm in ASYMMETRIC}


@dataclass(frozen=True, slots=True)
class Unverified:
    """What a JWT says before anybody has checked its signature."""

    header: Mapping[str, Json]
    claims: Mapping[str, Json]

    def text(self, name: str) -> str | None:
        """Return a claim that is a string, or None."""
        value = self.claims.get(name)
        return value if isinstance(value, str) else None

    def seconds(self, name: str) -> float | None:
        """Return a claim that is a number of epoch seconds, or None."""
        value = self.claims.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        # Farther than any clock goes it makes no difference how far, and a float ends somewhere.
        return float(min(max(value, -FARTHEST_S), FARTHEST_S))


@lru_cache(maxsize=_REMEMBERED)  # who calls, how and with what is read from it one after another
def read_unverified(token: str) -> Unverified:
    """Return header and claims of a JWT; ValueError when it is none."""
    parts = token.split(".")
    if len(parts) != 3:
        raise ValueError("not a compact JWS")
    return Unverified(_read_object(parts[0]), _read_object(parts[1]))


def verify_signature(token: str, key: Key, algorithm: str) -> bool:
    """Tell whether a JWT was signed with this key by this algorithm, one of `ASYMMETRIC`."""
    signed, _, signature = token.rpartition(".")
    registry = _REGISTRIES[algorithm]
    try:
        registry.check_header(dict(read_unverified(token).header))
        model = registry.get_alg(algorithm)
        model.check_key(key)
        return model.verify(signed.encode(), decode(signature), key)
    except (JoseError, TypeError, ValueError):
        return False


def verify_mac(token: str, secret: str, algorithm: str) -> bool:
    """Tell whether a JWT was signed with this shared secret (RFC 7518 section 3.2)."""
    signed, _, signature = token.rpartition(".")
    mac = hmac.new(secret.encode(), signed.encode(), SYMMETRIC[algorithm]).digest()
    return hmac.compare_digest(encode(mac).encode(), signature.encode())


def parse_key(jwk: Mapping[str, Json]) -> Key:
    """Return the key that a JWK describes; ValueError when it describes none."""
    members = tuple((name, value) for name, value in jwk.items() if isinstance(value, str))
    try:
        return _import_key(members)
    except (JoseError, LookupError, ValueError) as error:
        raise ValueError("not a usable JWK") from error


@lru_cache(maxsize=_REMEMBERED)  # to make a key takes longer than to check a signature with it
def _import_key(members: tuple[tuple[str, str], ...]) -> Key:
    key = JWKRegistry.import_key(dict(members))
    _ = key.raw_value  # what only looks like a key breaks here, and not when it is used
    return key


def sign(claims: Mapping[str, Json], key: RSAKey, *, kind: str | None = "JWT") -> str:
    """Return a JWT signed with RS256 under the key's id; `kind` is its `typ`, None for none."""
    payload = _dump(claims)
    return jws.serialize_compact(_header(key.kid, kind), payload, key, algorithms=["RS256"])


def seal(claims: Mapping[str, Json], kid: str, secret: bytes, *, kind: str) -> str:
    """Return what looks like `sign`'s and costs nothing: nobody has a key to check it with.

    In the place of the signature are as many bytes that follow from the secret and the rest.
    """
    signed = f"{_header_part(kid, kind)}.{encode(_dump(claims))}"
    return f"{signed}.{encode(hashlib.shake_256(secret + signed.encode()).digest(RS256_BYTES))}"


@lru_cache(maxsize=_REMEMBERED)
def _header_part(kid: str, kind: str) -> str:
    return encode(_dump(_header(kid, kind)))


def _header(kid: str | None, kind: str | None) -> dict[str, str]:
    return {"kid": str(kid), "alg": "RS256", **({"typ": kind} if kind else {})}


def _dump(members: Mapping[str, Json]) -> bytes:
    return _encode_json(members).encode()


def half_hash(value: str) -> str:
    """Return `at_hash` of a token (OpenID Connect Core section 3.1.3.6)."""
    return encode(hashlib.sha256(value.encode()).digest()[:16])


def full_hash(value: str) -> str:
    """Return the whole SHA-256 as in PKCE S256 (RFC 7636) and DPoP `ath` (RFC 9449)."""
    return encode(hashlib.sha256(value.encode()).digest())


def encode(raw: bytes) -> str:
    """Return unpadded base64url."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def decode(text: str) -> bytes:
    """Return what unpadded base64url stands for; ValueError when it is none (RFC 7515)."""
    return urlsafe_b64decode(text.encode())


def _read_object(part: str) -> Mapping[str, Json]:
    value = parse_json(decode(part))
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004  # the caller sent it
    return cast("Mapping[str, Json]", value)
