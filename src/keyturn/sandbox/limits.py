"""Rate windows: which bucket a call falls into, and what is left in it.

Fixed windows of 60 seconds that start at the first request; half of the org's figure for each
principal. The figures are Okta's published ones per kind of org.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Family = Literal["apps", "app", "api", "token", "authorize", "oauth"]
Profile = Literal["free", "workforce", "off"]

WINDOW_S = 60
PRINCIPAL_SHARE = 2
_UNLIMITED = 2_000_000
PROFILES: dict[Profile, dict[Family, int]] = {
    "free": {
        "apps": 20,
        "app": 100,
        "api": 100,
        "token": 300,
        "authorize": 300,
        "oauth": 300,
    },
    "workforce": {
        "apps": 100,
        "app": 500,
        "api": 1200,
        "token": 2000,
        "authorize": 2000,
        "oauth": 2000,
    },
    "off": {
        "apps": _UNLIMITED,
        "app": _UNLIMITED,
        "api": _UNLIMITED,
        "token": _UNLIMITED,
        "authorize": _UNLIMITED,
        "oauth": _UNLIMITED,
    },
}


@dataclass(frozen=True, slots=True)
class Budget:
    """What the rate headers of one answer say; `reset` is in whole epoch seconds."""

    limit: int
    remaining: int
    reset: int
    exceeded: bool = False

    def headers(self) -> tuple[tuple[str, str], ...]:
        """Return the three rate headers."""
        return (
            ("x-rate-limit-limit", str(self.limit)),
            ("x-rate-limit-remaining", str(self.remaining)),
            ("x-rate-limit-reset", str(self.reset)),
        )


class RateWindows:
    """Counts calls by principal and family."""

    def __init__(self) -> None:
        self._windows: dict[tuple[str, Family], tuple[int, int]] = {}

    def take(self, principal: str, family: Family, *, profile: Profile, now: datetime) -> Budget:
        """Count one call and return what is left; `exceeded` when there was nothing left."""
        limit = PROFILES[profile][family] // PRINCIPAL_SHARE
        reset, used = self._window(principal, family, now)
        if used >= limit:
            return Budget(limit, 0, reset, exceeded=True)
        self._windows[principal, family] = (reset, used + 1)
        return Budget(limit, limit - used - 1, reset)

    def look(self, principal: str, family: Family, *, profile: Profile, now: datetime) -> Budget:
        """Return an exhausted budget of that window without counting anything."""
        reset, _ = self._window(principal, family, now)
        return Budget(PROFILES[profile][family] // PRINCIPAL_SHARE, 0, reset, exceeded=True)

    def _window(self, principal: str, family: Family, now: datetime) -> tuple[int, int]:
        second = int(now.timestamp())
        reset, used = self._windows.get((principal, family), (0, 0))
        return (reset, used) if second < reset else (second + WINDOW_S, 0)
