"""Tokens that are bound to a key, and proofs that whoever shows one has it (RFC 9449).

Decides by a table which proofs are good, and that a bound token counts with its proof alone. Proves
no signature.
"""

import hashlib
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from keyturn.domain.addresses import DEFAULT_PORTS
from keyturn.domain.flows.bearers import Fault, Shown, TokenRefused, read_jwt
from keyturn.domain.okta import thumbprint

WINDOW_S: Final = 60
"""How far from now a proof may say that it was made, either way."""
PROOF_MAX: Final = 16_384
JTI_MAX: Final = 512
ALGORITHMS: Final = (
    *("ES256", "ES384", "ES512"),
    *("PS256", "PS384", "PS512", "RS256", "RS384", "RS512"),
)
"""Asymmetric ones alone (RFC 9449, 4.3)."""
_PRIVATE: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_PUBLIC: Final = ("kty", "crv", "x", "y", "n", "e")


@dataclass(frozen=True)
class Proof:
    """A proof as it was sent: its header and claims, and the key that is in it."""

    text: str
    header: Mapping[str, object]
    claims: Mapping[str, object]
    jwk: Mapping[str, object]

    @property
    def algorithm(self) -> str:
        """Return by what it says that it is signed."""
        return str(self.header.get("alg"))

    @property
    def key(self) -> Mapping[str, object]:
        """Return the public members of its key alone."""
        return {name: self.jwk[name] for name in _PUBLIC if name in self.jwk}

    @property
    def jti(self) -> str:
        """Return its name."""
        found = self.claims.get("jti")
        return found if isinstance(found, str) else ""

    @property
    def thumbprint(self) -> str:
        """Return what tokens are bound to; empty for a key that is none."""
        try:
            return thumbprint(self.key)
        except ValueError:
            return ""


@dataclass(frozen=True)
class Expected:
    """The request that a proof has to be of."""

    method: str
    url: str
    token: str
    now_s: float


@dataclass(frozen=True)
class Check:
    """One row of the table, in the order of RFC 9449, 4.3."""

    name: str
    holds: Callable[[Proof, Expected], bool]


CHECKS: Final = (
    Check("typ", lambda proof, _: proof.header.get("typ") == "dpop+jwt"),
    Check("alg", lambda proof, _: proof.header.get("alg") in ALGORITHMS),
    Check("crit", lambda proof, _: "crit" not in proof.header),
    Check("jwk", lambda proof, _: bool(proof.thumbprint) and not _PRIVATE & {*proof.jwk}),
    Check("jti", lambda proof, _: 0 < len(proof.jti) <= JTI_MAX),
    Check("htm", lambda proof, asked: proof.claims.get("htm") == asked.method),
    Check("htu", lambda proof, asked: _same(proof.claims.get("htu"), asked.url)),
    Check("iat", lambda proof, asked: _recent(proof.claims.get("iat"), asked.now_s)),
    Check("ath", lambda proof, asked: proof.claims.get("ath") == hash_of(asked.token)),
)


def read_proof(texts: tuple[str, ...], asked: Expected) -> Proof:
    """Return the one proof of a request whose every check holds but for its signature.

    Raises TokenRefused.
    """
    if len(texts) != 1:
        raise wrong_proof("there must be one, in the header DPoP")
    read = read_jwt(texts[0]) if len(texts[0]) <= PROOF_MAX else None
    if read is None:
        raise wrong_proof("it is no JWT")
    header, claims = read
    jwk = header.get("jwk")
    proof = Proof(texts[0], header, claims, jwk if isinstance(jwk, dict) else {})
    for check in CHECKS:
        if not check.holds(proof, asked):
            raise wrong_proof(f"its {check.name} is not that of this request")
    return proof


def require_bound(shown: Shown, scheme: str, proof: Proof | None) -> None:
    """Raise TokenRefused where token, scheme and key do not belong together (RFC 9449, 7.1, 7.2).

    A bound token is none that whoever has it may use: it counts by its proof alone.
    """
    bound = shown.claims.get("cnf")
    key = bound.get("jkt") if isinstance(bound, Mapping) else None
    if proof is None:
        kind = shown.claims.get("token_type")
        if bound is not None or (isinstance(kind, str) and kind.lower() == "dpop"):
            raise _wrong_token("The access token is bound to a key: show it with a proof.", scheme)
    elif key is None:
        raise _wrong_token("The access token is bound to no key: show it as Bearer.", scheme)
    elif key != proof.thumbprint:
        raise _wrong_token("The access token is bound to another key.", scheme)


def wrong_proof(rule: str) -> TokenRefused:
    """Return the refusal of a proof."""
    return TokenRefused(
        Fault.INVALID_PROOF, f"The DPoP proof does not count: {rule}.", scheme="DPoP"
    )


def _wrong_token(why: str, scheme: str) -> TokenRefused:
    return TokenRefused(Fault.INVALID_TOKEN, why, scheme=scheme)


def hash_of(token: str) -> str:
    """Return how a proof names a token: ``ath`` (RFC 9449, 4.2)."""
    digest = hashlib.sha256(token.encode()).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


def _recent(iat: object, now_s: float) -> bool:
    match iat:
        case int() | float() if not isinstance(iat, bool):
            return now_s - WINDOW_S <= iat <= now_s + WINDOW_S  # an endless number is no error
        case _:
            return False


def _same(htu: object, url: str) -> bool:
    return isinstance(htu, str) and _plain(htu) == _plain(url) is not None


def _plain(url: str) -> tuple[str, str, int | None, str] | None:
    """Return an address as it is compared: without query and fragment (RFC 3986, 6.2.2, 6.2.3)."""
    try:
        parts = urlsplit(url)
        port = parts.port or DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return None
    return parts.scheme, parts.hostname or "", port, parts.path or "/"
