"""A root key that lies in its file wrapped: nobody opens it without a key management service.

Decides how a wrapped key is written, and which key wraps a new one. Knows no service by name.
"""

import base64
import binascii
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final, Protocol, Self

from keyturn.adapters.crypto.root_key import IN_CLEAR, KEY_BYTES, read_private

_FORMAT: Final = "keyturn wrapped root key 1"
_OPENED: Final = 4


@dataclass(frozen=True)
class WrappedKey:
    """A root key, wrapped: ``kms_key`` names what opens it, for the ``installation`` alone."""

    kms_key: str
    installation: str
    sealed: bytes

    def render(self) -> bytes:
        """Write it down; nothing in it is secret."""
        told = {
            "format": _FORMAT,
            "kmsKey": self.kms_key,
            "installation": self.installation,
            "sealed": base64.b64encode(self.sealed).decode(),
        }
        return json.dumps(told, indent=2).encode() + b"\n"

    @classmethod
    def parse(cls, text: bytes) -> Self | None:
        """Read what was written down; None for anything else."""
        try:
            told = json.loads(text)
            if told["format"] != _FORMAT:
                return None
            sealed = base64.b64decode(told["sealed"], validate=True)
            return cls(str(told["kmsKey"]), str(told["installation"]), sealed)
        except (ValueError, KeyError, TypeError, binascii.Error):
            return None


def find_wrapped(path: Path) -> WrappedKey | None:
    """Return the wrapped root key of a file; None where there is none, or one in clear.

    Raises RootKeyUnusable for a file that others may read.
    """
    return WrappedKey.parse(read_private(path, "root key")) if path.exists() else None


class KeyManagement(Protocol):
    """Wrap keys by a key that never leaves its service."""

    def wrap(self, key: bytes, kms_key: str, installation: str) -> WrappedKey:
        """Wrap a root key, bound to an installation. Raises RootKeyUnusable."""
        ...

    def unwrap(self, wrapped: WrappedKey) -> bytes:
        """Return a root key that was wrapped. Raises RootKeyUnusable."""
        ...


class PerhapsWrapped:
    """Write new keys wrapped by ``kms_key``, or in clear where that is None; read either.

    What was unwrapped is remembered, so that the service is asked once.
    """

    def __init__(
        self, kms: KeyManagement, kms_key: str | None, installation: Callable[[], str]
    ) -> None:
        self._kms: Final = kms
        self._kms_key: Final = kms_key
        self._installation: Final = installation
        self._unwrap: Final = lru_cache(maxsize=_OPENED)(kms.unwrap)

    def render(self, key: bytes) -> bytes:
        """Write a key. Raises RootKeyUnusable where the service refuses."""
        if self._kms_key is None:
            return IN_CLEAR.render(key)
        return self._kms.wrap(key, self._kms_key, self._installation()).render()

    def parse(self, text: bytes) -> bytes:
        """Return a key. Raises ValueError for what is none, RootKeyUnusable for one shut away."""
        wrapped = WrappedKey.parse(text)
        if wrapped is None:
            return IN_CLEAR.parse(text)
        key = self._unwrap(wrapped)
        if len(key) != KEY_BYTES:
            raise ValueError
        return key
