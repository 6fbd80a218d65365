"""What a client authenticates with, and whether it can be that.

Decides on the value alone; only its server knows whether it is the right one.
"""

import hashlib
from collections.abc import Callable, Mapping

from keyturn.adapters.oauth.recent import Recent
from keyturn.domain.errors import FieldProblem, InvalidInput
from keyturn.domain.oauth.provider import Proof, Provider
from keyturn.domain.sensitive import Sensitive
from keyturn.jose.keys import SigningKey, parse_private_key
from keyturn.network.certificates import parse_certificate

KEYS_MAX = 100


class Keys:
    """Private keys, parsed once: to see whether an RSA key is sound takes a tenth of a second."""

    def __init__(self) -> None:
        self._parsed: Recent[bytes, SigningKey] = Recent(KEYS_MAX)

    def read(self, secret: Sensitive) -> SigningKey:
        """Return the key that this text is. Raises InvalidInput."""
        return self._parsed.find_or(fingerprint(secret), lambda: parse_private_key(secret))


def fingerprint(secret: Sensitive) -> bytes:
    """Return by what a value is known again."""
    return hashlib.sha256(secret.reveal().encode(errors="replace")).digest()


def check(provider: Provider, secret: Sensitive) -> None:
    """Raise InvalidInput where a client could not authenticate with this as the provider wants."""
    for proof in sorted(provider.needs):
        try:
            _CHECKS[proof](secret)
        except InvalidInput as error:
            raise _wrong(error.problems[0].rule) from None


def present(secret: Sensitive | None) -> Sensitive:
    """Return what is there. Raises InvalidInput where it is missing."""
    if secret is None:
        raise _wrong("is missing")
    return secret


def client_secret(secret: Sensitive | None) -> Sensitive:
    """Return a client secret. Raises InvalidInput for what cannot be one."""
    found = present(secret)
    text = found.reveal()
    if not text or not text.isprintable():
        raise _wrong("must be one line of visible characters")
    return found


_CHECKS: Mapping[Proof, Callable[[Sensitive], object]] = {
    Proof.SECRET: client_secret,
    Proof.KEY: parse_private_key,
    Proof.CERTIFICATE: parse_certificate,
}


def _wrong(rule: str) -> InvalidInput:
    return InvalidInput(FieldProblem(("secret",), rule))
