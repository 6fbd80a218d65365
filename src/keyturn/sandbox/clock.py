"""The org's clock: real time, until somebody at the control port sets, advances or speeds it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Return the real time."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class _Anchor:
    """At the real moment `real` it was `shown`; since then `rate` seconds passed in each second."""

    real: datetime
    shown: datetime
    rate: float


class VirtualClock:
    """Shows another clock's time, moved or sped up on request.

    `real` returns aware UTC times; expiry, rate windows and the Date header follow what is shown.
    """

    def __init__(self, real: Clock = utc_now) -> None:
        self.real = real
        self._anchor: _Anchor | None = None

    def __call__(self) -> datetime:
        """Return the moment it shows."""
        anchor, real = self._anchor, self.real()
        return real if anchor is None else anchor.shown + (real - anchor.real) * anchor.rate

    @property
    def rate(self) -> float:
        """Return how many seconds it shows passing in one real second."""
        return 1.0 if self._anchor is None else self._anchor.rate

    @property
    def virtual(self) -> bool:
        """Tell whether it was ever set, advanced or sped up."""
        return self._anchor is not None

    def set(self, at: datetime) -> None:
        """Show another moment from now on; ValueError without a time zone."""
        if at.tzinfo is None:
            raise ValueError("the time needs a zone, such as 2026-03-01T12:00:00Z")
        self._anchor = _Anchor(self.real(), at.astimezone(UTC), self.rate)

    def advance(self, seconds: float) -> None:
        """Move forward; ValueError for a step back, which `set` takes."""
        if not 0 <= seconds < timedelta.max.total_seconds():
            raise ValueError("advance_s is a number of seconds, not below 0")
        self.set(self() + timedelta(seconds=seconds))

    def run(self, rate: float) -> None:
        """Let so many seconds pass in each real one, 0 to stand still; ValueError below 0."""
        if not 0 <= rate <= 1_000_000:
            raise ValueError("rate is a number from 0 to 1000000")
        self._anchor = _Anchor(self.real(), self(), rate)

    def follow(self) -> None:
        """Show real time again."""
        self._anchor = None
