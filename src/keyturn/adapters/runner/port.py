"""What a runner is: whatever wakes due turns.

Nothing is handed to a runner. A turn is handed over by its row's ``wake_at``, in the transaction
that changes the turn, so that nothing can be forgotten between the two.
"""

from dataclasses import dataclass
from typing import Protocol, Self


@dataclass(frozen=True)
class Health:
    """How a runner does: turns in its hands, and the uptime at which it last found its database."""

    in_hand: int
    found_at_s: float | None


class Runner(Protocol):
    """Start turns that the schedule asks for, and advance those that are due.

    Entering starts it, leaving stops it: nothing more is taken up, and the turns in hand are led to
    their next rest. In between it outlives every error; a turn whose worker died comes due again
    when its lease ends, so running a turn twice, late or never is harmless.
    """

    async def __aenter__(self) -> Self:
        """Start."""
        ...

    async def __aexit__(self, *error: object) -> None:
        """Stop, once the turns in hand have come to their next rest."""
        ...

    def health(self) -> Health:
        """Say how it does."""
        ...
