"""How a rotation stands, in words and in a tone: never by colour alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from keyturn.domain.outlook import State


@dataclass(frozen=True)
class Standing:
    """The word for a state, and its tone."""

    text: str
    tone: str


STANDING: Final[Mapping[State, Standing]] = MappingProxyType(
    {
        State.BLOCKED: Standing("Needs somebody", "bad"),
        State.QUARANTINED: Standing("Quarantined", "bad"),
        State.MISSED: Standing("Overdue", "bad"),
        State.PAUSED: Standing("Paused", "warn"),
        State.TURNING: Standing("Turning", "busy"),
        State.WAITING: Standing("Due, waits", "warn"),
        State.SCHEDULED: Standing("Scheduled", "good"),
        State.OFF: Standing("By hand", "idle"),
    }
)
"""In the order in which they want to be looked at."""
