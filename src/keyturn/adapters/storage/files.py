"""The database file and whose it is.

Decides who may read the files and that one process owns them. Knows nothing of what is in them.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from keyturn.domain.errors import Refused

_DIRECTORY_MODE = 0o700
_FILE_MODE = 0o600


class InUse(Refused):
    """Another keyturn process serves this data directory: stop it, or name another directory."""


@contextmanager
def owned(path: Path) -> Iterator[None]:
    """Create the database file where it is missing, and own it until the end of the block.

    Only its owner may read the file; SQLite gives its companions the same mode. Raises InUse where
    another process owns it, and Refused where it cannot be opened.
    """
    lock = _open_private(path.with_name(path.name + ".lock"))
    try:
        _lock(lock, path)
        os.close(_open_private(path))
        yield
    finally:
        os.close(lock)


def _open_private(path: Path) -> int:
    try:
        path.parent.mkdir(mode=_DIRECTORY_MODE, parents=True, exist_ok=True)
        file = os.open(path, os.O_RDWR | os.O_CREAT, _FILE_MODE)
        os.fchmod(file, _FILE_MODE)
    except OSError as error:
        told = f"{path} cannot be opened ({error.strerror}): give Keyturn a directory of its own."
        raise Refused(told) from error
    return file


def _lock(lock: int, path: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        told = f"Another keyturn process serves {path.parent}: stop it, or name another directory."
        raise InUse(told) from error
