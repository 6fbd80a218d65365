"""The root key's file: base64 of 256 bits, or another form of them, for its owner's eyes only.

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
from typing import Final, Protocol

from keyturn.domain.errors import CallerError

KEY_BYTES: Final = 32

_OTHERS: Final = 0o077
_MOST_BYTES: Final = 8192


class RootKeyUnusable(CallerError):
    """The root key is missing, readable by others, something else, or shut away."""


class Form(Protocol):
    """How a root key is written down."""

    def render(self, key: bytes) -> bytes:
        """Write a key. Raises RootKeyUnusable where that takes somebody who refuses."""
        ...

    def parse(self, text: bytes) -> bytes:
        """Return a key that was written.

        Raises ValueError, saying nothing, for what is none, and RootKeyUnusable as above.
        """
        ...


class InClear:
    """Base64, for whoever may read it."""

    def render(self, key: bytes) -> bytes:
        """Write a key."""
        return base64.b64encode(key) + b"\n"

    def parse(self, text: bytes) -> bytes:
        """Return a key. Raises ValueError for what is none."""
        try:
            key = base64.b64decode(text.strip(), validate=True)
        except binascii.Error:
            key = b""
        if len(key) != KEY_BYTES:
            raise ValueError  # nothing more: it could show a part of what was given
        return key


IN_CLEAR: Final = InClear()


def parse_root_key(text: str, what: str) -> bytes:
    """Return the root key of a text; errors call the text what it is. Raises RootKeyUnusable."""
    try:
        return IN_CLEAR.parse(text.encode())
    except ValueError:
        told = f"{what} does not hold a root key, which is base64 of {KEY_BYTES} bytes."
        raise RootKeyUnusable(told) from None


def read_root_key(path: Path, what: str = "root key", *, form: Form = IN_CLEAR) -> bytes:
    """Return the root key of a file; errors call it what it is to whoever asks.

    Raises RootKeyUnusable where the file is missing, is open to others than its owner, or holds
    anything else than base64 of 32 bytes, or what the form takes besides.
    """
    text = read_private(path, what)
    try:
        return form.parse(text)
    except ValueError:
        told = f"{path} does not hold a {what}, which is base64 of {KEY_BYTES} bytes: restore it."
        raise RootKeyUnusable(told) from None


def read_private(path: Path, what: str) -> bytes:
    """Return what is in a small file of its owner's. Raises RootKeyUnusable."""
    try:
        with path.open("rb") as file:
            mode, text = os.fstat(file.fileno()).st_mode, file.read(_MOST_BYTES)
    except OSError as error:
        raise RootKeyUnusable(f"The {what} {path} cannot be read: {error.strerror}.") from error
    if mode & _OTHERS:
        raise RootKeyUnusable(f"Others may read the {what} {path}: chmod 600 it, or replace it.")
    return text


def write_root_key(path: Path, key: bytes, *, form: Form = IN_CLEAR) -> None:
    """Write a new root key, durably, to a file that does not exist yet.

    Raises RootKeyUnusable where the file exists, since what the old key sealed would be lost, where
    it cannot be written, and for a key that is not 32 bytes long.
    """
    if len(key) != KEY_BYTES:
        raise RootKeyUnusable(f"A root key is {KEY_BYTES} bytes long, not {len(key)}.")
    try:
        _write_new(path, form.render(key))
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


def prepare_root_key(path: Path, key: bytes, *, form: Form = IN_CLEAR) -> bytes:
    """Put a new root key beside the one in force, durably; return it.

    One that was prepared before and never came into force is returned instead: somebody may be
    about to use it. Raises RootKeyUnusable.
    """
    prepared = find_prepared(path, form=form)
    if prepared is None:
        write_root_key(_beside(path), key, form=form)
    return prepared or key


def find_prepared(path: Path, *, form: Form = IN_CLEAR) -> bytes | None:
    """Return the root key that is prepared beside the one in force, where there is one.

    Raises RootKeyUnusable where that file is unfit.
    """
    return read_root_key(_beside(path), form=form) if _beside(path).exists() else None


def install_root_key(path: Path, at: datetime) -> Path | None:
    """Put the prepared key in force; return where the old one is kept, named by the time.

    Where there was a key at ``path``, there is a whole one at every moment. Where nothing is
    prepared, another process was quicker, and None is returned. Raises RootKeyUnusable.
    """
    path = path.resolve()
    with _alone_with(path):
        if not _beside(path).exists():
            return None
        kept = _keep(path, at) if path.exists() else None
        _beside(path).replace(path)
        sync_folder(path.parent)
        return kept


def retire_root_key(path: Path, at: datetime) -> Path | None:
    """Put a key away that is in force no more; return where it is kept, named by the time.

    Raises RootKeyUnusable.
    """
    path = path.resolve()
    with _alone_with(path):
        if not path.exists():
            return None
        kept = _keep(path, at)
        path.unlink()
        sync_folder(path.parent)
        return kept


@contextmanager
def _alone_with(path: Path) -> Iterator[None]:
    try:
        with _opened(path.parent) as directory:
            fcntl.flock(directory, fcntl.LOCK_EX)
            yield
    except OSError as error:
        told = f"The root key {path} cannot be replaced: {error.strerror}. Its next is beside it."
        raise RootKeyUnusable(told) from error


def _keep(path: Path, at: datetime) -> Path:
    """Give a key a second name."""
    kept = _free_name(path, f"{path.name}.old-{at:%Y%m%dT%H%M%SZ}")
    os.link(path, kept)
    sync_folder(path.parent)
    return kept


def _free_name(path: Path, name: str) -> Path:
    names = (path.with_name(name + end) for end in chain([""], map("-{}".format, count(2))))
    return next(each for each in names if not each.exists())


def _beside(path: Path) -> Path:
    path = path.resolve()  # a link stays a link
    return path.with_name(path.name + ".new")
