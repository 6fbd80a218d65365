"""Looks at how far the store has come that are taken together.

Decides who shares a look: all who ask before it begins. Whoever asks later gets one of their own,
since it has to see what was written before they asked. Where nobody else changes what is served, a
look holds until a transaction of ours begins.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import Engine, select

from keyturn.adapters.storage.tables import POSITION, REVISION
from keyturn.adapters.storage.waiting import tell
from keyturn.adapters.storage.whole import whole
from keyturn.adapters.storage.words import in_our_words


class Lookout:
    """Tell the revision of what is served to all who ask.

    ``sole`` says that no other process changes it.
    """

    def __init__(self, engine: Engine, *, sole: bool) -> None:
        self._engine: Final = engine
        self._sole: Final = sole
        self._one_by_one: Final = asyncio.Lock()
        self._next: _Look | None = None
        self._begun = self._ended = 0
        self._seen: int | None = None

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Rely on no look while the block may change what is served."""
        self._begun, self._seen = self._begun + 1, None
        try:
            yield
        finally:
            self._ended += 1

    async def revision(self) -> int:
        """Return the revision as it is now; raise what the look at it raises."""
        if self._seen is not None:
            return self._seen
        begun, quiet = self._begun, self._sole and self._begun == self._ended
        if self._next is None:
            self._next = _Look(self._look)
        seen = await self._next.shared()
        if quiet and begun == self._begun:
            self._seen = seen
        return seen

    async def _look(self) -> int:
        async with self._one_by_one:
            self._next = None
            return await whole(asyncio.to_thread(self._read))

    def _read(self) -> int:
        with in_our_words(), self._engine.connect() as connection:
            return connection.execute(select(REVISION.c[POSITION])).scalar() or 0


class _Look:
    """One look, and those who wait for it."""

    def __init__(self, look: Callable[[], Coroutine[object, object, int]]) -> None:
        self._waiting: Final[list[asyncio.Future[int]]] = []
        self._loop: Final = asyncio.get_running_loop()
        self._looking: Final = self._loop.create_task(look())
        self._looking.add_done_callback(self._tell)

    def shared(self) -> "asyncio.Future[int]":
        """Return what will be seen."""
        waiter: asyncio.Future[int] = self._loop.create_future()
        self._waiting.append(waiter)
        return waiter

    def _tell(self, looking: "asyncio.Task[int]") -> None:
        tell(self._waiting, looking, lambda revision, _: revision)
