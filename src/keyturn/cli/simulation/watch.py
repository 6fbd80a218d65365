"""A clock that tells where a world goes round in circles: steps without end, and no time passes."""

from keyturn.testing import ManualClock

MOST_LOOKS = 2_000_000
"""So often nobody looks at the clock within one moment."""


class StoodStill(BaseException):
    """Nobody waits for time to pass any more. Nothing in a world may catch it."""


class WatchedClock(ManualClock):
    """A clock by which time has to pass now and then."""

    _looks = 0

    def uptime_s(self) -> float:
        """Return the seconds that have passed. Raises StoodStill where none do any more."""
        self._looks += 1
        if self._looks > MOST_LOOKS:
            self._looks = 0
            raise StoodStill
        return super().uptime_s()

    def advance(self, seconds: float) -> None:
        """Let so many seconds pass."""
        self._looks = 0
        super().advance(seconds)
