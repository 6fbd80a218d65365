"""A PostgreSQL server of the test's own: thrown away, on a socket in a folder, and stoppable.

PostgreSQL refuses to run as root, so root lends it an unprivileged user.
"""

import os
import pwd
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Literal

import pytest

REQUIRED = "KEYTURN_REQUIRE_POSTGRES"
"""Where this is set, a machine without PostgreSQL fails the tests; elsewhere they are skipped."""

_NOT_DURABLE = "-c fsync=off -c full_page_writes=off"
"""Nobody pulls the plug of a machine here; processes that are killed lose nothing by it."""


PACKAGED = Path("/usr/lib/postgresql")
"""Where Debian keeps each version's programs, which are on nobody's PATH."""

MISSING = "PostgreSQL's server programs (initdb, pg_ctl) are not installed"


def find_programs(search: str, packaged: Path) -> Path | None:
    """Return the folder of PostgreSQL's server programs, the newest of several, or None."""
    known = sorted(packaged.glob("*/bin"), key=lambda path: int(path.parts[-2]))
    found = shutil.which("initdb", path=search)
    places = [*([Path(found).resolve().parent] if found else []), *reversed(known)]
    return next((place for place in places if (place / "pg_ctl").exists()), None)


def started(found: Path | None, environ: Mapping[str, str]) -> "Cluster":
    """Start a server by its programs; without them skip the test, or fail it where required."""
    if found is None and environ.get(REQUIRED, "") not in ("", "0"):
        pytest.fail(MISSING)
    if found is None:
        pytest.skip(MISSING)
    cluster = Cluster.create(found)
    cluster.start()
    return cluster


@dataclass(frozen=True)
class Cluster:
    """One server with its data; every database in it is a test's own."""

    folder: Path
    bin: Path

    @classmethod
    def create(cls, bin_: Path) -> "Cluster":
        """Make a cluster in a folder of its own, which the server's user may enter."""
        folder = Path(mkdtemp(prefix="keyturn-pg-"))
        cluster = cls(folder, bin_)
        if os.geteuid() == 0:
            user = pwd.getpwnam(_server_user())
            os.chown(folder, user.pw_uid, user.pw_gid)
        data, sockets = str(folder / "data"), str(folder)
        cluster.run("initdb", "-D", data, "-A", "trust", "-U", "keyturn", "-E", "UTF8", "--no-sync")
        options = f"-c listen_addresses= -c unix_socket_directories={sockets} {_NOT_DURABLE}"
        with (folder / "data" / "postgresql.auto.conf").open("a") as settings:
            settings.write("max_connections = 200\n")
        (folder / "options").write_text(options)
        return cluster

    def run(self, program: str, *words: str) -> str:
        """Run one of the server's programs as a user that PostgreSQL runs as; return its output."""
        lend = ["setpriv", f"--reuid={_server_user()}", "--clear-groups"]
        command = [*(lend if os.geteuid() == 0 else []), str(self.bin / program), *words]
        env = os.environ | {"LC_ALL": "C.UTF-8"}
        done = subprocess.run(
            command, env=env, cwd=self.folder, check=False, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def start(self) -> None:
        """Start the server and wait until it answers."""
        options = (self.folder / "options").read_text()
        log = str(self.folder / "log")
        self.run("pg_ctl", "-D", str(self.folder / "data"), "-w", "-l", log, "-o", options, "start")

    def stop(self, mode: Literal["fast", "immediate"] = "immediate") -> None:
        """Stop the server; "immediate" is a crash that has to be recovered from."""
        self.run("pg_ctl", "-D", str(self.folder / "data"), "-w", "-m", mode, "stop")

    def remove(self) -> None:
        """Stop the server and remove all that it wrote."""
        self.stop()
        shutil.rmtree(self.folder)

    def create_database(self, name: str) -> str:
        """Create an empty database; return its URL."""
        self.sql("postgres", f'CREATE DATABASE "{name}"')
        return f"postgresql://keyturn@/{name}?host={self.folder}"

    def drop_database(self, name: str) -> None:
        """Drop a database, whoever is still connected."""
        self.sql("postgres", f'DROP DATABASE "{name}" WITH (FORCE)')

    def sql(self, database: str, statement: str) -> str:
        """Run a statement behind everybody's back; return what it prints, without headings."""
        where = ["-h", str(self.folder), "-U", "keyturn", "-d", database]
        return self.run("psql", *where, "-X", "-A", "-t", "-q", "-c", statement).strip()

    def dump(self, database: str) -> str:
        """Return everything that is in a database, as pg_dump tells it."""
        where = ["-h", str(self.folder), "-U", "keyturn", "-d", database]
        return self.run("pg_dump", *where)


def _server_user() -> str:
    """Return an unprivileged user that exists."""
    names = {user.pw_name for user in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"
