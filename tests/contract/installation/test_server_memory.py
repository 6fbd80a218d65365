"""What the server does not load, as it would hold it for good."""

import os
import subprocess
import sys
from pathlib import Path
from typing import IO, cast

import httpx2

from keyturn.settings import Settings

IDLE = (
    "alembic",
    "boto3",
    "icalendar",
    "pygments",
    "rich",
    "smtplib",
    "sqlalchemy.dialects.postgresql",
    "sqlalchemy.orm",
)
"""What commands, other databases, or single adapters take when they are used."""

SERVE = f"""
import atexit, sys
from keyturn.cli.main import main
atexit.register(lambda: print([name for name in {IDLE} if name in sys.modules]))
sys.argv = ["keyturn", "serve", "--port", "0"]
main()
"""


def test_a_server_loads_nothing_that_it_has_no_use_for(new: Settings, tmp_path: Path) -> None:
    """On SQLite it holds no ORM, no other database's dialect, and nothing of terminals or mail."""
    env = {
        **os.environ,
        "KEYTURN_DATA_DIR": str(new.data_dir),
        "KEYTURN_LOG_FILE": f"{tmp_path}/log",
    }
    with subprocess.Popen(
        [sys.executable, "-c", SERVE], env=env, stdout=subprocess.PIPE, text=True
    ) as server:
        out = cast("IO[str]", server.stdout)
        try:
            url = out.readline().partition(" at ")[2].strip()
            httpx2.get(f"{url}/api/status").raise_for_status()
        finally:
            server.terminate()
        assert out.read().strip() == "[]"
