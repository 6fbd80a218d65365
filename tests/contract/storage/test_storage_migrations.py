"""What is known of the schema's revisions, and what a server of data that are up to date needs."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from keyturn.adapters.storage import NEWEST, SqliteStore
from keyturn.adapters.storage.migrations.upgrading import last_revision

SERVER = """
import asyncio, sys
from pathlib import Path
import keyturn.bootstrap.serving
from keyturn.adapters.storage import SqliteStore
async def main():
    await (await SqliteStore.open(Path(sys.argv[1]))).aclose()
asyncio.run(main())
print(*sorted({"alembic", "icalendar", "mako"} & sys.modules.keys()))
"""


async def _made(path: Path) -> None:
    await (await SqliteStore.open(path)).aclose()


def test_the_newest_revision_is_the_last_that_there_is() -> None:
    """Whoever adds a revision says that data are brought to it."""
    assert last_revision() == NEWEST


@pytest.mark.slow
def test_a_server_loads_nothing_that_it_seldom_needs(tmp_path: Path) -> None:
    """What migrates data and what reads calendars stay outside its memory until they are needed."""
    path = tmp_path / "keyturn.db"
    asyncio.run(_made(path))
    told = subprocess.run(
        [sys.executable, "-c", SERVER, str(path)], capture_output=True, text=True, check=True
    )
    assert told.stdout.split() == []
