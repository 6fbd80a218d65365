"""Keep a command running with the secrets of a folder, and tell it of new ones.

Decides what a signal, the end of the process and a new version each lead to.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager

from keyturn.client.child import Child, terminal
from keyturn.client.folder import Folder

FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
GRACE_S = 10.0
"""How long a process that is to start anew may take to stop."""

Start = Callable[[Mapping[str, str]], Child]
Next = Callable[[], Awaitable[Folder]]


class Supervisor:
    """Runs what ``start`` starts until it ends by itself.

    ``tell`` is the signal that says that ``next_folder`` gave something new; None starts the
    process anew, after asking it to stop. Once SIGINT or SIGTERM was passed on, nothing is started
    any more.
    """

    def __init__(
        self,
        start: Start,
        next_folder: Next | None,
        *,
        tell: int | None = None,
        grace_s: float = GRACE_S,
    ) -> None:
        self._start, self._next = start, next_folder
        self._tell, self._grace_s = tell, grace_s
        self._stopping = False

    async def run(self, first: Folder) -> int:
        """Start the process, and return its exit code. Raises OSError where it cannot start."""
        with terminal() as ours, self._forwarding():
            self._ours = ours
            self._child = self._started(first)
            try:
                return await self._until_ended()
            finally:
                if not self._child.ended.done():
                    await self._child.stop(grace_s=self._grace_s)

    async def _until_ended(self) -> int:
        while True:
            change = asyncio.ensure_future(self._next()) if self._next else None
            await asyncio.wait(
                {self._child.ended, *([change] if change else [])},
                return_when=asyncio.FIRST_COMPLETED,
            )
            if change is None or self._child.ended.done():
                if change:
                    change.cancel()
                return await self._child.ended
            await self._apply(change.result())

    async def _apply(self, folder: Folder) -> None:
        if self._tell is not None:
            self._child.signal(self._tell)
            return
        if not self._stopping:
            await self._child.stop(grace_s=self._grace_s)
        if not self._stopping:
            self._child = self._started(folder)

    def _started(self, folder: Folder) -> Child:
        child = self._start(folder.values)
        if self._ours:
            child.take_terminal()
        return child

    @contextmanager
    def _forwarding(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        # What we were told to ignore (nohup), the command inherits as ignored.
        heard = [each for each in FORWARDED if signal.getsignal(each) is not signal.SIG_IGN]
        for number in heard:
            loop.add_signal_handler(number, self._forward, number)
        try:
            yield
        finally:
            for number in heard:
                loop.remove_signal_handler(number)

    def _forward(self, number: int) -> None:
        self._stopping = self._stopping or number != signal.SIGHUP
        self._child.signal_group(number)
