"""Envelope encryption: the root key wraps data keys, data keys seal values.

Each sealed thing is a version byte, a random 96-bit nonce, and AES-256-GCM's ciphertext with its
tag (NIST SP 800-38D). What it is, its scope and its place are associated data, so that a sealed
thing opens nowhere else. A data key is good for 2^32 values.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from itertools import chain
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from keyturn.adapters.crypto.root_key import KEY_BYTES, RootKeyUnusable
from keyturn.domain.errors import RootKeyUnknown, SealBroken
from keyturn.domain.sensitive import Sensitive

_FORMAT: Final = b"\x01"
_NONCE_BYTES: Final = 12
_CACHED_KEYS: Final = 256


class Keyring:
    """Seal and open under one root key; the data keys used last are kept unwrapped in memory.

    ``others`` gives root keys to try where a data key does not unwrap: the one that does is the
    root key from then on. Those from before are kept, for who reads an older snapshot.
    """

    def __init__(
        self,
        root_key: bytes,
        random_bytes: Callable[[int], bytes],
        others: Callable[[], Iterable[bytes]] = tuple,
    ) -> None:
        """Raise RootKeyUnusable for a key that is not 256 bits long."""
        self._roots: tuple[AESGCM, ...] = (_root(root_key),)
        self._others: Final = others
        self._random_bytes: Final = random_bytes
        self._cipher: Final = lru_cache(maxsize=_CACHED_KEYS)(self._unwrapped)

    def new_data_key(self, scope: str) -> bytes:
        """Return a new data key, wrapped by the root key and bound to ``scope``."""
        key = self._random_bytes(KEY_BYTES)
        return self._sealed(self._roots[0], key, _bound("data key", scope))

    def rewrapped(self, data_key: bytes, scope: str, *, under: bytes) -> bytes:
        """Return the same data key, wrapped by another root key. Raises RootKeyUnknown."""
        clear = self._data_key(data_key, scope)
        return self._sealed(AESGCM(under), clear, _bound("data key", scope))

    def seal(self, data_key: bytes, scope: str, place: str, value: Sensitive) -> bytes:
        """Seal a value. Raises SealBroken where the data key is not one of ``scope``."""
        cipher = self._cipher(data_key, scope)
        return self._sealed(cipher, value.reveal().encode(), _bound("value", scope, place))

    def open(self, data_key: bytes, scope: str, place: str, sealed: bytes) -> Sensitive:
        """Open a sealed value. Raises SealBroken where key, scope, place or bytes do not fit."""
        cipher = self._cipher(data_key, scope)
        return Sensitive(_opened(cipher, sealed, _bound("value", scope, place)).decode())

    def _unwrapped(self, data_key: bytes, scope: str) -> AESGCM:
        return AESGCM(self._data_key(data_key, scope))

    def _data_key(self, wrapped: bytes, scope: str) -> bytes:
        bound = _bound("data key", scope)
        for root in chain(self._roots, self._found()):
            try:
                clear = _opened(root, wrapped, bound)
            except SealBroken:
                continue
            if root not in self._roots:
                self._roots = (root, *self._roots)
            return clear
        raise RootKeyUnknown

    def _found(self) -> Iterator[AESGCM]:
        """Look for other root keys, once the known ones were tried in vain."""
        yield from map(_root, self._others())

    def _sealed(self, cipher: AESGCM, clear: bytes, bound: bytes) -> bytes:
        nonce = self._random_bytes(_NONCE_BYTES)
        return _FORMAT + nonce + cipher.encrypt(nonce, clear, bound)


def _root(key: bytes) -> AESGCM:
    if len(key) != KEY_BYTES:
        raise RootKeyUnusable(f"The root key is {len(key)} bytes long, not {KEY_BYTES}.")
    return AESGCM(key)


def _opened(cipher: AESGCM, sealed: bytes, bound: bytes) -> bytes:
    nonce, rest = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
    if sealed[:1] != _FORMAT or len(nonce) < _NONCE_BYTES:
        raise SealBroken
    try:
        return cipher.decrypt(nonce, rest, bound)
    except InvalidTag as error:
        raise SealBroken from error


def _bound(what: str, scope: str, place: str | None = None) -> bytes:
    """Write the parts, each behind its length, so that no two lists of parts are written alike."""
    return _head(what, scope) if place is None else _head(what, scope) + _part(place)


@lru_cache(maxsize=_CACHED_KEYS)
def _head(what: str, scope: str) -> bytes:
    return _FORMAT + _part(what) + _part(scope)


def _part(text: str) -> bytes:
    written = text.encode()
    return b"%d:%b" % (len(written), written)
