"""Rate windows: which bucket a call falls into, and what is left in it.

Fixed windows of 60 seconds that start at the first request. An org has a figure for each bucket,
of which one principal may use a share; the figures are Okta's published ones per kind of org. How
many requests may be in hand at once is counted beside them.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Literal

Family = Literal[
    "apps",
    "app",
    "logs",
    "clients",
    "devices",
    "device-users",
    "api",
    "token",
    "authorize",
    "oauth",
]
Profile = Literal["free", "workforce", "off"]
Reached = Literal["warning", "violation"]

WINDOW_S = 60
WARNING_PERCENT = 60
_UNLIMITED = 2_000_000
# The path by which Okta names the bucket, and an org's calls per minute: free, workforce.
_BUCKETS: dict[Family, tuple[str, int, int]] = {
    "apps": ("/api/v1/apps", 20, 100),
    "app": ("/api/v1/apps/{id}", 100, 500),
    "logs": ("/api/v1/logs", 20, 120),
    "clients": ("/oauth2/v1/clients", 25, 100),
    "devices": ("/api/v1/devices", 100, 100),
    # Recorded on a free org; no page gives the figure for others.
    "device-users": ("/api/v1/devices/{id}/users", 600, 600),
    "api": ("/api/v1", 100, 1200),
    "token": ("/oauth2/v1/token", 300, 2000),
    "authorize": ("/oauth2/v1/authorize", 300, 2000),
    "oauth": ("/oauth2/v1", 300, 2000),
}
PROFILES: dict[Profile, dict[Family, int]] = {
    "free": {family: free for family, (_, free, _) in _BUCKETS.items()},
    "workforce": {family: workforce for family, (_, _, workforce) in _BUCKETS.items()},
    "off": dict.fromkeys(_BUCKETS, _UNLIMITED),
}
CONCURRENT: dict[Profile, int] = {"free": 35, "workforce": 75, "off": _UNLIMITED}
ORG = ""


@dataclass(frozen=True, slots=True)
class Bucket:
    """A family of paths that count together; custom authorization servers have their own."""

    family: Family
    name: str


@cache
def bucket_of(family: Family, pattern: str = "") -> Bucket:
    """Return the bucket of a route by its family and its pattern."""
    name = _BUCKETS[family][0]
    custom = pattern.startswith("/oauth2/{")
    return Bucket(family, name.replace("/oauth2/v1", "/oauth2/{as}/v1") if custom else name)


@dataclass(frozen=True, slots=True)
class Budget:
    """What the rate headers of one answer say, and what was just reached.

    `reset` is in whole epoch seconds. `reached` tells, once a window, that 60 % were used or that
    a call was refused; `scope` says whose window it was.
    """

    limit: int
    remaining: int
    reset: int
    exceeded: bool = False
    scope: Literal["ORG", "PRINCIPAL"] = "PRINCIPAL"
    reached: Reached | None = None

    def headers(self) -> tuple[tuple[str, str], ...]:
        """Return the three rate headers."""
        return (
            ("x-rate-limit-limit", str(self.limit)),
            ("x-rate-limit-remaining", str(self.remaining)),
            ("x-rate-limit-reset", str(self.reset)),
        )


@dataclass(slots=True)
class _Window:
    reset: int
    used: int = 0
    told: Reached | None = None

    def reaches(self, limit: int, *, exceeded: bool) -> Reached | None:
        """Return what this window has newly reached; each is told once."""
        if exceeded and self.told != "violation":
            self.told = "violation"
        elif self.told is None and self.used * 100 >= limit * WARNING_PERCENT:
            self.told = "warning"
        else:
            return None
        return self.told


class RateWindows:
    """Counts calls by bucket, for the org and for each principal."""

    def __init__(self, percent_of: Callable[[str], int]) -> None:
        """Take what tells how many hundredths of a limit a principal may use."""
        self._percent_of = percent_of
        self._windows: dict[tuple[str, str], _Window] = {}

    def take(self, principal: str, bucket: Bucket, *, profile: Profile, now: datetime) -> Budget:
        """Count one call and return the tighter of both budgets.

        `exceeded` when there was nothing left in one of them; a refused call counts in neither.
        """
        limit = PROFILES[profile][bucket.family]
        second = int(now.timestamp())
        whole, own = self._window(ORG, bucket, second), self._window(principal, bucket, second)
        share = self._share(principal, limit)
        exceeded = own.used >= share or whole.used >= limit
        if not exceeded:
            whole.used += 1
            own.used += 1
        budget = Budget(share, max(share - own.used, 0), own.reset, exceeded)
        if limit - whole.used < budget.remaining:
            budget = Budget(limit, max(limit - whole.used, 0), whole.reset, exceeded, "ORG")
        window = whole if budget.scope == "ORG" else own
        reached = window.reaches(budget.limit, exceeded=exceeded)
        return budget if reached is None else replace(budget, reached=reached)

    def look(self, principal: str, bucket: Bucket, *, profile: Profile, now: datetime) -> Budget:
        """Return an exhausted budget of that window without counting anything."""
        share = self._share(principal, PROFILES[profile][bucket.family])
        window = self._window(principal, bucket, int(now.timestamp()))
        return Budget(share, 0, window.reset, exceeded=True)

    def _share(self, principal: str, limit: int) -> int:
        return max(limit * self._percent_of(principal) // 100, 1)

    def _window(self, principal: str, bucket: Bucket, second: int) -> _Window:
        window = self._windows.get((principal, bucket.name))
        if window is None or second >= window.reset:
            window = self._windows[principal, bucket.name] = _Window(second + WINDOW_S)
        return window


class Concurrency:
    """Counts the requests in hand."""

    ESTIMATE_S = 1

    def __init__(self) -> None:
        self._in_hand = 0

    @contextmanager
    def holding(self) -> Iterator[int]:
        """Count a request for as long as the block lasts, and give how many there are with it."""
        self._in_hand += 1
        try:
            yield self._in_hand
        finally:
            self._in_hand -= 1

    @staticmethod
    def budget(now: datetime) -> Budget:
        """Return the zeros that a breach is answered with; its reset is only an estimate."""
        reset = int(now.timestamp()) + Concurrency.ESTIMATE_S
        return Budget(0, 0, reset, exceeded=True, scope="ORG")
