"""Read records that the store's own references promise."""

from collections.abc import Awaitable
from typing import TypeVar

from keyturn.domain.errors import OursError

R = TypeVar("R")


async def must(found: Awaitable[R | None]) -> R:
    """Return a record that another one refers to. Raises OursError where it is missing."""
    record = await found
    if record is None:
        raise OursError("A record refers to one that is not stored.")
    return record
