"""Files with secrets are their owner's, and never half there."""

import stat
from pathlib import Path

import pytest

from keyturn.client.files import write_private


def test_a_file_that_all_could_read_becomes_private(tmp_path: Path) -> None:
    """What was there is replaced, mode included; line breaks stay as they are."""
    file = tmp_path / "out"
    file.write_text("before")
    file.chmod(0o644)
    write_private(file, "a\r\né\n")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.read_bytes() == "a\r\né\n".encode()


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    """What it leads to is replaced."""
    link, file = tmp_path / "link", tmp_path / "file"
    link.symlink_to(file)
    write_private(link, "text")
    assert link.is_symlink()
    assert file.read_text() == "text"


def test_what_cannot_be_written_leaves_what_was_there(tmp_path: Path) -> None:
    """Neither half a file nor a draft is left."""
    file = tmp_path / "out"
    file.write_text("before")
    with pytest.raises(UnicodeEncodeError):
        write_private(file, "text \ud800")
    assert [each.name for each in tmp_path.iterdir()] == ["out"]
    assert file.read_text() == "before"
