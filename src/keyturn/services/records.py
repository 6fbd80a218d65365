"""Read records that the store's own references promise, and add to the record of a turn."""

from collections.abc import Awaitable
from datetime import datetime
from typing import TypeVar

from keyturn.domain.errors import NotFound, OursError
from keyturn.domain.turn import Turn
from keyturn.services.ports import TurnStep, Writing

R = TypeVar("R")


async def must(found: Awaitable[R | None]) -> R:
    """Return a record that another one refers to. Raises OursError where it is missing."""
    record = await found
    if record is None:
        raise OursError("A record refers to one that is not stored.")
    return record


async def read_left(found: Awaitable[R | None], what: str) -> R:
    """Return a record that was there a moment ago. Raises NotFound where it has been removed."""
    record = await found
    if record is None:
        raise NotFound(f"There is no {what} any more.")
    return record


async def note_step(tx: Writing, turn: Turn, what: str, told: str, now: datetime) -> None:
    """Put on a turn's record what somebody has decided of it, and who or why."""
    steps = await tx.list(TurnStep, turn_id=turn.id)
    number = steps[-1].number + 1 if steps else 1
    await tx.add(TurnStep(turn.id, number, now, turn.phase, what, told))
