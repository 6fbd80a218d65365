"""Passwords of people as Argon2id hashes (RFC 9106), made apart from the event loop.

The costs are those that OWASP's cheat sheet on password storage has for Argon2id: 19 MiB, two
passes, one lane.
"""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from keyturn.domain.errors import TooManyAttempts
from keyturn.domain.sensitive import Sensitive

T = TypeVar("T")

MEMORY_KIB = 19_456
PASSES = 2
LANES = 1
HASH_BYTES = 32
SALT_BYTES = 16
AT_ONCE = 2
"""Each takes its memory and a core while it is made."""
WAITING_MAX = 32


class Argon2Passwords:
    """Hash and check passwords (`services.ports.Passwords`)."""

    def __init__(self, random_bytes: Callable[[int], bytes]) -> None:
        self._random_bytes = random_bytes
        self._turnstile = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0

    async def hash(self, password: Sensitive) -> str:
        """Hash a password under a new salt."""
        salt = self._random_bytes(SALT_BYTES)
        return await self._apart(lambda: _hash(password, salt))

    async def verify(self, password: Sensitive, hashed: str) -> bool:
        """Say whether a password is the one that was hashed."""
        return await self._apart(lambda: _verify(password, hashed))

    async def _apart(self, work: Callable[[], T]) -> T:
        if self._waiting >= WAITING_MAX:
            raise TooManyAttempts("Too many people log in at once: try again.", retry_after_s=1)
        self._waiting += 1
        try:
            async with self._turnstile:
                return await asyncio.to_thread(work)
        finally:
            self._waiting -= 1


def _hash(password: Sensitive, salt: bytes) -> str:
    derive = Argon2id(
        salt=salt, length=HASH_BYTES, iterations=PASSES, lanes=LANES, memory_cost=MEMORY_KIB
    )
    return derive.derive_phc_encoded(password.reveal().encode())


def _verify(password: Sensitive, hashed: str) -> bool:
    try:
        Argon2id.verify_phc_encoded(password.reveal().encode(), hashed)
    except (InvalidKey, ValueError):  # another password, or no hash
        return False
    return True
