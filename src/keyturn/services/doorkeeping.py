"""What a process remembers of those who come to the endpoints of flows.

Decides how much is remembered at most: whoever comes often fills no memory. It is this process's
own; nothing of it outlives it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

V = TypeVar("V")

PROOFS_MAX: Final = 100_000
TOKENS_MAX: Final = 10_000
DOORS_MAX: Final = 10_000
NOTED_MAX: Final = 10_000


class Remembered(Generic[V]):
    """What is remembered until a time of `Clock.uptime_s`; of too many the oldest are forgotten."""

    def __init__(self, most: int) -> None:
        self._most: Final = most
        self._kept: dict[object, tuple[float, V]] = {}

    def find(self, of: object, now_s: float) -> V | None:
        """Find what is remembered still."""
        until_s, what = self._kept.get(of, (float("-inf"), None))
        return what if now_s < until_s else None

    def keep(self, of: object, what: V, until_s: float) -> None:
        """Remember something."""
        self._kept.pop(of, None)
        self._kept[of] = (until_s, what)
        if len(self._kept) > self._most:
            del self._kept[next(iter(self._kept))]

    def is_full(self, now_s: float) -> bool:
        """Say whether the next to be remembered makes one be forgotten before its time."""
        if len(self._kept) < self._most:
            return False
        return next(iter(self._kept.values()))[0] > now_s


class Buckets:
    """How often something may be done: so many a second, and as many at once (a token bucket)."""

    def __init__(self) -> None:
        self._left: Remembered[tuple[float, float]] = Remembered(DOORS_MAX)

    def wait_s(self, what: str, per_s: float, now_s: float) -> float:
        """Count one more, and return 0; or how long to wait before it may be."""
        most = max(1.0, per_s)
        left, since_s = self._left.find(what, now_s) or (most, now_s)
        left = min(most, left + (now_s - since_s) * per_s)
        if left < 1:
            return (1 - left) / per_s
        self._left.keep(what, (left - 1, now_s), now_s + most / per_s)
        return 0.0


@dataclass(frozen=True)
class Doorkeeper:
    """Remember who asked how often, which proofs were used, and what issuers told of tokens.

    ``noted`` are attempts of the last minute that the audit log has.
    """

    buckets: Buckets = field(default_factory=Buckets)
    proofs: Remembered[bool] = field(default_factory=lambda: Remembered(PROOFS_MAX))
    tokens: Remembered[Mapping[str, object]] = field(default_factory=lambda: Remembered(TOKENS_MAX))
    noted: Remembered[bool] = field(default_factory=lambda: Remembered(NOTED_MAX))
