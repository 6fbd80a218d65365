"""Keyturn's processes, as a rehearsal starts and kills them. Decides neither who nor when."""

import asyncio
import os
import random
import socket
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from keyturn.cli.rehearsal.nursery import Done, Kill, Order, Start
from keyturn.domain.errors import OursError
from keyturn.settings import PREFIX

NURSERY = ("-m", "keyturn.cli.rehearsal.nursery")
PORTS = range(20_000, 30_000)
"""Below those that systems give to whoever asks for any: nobody takes the port of a dead server."""


@dataclass(frozen=True)
class Part:
    """What a process does: the words of its command."""

    words: tuple[str, ...]


@dataclass
class Victim:
    """One process and its part; ``said`` is what it has printed."""

    part: Part
    pid: int
    said: Path

    @property
    def ready(self) -> bool:
        """Say whether it has come so far as to say that it works."""
        return self.said.exists() and self.said.stat().st_size > 0


@dataclass
class Victims:
    """The processes that live, and how those ended that did not live until they were killed."""

    folder: Path
    env: Mapping[str, str] = field(repr=False)
    alive: list[Victim] = field(default_factory=list)
    died_alone: list[str] = field(default_factory=list)
    started: int = 0
    _nursery: asyncio.subprocess.Process | None = None
    _one_order: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def start(self, part: Part) -> Victim:
        """Start a process; it is not ready yet."""
        self.started += 1
        said = self.folder / f"said-{self.started}"
        order = Start(words=part.words, env=dict(self.env), said=str(said))
        victim = Victim(part, (await self._order(Order(start=order))).pid, said)
        self.alive.append(victim)
        return victim

    async def kill(self, victims: Sequence[Victim]) -> None:
        """Kill them at once by SIGKILL, as no process can prevent."""
        done = await self._order(Order(kill=Kill(pids=tuple(v.pid for v in victims))))
        for victim, end in zip(victims, done.ends, strict=True):
            self.alive.remove(victim)
            if end != -9:
                told = victim.said.read_text(encoding="utf-8", errors="replace").strip()
                last = told.splitlines()[-1] if told else "nothing"
                self.died_alone.append(f"{victim.part.words[0]} ended with {end}, saying: {last}")
            victim.said.unlink(missing_ok=True)

    async def _order(self, order: Order) -> Done:
        nursery = self._nursery
        if nursery is None or nursery.stdin is None or nursery.stdout is None:
            raise OursError("Nobody is there to start processes.")
        async with self._one_order:
            nursery.stdin.write(order.model_dump_json().encode() + b"\n")
            await nursery.stdin.drain()
            return Done.model_validate_json(await nursery.stdout.readline())

    @asynccontextmanager
    async def nursed(self, program: Sequence[str]) -> AsyncIterator[None]:
        """Keep the process that starts and kills; at the end no child of its is left."""
        self._nursery = await asyncio.create_subprocess_exec(
            sys.executable,
            *program,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=bare_environment(),
        )
        try:
            yield
        finally:
            if self._nursery.stdin:
                self._nursery.stdin.close()
            await self._nursery.wait()


def bare_environment() -> dict[str, str]:
    """Return this process's environment without any setting of Keyturn's."""
    return {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}


def free_port() -> int:
    """Return a port that is free now and that nobody is given by chance. Raises OursError."""
    for port in random.SystemRandom().sample(PORTS, 100):
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
    raise OursError("No port is free on this machine.")
