"""Reading and signing of JWTs: the part that the OAuth endpoints share."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key, RSAKey
from joserfc.jws import JWSRegistry

from keyturn.sandbox.http import Json

ASYMMETRIC = ("RS256", "RS384", "RS512", "ES256", "ES384", "ES512")
SYMMETRIC = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}


class _Registry(JWSRegistry):
    # A DPoP proof carries a whole RSA key in its header; the library's default is 512.
    max_header_length = 4096


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
        return float(value) if isinstance(value, int | float) else None


def read_unverified(token: str) -> Unverified:
    """Return header and claims of a JWT; ValueError when it is none."""
    parts = token.split(".")
    if len(parts) != 3:
        raise ValueError("not a compact JWS")
    return Unverified(_read_object(parts[0]), _read_object(parts[1]))


def verify_signature(token: str, key: Key, algorithm: str) -> bool:
    """Tell whether a JWT was signed with this key by this algorithm."""
    try:
        jws.deserialize_compact(token, key, registry=_Registry(algorithms=[algorithm]))
    except (JoseError, ValueError):
        return False
    return True


def verify_mac(token: str, secret: str, algorithm: str) -> bool:
    """Tell whether a JWT was signed with this shared secret (RFC 7518 section 3.2)."""
    signed, _, signature = token.rpartition(".")
    mac = hmac.new(secret.encode(), signed.encode(), SYMMETRIC[algorithm]).digest()
    return hmac.compare_digest(encode(mac).encode(), signature.encode())


def parse_key(jwk: Mapping[str, Json]) -> Key:
    """Return the key that a JWK describes; ValueError when it describes none."""
    members = {name: value for name, value in jwk.items() if isinstance(value, str)}
    try:
        return JWKRegistry.import_key(cast("dict[str, str | list[str]]", members))
    except JoseError as error:
        raise ValueError("not a usable JWK") from error


def sign(claims: dict[str, Json], key: RSAKey, *, kind: str | None = "JWT") -> str:
    """Return a JWT signed with RS256 under the key's id; `kind` is its `typ`, None for none."""
    header = {"kid": str(key.kid), "alg": "RS256", **({"typ": kind} if kind else {})}
    payload = json.dumps(claims, separators=(",", ":")).encode()
    return jws.serialize_compact(header, payload, key, algorithms=["RS256"])


def half_hash(value: str) -> str:
    """Return `at_hash` of a token (OpenID Connect Core section 3.1.3.6)."""
    return encode(hashlib.sha256(value.encode()).digest()[:16])


def full_hash(value: str) -> str:
    """Return the whole SHA-256 as in PKCE S256 (RFC 7636) and DPoP `ath` (RFC 9449)."""
    return encode(hashlib.sha256(value.encode()).digest())


def encode(raw: bytes) -> str:
    """Return unpadded base64url."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _read_object(part: str) -> Mapping[str, Json]:
    value = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004  # the caller sent it
    return cast("Mapping[str, Json]", value)
