"""The rate budgets of Okta's orgs: shared out among the workers of one database, and shown.

What may be called is decided by `keyturn.domain.budget`; this file keeps count of it in the store.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from keyturn.domain.access import Caller
from keyturn.domain.budget import Allotment, Ask, Shares, Window, grant, reserve
from keyturn.domain.connection import OktaConnection
from keyturn.services.connections import list_okta_connections
from keyturn.services.ports import Reading, Store, World


@dataclass(frozen=True)
class Budget:
    """What is left of a window, and how much of that is kept for safety."""

    window: Window
    reserve: int


async def read_budgets(world: World, caller: Caller) -> Sequence[Budget]:
    """List what is left of the rate limits of the orgs whose connections the caller may see.

    Windows of a minute that nobody has called in are not known. Raises Forbidden.
    """
    return await budgets_of(world, await list_okta_connections(world, caller, project_id=None))


async def budgets_of(world: World, connections: Iterable[OktaConnection]) -> Sequence[Budget]:
    """List what is left of the rate limits of these connections' orgs."""
    orgs = {connection.instance_url for connection in connections}
    windows = [window for window in await world.okta.list_windows() if window.org in orgs]
    kept = world.limits.shares
    return [Budget(window, reserve(window.limit, kept)) for window in windows]


class SharedPool:
    """Share rate windows out through the store (`services.ports.Pool`).

    Only one transaction writes at a time, so that what one worker takes no other has.
    """

    def __init__(self, store: Store, shares: Shares) -> None:
        self._store = store
        self._shares = shares

    async def take(self, wanted: Window, ask: Ask) -> Allotment | None:
        """Take calls from the window that goes on at ``wanted.resets_at``; maybe none."""
        async with self._store.writing() as tx:
            window = await _find(tx, wanted)
            if window is None or window.resets_at <= wanted.resets_at:
                return None
            left = min(window.remaining, wanted.remaining)
            found = self._granted(replace(window, remaining=left), ask)
            if found.window != window:
                await tx.replace(found.window)
        return found

    async def learn(self, window: Window, ask: Ask) -> Allotment:
        """Put down a window that a call has shown which nobody had taken, and take from it."""
        async with self._store.writing() as tx:
            stored = await _find(tx, window)
            if stored is None:
                found = self._granted(window, ask)
                await tx.add(found.window)
            elif window.resets_at < stored.resets_at:
                return Allotment(window, 0)  # of a process that stood still: it is long over
            else:
                found = self._granted(_merged(stored, window, ask), ask)
                await tx.replace(found.window)
        return found

    async def list(self, *, at: datetime) -> Sequence[Window]:
        """List the windows that go on."""
        async with self._store.reading() as tx:
            return [window for window in await tx.list(Window) if window.resets_at > at]

    def _granted(self, window: Window, ask: Ask) -> Allotment:
        granted = grant(window, ask, self._shares)
        return Allotment(replace(window, remaining=window.remaining - granted), granted)


async def _find(tx: Reading, wanted: Window) -> Window | None:
    where = {"org": wanted.org, "principal": wanted.principal, "bucket": wanted.bucket}
    return await tx.find(Window, **where)


def _merged(stored: Window, told: Window, ask: Ask) -> Window:
    """Return what is left where another worker has called in the same window.

    Its own count is more exact: it knows what has been taken and not been called yet.
    """
    if (stored.limit, stored.resets_at) != (told.limit, told.resets_at):
        return told
    return replace(stored, remaining=max(0, min(stored.remaining - ask.calls, told.remaining)))
