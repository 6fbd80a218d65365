"""The machine's own clock and chance."""

import secrets
import sys
import time
import uuid
from datetime import UTC, datetime


class SystemClock:
    """Tell the machine's time."""

    def now(self) -> datetime:
        """Return the time of day, aware, in UTC."""
        return datetime.now(UTC)

    def uptime_s(self) -> float:
        """Return seconds on a clock that never steps.

        It runs through sleep on Linux (CLOCK_BOOTTIME); elsewhere it is Python's monotonic clock.
        """
        linux = sys.platform == "linux"
        return time.clock_gettime(time.CLOCK_BOOTTIME) if linux else time.monotonic()

    def cpu_s(self) -> float:
        """Return the seconds of CPU time that this thread has had."""
        return time.thread_time()


class SystemChance:
    """Give what the machine's random number generator gives, fit for keys."""

    def random_bytes(self, count: int) -> bytes:
        """Return so many random bytes."""
        return secrets.token_bytes(count)

    def uuid(self) -> str:
        """Return a new random id (RFC 9562, version 4)."""
        return str(uuid.uuid4())
