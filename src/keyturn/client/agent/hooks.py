"""Tell a service that its files have changed: by a command, or by a signal to a process.

What a command says is bounded, and no value of a secret is repeated of it.
"""

import asyncio
import base64
import json
import os
import re
import shlex
import signal
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import quote

from keyturn.client.child import Child
from keyturn.client.errors import ClientError

SAID_MAX = 65_536
"""How many bytes of what a command says are read; of more, nothing is told."""
TOLD_MAX = 1000
GRACE_S = 5.0
"""How long a command that has taken too long may take to stop."""


class HookFailed(ClientError):
    """A service could not be told; says why, without what was said where that may be a value."""


@dataclass(frozen=True)
class CommandHook:
    """A program with its arguments, run without a shell."""

    command: Sequence[str]
    timeout_s: float

    def __str__(self) -> str:
        return shlex.join(self.command)

    async def run(self, environment: Mapping[str, str], values: Iterable[str]) -> None:
        """Run the command to its end. Raises HookFailed for any but a good one."""
        with _Said.open() as said:
            try:
                child = Child(self.command, environment, output=said.writing)
            except OSError as error:
                raise HookFailed(f"{self.command[0]}: {error.strerror}.") from error
            said.begin()
            try:
                await asyncio.wait({child.ended}, timeout=self.timeout_s)
                in_time = child.ended.done()
            finally:
                if not child.ended.done():
                    await child.stop(grace_s=GRACE_S)
        code = child.ended.result()
        if in_time and code == 0:
            return
        ended = f"ended with {code}" if in_time else f"took longer than {self.timeout_s:g} s"
        raise HookFailed(f"{self.command[0]} {ended}.{_told(said.kept, values)}")


@dataclass(frozen=True)
class SignalHook:
    """A signal to the process whose number is in a file."""

    number: signal.Signals
    pid_file: Path

    def __str__(self) -> str:
        return f"{self.number.name} to the process in {self.pid_file}"

    async def run(self, environment: Mapping[str, str], values: Iterable[str]) -> None:
        """Send the signal. Raises HookFailed where there is no such process."""
        try:
            text = self.pid_file.read_text(encoding="utf-8", errors="replace").strip()
            if not re.fullmatch("[1-9][0-9]{0,9}", text):  # 0 and less would be groups
                raise HookFailed(f"{self.pid_file} holds no number of a process.")
            os.kill(int(text), self.number)
        except OSError as error:
            raise HookFailed(f"{self}: {error.strerror}.") from error


Hook = CommandHook | SignalHook


def redacted(text: str, values: Iterable[str]) -> str:
    """Return a text without values, in whichever of the usual spellings they stand there."""
    spelled = {each for value in values for each in _spellings(value) if each.strip()}
    for each in sorted(spelled, key=len, reverse=True):
        text = text.replace(each, "[value]")
    return text.strip()


def _told(said: bytearray, values: Iterable[str]) -> str:
    if len(said) == SAID_MAX:  # a value may have been cut in two, and would not be recognised
        return " It said too much to repeat."
    text = redacted(said.decode("utf-8", errors="replace"), values)
    return f" It said: {text[:TOLD_MAX]}" if text else ""


def _spellings(value: str) -> Iterator[str]:
    yield from (value, *value.splitlines(), repr(value)[1:-1], json.dumps(value)[1:-1])
    yield from (json.dumps(value, ensure_ascii=False)[1:-1], shlex.quote(value), quote(value, ""))
    yield base64.b64encode(value.encode()).decode().rstrip("=")
    yield base64.urlsafe_b64encode(value.encode()).decode().rstrip("=")


@dataclass
class _Said:
    """What a command says, through a pipe that some child of its own may keep open for longer."""

    reading: int
    writing: int
    kept: bytearray = field(default_factory=bytearray)

    @classmethod
    def open(cls) -> Self:
        said = cls(*os.pipe())
        os.set_blocking(said.reading, False)
        return said

    def __enter__(self) -> Self:
        return self

    def begin(self) -> None:
        """Read from now on; the writing end is the command's alone."""
        self._close_writing()
        asyncio.get_running_loop().add_reader(self.reading, self._take)

    def __exit__(self, *_: object) -> None:
        self._close_writing()
        asyncio.get_running_loop().remove_reader(self.reading)
        self._take()
        os.close(self.reading)

    def _take(self) -> None:
        with suppress(BlockingIOError):
            while some := os.read(self.reading, 65536):
                self.kept += some[: SAID_MAX - len(self.kept)]
            asyncio.get_running_loop().remove_reader(self.reading)

    def _close_writing(self) -> None:
        if self.writing >= 0:
            os.close(self.writing)
            self.writing = -1
