"""Processes of ours that die and freeze wherever they wait.

Decides what death and a standstill mean inside one event loop: whoever dies is told so at the
point where it waited and runs no further; whoever freezes misses its time limits and goes on
later. When either happens is decided by `fates`.
"""

import asyncio
from collections.abc import Coroutine, Generator
from contextvars import ContextVar
from dataclasses import dataclass, field
from itertools import count
from types import CodeType
from typing import Protocol, TypeVar

T = TypeVar("T")

OURS = "keyturn/cli/simulation/"


class Died(BaseException):
    """What stands for SIGKILL inside one process."""


@dataclass
class Work:
    """What a process is doing: a step of the runner, a read, an order, or a turn.

    ``life`` is which one of the process it belongs to, ``begun_s`` when it began. ``turn_id`` and
    ``epoch`` say which turn it holds, ``held_since_s`` since when, by its last transaction.
    ``about`` is the app that an order names.
    """

    what: str
    process: str
    number: int
    life: int = 1
    begun_s: float = 0.0
    turn_id: str | None = None
    epoch: int = 0
    held_since_s: float = 0.0
    about: str = ""

    def __str__(self) -> str:
        return f"{self.process}/{self.what}#{self.number}"


WORK: ContextVar[Work | None] = ContextVar("WORK", default=None)


class Lot(Protocol):
    """Decide what befalls a process where it waits."""

    def where_it_waits(self, process: "Process", work: Work, coroutine: object) -> None:
        """Let the process die or freeze, or do nothing."""
        ...


@dataclass
class Process:
    """One process: the number of its life, and until when it stands still."""

    name: str
    lot: Lot
    life: int = 1
    frozen_until_s: float = 0.0
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    def die(self) -> None:
        """End this life: nothing that was begun in it goes on."""
        self.life += 1
        self.frozen_until_s = 0.0

    def freeze(self, until_s: float) -> None:
        """Stand still until then, by the loop's time."""
        self.frozen_until_s = until_s

    async def run(self, what: str, coroutine: Coroutine[object, object, T]) -> T:
        """Do something in this process. Raises Died when the process dies over it."""
        return await self.go_on(self.begin(what), coroutine)

    async def go_on(self, work: Work, coroutine: Coroutine[object, object, T]) -> T:
        """Do something in this process as part of known work. Raises Died."""
        token = WORK.set(work)
        try:
            return await _Mortal(coroutine, self, work)
        except Died:
            task = asyncio.current_task()
            if task and task.cancelling():  # whoever asked waits for it, and it came with the death
                raise asyncio.CancelledError from None
            raise
        finally:
            WORK.reset(token)

    def begin(self, what: str) -> Work:
        """Return a new piece of work."""
        begun_s = asyncio.get_running_loop().time()
        return Work(what, self.name, next(self._numbers), self.life, begun_s)

    async def thaw(self) -> None:
        """Wait as long as it stands still, in what was begun beside what it waits for."""
        loop = asyncio.get_running_loop()
        while (left_s := self.frozen_until_s - loop.time()) > 0:  # noqa: ASYNC110  nothing tells
            await asyncio.sleep(left_s)

    def require_alive(self) -> None:
        """Raise Died in what a life that is over had begun beside what it waited for."""
        work = WORK.get()
        if work and work.life != self.life:
            raise Died


def bury(loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
    """Say nothing of tasks that died with their process while nobody waited for them."""
    if not isinstance(context.get("exception"), Died):
        loop.default_exception_handler(context)


class _Mortal:
    """A coroutine that ends with its process's life, and stands still with it."""

    def __init__(
        self, coroutine: Coroutine[object, object, T], process: Process, work: Work
    ) -> None:
        self._coroutine = coroutine
        self._process = process
        self._work = work

    def __await__(self) -> Generator[object, None, T]:
        process, coroutine, life = self._process, self._coroutine, self._process.life
        told: BaseException | None = None
        while True:
            try:
                waited = coroutine.throw(told) if told else coroutine.send(None)
            except StopIteration as end:
                result: T = end.value
                return result
            told = None
            if process.life == life:
                process.lot.where_it_waits(process, self._work, coroutine)
            if process.life == life:
                try:
                    yield waited
                except BaseException as error:  # noqa: BLE001  a cancellation: it is passed on
                    told = error
                if process.frozen_until_s:
                    told = (yield from self._stand_still()) or told
            if process.life != life:
                told = Died()

    def _stand_still(self) -> Generator[object, None, BaseException | None]:
        """Wait as long as the process is frozen; a cancellation reaches it only then."""
        told: BaseException | None = None
        loop = asyncio.get_running_loop()
        while (left_s := self._process.frozen_until_s - loop.time()) > 0:
            try:
                yield from asyncio.sleep(left_s).__await__()
            except asyncio.CancelledError as error:
                told = error
        return told


def find_site(coroutine: object) -> str:
    """Tell where in the product a coroutine waits: module, function and line."""
    site, here = "", coroutine
    while here is not None:
        frame = getattr(here, "cr_frame", None) or getattr(here, "gi_frame", None)
        code: CodeType | None = frame.f_code if frame else None
        if frame and code and "/keyturn/" in code.co_filename and OURS not in code.co_filename:
            module = code.co_filename.rpartition("/keyturn/")[2]
            site = f"{module}:{code.co_name}:{frame.f_lineno}"
        here = getattr(here, "cr_await", None) or getattr(here, "gi_yieldfrom", None)
    return site
