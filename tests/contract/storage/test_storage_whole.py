"""Work at the database is not left in the middle by whoever is cancelled."""

import asyncio
from asyncio import CancelledError, Event, Task

import pytest

from keyturn.adapters.storage.whole import whole


async def opened(gate: Event, error: Exception | None = None) -> str:
    """Stand for a statement that is under way until the gate opens."""
    await gate.wait()
    if error:
        raise error
    return "done"


async def cancelled_thrice(task: Task[str]) -> None:
    """Cancel a task again and again, letting it run in between."""
    for _ in range(3):
        await asyncio.sleep(0)
        task.cancel()
    await asyncio.sleep(0)


async def test_work_gives_what_it_gives() -> None:
    """Undisturbed, a result is returned and an error raised."""
    gate = Event()
    gate.set()
    assert await whole(opened(gate)) == "done"
    with pytest.raises(ZeroDivisionError):
        await whole(opened(gate, ZeroDivisionError()))


async def test_a_cancelled_task_waits_for_its_work() -> None:
    """However often it is cancelled, a task ends only after its work, and is cancelled then."""
    gate = Event()
    task = asyncio.create_task(whole(opened(gate)))
    await cancelled_thrice(task)
    assert not task.done()
    gate.set()
    with pytest.raises(CancelledError):
        await task


async def test_an_error_of_cancelled_work_is_not_lost() -> None:
    """Where the work fails for a task that is cancelled, the cancellation tells the error."""
    gate = Event()
    task = asyncio.create_task(whole(opened(gate, ZeroDivisionError())))
    await cancelled_thrice(task)
    gate.set()
    with pytest.raises(CancelledError) as cancelled:
        await task
    assert isinstance(cancelled.value.__cause__, ZeroDivisionError)
