"""A clock that is turned by hand."""

from datetime import datetime, timedelta


class ManualClock:
    """Tell the time that a test has set; it passes only by `advance`."""

    def __init__(self, start: datetime) -> None:
        if start.utcoffset() != timedelta(0):
            raise ValueError("a clock starts at an aware time in UTC")
        self._start = self._now = start
        self._uptime_s = 0.0
        self._cpu_s = 0.0
        self.cpu_step_s = 0.0
        """How much CPU time each look at it takes."""

    def now(self) -> datetime:
        """Return the time of day, aware, in UTC."""
        return self._now

    def uptime_s(self) -> float:
        """Return the seconds that have passed since the start."""
        return self._uptime_s

    def cpu_s(self) -> float:
        """Return the CPU time that was taken, which passes by `cpu_step_s` with each look alone."""
        self._cpu_s += self.cpu_step_s
        return self._cpu_s

    def advance(self, seconds: float) -> None:
        """Let so many seconds pass. Raises ValueError for a step backwards."""
        if seconds < 0:
            raise ValueError("time does not run backwards")
        self._now += timedelta(seconds=seconds)
        self._uptime_s = (self._now - self._start).total_seconds()
