"""What a process counts of itself, and how it is: nothing of it is stored or outlives it.

Whoever does something notes it here; `metrics` and `readiness` tell of it, and keep for a moment
what they have seen. Knows no clock.
"""

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from keyturn.domain.errors import NoFooting
from keyturn.services.ports.figures import Observed
from keyturn.services.ports.tracer import NoTracer, Tracer


class Counted(StrEnum):
    """What is counted, each under a label of which there are few."""

    OKTA_CALLS = "okta calls"
    """Calls to Okta, by what came of them."""
    REQUESTS = "requests"
    """Requests that were served here, by the first digit of the status."""
    FAILURES = "failures"
    """Errors that nobody foresaw, in a worker, by what it was doing."""


class Pulse(StrEnum):
    """Whether a runner goes on in this process."""

    NONE = "none"
    RUNNING = "running"
    STOPPING = "stopping"


class Footing(StrEnum):
    """Why a process takes nothing up now; where there is nothing to say, it may."""

    FIRM = ""
    OTHER_DATA = "The data are of another version of Keyturn than this process."
    CLOCK_OFF = (
        "The clocks of this machine and of the database's are more than 5 seconds apart: set them, "
        "by NTP. No turn is taken up here meanwhile."
    )


@dataclass(frozen=True)
class Check:
    """One thing that a process needs to do its work; ``why`` it is not so, or nothing."""

    name: str
    why: str = ""


LAGS: Final = 60
"""As many of the event loop's lags are remembered: one a second, for a minute."""


class Vitals:
    """The signs of life of one process; ``tracer`` is told of what it does.

    ``began_at_s`` is when its runner did, ``found_at_s`` when that found its database last.
    ``footing`` is what the runner's last look found of what it stands on.
    """

    def __init__(self, tracer: Tracer | None = None) -> None:
        self.counts: Final[Counter[tuple[Counted, str]]] = Counter()
        self.served_s = 0.0
        self.pulse = Pulse.NONE
        self.footing = Footing.FIRM
        self.began_at_s = 0.0
        self.found_at_s: float | None = None
        self.seen: tuple[float, Observed] | None = None
        self.ready: tuple[float, Sequence[Check]] | None = None
        self.told: Final[dict[str, float]] = {}
        self.tracer: Final[Tracer] = tracer or NoTracer()
        self._lags_s: Final = deque[float](maxlen=LAGS)

    def require_footing(self) -> None:
        """Raise NoFooting where a hold by this process's clock would be too long or too short."""
        if self.footing:
            told = "Nothing was changed: ask another server, or again when that is put right."
            raise NoFooting(f"{self.footing.value} {told}")

    def count(self, what: Counted, label: str) -> None:
        """Count one more."""
        self.counts[what, label] += 1

    def lagged(self, seconds: float) -> None:
        """Note how late the event loop came to something; it is to be noted once a second."""
        self._lags_s.append(seconds)

    @property
    def lag_s(self) -> float:
        """Return how late the event loop was at worst in the last minute."""
        return max(self._lags_s, default=0.0)
