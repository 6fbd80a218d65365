"""Many who wait for one piece of work, and are told of its end together."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

R = TypeVar("R")
T = TypeVar("T")


def tell(
    waiting: Sequence["asyncio.Future[T]"], work: "asyncio.Task[R]", part: Callable[[R, int], T]
) -> None:
    """Give each who still waits a part of the result, by place; each hears of a failure."""
    error = None if work.cancelled() else work.exception()
    for place, waiter in enumerate(waiting):
        if waiter.done():
            continue
        if work.cancelled():
            waiter.cancel()
        elif error:
            waiter.set_exception(error)
        else:
            waiter.set_result(part(work.result(), place))
