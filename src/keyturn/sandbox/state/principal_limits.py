"""How much of a rate limit one principal may use: half, or what an admin has set for it.

Decides percentages only; what they are percentages of, and what is left, is counted in `limits`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from keyturn.sandbox import errors
from keyturn.sandbox.state.timeline import Timeline

PrincipalType = Literal["OAUTH_CLIENT", "SSWS_TOKEN"]
PRINCIPAL_TYPES: tuple[PrincipalType, ...] = ("OAUTH_CLIENT", "SSWS_TOKEN")
DEFAULT_PERCENT = 50


@dataclass(frozen=True, slots=True)
class PrincipalLimit:
    """What an admin has set for one API token or app; `caller` is its name in the rate windows."""

    id: str
    caller: str
    principal_id: str
    principal_type: PrincipalType
    percent: int
    concurrency_percent: int
    created_at: datetime
    created_by: str
    updated_at: datetime
    updated_by: str


class PrincipalLimits:
    """Keeps what admins have set, one entry a caller."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._limits: Timeline[PrincipalLimit] = Timeline(now)

    def percent_of(self, caller: str) -> int:
        """Return how many hundredths of each rate limit a caller may use."""
        limit = self._limits.get(caller)
        return DEFAULT_PERCENT if limit is None else limit.percent

    def list(self) -> list[PrincipalLimit]:
        """Return all entries, oldest first."""
        return [*self._limits.values()]

    def read(self, limit_id: str) -> PrincipalLimit:
        """Return an entry; OktaError when there is none."""
        found = next((limit for limit in self._limits.values() if limit.id == limit_id), None)
        if found is None:
            raise errors.not_found(limit_id, "PrincipalRateLimitEntity")
        return found

    def add(self, limit: PrincipalLimit) -> None:
        """Keep a new entry; OktaError when its caller has one."""
        if limit.caller in self._limits:
            raise errors.value_taken("principalId")
        self.replace(limit)

    def replace(self, limit: PrincipalLimit) -> None:
        """Make an entry current; it holds for the windows that run now, too."""
        self._limits[limit.caller] = limit
