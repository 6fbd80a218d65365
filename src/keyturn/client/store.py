"""Secrets by name, as a consumer wants them: a call that gives the current value.

A value is kept in memory for a short time, so that asking is cheap; that time must be well below
the overlap of the rotations that the consumer depends on.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from keyturn.client.api import KeyturnApi, Place

TTL_S = 60.0


@dataclass(frozen=True)
class _Kept:
    value: str = field(repr=False)
    asked_at_s: float


class Secret:
    """One secret; ``await secret()`` gives its current value, at most ``ttl_s`` seconds old.

    Callers at the same time share one request. Raises what `KeyturnApi.read_secret` raises: a
    value that is too old is never given instead.
    """

    def __init__(
        self, api: KeyturnApi, place: Place, name: str, *, ttl_s: float, clock: Callable[[], float]
    ) -> None:
        self.name = name
        self._api, self._place = api, place
        self._ttl_s, self._clock = ttl_s, clock
        self._kept: _Kept | None = None
        self._one_at_a_time = asyncio.Lock()

    async def __call__(self) -> str:
        """Return the current value, in clear."""
        async with self._one_at_a_time:
            kept = self._kept
            asked_at_s = self._clock()
            if kept is None or asked_at_s - kept.asked_at_s >= self._ttl_s:
                read = await self._api.read_secret(self._place, self.name)
                kept = self._kept = _Kept(read.secret_value, asked_at_s)
            return kept.value

    def __repr__(self) -> str:
        return f"Secret({self.name!r})"


class Store:
    """The secrets of one place. ``clock`` gives seconds that never step back."""

    def __init__(
        self,
        api: KeyturnApi,
        place: Place,
        *,
        ttl_s: float = TTL_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._api, self._place = api, place
        self._ttl_s, self._clock = ttl_s, clock

    def secret(self, name: str) -> Secret:
        """Return the secret of that name; nothing is asked of Keyturn yet."""
        return Secret(self._api, self._place, name, ttl_s=self._ttl_s, clock=self._clock)
