"""A clock whose time of day is set by somebody else: a broken time server, an administrator."""

from datetime import datetime, timedelta

from keyturn.services.ports import Clock


class JumpingClock:
    """Tell another clock's time, but for the jumps; uptime is not touched by them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ahead = timedelta()
        self.ahead_s = 0.0
        """The seconds by which it is ahead of the other clock, negative behind it."""

    def now(self) -> datetime:
        """Return the time of day that is shown, aware, in UTC."""
        return self._clock.now() + self._ahead

    def uptime_s(self) -> float:
        """Return the other clock's uptime."""
        return self._clock.uptime_s()

    def cpu_s(self) -> float:
        """Return the other clock's CPU time."""
        return self._clock.cpu_s()

    def jump(self, seconds: float) -> None:
        """Show a time of day that is so many seconds later, or earlier."""
        self._ahead += timedelta(seconds=seconds)
        self.ahead_s = self._ahead.total_seconds()
