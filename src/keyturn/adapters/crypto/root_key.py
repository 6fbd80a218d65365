"""The root key's file: base64 of 256 bits, for its owner's eyes only.

Decides which file is fit to hold the key. Knows nothing of what the key opens.
"""

import base64
import binascii
import os
from pathlib import Path
from tempfile import mkstemp
from typing import Final

from keyturn.domain.errors import CallerError

KEY_BYTES: Final = 32

_OTHERS: Final = 0o077
_MOST_BYTES: Final = 1024


class RootKeyUnusable(CallerError):
    """The root key's file is missing, readable by others, or holds something else."""


def read_root_key(path: Path) -> bytes:
    """Return the root key of a file.

    Raises RootKeyUnusable where the file is missing, is open to others than its owner, or holds
    anything else than base64 of 32 bytes.
    """
    try:
        with path.open("rb") as file:
            mode, text = os.fstat(file.fileno()).st_mode, file.read(_MOST_BYTES)
    except OSError as error:
        raise RootKeyUnusable(f"The root key {path} cannot be read: {error.strerror}.") from error
    if mode & _OTHERS:
        raise RootKeyUnusable(f"Others may read the root key {path}: chmod 600 it, or replace it.")
    return _decoded(text, path)


def _decoded(text: bytes, path: Path) -> bytes:
    told = f"{path} does not hold a root key, which is base64 of {KEY_BYTES} bytes: restore it."
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
    directory = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
