"""A sealed file of pieces opens whole and by its own key, or not at all."""

import base64
import hashlib
import json
import stat
from contextlib import suppress
from pathlib import Path

import pytest

from keyturn.adapters.crypto import (
    BackupUnusable,
    Opener,
    RootKeyUnusable,
    new_backup,
    read_backup,
    read_key_file,
)
from keyturn.domain.sensitive import Sensitive

KEY = Opener("key file", Sensitive(base64.b64encode(bytes(range(32))).decode()))
HEADER = {"keyturn": "1", "created": "today", "schema": "0001", "records": {"a": 1}}
PIECES = [b"marked-first", b"", b"marked-second" * 1000]
SALT = bytes(32)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Write a file of three pieces."""
    it = tmp_path / "it.backup"
    with new_backup(it, HEADER, KEY, salt=SALT) as add:
        for piece in PIECES:
            add(piece)
    return it


def opened(path: Path, opener: Opener = KEY) -> list[bytes]:
    """Return the pieces of a file."""
    return list(read_backup(path).pieces(opener))


def test_what_was_added_comes_back(path: Path) -> None:
    """Every piece is there in its order, the header in clear, and nothing else of it to be seen."""
    assert opened(path) == PIECES
    assert read_backup(path).counts == {"a": 1}
    assert b"marked" not in path.read_bytes()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["it.backup"]


@pytest.mark.slow
def test_a_passphrase_opens_what_it_sealed(tmp_path: Path) -> None:
    """However its letters are composed; another one opens nothing, nor does a key."""
    path = tmp_path / "it.backup"
    with new_backup(path, HEADER, Opener("passphrase", Sensitive("caf\u00e9")), salt=SALT) as add:
        add(b"x")
    assert opened(path, Opener("passphrase", Sensitive("cafe\u0301"))) == [b"x"]
    with pytest.raises(BackupUnusable, match="not its passphrase"):
        opened(path, Opener("passphrase", Sensitive("cafe")))
    with pytest.raises(BackupUnusable, match="opens by a passphrase"):
        opened(path, KEY)


@pytest.mark.parametrize("salt", [SALT, bytes([1]) * 32])
def test_another_key_opens_nothing(tmp_path: Path, salt: bytes) -> None:
    """A file is opened by the key that sealed it alone, whatever its salt."""
    path = tmp_path / "it.backup"
    with new_backup(path, HEADER, KEY, salt=salt) as add:
        add(b"x")
    with pytest.raises(BackupUnusable, match="not its key file"):
        opened(path, Opener("key file", Sensitive(base64.b64encode(bytes(32)).decode())))


def test_every_changed_or_missing_byte_is_told(path: Path) -> None:
    """Cut anywhere or changed anywhere, a file is refused before a piece of it is opened."""
    whole = path.read_bytes()
    places = [*range(0, 400, 7), len(whole) // 2, len(whole) - 1]
    broken = [whole[:at] for at in places]
    broken += [whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :] for at in places]
    for text in [*broken, whole + b"x"]:
        path.write_bytes(text)
        with pytest.raises(BackupUnusable):
            read_backup(path)


def parts(path: Path) -> tuple[bytes, list[bytes]]:
    """Take a file apart: its first lines and its sealed pieces, each with its length."""
    magic, header, _, rest = path.read_bytes().split(b"\n", 3)
    pieces = []
    while rest:
        size = 4 + int.from_bytes(rest[:4])
        pieces.append(rest[:size])
        rest = rest[size:]
    return magic + b"\n" + header + b"\n", pieces


def put_together(path: Path, first: bytes, pieces: list[bytes]) -> None:
    """Put parts together as somebody would who knows the form and not the key."""
    body = b"".join(pieces)
    path.write_bytes(first + hashlib.sha256(first + body).hexdigest().encode() + b"\n" + body)


@pytest.mark.parametrize(
    "order", [[0, 1, 2], [1, 0, 2, 3], [0, 1, 1, 2, 3], [0, 2, 3], [3], [], [0, 1, 2, 3, 3]]
)
def test_pieces_put_together_anew_do_not_open(path: Path, order: list[int]) -> None:
    """Cut, swapped, doubled and left out are all refused, though the hash fits."""
    first, pieces = parts(path)
    put_together(path, first, [pieces[number] for number in order])
    with pytest.raises(BackupUnusable, match="does not open"):
        opened(path)


def test_a_changed_header_opens_nothing(path: Path) -> None:
    """What the header says is as sure as what is sealed."""
    first, pieces = parts(path)
    put_together(path, first.replace(b"today", b"never"), pieces)
    with pytest.raises(BackupUnusable, match="does not open"):
        opened(path)


@pytest.mark.parametrize("header", ["{", "[]", "{}", json.dumps(HEADER | {"salt": "!"})])
def test_a_header_that_is_none_is_told(path: Path, header: str) -> None:
    """A file with our first line and a fitting hash may hold anything."""
    put_together(path, b"keyturn backup 1\n" + header.encode() + b"\n", [])
    with pytest.raises(BackupUnusable, match="header"):
        read_backup(path)


def test_another_file_and_none_are_told_apart(tmp_path: Path) -> None:
    """What is no backup is not taken for a broken one."""
    (tmp_path / "photo").write_bytes(b"\xff\xd8")
    with pytest.raises(BackupUnusable, match="no backup of Keyturn"):
        read_backup(tmp_path / "photo")
    with pytest.raises(BackupUnusable, match="No such file"):
        read_backup(tmp_path / "none")


def test_a_file_is_never_overwritten(path: Path) -> None:
    """Where a name is taken nothing is written."""
    before = path.read_bytes()
    with pytest.raises(BackupUnusable, match="exists"), new_backup(path, {}, KEY, salt=SALT):
        pass
    assert path.read_bytes() == before


def test_half_a_backup_leaves_no_file(tmp_path: Path) -> None:
    """Where the work fails in the middle, nothing is left that looks like a backup."""
    with suppress(TypeError), new_backup(tmp_path / "b", {}, KEY, salt=SALT) as add:
        add(b"x")
        raise TypeError
    assert list(tmp_path.iterdir()) == []


def test_a_key_file_is_its_owners_alone(tmp_path: Path) -> None:
    """The key of backups is as private as the root key, and is called by its own name."""
    path = tmp_path / "backup.key"
    path.write_text(KEY.value.reveal() + "\n")
    path.chmod(0o600)
    assert read_key_file(path) == KEY.value
    path.chmod(0o644)
    with pytest.raises(RootKeyUnusable, match="Others may read the key "):
        read_key_file(path)
