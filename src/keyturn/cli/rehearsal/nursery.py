"""A process that has imported everything once, and starts Keyturn's commands as its children.

A child is a process like any other: it reads its own environment, opens its own database, and can
be killed as every process can. Only its imports have been done, so that hundreds start in a minute.
Orders come in as lines of JSON, and each is answered with one. When no more can come, every child
is killed. Decides nothing of who is started or killed.
"""

import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib import import_module

from pydantic import BaseModel

MODULES = (
    "aiosqlite",
    "keyturn.adapters.system.logs",
    "keyturn.bootstrap.serving",
    "keyturn.cli.serve",
    "keyturn.cli.worker",
    "sqlalchemy.dialects.sqlite.aiosqlite",
    "uvicorn.protocols.http.httptools_impl",
    "uvloop",
)
EXTRAS = (
    "keyturn.adapters.runner.queued",
    "sqlalchemy.dialects.postgresql.psycopg",
)
Command = Callable[[Sequence[str]], None]


class Start(BaseModel):
    """Start a command with this environment; what it says goes to the file."""

    words: tuple[str, ...]
    env: dict[str, str]
    said: str


class Kill(BaseModel):
    """Kill these children by SIGKILL, all of them before any is waited for."""

    pids: tuple[int, ...]


class Order(BaseModel):
    """Either of the two."""

    start: Start | None = None
    kill: Kill | None = None


class Done(BaseModel):
    """The child that was started, or how those that were to be killed ended: -9 by the kill."""

    pid: int = 0
    ends: tuple[int, ...] = ()


def main() -> None:
    """Take orders for commands of Keyturn."""
    nurse(keyturn_command)


def nurse(command: Command) -> None:
    """Take orders until the input ends; in a child this returns when its command does."""
    _import_all()
    children: set[int] = set()
    for line in sys.stdin:
        order = Order.model_validate_json(line)
        done = Done()
        if order.start:
            pid = os.fork()
            if pid == 0:
                _be_a_process_of_its_own(order.start)
                command(order.start.words)
                return
            children.add(pid)
            done = Done(pid=pid)
        if order.kill:
            done = Done(ends=kill(order.kill.pids))
            children.difference_update(order.kill.pids)
        sys.stdout.write(done.model_dump_json() + "\n")
        sys.stdout.flush()
    kill([*children])


def keyturn_command(words: Sequence[str]) -> None:
    """Run a command as its entry point does."""
    from keyturn.cli.main import cli

    cli.main([*words], prog_name="keyturn")


def _import_all() -> None:
    for name in MODULES:
        import_module(name)
    for name in EXTRAS:
        with suppress(ModuleNotFoundError):
            import_module(name)


def _be_a_process_of_its_own(start: Start) -> None:
    os.environ.clear()
    os.environ.update(start.env)
    nothing = os.open(os.devnull, os.O_RDONLY)
    said = os.open(start.said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    for target, source in ((0, nothing), (1, said), (2, said)):
        os.dup2(source, target)
    os.close(nothing)
    os.close(said)


def kill(pids: Sequence[int]) -> tuple[int, ...]:
    """Kill children by SIGKILL, and tell how each one ended: -9 unless it was dead already."""
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    return tuple(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids)


if __name__ == "__main__":
    main()
