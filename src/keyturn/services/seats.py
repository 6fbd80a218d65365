"""Who may work at the same time: runs of flows have so many seats in a process, and wait in a line.

Decides when the line is too long to wait in. It is this process's own; nothing of it outlives it.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from keyturn.domain.errors import Busy

LINE: Final = 4
"""How many may wait for each seat."""
AGAIN_S: Final = 5.0
"""When it is worth coming again where the line is too long."""


class Seats:
    """Give seats in the order in which they are asked for; how many there are, each asker says.

    Whoever computes much does it alone (``desk``): threads share one interpreter, and two that
    compute leave less of it to everybody else.
    """

    def __init__(self) -> None:
        self.desk: Final = asyncio.Lock()
        self._taken = 0
        self._line: Final[deque[asyncio.Future[None]]] = deque()

    def require_room(self, most: int) -> None:
        """Raise Busy where so many seats are taken and the line for them is long."""
        if len(self._line) >= LINE * most:
            raise Busy("Too many flows run now: come again.", retry_after_s=AGAIN_S)

    def free(self, most: int) -> int:
        """Return how many of so many seats nobody has or waits for."""
        return max(0, most - self._taken - len(self._line))

    @asynccontextmanager
    async def taken(self, most: int) -> AsyncIterator[None]:
        """Wait for one of so many seats, and have it."""
        await self._sit(most)
        try:
            yield
        finally:
            self._leave(most)

    @asynccontextmanager
    async def left(self, most: int) -> AsyncIterator[None]:
        """Leave a seat to others for a while, and wait for one again."""
        self._leave(most)
        seated = False
        try:
            yield
            await self._sit(most)
            seated = True
        finally:
            self._taken += not seated  # whoever has it gives it up at once

    async def _sit(self, most: int) -> None:
        if self._taken < most and not self._line:
            self._taken += 1
            return
        place = asyncio.get_running_loop().create_future()
        self._line.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.cancelled():
                self._line.remove(place)
            else:
                self._leave(most)
            raise

    def _leave(self, most: int) -> None:
        """Give a seat up, to whoever is first in the line."""
        self._taken -= 1
        while self._line and self._taken < most:
            self._line.popleft().set_result(None)
            self._taken += 1
