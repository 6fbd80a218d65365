"""Signed tokens that prove who calls: client assertions and DPoP proofs.

Decides the claims of each (RFC 7523, RFC 9449). Knows neither when one is needed nor how it is
sent.
"""

import base64
import hashlib
import json
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OctKey, RSAKey, import_key

from keyturn.domain.errors import FieldProblem, InvalidInput
from keyturn.domain.okta import KeyAlgorithm, thumbprint
from keyturn.domain.sensitive import Sensitive
from keyturn.services.ports import Chance, Clock

ASSERTION_LIFETIME_S = 300
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


def new_private_key(chance: Chance, algorithm: KeyAlgorithm) -> dict[str, str]:
    """Make a private key in JSON, named by its thumbprint (RFC 7517, RFC 7638).

    An elliptic key is what the random bytes make it. An RSA key needs primes, which OpenSSL finds
    by random bytes of its own: the one thing in this product that is not made of `Chance`.
    """
    key = RSAKey.generate_key(RSA_BITS) if algorithm is KeyAlgorithm.RS256 else _elliptic(chance)
    members = {name: str(value) for name, value in key.as_dict(private=True).items()}
    return members | {"kid": thumbprint(members), "alg": algorithm.value, "use": "sig"}


def _elliptic(chance: Chance) -> ECKey:
    """Derive a P-256 key; more bytes than its order has leave no bias (FIPS 186-5, A.2.1)."""
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


@dataclass(frozen=True)
class Assertions:
    """Write client assertions for one audience (RFC 7523, section 3; OpenID Connect Core, 9)."""

    audience: str
    clock: Clock
    chance: Chance

    def by_key(self, client_id: str, signing: SigningKey) -> dict[str, str]:
        """Return the form members of ``private_key_jwt``."""
        header = {"alg": signing.algorithm}
        if signing.key.kid:
            header["kid"] = signing.key.kid
        return self._members(
            jwt.encode(header, self._claims(client_id), signing.key, [signing.algorithm])
        )

    def by_secret(self, client_id: str, secret: Sensitive) -> dict[str, str]:
        """Return the form members of ``client_secret_jwt``."""
        key = OctKey.import_key(secret.reveal())
        return self._members(jwt.encode({"alg": "HS256"}, self._claims(client_id), key, ["HS256"]))

    def _claims(self, client_id: str) -> dict[str, str | int]:
        now = int(self.clock.now().timestamp())
        return {
            "iss": client_id,
            "sub": client_id,
            "aud": self.audience,
            "iat": now,
            "exp": now + ASSERTION_LIFETIME_S,
            "jti": self.chance.uuid(),
        }

    @staticmethod
    def _members(assertion: str) -> dict[str, str]:
        return {
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": assertion,
        }


class DpopKey:
    """A key that access tokens are bound to; it lives as long as this process (RFC 9449)."""

    def __init__(self, clock: Clock, chance: Chance) -> None:
        self._key = ECKey.generate_key("P-256")
        self._clock = clock
        self._chance = chance

    def prove(
        self, method: str, url: str, *, nonce: str | None = None, token: Sensitive | None = None
    ) -> str:
        """Return a proof for one request (section 4.2); ``token`` where one goes with it."""
        header = {"typ": "dpop+jwt", "alg": "ES256", "jwk": self._key.as_dict(private=False)}
        claims: dict[str, str | int] = {
            "htm": method,
            "htu": url.partition("?")[0].partition("#")[0],
            "iat": int(self._clock.now().timestamp()),
            "jti": self._chance.uuid(),
        }
        if nonce:
            claims["nonce"] = nonce
        if token:
            digest = hashlib.sha256(token.reveal().encode()).digest()
            claims["ath"] = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        return jwt.encode(header, claims, self._key, ["ES256"])
