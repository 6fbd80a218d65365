"""Whose the files beside the database are, and what is no file of Keyturn's."""

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from keyturn.adapters.storage.files import owned, unvisited, visited
from keyturn.domain.errors import Refused

NOBODY = 65534
Way = Callable[[Path], AbstractContextManager[None]]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Give a database file that is there."""
    path = tmp_path / "keyturn.db"
    path.touch()
    return path


@pytest.mark.parametrize(
    ("way", "suffix"),
    [(visited, ".visitors"), (unvisited, ".visitors"), (owned, ".lock"), (owned, "")],
)
@pytest.mark.parametrize("put", [Path.symlink_to, Path.hardlink_to])
def test_a_link_is_refused_and_what_it_leads_to_stays(
    data: Path, way: Way, suffix: str, put: Callable[[Path, Path], None]
) -> None:
    """Root's command opens, and gives away, nothing that the directory's owner points it to."""
    theirs, link = data.with_name("theirs"), data.with_name(data.name + suffix)
    theirs.write_text("theirs")
    theirs.chmod(0o644)
    link.unlink(missing_ok=True)
    put(link, theirs)
    with pytest.raises(Refused, match=r"is a link or no plain file.*remove it"), way(data):
        pass
    assert (theirs.read_text(), theirs.stat().st_mode & 0o777) == ("theirs", 0o644)


def test_a_link_to_nothing_creates_nothing(data: Path) -> None:
    """Nor does it where the link leads to a name that is free."""
    data.with_name("keyturn.db.visitors").symlink_to(data.with_name("free"))
    with pytest.raises(Refused, match="remove it"), visited(data):
        pass
    assert not data.with_name("free").exists()


def test_a_pipe_is_refused(data: Path) -> None:
    """Nobody waits for what is at its other end."""
    os.mkfifo(data.with_name("keyturn.db.visitors"))
    with pytest.raises(Refused, match="remove it"), visited(data):
        pass


@pytest.mark.skipif(os.getuid() != 0, reason="only root gives files away")
def test_root_gives_away_only_what_it_has_created(data: Path) -> None:
    """What it makes is the database's owner's; what was there stays whose it was."""
    beside = data.with_name("keyturn.db.visitors")
    os.chown(data, NOBODY, NOBODY)
    for theirs in (NOBODY, 0):
        with visited(data):
            assert (beside.stat().st_uid, beside.stat().st_gid) == (theirs, theirs)
        assert beside.stat().st_mode & 0o777 == 0o600
        os.chown(beside, 0, 0)
