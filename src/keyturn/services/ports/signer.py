"""What the use cases need of whoever signs tokens and verifies them (RFC 7515, 7519, 8725)."""

from collections.abc import Mapping
from typing import Protocol

from keyturn.domain.errors import FieldProblem, InvalidInput
from keyturn.domain.sensitive import Sensitive


class Signer(Protocol):
    """Sign tokens and prove signatures, by one named algorithm and a key that fits it.

    Algorithms are those of `domain.flows.tokens`. Shared secrets are at least as long as the hash
    (RFC 7518, 3.2), and nothing that is a public or private key of another kind (RFC 8725, 2.1).
    Both leave the event loop alone while they compute for long, and raise InvalidInput, which tells
    the rule and quotes nothing.
    """

    async def sign(
        self,
        header: Mapping[str, object],
        payload: Mapping[str, object],
        key: Sensitive,
        algorithm: str,
    ) -> Sensitive:
        """Return a token of these, in compact form; ``alg`` and the key's ``kid`` are added.

        ``key`` is a shared secret, or a private key in PEM or JSON (RFC 7517).
        """
        ...

    async def verify(self, token: Sensitive, key: Sensitive, algorithm: str) -> None:
        """Raise InvalidInput unless this key has signed a token by this algorithm, and no other.

        ``key`` is a shared secret, a public key in PEM or JSON, or a set of keys in JSON. Nothing
        is said of the claims.
        """
        ...


class NoSigner:
    """Nobody signs anything."""

    async def sign(
        self,
        header: Mapping[str, object],
        payload: Mapping[str, object],
        key: Sensitive,
        algorithm: str,
    ) -> Sensitive:
        """Raise InvalidInput."""
        raise InvalidInput(FieldProblem(("algorithm",), "is none that is known here"))

    async def verify(self, token: Sensitive, key: Sensitive, algorithm: str) -> None:
        """Raise InvalidInput."""
        raise InvalidInput(FieldProblem(("algorithm",), "is none that is known here"))
