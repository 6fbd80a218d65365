"""Chance that can be replayed."""

from random import Random
from uuid import UUID


class SeededChance:
    """Give the same bytes and ids for the same seed; anybody can guess them."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)

    def random_bytes(self, count: int) -> bytes:
        """Return so many bytes."""
        return self._random.randbytes(count)

    def uuid(self) -> str:
        """Return an id in the form of a random UUID."""
        return str(UUID(int=self._random.getrandbits(128), version=4))
