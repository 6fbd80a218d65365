"""Work at the database that is never left in the middle.

Decides what a cancelled task does there: it lets the statement, commit or rollback that is under
way come to its end, and is cancelled after that. A driver that is cancelled in its work gives up
its connection instead.
"""

import asyncio
from collections.abc import Coroutine
from typing import TypeVar

T = TypeVar("T")


async def whole(work: Coroutine[object, object, T]) -> T:
    """Return or raise what the work does, or CancelledError once the work has ended."""
    task = asyncio.create_task(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled:
        raise cancelled from None if task.cancelled() else task.exception()
    return task.result()
