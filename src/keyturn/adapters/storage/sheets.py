"""What many ask to have written, in one transaction.

A commit costs a flush of the disk, however much is in it. Decides what shares one: all that is
asked for until the write lock is had. The transaction is one piece of work in a thread: a way
through the event loop for each statement would cost more than the statements.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from operator import getitem
from typing import Final, Generic, TypeVar

from keyturn.adapters.storage.waiting import tell
from keyturn.adapters.storage.whole import whole

T = TypeVar("T")
R = TypeVar("R")

AT_ONCE: Final = 500
"""How much one transaction takes: more would keep other writers waiting."""


class Sheets(Generic[T, R]):
    """Have ``commit`` write down what many ask for, in their order.

    It returns what came of each.
    """

    def __init__(
        self, turnstile: asyncio.Lock, commit: Callable[[Sequence[T]], Sequence[R]]
    ) -> None:
        self._turnstile: Final = turnstile
        self._commit: Final = commit
        self._sheet: _Sheet[T, R] | None = None

    async def write(self, item: T) -> R:
        """Return once the item is durable; raise what its transaction raises.

        Who is cancelled in waiting leaves the item to be written.
        """
        sheet = self._sheet
        if sheet is None or len(sheet.items) == AT_ONCE:
            sheet = self._sheet = _Sheet(self._write)
        return await sheet.added(item)

    async def _write(self, sheet: "_Sheet[T, R]") -> Sequence[R]:
        async with self._turnstile:
            if self._sheet is sheet:
                self._sheet = None
            return await whole(asyncio.to_thread(self._commit, sheet.items))


class _Sheet(Generic[T, R]):
    """Items of one transaction, and those who wait for it."""

    def __init__(
        self, write: Callable[["_Sheet[T, R]"], Coroutine[object, object, Sequence[R]]]
    ) -> None:
        self.items: Final[list[T]] = []
        self._waiting: Final[list[asyncio.Future[R]]] = []
        self._loop: Final = asyncio.get_running_loop()
        self._written: Final = self._loop.create_task(write(self))
        self._written.add_done_callback(lambda written: tell(self._waiting, written, getitem))

    def added(self, item: T) -> "asyncio.Future[R]":
        """Take an item up, and return what will come of it."""
        waiter: asyncio.Future[R] = self._loop.create_future()
        self.items.append(item)
        self._waiting.append(waiter)
        return waiter
