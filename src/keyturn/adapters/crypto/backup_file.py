"""A sealed file of many pieces: the form of a backup, laid out in docs/adr/0010-sealed-backups.md.

Decides that a file which was cut, changed or put together anew opens nowhere. Knows nothing of what
the pieces mean.
"""

import base64
import hashlib
import json
import os
import struct
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkstemp
from typing import BinaryIO, Final, Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from keyturn.adapters.crypto.root_key import KEY_BYTES, read_root_key, sync_folder
from keyturn.domain.errors import CallerError
from keyturn.domain.sensitive import Sensitive

SALT_BYTES: Final = 32

_MAGIC: Final = b"keyturn backup 1\n"
_HEADER_MOST_BYTES: Final = 65_536
_HEADER: Final = ("keyturn", "created", "schema", "records", "opensBy", "salt")
_LENGTH: Final = struct.Struct(">I")
_HASH_HEX: Final = 64
_READ_BYTES: Final = 1 << 20


class BackupUnusable(CallerError):
    """The backup is cut short or changed, or opens by something else."""


@dataclass(frozen=True)
class Opener:
    """What opens a backup: a passphrase, or the key of a file in base64."""

    kind: Literal["passphrase", "key file"]
    value: Sensitive

    def key(self, salt: bytes) -> bytes:
        """Derive the key of one file (RFC 7914 with n=2^17, r=8, p=1; RFC 5869)."""
        if self.kind == "key file":
            clear = base64.b64decode(self.value.reveal())
            return HKDF(SHA256(), KEY_BYTES, salt, b"keyturn backup").derive(clear)
        text = unicodedata.normalize("NFC", self.value.reveal())
        return Scrypt(salt, KEY_BYTES, 2**17, 8, 1).derive(text.encode())


def read_key_file(path: Path) -> Sensitive:
    """Return the key of a file that seals backups, in base64; it is as fit as a root key's.

    Raises RootKeyUnusable.
    """
    return Sensitive(base64.b64encode(read_root_key(path, "key")).decode())


@contextmanager
def new_backup(
    path: Path, header: Mapping[str, object], opener: Opener, *, salt: bytes
) -> Iterator[Callable[[bytes], None]]:
    """Write a new file, its owner's alone; the block is given what adds a piece.

    The file has its name once it is whole and durable, and not at all where the block fails.
    Raises BackupUnusable where there is a file of that name.
    """
    if path.exists():
        raise BackupUnusable(f"{path} exists: name a new file. Nothing was written.")
    told = {**header, "opensBy": opener.kind, "salt": base64.b64encode(salt).decode()}
    first = _MAGIC + json.dumps(told).encode() + b"\n"
    handle, nameless = mkstemp(prefix=f".{path.name}.", dir=path.parent)  # its owner's alone
    try:
        with os.fdopen(handle, "w+b") as file:
            writer = _Writer(file, first, opener.key(salt))
            yield writer.add
            writer.close()
        os.link(nameless, path)  # fails where the name is taken
    finally:
        Path(nameless).unlink()
    sync_folder(path.parent)


class _Writer:
    """Seal pieces one behind the other; each knows its place, and the last that it is the last."""

    def __init__(self, file: BinaryIO, first: bytes, key: bytes) -> None:
        self._file = file
        self._first = first
        self._cipher = AESGCM(key)
        self._hash = hashlib.sha256(first)
        self._count = 0
        file.write(first + b"0" * _HASH_HEX + b"\n")

    def add(self, clear: bytes, *, last: bool = False) -> None:
        sealed = self._cipher.encrypt(_nonce(self._count, last=last), clear, self._first)
        for part in (_LENGTH.pack(len(sealed)), sealed):
            self._hash.update(part)
            self._file.write(part)
        self._count += 1

    def close(self) -> None:
        self.add(b"", last=True)
        self._file.seek(len(self._first))
        self._file.write(self._hash.hexdigest().encode())
        self._file.flush()
        os.fsync(self._file.fileno())


def _nonce(number: int, *, last: bool) -> bytes:
    """Return the nonce of a piece; the key is the file's own, so that no number comes twice."""
    return number.to_bytes(11) + bytes([last])


@dataclass(frozen=True)
class BackupFile:
    """A backup that is as it was written, as far as its hash can tell, and still shut."""

    path: Path
    header: Mapping[str, object]
    first: bytes

    @property
    def counts(self) -> Mapping[str, int]:
        """Return how many records of each kind it says to hold."""
        told = self.header["records"]
        return (
            {str(name): int(count) for name, count in told.items()}
            if isinstance(told, dict)
            else {}
        )

    def pieces(self, opener: Opener) -> Iterator[bytes]:
        """Open one piece after the other. Raises BackupUnusable, at the latest at the end."""
        if opener.kind != self.header["opensBy"]:
            raise BackupUnusable(f"{self.path} opens by a {self.header['opensBy']}.")
        cipher = AESGCM(opener.key(base64.b64decode(str(self.header["salt"]))))
        sealed = _sealed_pieces(self.path, len(self.first) + _HASH_HEX + 1)
        number, piece = 0, next(sealed, b"")
        for following in sealed:
            yield self._opened(cipher, piece, _nonce(number, last=False))
            number, piece = number + 1, following
        self._opened(cipher, piece, _nonce(number, last=True))

    def _opened(self, cipher: AESGCM, sealed: bytes, nonce: bytes) -> bytes:
        try:
            return cipher.decrypt(nonce, sealed, self.first)
        except (InvalidTag, ValueError):
            raise BackupUnusable(
                f"{self.path} does not open: this is not its {self.header['opensBy']}, or somebody "
                "changed it. Nothing was written."
            ) from None


def read_backup(path: Path) -> BackupFile:
    """Return a backup whose hash fits. Raises BackupUnusable for one cut, changed or not ours."""
    with _reading(path) as file:
        magic, line = file.read(len(_MAGIC)), file.readline(_HEADER_MOST_BYTES)
        if magic != _MAGIC:
            raise BackupUnusable(f"{path} is no backup of Keyturn, or of a newer one.")
        hashed, noted = hashlib.sha256(magic + line), file.read(_HASH_HEX + 1)
        while part := file.read(_READ_BYTES):
            hashed.update(part)
    if noted != hashed.hexdigest().encode() + b"\n":
        raise BackupUnusable(f"{path} was cut short or changed: take another copy of it.")
    return BackupFile(path, _header(path, line), magic + line)


def _header(path: Path, line: bytes) -> Mapping[str, object]:
    try:
        header = json.loads(line)
        base64.b64decode(header["salt"])
        return {name: header[name] for name in _HEADER}
    except (ValueError, KeyError, TypeError):
        raise BackupUnusable(f"{path} has a header that is none.") from None


def _sealed_pieces(path: Path, start: int) -> Iterator[bytes]:
    with _reading(path) as file:
        file.seek(start)
        while length := file.read(_LENGTH.size):
            yield file.read(_LENGTH.unpack(length.rjust(_LENGTH.size, b"\0"))[0])


@contextmanager
def _reading(path: Path) -> Iterator[BinaryIO]:
    try:
        with path.open("rb") as file:
            yield file
    except OSError as error:
        raise BackupUnusable(f"The backup {path} cannot be read: {error.strerror}.") from error
