"""The root key's file: private, durable, never overwritten."""

import base64
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from keyturn.adapters.crypto import RootKeyUnusable, read_root_key, write_root_key

KEY = bytes(range(32))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Name a file in a directory that is not there yet."""
    return tmp_path / "data" / "root.key"


def test_a_written_key_is_read_back(path: Path) -> None:
    """The file holds base64 of the key, for its owner only, whatever the umask."""
    before = os.umask(0)
    try:
        write_root_key(path, KEY)
    finally:
        os.umask(before)
    assert read_root_key(path) == KEY
    assert base64.b64decode(path.read_text()) == KEY
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_key_is_never_overwritten(path: Path) -> None:
    """Writing where a file is already changes nothing."""
    write_root_key(path, KEY)
    with pytest.raises(RootKeyUnusable, match="never overwritten"):
        write_root_key(path, bytes(32))
    assert read_root_key(path) == KEY


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o610])
def test_a_key_that_others_may_read_is_refused(path: Path, mode: int) -> None:
    """A file that is open to group or others is refused with what to do."""
    write_root_key(path, KEY)
    path.chmod(mode)
    with pytest.raises(RootKeyUnusable, match="chmod 600"):
        read_root_key(path)


@pytest.mark.parametrize(
    "text", ["", "marked", "marked!" * 9, base64.b64encode(bytes(31)).decode(), "A" * 5000]
)
def test_what_is_no_key_is_refused_and_not_shown(path: Path, text: str) -> None:
    """A file with anything else is refused without a word of what it holds."""
    write_root_key(path, KEY)
    path.write_text(text)
    with pytest.raises(RootKeyUnusable, match="does not hold a root key") as refused:
        read_root_key(path)
    assert "marked" not in str(refused.value)


def test_a_missing_key_is_told(path: Path) -> None:
    """A file that is not there is named."""
    with pytest.raises(RootKeyUnusable, match=r"root\.key cannot be read: No such file"):
        read_root_key(path)


def test_a_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    """Where the file cannot be written, the reason is told."""
    (tmp_path / "file").touch()
    with pytest.raises(RootKeyUnusable, match="cannot be written"):
        write_root_key(tmp_path / "file" / "root.key", KEY)


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_a_key_of_another_length_is_not_written(path: Path, length: int) -> None:
    """Only 256 bits are a root key."""
    with pytest.raises(RootKeyUnusable, match=f"not {length}"):
        write_root_key(path, bytes(length))
    assert not path.exists()


DYING = """
import resource, signal, sys
from pathlib import Path
from keyturn.adapters.crypto import write_root_key
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
write_root_key(Path(sys.argv[1]), bytes(32))
"""


def test_a_death_while_writing_leaves_no_key(path: Path) -> None:
    """Whoever dies at the first byte leaves no file that stands in the way of the next try."""
    done = subprocess.run([sys.executable, "-c", DYING, str(path)], check=False)
    assert done.returncode == -signal.SIGXFSZ
    assert not path.exists()
    write_root_key(path, KEY)
    assert read_root_key(path) == KEY


def test_nothing_but_the_key_is_left(path: Path) -> None:
    """Neither a written key nor a refused one leaves another file that holds one."""
    write_root_key(path, KEY)
    with pytest.raises(RootKeyUnusable):
        write_root_key(path, bytes(32))
    assert list(path.parent.iterdir()) == [path]
