"""The database file and whose it is.

Decides who may read the files, that one process owns them, and that others only look at them while
they stay where they are. Knows nothing of what is in them.
"""

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from keyturn.domain.errors import Refused

_DIRECTORY_MODE = 0o700
_FILE_MODE = 0o600
_AS_IT_IS = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK


class InUse(Refused):
    """Another keyturn process serves this data directory: stop it, or name another directory."""


@contextmanager
def owned(path: Path) -> Iterator[None]:
    """Create the database file where it is missing, and own it until the end of the block.

    Only its owner may read the file; SQLite gives its companions the same mode. Raises InUse where
    another process owns it, and Refused where it cannot be opened.
    """
    lock = _open_beside(path, ".lock")
    try:
        _lock(lock, path)
        os.close(_open_private(path)[0])
        yield
    finally:
        os.close(lock)


@contextmanager
def visited(path: Path) -> Iterator[None]:
    """Look at the database file, beside whoever owns it, until the end of the block.

    Raises InUse while it is moved, and Refused where it is not there.
    """
    _refuse_missing(path)
    with _for_visitors(path, fcntl.LOCK_SH, "is being moved: look again when that has ended"):
        _refuse_missing(path)
        yield


def _refuse_missing(path: Path) -> None:
    if not path.exists():
        raise Refused(f"There is no {path.name} in {path.parent} any more.")


@contextmanager
def unvisited(path: Path) -> Iterator[None]:
    """Let nobody look at the database file until the end of the block. Raises InUse."""
    told = "is looked at by another keyturn command, as a backup does: wait until that has ended"
    with _for_visitors(path, fcntl.LOCK_EX, told):
        yield


@contextmanager
def _for_visitors(path: Path, how: int, told: str) -> Iterator[None]:
    """Lock what is for that alone: a visitor may give the root key another file meanwhile."""
    visitors = _open_beside(path, ".visitors")
    try:
        fcntl.flock(visitors, how | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise InUse(f"{path} {told}.") from error
    finally:
        os.close(visitors)


def _open_beside(path: Path, suffix: str) -> int:
    """Open what belongs to the database file; whoever creates it, it is that file's owner's."""
    file, new = _open_private(path.with_name(path.name + suffix))
    if new:
        with suppress(OSError):  # only root may give it away; before the file nobody has it
            there = path.lstat()
            os.fchown(file, there.st_uid, there.st_gid)
    return file


def _open_private(path: Path) -> tuple[int, bool]:
    """Open a file for its owner alone, and say whether it is new.

    Root may do so in a directory that is another's: what that user put there leads nowhere else.
    """
    try:
        path.parent.mkdir(mode=_DIRECTORY_MODE, parents=True, exist_ok=True)
        file, new = _open_or_create(path)
        _make_private(file, path)
    except OSError as error:
        if path.is_symlink():
            raise _strange(path) from error
        told = f"{path} cannot be opened ({error.strerror}): give Keyturn a directory of its own."
        raise Refused(told) from error
    return file, new


def _open_or_create(path: Path) -> tuple[int, bool]:
    try:
        return os.open(path, _AS_IT_IS | os.O_CREAT | os.O_EXCL, _FILE_MODE), True
    except FileExistsError:
        return os.open(path, _AS_IT_IS), False


def _make_private(file: int, path: Path) -> None:
    """Let only its owner read a file; one that is refused is closed."""
    try:
        _refuse_strange(os.fstat(file), path)
        os.fchmod(file, _FILE_MODE)
    except BaseException:
        os.close(file)
        raise


def _refuse_strange(found: os.stat_result, path: Path) -> None:
    if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
        raise _strange(path)


def _strange(path: Path) -> Refused:
    told = "is a link or no plain file, as Keyturn makes none: somebody who may write there put it"
    return Refused(f"{path} {told} there. Nothing was changed: remove it.")


def _lock(lock: int, path: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        told = f"Another keyturn process serves {path.parent}: stop it, or name another directory."
        raise InUse(told) from error
