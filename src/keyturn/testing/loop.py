"""An event loop in which nobody waits: time passes as soon as everybody is waiting for it.

Timers and time limits keep their order and their meaning, a day costs as much as a second, and the
same coroutines with the same chance take the same steps in the same order. Nothing outside the
process can be waited for.
"""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import TypeVar

from keyturn.testing.clock import ManualClock

T = TypeVar("T")

MICROSECOND_S = 1e-6
"""The least that the clock counts: less than that would be no time at all, again and again."""


class Deadlocked(RuntimeError):
    """Everybody waits for somebody else, and for no time to pass."""


class _Nothing(selectors.SelectSelector):
    """Wait for files as long as for nothing: turn the clock instead."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Let the time pass for which the loop would have waited."""
        if timeout is None:
            raise Deadlocked
        if timeout > 0:
            self._clock.advance(max(timeout, MICROSECOND_S))
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time is a clock's that only it turns."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(_Nothing(clock))
        self._manual = clock
        # The clock counts microseconds: a timer that is nearer than one is due.
        self._clock_resolution = MICROSECOND_S

    def time(self) -> float:
        """Return the clock's uptime in seconds."""
        return self._manual.uptime_s()


def run_virtually(clock: ManualClock, work: Coroutine[object, object, T]) -> T:
    """Run work to its end in virtual time, cancel what it leaves behind, and return its result."""
    loop = VirtualLoop(clock)
    try:
        return loop.run_until_complete(work)
    finally:
        loop.run_until_complete(_cancel_the_rest())
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


async def _cancel_the_rest() -> None:
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
