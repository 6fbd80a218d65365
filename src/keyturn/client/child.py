"""A command that runs beside us, in a process group of its own. POSIX only."""

import asyncio
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

TERMINAL = 0


class Child:
    """One process, which runs from its creation on; raises OSError where it cannot be started.

    ``ended`` is done once the process has ended, with its exit code: 128 and more is a signal.
    What it says goes to the file ``output``, and it is given nothing to read; without one it has
    what we have.
    """

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        *,
        output: int | None = None,
    ) -> None:
        self._process = subprocess.Popen(  # noqa: S603  the command that we were given
            command,
            env=environment,
            process_group=0,
            stdin=None if output is None else subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
        self.ended = asyncio.ensure_future(asyncio.to_thread(self._wait))

    def signal(self, number: int) -> None:
        """Send a signal to the process alone."""
        self._process.send_signal(number)

    def signal_group(self, number: int) -> None:
        """Send a signal to the process and to those it has started, as a terminal does."""
        if self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    async def stop(self, *, grace_s: float) -> None:
        """Ask the group to stop; end it by force where the process has not stopped in time."""
        self.signal_group(signal.SIGTERM)
        await asyncio.wait({self.ended}, timeout=grace_s)
        self.signal_group(signal.SIGKILL)
        await self.ended

    def take_terminal(self) -> None:
        """Let the process read from the terminal, as a group in the background may not."""
        with suppress(ProcessLookupError, PermissionError):
            os.tcsetpgrp(TERMINAL, self._process.pid)
        self.signal_group(signal.SIGCONT)  # it may have been stopped for reading too early

    def _wait(self) -> int:
        code = self._process.wait()
        return 128 - code if code < 0 else code


@contextmanager
def terminal() -> Iterator[bool]:
    """Tell whether the terminal is ours to lend; take it back in the end."""
    ours = os.isatty(TERMINAL) and os.tcgetpgrp(TERMINAL) == os.getpgrp()
    if not ours:
        yield False
        return
    before = signal.signal(signal.SIGTTOU, signal.SIG_IGN)  # else taking it back would stop us
    try:
        yield True
    finally:
        os.tcsetpgrp(TERMINAL, os.getpgrp())
        signal.signal(signal.SIGTTOU, before)
