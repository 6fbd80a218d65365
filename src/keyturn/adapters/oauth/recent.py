"""What was seen last, up to a bound: nobody can fill the memory by being asked often."""

from collections.abc import Callable
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Recent(dict[K, V]):
    """The newest entries, at most so many."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def keep(self, of: K, what: V) -> V:
        """Return what is kept from now on; the oldest entry goes where there are too many."""
        self.pop(of, None)
        self[of] = what
        if len(self) > self._most:
            del self[next(iter(self))]
        return what

    def find_or(self, of: K, make: Callable[[], V]) -> V:
        """Return what is kept, or what is made and kept now."""
        return self[of] if of in self else self.keep(of, make())
