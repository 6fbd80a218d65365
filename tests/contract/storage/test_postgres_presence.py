"""Without PostgreSQL its tests are skipped on somebody's machine, and a failure in CI."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from postgres_kit import REQUIRED, find_programs, started

TESTS = Path(__file__).parents[2]
ONE_TEST = """
from postgres_kit import Cluster

def test_that_needs_a_server(cluster: Cluster) -> None:
    assert cluster
"""
NOTHING_INSTALLED = """
from pathlib import Path

import postgres_kit

postgres_kit.PACKAGED = Path("/nowhere")
"""


def install(folder: Path) -> Path:
    """Lay the two programs by which a server is known into a folder."""
    folder.mkdir(parents=True)
    for name in ("initdb", "pg_ctl"):
        (folder / name).touch(mode=0o755)
    return folder


def test_programs_on_the_path_come_first(tmp_path: Path) -> None:
    """Whoever puts another version on the PATH means that one."""
    on_path, _ = install(tmp_path / "mine"), install(tmp_path / "packaged" / "17" / "bin")
    assert find_programs(str(on_path), tmp_path / "packaged") == on_path


def test_the_newest_package_is_used(tmp_path: Path) -> None:
    """Version 9 is not newer than 17, and one without a server does not count."""
    install(tmp_path / "9" / "bin")
    newest = install(tmp_path / "17" / "bin")
    (tmp_path / "18" / "bin").mkdir(parents=True)
    assert find_programs("", tmp_path) == newest
    assert find_programs("", tmp_path / "none") is None


@pytest.mark.parametrize("said", [None, "", "0"])
def test_missing_server_skips(said: str | None) -> None:
    """Who does not say that it is required is not kept from running the other tests."""
    with pytest.raises(pytest.skip.Exception, match="initdb"):
        started(None, {} if said is None else {REQUIRED: said})


@pytest.mark.slow
def test_missing_server_fails_where_it_is_required(tmp_path: Path) -> None:
    """A whole run ends with an error then, so that CI cannot pass without PostgreSQL."""
    (tmp_path / "test_one.py").write_text(ONE_TEST)
    text = (TESTS / "conftest.py").read_text()
    (tmp_path / "conftest.py").write_text(NOTHING_INSTALLED + text)
    env = os.environ | {"PATH": "/nowhere", REQUIRED: "1", "PYTHONPATH": str(TESTS / "kits")}
    line = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)]
    done = subprocess.run(line, env=env, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout
    assert "1 error" in done.stdout
