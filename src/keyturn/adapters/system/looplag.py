"""How late the event loop comes to what is due: what blocks it keeps everybody waiting."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from keyturn.services.ports import Vitals

EVERY_S: Final = 1.0


@asynccontextmanager
async def watching_lag(vitals: Vitals, *, every_s: float = EVERY_S) -> AsyncIterator[None]:
    """Note how late this event loop is, again and again, while the block goes on."""

    async def watch() -> None:
        loop = asyncio.get_running_loop()
        while True:
            due_s = loop.time() + every_s
            await asyncio.sleep(every_s)
            vitals.lagged(max(0.0, loop.time() - due_s))

    watcher = asyncio.create_task(watch(), name="watching the event loop")
    try:
        yield
    finally:
        watcher.cancel()
        with suppress(asyncio.CancelledError):
            await watcher
