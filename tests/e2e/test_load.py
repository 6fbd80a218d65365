"""Readers at full rate while secrets turn, servers die and the disk is full: nothing is ever wrong.

Answers may be late, or say that there is none now. None is torn, older than one before it, or of a
value that Okta refuses; nothing that was acknowledged is lost; and all goes on by itself.
"""

import asyncio
import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from signal import SIGKILL, SIGTERM

import pytest
from load_kit import UNHURRIED, Load, loaded
from postgres_kit import Cluster
from server_kit import Server, site

from keyturn.domain.sensitive import Sensitive

pytestmark = pytest.mark.slow

DISK = 16 * 1024 * 1024
BEGINNING = 4096
"""Of a file that may have no more than this nothing can be written further on."""

SHORT_LEASE = {"KEYTURN_LEASE_S": "6", "KEYTURN_OKTA_CALL_LIMIT_S": "2"}
"""So soon a server goes on with what another held when it died."""

Full = Callable[[Server], AbstractContextManager[None]]


def tell(load: Load) -> None:
    """Print what somebody may want to read (pytest -rP)."""
    print(dict(load.answers), f"{len(load.turns)} turns, {load.acknowledged} writes")  # noqa: T201


async def test_readers_at_full_rate_see_turns_as_they_are(tmp_path: Path) -> None:
    """On SQLite: no read fails, none is torn or stale, and what is read works at Okta."""
    async with site(tmp_path, **UNHURRIED) as on, loaded(on, on.server()) as load:
        async with load.going_on(readers=8):
            await load.until(reads=400, turns=3)
        await load.judge_the_end()
    tell(load)
    assert load.wrong == []
    assert set(load.answers) <= {"200", "304", "400"}
    assert load.answers["304"] > 0


async def test_one_of_two_servers_restarts(
    cluster: Cluster, database: Sensitive, tmp_path: Path
) -> None:
    """On PostgreSQL: killed or asked to stop; readers of both see versions in one order."""
    told = UNHURRIED | SHORT_LEASE | {"KEYTURN_DATABASE_URL": database.reveal()}
    async with site(tmp_path, **told) as on:
        servers = on.server("first"), on.server("second")
        async with loaded(on, *servers) as load:
            async with load.going_on(readers=6):
                for number, signal in enumerate((SIGKILL, SIGTERM)):
                    await load.until(reads=40 * (number + 1), turns=1)
                    await servers[number % 2].restart(signal)
                await load.until(reads=200, turns=2)
            await load.judge_the_end()
    tell(load)
    assert load.wrong == []
    assert set(load.answers) <= {"200", "304", "400", "503", "none"}
    assert load.answers["none"] > 0


@contextmanager
def filled(server: Server) -> Iterator[None]:
    """Fill the disk on which the data are."""
    ballast = Path(server.settings["KEYTURN_DATA_DIR"]) / "ballast"
    with ballast.open("wb", buffering=0) as out:
        for size in (65_536, 1):
            try:
                while out.write(bytes(size)):
                    pass
            except OSError:
                continue
    yield
    ballast.unlink()


@contextmanager
def limited(server: Server) -> Iterator[None]:
    """Let the process write to the beginnings of files only, its log's included."""
    every = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (BEGINNING, every[1]))
    yield
    with suppress(ProcessLookupError):  # it may have been killed meanwhile
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, every)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Give a disk of few megabytes."""
    place = tmp_path / "disk"
    place.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", f"size={DISK}", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(words, check=False).returncode:
        pytest.skip("it takes root, and the right to mount, to have a small disk")
    yield place
    subprocess.run(["umount", str(place)], check=True)


async def live_through(folder: Path, full: Full) -> Load:
    """Fill the disk twice while everybody goes on; the second time the server is killed."""
    told = UNHURRIED | {"KEYTURN_LOG_FILE": str(folder / "log")}
    async with site(folder, **told) as on:
        server = on.server()
        async with loaded(on, server) as load:
            async with load.going_on(readers=4):
                await load.until(reads=50, turns=1)
                with full(server):
                    await asyncio.sleep(4)
                refused, answered = load.answers["503"], load.answers["200"]
                await load.until(reads=answered + 100, turns=2)
                with full(server):
                    await asyncio.sleep(2)
                    await server.strike(SIGKILL)
                await server.start()
                await load.until(reads=answered + 200, turns=2)
            await load.judge_the_end()
    tell(load)
    assert refused > 0
    return load


async def test_a_full_disk_is_told_and_outlived(small_disk: Path) -> None:
    """Nothing can be recorded, so nothing is disclosed: 503 until there is room, and no restart."""
    load = await live_through(small_disk, filled)
    assert load.wrong == []
    assert set(load.answers) <= {"200", "304", "400", "503", "none"}


async def test_files_that_may_not_grow_are_told_and_outlived(tmp_path: Path) -> None:
    """The same where writing fails for another reason, and that of log lines does, too."""
    load = await live_through(tmp_path, limited)
    assert load.wrong == []
    assert set(load.answers) <= {"200", "304", "400", "503", "none"}
