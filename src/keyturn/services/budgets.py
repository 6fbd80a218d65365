"""The rate budgets of Okta's orgs: shared out among the workers of one database, and shown.

What may be called is decided by `keyturn.domain.budget`; this file keeps count of it in the store.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from keyturn.domain.access import Caller
from keyturn.domain.budget import LEARN_S, Allotment, Ask, Shares, Window, grant, reserve
from keyturn.domain.connection import OktaConnection
from keyturn.services.connections import list_okta_connections
from keyturn.services.ports import Reading, Store, World, Writing


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
            known = window and window.resets_at > wanted.resets_at
            return await self._taken(tx, window, wanted, ask) if window and known else None

    async def claim(self, wanted: Window, ask: Ask) -> Allotment | None:
        """Take calls from the window that goes on, or claim to learn it for `LEARN_S` at most.

        The claim stands beside the window: whoever takes that for over may have been misled about
        what time it is at Okta, and what was taken from it must not be forgotten for that. Whoever
        takes the claim over counts the call of the one before, which may still be under way.
        """
        async with self._store.writing() as tx:
            window = await _find(tx, wanted)
            if window and window.resets_at > wanted.resets_at:
                return await self._taken(tx, window, wanted, ask)
            held = await _find(tx, _claim_of(wanted))
            if held and held.resets_at > wanted.resets_at:
                return Allotment(held, 0)
            until = wanted.resets_at + timedelta(seconds=LEARN_S)
            calls = held.remaining + 1 if held else 0
            claimed = replace(_claim_of(wanted), remaining=calls, resets_at=until)
            await (tx.replace(claimed) if held else tx.add(claimed))
        return None

    async def learn(self, window: Window, ask: Ask) -> Allotment:
        """Put down a window that a call has shown which nobody had taken, and take from it."""
        async with self._store.writing() as tx:
            others = await _let_go(tx, window)
            window = replace(window, remaining=max(0, window.remaining - others))
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

    async def give_up(self, wanted: Window) -> None:
        """Let another worker learn the window, of which a call has told nothing."""
        async with self._store.writing() as tx:
            if others := await _let_go(tx, wanted):
                await tx.add(replace(_claim_of(wanted), remaining=others - 1))

    async def list(self, *, at: datetime) -> Sequence[Window]:
        """List the windows that go on."""
        async with self._store.reading() as tx:
            windows = await tx.list(Window)
        return [each for each in windows if each.limit and each.resets_at > at]

    async def _taken(self, tx: Writing, window: Window, wanted: Window, ask: Ask) -> Allotment:
        left = min(window.remaining, wanted.remaining)
        found = self._granted(replace(window, remaining=left), ask)
        if found.window != window:
            await tx.replace(found.window)
        return found

    def _granted(self, window: Window, ask: Ask) -> Allotment:
        granted = grant(window, ask, self._shares)
        return Allotment(replace(window, remaining=window.remaining - granted), granted)


def _claim_of(wanted: Window) -> Window:
    return replace(wanted, bucket=f"{wanted.bucket}?", limit=0, remaining=0)


async def _let_go(tx: Writing, wanted: Window) -> int:
    """End the claim; return how many others have learned by it, whose calls nobody has counted."""
    claim = await _find(tx, _claim_of(wanted))
    if claim:
        await tx.remove(claim)
    return claim.remaining if claim else 0


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
