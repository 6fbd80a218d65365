"""Secrets by name, as a consumer wants them: a call that gives the current value.

A value is kept in memory for a short time, so that asking is cheap; that time must be well below
the overlap of the rotations that the consumer depends on. While somebody listens, what has changed
is asked for at once.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from keyturn.client.api import KeyturnApi, Place
from keyturn.client.listening import listening

TTL_S = 60.0


@dataclass(frozen=True)
class Held:
    """A value with its version, and where the secret lies that has it."""

    value: str = field(repr=False)
    version: int
    place: Place


@dataclass(frozen=True)
class _Kept:
    held: Held
    asked_at_s: float
    changes: int


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
        self._changes = 0
        self._one_at_a_time = asyncio.Lock()

    async def __call__(self) -> str:
        """Return the current value, in clear."""
        return (await self.current()).value

    async def current(self) -> Held:
        """Return the current value with its version."""
        async with self._one_at_a_time:
            kept = self._kept
            asked_at_s, changes = self._clock(), self._changes
            if (
                kept is None
                or kept.changes != changes
                or asked_at_s - kept.asked_at_s >= self._ttl_s
            ):
                kept = self._kept = _Kept(await self._read(), asked_at_s, changes)
            return kept.held

    def forget(self) -> None:
        """Ask again next time, as what is kept may have changed; so may what is being read now."""
        self._changes += 1

    async def acknowledge(self, version: int | None = None) -> None:
        """Say that this consumer uses a version from now on; else the one it was given last.

        A turn then waits for it no longer. Raises ClientError.
        """
        held = self._kept.held if self._kept else await self.current()
        await self._api.acknowledge(held.place, self.name, version or held.version)

    async def _read(self) -> Held:
        read = await self._api.read_secret(self._place, self.name)
        # What an import brought lies elsewhere.
        place = Place(self._place.project, read.environment, read.secret_path)
        return Held(read.secret_value, read.version, place)

    def __repr__(self) -> str:
        return f"Secret({self.name!r})"


class Store:
    """The secrets of one place. ``clock`` gives seconds that never step back.

    As an async context manager it listens: what has changed is asked for again at once, and not
    only when its time is over. Where nothing can be heard, the time alone counts.
    """

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
        self._secrets: dict[str, Secret] = {}
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(listening(self._api, self._place, self._heard))
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    def secret(self, name: str) -> Secret:
        """Return the secret of that name; nothing is asked of Keyturn yet."""
        if name not in self._secrets:
            self._secrets[name] = Secret(
                self._api, self._place, name, ttl_s=self._ttl_s, clock=self._clock
            )
        return self._secrets[name]

    async def acknowledge(self, name: str, version: int | None = None) -> None:
        """Say that this consumer uses a version of a secret; else the one it was given last."""
        await self.secret(name).acknowledge(version)

    def _heard(self, names: frozenset[str] | None) -> None:
        for name, secret in self._secrets.items():
            if names is None or name in names:
                secret.forget()
