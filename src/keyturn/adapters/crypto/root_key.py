"""The root key's file: base64 of 256 bits, for its owner's eyes only.

Decides which file is fit to hold the key. Knows nothing of what the key opens.
"""

import base64
import binascii
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from itertools import chain, count
from pathlib import Path
from tempfile import mkstemp
from typing import Final

from keyturn.domain.errors import CallerError

KEY_BYTES: Final = 32

_OTHERS: Final = 0o077
_MOST_BYTES: Final = 1024


class RootKeyUnusable(CallerError):
    """The root key's file is missing, readable by others, or holds something else."""


def read_root_key(path: Path, what: str = "root key") -> bytes:
    """Return the root key of a file; errors call it what it is to whoever asks.

    Raises RootKeyUnusable where the file is missing, is open to others than its owner, or holds
    anything else than base64 of 32 bytes.
    """
    try:
        with path.open("rb") as file:
            mode, text = os.fstat(file.fileno()).st_mode, file.read(_MOST_BYTES)
    except OSError as error:
        raise RootKeyUnusable(f"The {what} {path} cannot be read: {error.strerror}.") from error
    if mode & _OTHERS:
        raise RootKeyUnusable(f"Others may read the {what} {path}: chmod 600 it, or replace it.")
    return _decoded(text, path, what)


def _decoded(text: bytes, path: Path, what: str) -> bytes:
    told = f"{path} does not hold a {what}, which is base64 of {KEY_BYTES} bytes: restore it."
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except binascii.Error:
        raise RootKeyUnusable(told) from None  # the cause could show a part of the file
    if len(key) != KEY_BYTES:
        raise RootKeyUnusable(told)
    return key


def write_root_key(path: Path, key: bytes) -> None:
    """Write a new root key, durably, to a file that does not exist yet.

    Raises RootKeyUnusable where the file exists, since what the old key sealed would be lost, where
    it cannot be written, and for a key that is not 32 bytes long.
    """
    if len(key) != KEY_BYTES:
        raise RootKeyUnusable(f"A root key is {KEY_BYTES} bytes long, not {len(key)}.")
    try:
        _write_new(path, base64.b64encode(key) + b"\n")
    except OSError as error:
        kept = "exists: a root key is never overwritten. Move it away to start anew"
        told = kept if path.exists() else f"cannot be written: {error.strerror}"
        raise RootKeyUnusable(f"The root key {path} {told}.") from error


def _write_new(path: Path, text: bytes) -> None:
    """Give a whole file its name, so that whoever dies here leaves no half a key under it."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, nameless = mkstemp(prefix=f".{path.name}.", dir=path.parent)  # its owner's alone
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.link(nameless, path)  # fails where the name is taken
    finally:
        Path(nameless).unlink()
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    with _opened(folder) as directory:
        os.fsync(directory)


@contextmanager
def _opened(folder: Path) -> Iterator[int]:
    directory = os.open(folder, os.O_RDONLY)
    try:
        yield directory
    finally:
        os.close(directory)


def prepare_root_key(path: Path, key: bytes) -> bytes:
    """Put a new root key beside the one in force, durably; return it.

    One that was prepared before and never came into force is returned instead: somebody may be
    about to use it. Raises RootKeyUnusable.
    """
    prepared = find_prepared(path)
    if prepared is None:
        write_root_key(_beside(path), key)
    return prepared or key


def find_prepared(path: Path) -> bytes | None:
    """Return the root key that is prepared beside the one in force, where there is one.

    Raises RootKeyUnusable where that file is unfit.
    """
    return read_root_key(_beside(path)) if _beside(path).exists() else None


def install_root_key(path: Path, at: datetime) -> Path | None:
    """Put the prepared key in force; return where the old one is kept, named by the time.

    At every moment there is a whole key at ``path``. Where nothing is prepared, another process
    was quicker, and None is returned. Raises RootKeyUnusable.
    """
    path = path.resolve()
    try:
        with _opened(path.parent) as directory:
            fcntl.flock(directory, fcntl.LOCK_EX)
            return _install(path, at) if _beside(path).exists() else None
    except OSError as error:
        told = f"The root key {path} cannot be replaced: {error.strerror}. Its next is beside it."
        raise RootKeyUnusable(told) from error


def _install(path: Path, at: datetime) -> Path:
    kept = _free_name(path, f"{path.name}.old-{at:%Y%m%dT%H%M%SZ}")
    os.link(path, kept)
    sync_folder(path.parent)
    _beside(path).replace(path)
    sync_folder(path.parent)
    return kept


def _free_name(path: Path, name: str) -> Path:
    names = (path.with_name(name + end) for end in chain([""], map("-{}".format, count(2))))
    return next(each for each in names if not each.exists())


def _beside(path: Path) -> Path:
    path = path.resolve()  # a link stays a link
    return path.with_name(path.name + ".new")
