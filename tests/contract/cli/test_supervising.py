"""A command is kept running, started anew or told, and ended: with real processes."""

import asyncio
import os
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from keyturn.client.child import Child
from keyturn.client.folder import Folder
from keyturn.client.supervising import Supervisor

OLD, NEW = Folder({"A": "old"}, "1"), Folder({"A": "new"}, "2")
STUBBORN = "trap '' TERM; trap 'exit 3' HUP; touch $READY; while :; do sleep 0.05; done"


class Starts:
    """Starts a script, and keeps what it was started with."""

    def __init__(self, folder: Path, *scripts: str) -> None:
        self.ready, self.scripts = folder / "ready", list(scripts)
        self.given: list[str] = []

    def __call__(self, values: Mapping[str, str]) -> Child:
        """Start the next script."""
        self.given.append(values["A"])
        env = {"PATH": os.environ["PATH"], "READY": str(self.ready), **values}
        return Child(("sh", "-c", self.scripts.pop(0)), env)

    async def until_ready(self) -> None:
        """Wait until the script says so."""
        while not self.ready.exists():
            await asyncio.sleep(0.01)


@pytest.fixture(autouse=True)
def hung_up() -> Iterator[None]:
    """Let SIGHUP be heard, also where the tests run under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


async def test_a_command_that_will_not_stop_is_ended(tmp_path: Path) -> None:
    """After its grace it is ended by force, and the next begins with the new values."""
    starts = Starts(tmp_path, STUBBORN, "exit 4")

    async def once() -> Folder:
        await starts.until_ready()
        return NEW if len(starts.given) == 1 else await asyncio.Future[Folder]()

    assert await Supervisor(starts, once, grace_s=0).run(OLD) == 4
    assert starts.given == ["old", "new"]


async def test_nothing_is_started_once_all_is_to_stop(tmp_path: Path) -> None:
    """After SIGTERM a new value starts nothing, however long the command takes to stop."""
    starts = Starts(tmp_path, STUBBORN, "exit 4")
    asked: list[int] = []

    async def next_folder() -> Folder:
        await starts.until_ready()
        asked.append(signal.SIGHUP if asked else signal.SIGTERM)
        os.kill(os.getpid(), asked[-1])
        await asyncio.sleep(0.05)  # the loop hears of it
        return NEW if len(asked) == 1 else await asyncio.Future[Folder]()

    assert await Supervisor(starts, next_folder, grace_s=0).run(OLD) == 3
    assert (starts.given, asked) == (["old"], [signal.SIGTERM, signal.SIGHUP])


async def test_a_fault_of_ours_leaves_no_command_behind(tmp_path: Path) -> None:
    """Where watching breaks, the command is ended before the error goes on."""
    started: list[Child] = []
    starts = Starts(tmp_path, STUBBORN)

    def start(values: Mapping[str, str]) -> Child:
        started.append(starts(values))
        return started[0]

    async def broken() -> Folder:
        await starts.until_ready()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await Supervisor(start, broken, grace_s=0).run(OLD)
    assert started[0].ended.result() == 128 + signal.SIGKILL


async def test_what_is_ignored_stays_ignored(tmp_path: Path) -> None:
    """Under nohup, the end of a terminal reaches neither us nor the command."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert await Supervisor(Starts(tmp_path, "kill -HUP $$; exit 6"), None).run(OLD) == 6
    finally:
        signal.signal(signal.SIGHUP, before)
