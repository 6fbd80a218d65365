"""Files of an agent are whole, and change together or not at all."""

import os
import stat
import threading
from pathlib import Path

import pytest

from keyturn.client.agent.writing import Target, list_differing, put_files, sweep

LONG = 50_000


def test_a_reader_sees_only_whole_files(tmp_path: Path) -> None:
    """Read again and again beside a writer, a file is all of one content or all of another."""
    target, contents = Target(tmp_path / "file"), (b"a" * LONG, b"b" * LONG)
    put_files({target: contents[0]})
    seen, done = set(), threading.Event()

    def read() -> None:
        while not done.is_set():
            seen.add(target.path.read_bytes())

    reader = threading.Thread(target=read)
    reader.start()
    for turn in range(40):
        put_files({target: contents[turn % 2]})
    done.set()
    reader.join()
    assert seen <= set(contents)


def test_all_files_are_put_or_none(tmp_path: Path) -> None:
    """Where the second has no place, the first stays as it was, and no draft is left."""
    first, second = Target(tmp_path / "first"), Target(tmp_path / "none" / "second")
    put_files({first: b"before"})
    with pytest.raises(FileNotFoundError):
        put_files({first: b"after", second: b"after"})
    assert [each.name for each in tmp_path.iterdir()] == ["first"]
    assert first.path.read_bytes() == b"before"


def test_a_draft_of_who_died_is_removed(tmp_path: Path) -> None:
    """It is at one place, for its owner alone, so that the next to come finds it."""
    target = Target(tmp_path / "file")
    target.draft.write_text("half")
    sweep([target])
    assert list(tmp_path.iterdir()) == []
    target.draft.write_text("half")
    put_files({target: b"whole"})
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_a_link_in_the_place_of_a_draft_is_not_followed(tmp_path: Path) -> None:
    """Who can make names in the folder cannot make the agent write elsewhere."""
    elsewhere, target = tmp_path / "elsewhere", Target(tmp_path / "file")
    elsewhere.write_text("theirs")
    target.draft.symlink_to(elsewhere)
    put_files({target: b"ours"})
    assert (elsewhere.read_text(), target.path.read_bytes()) == ("theirs", b"ours")


def test_what_leads_to_a_file_stays(tmp_path: Path) -> None:
    """A link is kept, and what it leads to is replaced."""
    (tmp_path / "real").mkdir()
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "real" / "file")
    put_files({Target(link, 0o640): b"text"})
    assert link.is_symlink()
    assert stat.S_IMODE((tmp_path / "real" / "file").stat().st_mode) == 0o640


def test_mode_and_owner_are_part_of_a_file(tmp_path: Path) -> None:
    """A file differs by content, by mode and by owner; one that is as wanted does not."""
    file = tmp_path / "file"
    ours = Target(file, 0o600, os.getuid(), os.getgid())
    put_files({ours: b"text"})
    assert list_differing({ours: b"text"}) == []
    assert list_differing({ours: b"other"}) == [ours]
    for other in (Target(file, 0o640), Target(file, 0o600, uid=os.getuid() + 1)):
        assert list_differing({other: b"text"}) == [other]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a link away")
def test_a_link_of_another_user_is_refused(tmp_path: Path) -> None:
    """Who owns the folder does not say which files of others an agent of root writes."""
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "elsewhere")
    os.lchown(link, 12345, 12345)
    for use in (list_differing, put_files):
        with pytest.raises(OSError, match="is a link of another user"):
            use({Target(link): b"text"})
    assert not (tmp_path / "elsewhere").exists()
