"""An issuer of JWTs that tests write by themselves, with PyJWT in place of our own library."""

import json
from dataclasses import dataclass, field
from typing import Any

import httpx2
import jwt as pyjwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from keyturn.domain.jwt_auth import KeySource
from keyturn.sandbox import Keys

ISSUER = "https://issuer.example.com"
JWKS = f"{ISSUER}/keys"
BY_JWKS = KeySource(ISSUER, jwks_url=JWKS)
BY_DISCOVERY = KeySource(ISSUER, discovery_url=ISSUER)

RSA_KEY = Keys.of_seed(7).service.private_key  # to make one takes long
SMALL_KEY = rsa.generate_private_key(65537, 1024)  # noqa: S505  to be refused
EC_KEY = ec.generate_private_key(ec.SECP256R1())
OTHER_KEY = ec.generate_private_key(ec.SECP256R1())

Key = Any
"""A private key of whatever kind."""


def jwk(key: Key, kid: str | None = "k-1", **more: str) -> dict[str, object]:
    """Return the public half of a key as an issuer publishes it."""
    kind = RSAAlgorithm if isinstance(key, rsa.RSAPrivateKey) else ECAlgorithm
    members: dict[str, object] = kind.to_jwk(key.public_key(), as_dict=True)
    return members | ({"kid": kid} if kid else {}) | more


def pem(key: Key) -> str:
    """Return the public half of a key in PEM."""
    kind = serialization.PublicFormat.SubjectPublicKeyInfo
    return key.public_key().public_bytes(serialization.Encoding.PEM, kind).decode()


def signed(
    claims: dict[str, object],
    key: Key = EC_KEY,
    algorithm: str = "ES256",
    kid: str | None = "k-1",
    **header: object,
) -> str:
    """Sign claims."""
    named = {"kid": kid} if kid else {}
    return pyjwt.encode(claims, key, algorithm, headers=named | header)


@dataclass
class Issuer:
    """Serve a discovery document and keys, and count who asks."""

    keys: list[dict[str, object]] = field(default_factory=lambda: [jwk(EC_KEY)])
    name: str = ISSUER
    jwks_uri: str = JWKS
    asked: list[str] = field(default_factory=list)
    fault: httpx2.Response | Exception | None = None

    async def __call__(self, request: httpx2.Request) -> httpx2.Response:
        """Answer one request."""
        self.asked.append(request.url.path)
        if isinstance(self.fault, Exception):
            raise self.fault
        if self.fault:
            return self.fault
        if request.url.path.startswith("/.well-known"):
            return httpx2.Response(200, json={"issuer": self.name, "jwks_uri": self.jwks_uri})
        return httpx2.Response(200, content=json.dumps({"keys": self.keys}))

    def transport(self) -> httpx2.AsyncBaseTransport:
        """Return the way to this issuer, and to nobody else."""
        return httpx2.MockTransport(self)
