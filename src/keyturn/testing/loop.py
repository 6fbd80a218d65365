"""An event loop in which nobody waits: time passes as soon as everybody is waiting for it.

Timers and time limits keep their order and their meaning, a day costs as much as a second, and the
same coroutines with the same chance take the same steps in the same order. Nothing outside the
process can be waited for.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from contextvars import Context, copy_context
from heapq import heappop, heappush
from itertools import count
from typing import TypeVar, TypeVarTuple, Unpack

from keyturn.testing.clock import ManualClock

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

MICROSECOND_S = 1e-6
"""The least that the clock counts: a timer that is nearer than that is due."""


class Deadlocked(RuntimeError):
    """Everybody waits for somebody else, and for no time to pass."""


def _nobody() -> None:
    """Take the place of whoever need not be called back any more, and can be forgotten."""


class _Due(asyncio.TimerHandle):
    """A callback, and when it is due; cancelled, it stays where it is and comes to nothing.

    Knows no loop and does not ask whether to debug, as asyncio's own ones do.
    """

    __slots__ = ()

    def __init__(
        self,
        when: float,
        callback: Callable[..., object],
        args: Sequence[object],
        context: Context | None,
    ) -> None:
        self._when, self._callback, self._args = when, callback, args
        self._context = copy_context() if context is None else context

    def __repr__(self) -> str:
        return f"<{self._callback!r} at {self._when}>"

    def cancel(self) -> None:
        """Call nobody back."""
        self._callback, self._args = _nobody, ()

    def cancelled(self) -> bool:
        """Say whether nobody is called back."""
        return self._callback is _nobody


class VirtualLoop(asyncio.BaseEventLoop):
    """An event loop whose time is a clock's that only it turns."""

    _stopping: bool

    def __init__(self, clock: ManualClock) -> None:
        super().__init__()
        self._manual = clock
        self._numbers = count()
        self._timers: list[tuple[float, int, _Due]] = []
        self._ready: deque[_Due] = deque()

    def time(self) -> float:
        """Return the clock's uptime in seconds."""
        return self._manual.uptime_s()

    def call_soon(
        self,
        callback: Callable[[Unpack[Ts]], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.Handle:
        """Call back as soon as everybody before it has been called."""
        handle = _Due(0.0, callback, args, context)
        self._ready.append(handle)
        return handle

    def call_soon_threadsafe(
        self,
        callback: Callable[[Unpack[Ts]], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.Handle:
        """Call back soon; all is in one thread. Generators that were left are closed by this."""
        return self.call_soon(callback, *args, context=context)

    def call_later(
        self,
        delay: float,
        callback: Callable[[Unpack[Ts]], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Call back when so many seconds have passed."""
        return self.call_at(self._manual.uptime_s() + delay, callback, *args, context=context)

    def call_at(
        self,
        when: float,
        callback: Callable[[Unpack[Ts]], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Call back at a time; of two at the same time, the one that asked first."""
        timer = _Due(when, callback, args, context)
        heappush(self._timers, (when, next(self._numbers), timer))
        return timer

    def _run_once(self) -> None:
        """Call whoever is ready, again and again, until it is to stop.

        Where nobody is, let the time pass until somebody is.
        """
        ready, timers, clock = self._ready, self._timers, self._manual
        while True:
            while timers and timers[0][2].cancelled():
                heappop(timers)
            if not (ready or self._stopping):
                self._let_time_pass()
            until_s = clock.uptime_s() + MICROSECOND_S
            while timers and timers[0][0] < until_s:
                ready.append(heappop(timers)[2])
            for _ in range(len(ready)):
                self._call(ready.popleft())
            if self._stopping:
                return

    def _call(self, due: _Due) -> None:
        """Call somebody back; what that raises is for the exception handler, as in any loop."""
        try:
            due._context.run(due._callback, *due._args)  # noqa: SLF001  as every event loop does
        except (SystemExit, KeyboardInterrupt):
            raise
        except BaseException as error:  # noqa: BLE001  a loop goes on
            told = f"Exception in callback {due!r}"
            self.call_exception_handler({"message": told, "exception": error, "handle": due})

    def _let_time_pass(self) -> None:
        if not self._timers:
            raise Deadlocked
        left_s = self._timers[0][0] - self._manual.uptime_s()
        if left_s > 0:
            self._manual.advance(max(left_s, MICROSECOND_S))


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
