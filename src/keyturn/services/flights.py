"""Work that many want at the same time and that is done once for all of them in this process."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any


class Flights:
    """Share what is under way, by what it is about."""

    def __init__(self) -> None:
        self._under_way: dict[str, asyncio.Task[None]] = {}

    async def share(self, about: str, begin: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Wait for what is under way about this, or begin it; raises what it raises.

        It goes on for the others when one of those who wait is cancelled.
        """
        task = self._under_way.get(about)
        if task is None:
            task = self._under_way[about] = asyncio.create_task(begin(), name=f"for {about}")
            task.add_done_callback(lambda _: self._under_way.pop(about, None))
        await asyncio.shield(task)
