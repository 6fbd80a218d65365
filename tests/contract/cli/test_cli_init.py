"""`keyturn init` sets up once, tells its secrets once, and changes nothing the second time."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

KEYS = [
    "url",
    "organizationId",
    "projectId",
    "projectSlug",
    "environments",
    "identityId",
    "clientId",
    "clientSecret",
    "adminToken",
]


def init(data_dir: Path, *flags: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own, because it decides where log lines go."""
    command = [sys.executable, "-m", "keyturn.cli.main", "init", *(flags or ["--json"])]
    command += ["--data-dir", str(data_dir)]
    env |= {name: value for name, value in os.environ.items() if not name.startswith("KEYTURN_")}
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Name a data directory that does not exist yet."""
    return tmp_path_factory.mktemp("installation") / "data"


@pytest.fixture(scope="module")
def first(data_dir: Path) -> subprocess.CompletedProcess[str]:
    """Set up for the first time."""
    return init(data_dir)


def contents(folder: Path) -> dict[Path, bytes]:
    """Read every file below a folder."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_first_time_tells_all_that_is_needed(first: subprocess.CompletedProcess[str]) -> None:
    """One JSON document, and nothing else, holds the ids and the two secrets."""
    told = json.loads(first.stdout)
    assert list(told) == KEYS
    assert told["projectSlug"] == "example"
    assert [one["slug"] for one in told["environments"]] == ["dev", "staging", "prod"]
    assert all(told[key] for key in KEYS)


def test_the_root_key_is_its_owners(
    first: subprocess.CompletedProcess[str], data_dir: Path
) -> None:
    """Nobody else on the machine may read the root key."""
    assert first.returncode == 0
    assert stat.S_IMODE((data_dir / "root.key").stat().st_mode) == 0o600


@pytest.mark.slow
def test_the_second_time_changes_nothing(
    first: subprocess.CompletedProcess[str], data_dir: Path
) -> None:
    """A second run is refused, prints no secret and leaves every byte as it was."""
    before, told = contents(data_dir), json.loads(first.stdout)
    second = init(data_dir)
    assert second.returncode == 1
    assert contents(data_dir) == before
    assert second.stdout == ""
    assert not any(told[key] in second.stderr for key in ("clientSecret", "adminToken"))


def test_what_is_told_once_is_kept_nowhere(
    first: subprocess.CompletedProcess[str], data_dir: Path
) -> None:
    """The two secrets are in no file of the data directory."""
    told = json.loads(first.stdout)
    kept = b"".join(contents(data_dir).values())
    assert told["identityId"].encode() in kept or told["clientId"].encode() in kept
    assert not any(told[key].encode() in kept for key in ("clientSecret", "adminToken"))


@pytest.mark.slow
def test_a_file_is_written_in_place_of_the_screen(tmp_path: Path) -> None:
    """With --out the JSON is in a file of its owner's, and no secret is printed."""
    out = tmp_path / "installed.json"
    done = init(tmp_path / "data", "--out", str(out))
    told = json.loads(out.read_text())
    assert list(told) == KEYS
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert str(out) in done.stdout
    printed = done.stdout + done.stderr
    assert not any(told[key] in printed for key in ("clientSecret", "adminToken"))


@pytest.mark.slow
def test_with_json_the_file_and_the_screen_tell_the_same(tmp_path: Path) -> None:
    """Whoever asks for both gets both."""
    out = tmp_path / "installed.json"
    done = init(tmp_path / "data", "--out", str(out), "--json")
    assert json.loads(done.stdout) == json.loads(out.read_text())


@pytest.mark.slow
def test_a_file_that_is_there_is_left_and_nothing_is_set_up(tmp_path: Path) -> None:
    """What cannot be written down is not made."""
    out = tmp_path / "installed.json"
    out.write_text("kept")
    done = init(tmp_path / "data", "--out", str(out))
    assert done.returncode == 1
    assert str(out) in done.stderr
    assert out.read_text() == "kept"
    assert not (tmp_path / "data").exists()


@pytest.mark.slow
def test_a_refused_set_up_leaves_no_file(
    first: subprocess.CompletedProcess[str], data_dir: Path, tmp_path: Path
) -> None:
    """Where nothing was set up there is nothing to keep."""
    out = tmp_path / "installed.json"
    assert init(data_dir, "--out", str(out)).returncode == 1
    assert not out.exists()


@pytest.mark.slow
def test_the_root_key_is_named_where_it_is(tmp_path: Path) -> None:
    """Whoever keeps the root key elsewhere is told of that file."""
    key = tmp_path / "keys" / "mine.key"
    done = init(tmp_path / "data", "--data-dir", str(tmp_path), KEYTURN_ROOT_KEY_FILE=str(key))
    assert f"Keep the root key {key} safe" in done.stdout
    assert "root.key" not in done.stdout
