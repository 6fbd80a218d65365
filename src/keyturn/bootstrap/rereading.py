"""Look for a root key again where data keys do not unwrap, as after a rotation by another process.

Decides how often, and how long somebody waits for it. Knows nothing of where root keys are.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

import structlog

from keyturn.services.ports import Clock

REREAD_S: Final = 5.0
"""Seconds between two looks."""

WAIT_S: Final = 1.0
"""Seconds that the event loop waits for a look; a KMS that is away takes longer."""

_log = structlog.get_logger("keyturn.keys")


class Rereading:
    """Root keys to try, as they are found beside the event loop."""

    def __init__(
        self, look: Callable[[], Sequence[bytes]], clock: Clock, *, wait_s: float = WAIT_S
    ) -> None:
        self._look: Final = look
        self._clock: Final = clock
        self._wait_s: Final = wait_s
        self._beside: Final = ThreadPoolExecutor(1, "root-key")  # its thread begins with a look
        self._next_s = clock.uptime_s()
        self._looking: Future[Sequence[bytes]] | None = None

    def __call__(self) -> Sequence[bytes]:
        """Return what a look has found, or nothing while one is under way or was just made."""
        if self._looking is None:
            if self._clock.uptime_s() < self._next_s:
                return ()
            return self._begun()
        if not self._looking.done():
            return ()
        found, self._looking = self._looking.result(), None
        return found

    def _begun(self) -> Sequence[bytes]:
        _log.warning("root key does not fit; looking for another one")
        self._next_s = self._clock.uptime_s() + REREAD_S
        self._looking = self._beside.submit(self._look)
        try:
            found = self._looking.result(self._wait_s)
        except TimeoutError:
            return ()
        self._looking = None
        return found
