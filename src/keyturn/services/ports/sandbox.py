"""The org in a box that may run beside the server: what breaks in it, and what time it is there."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True)
class FaultDraft:
    """A fault as somebody asks for it.

    It strikes requests of a ``method`` at a ``route``, each with ``probability`` (0 to 1), in all
    ``count`` times, or until it is lifted where that is None. ``seconds`` is how long, late or
    wrong it is, by its kind; ``status`` that of an error.
    """

    kind: str
    method: str = "*"
    route: str = "*"
    count: int | None = 1
    probability: float = 1.0
    seconds: float = 0.0
    status: int | None = None


@dataclass(frozen=True)
class FaultInForce:
    """A fault, how many requests it has fitted, and how many of them it has struck."""

    id: str
    draft: FaultDraft
    seen: int
    struck: int


class SandboxControls(Protocol):
    """What may be done to the org. Its clock is the server's as well, so both jump together."""

    @property
    def org_url(self) -> str:
        """Return where the org answers."""
        ...

    @property
    def control_url(self) -> str:
        """Return where its control port is, without the token that opens it."""
        ...

    @property
    def status_url(self) -> str:
        """Return the address of its page for people, the token included."""
        ...

    @property
    def kinds(self) -> Sequence[str]:
        """Return the kinds of faults that there are."""
        ...

    @property
    def routes(self) -> Sequence[tuple[str, str]]:
        """Return method and pattern of every request that the org knows."""
        ...

    def list_faults(self) -> Sequence[FaultInForce]:
        """List the faults in force."""
        ...

    def plant(self, draft: FaultDraft) -> str:
        """Put a fault in force and return its id. Raises InvalidInput for one that cannot be."""
        ...

    def clear(self, fault_id: str = "") -> None:
        """Lift a fault, or all of them. Raises NotFound where there is no such one."""
        ...

    def now(self) -> datetime:
        """Return the time at the org, aware, in UTC."""
        ...

    def advance(self, seconds: float) -> None:
        """Let the clock jump ahead. Raises InvalidInput for what it cannot show."""
        ...
