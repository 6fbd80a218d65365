"""What an agent remembers: what it read last, and how far that has been applied.

With a file it survives a restart, sealed (AES-256-GCM, NIST SP 800-38D); what cannot be opened is
as if it had never been. Nothing of it is ever on disk in clear.
"""

import base64
import binascii
import os
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import AwareDatetime, Field, ValidationError

from keyturn.client.agent.config import CacheTable
from keyturn.client.agent.plan import read_kept
from keyturn.client.errors import ClientError
from keyturn.client.files import write_private
from keyturn.client.folder import Folder, folder_with
from keyturn.wire.base import Wire
from keyturn.wire.secrets import Secret

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
ABOUT: Final = b"keyturn agent cache 1"
"""What a sealed text says it is; another kind of text does not open."""


class BadKey(ClientError):
    """The key of the cache is unfit, or its file is open to others."""


class CacheBroken(ClientError):
    """The cache cannot be opened by this key."""


class Record(Wire):
    """What is remembered of one job.

    ``as_of`` is when Keyturn last said that this is current; ``applied`` names the files that the
    hook was told of; ``acknowledged`` has the version of each secret that Keyturn was told of.
    """

    secrets: tuple[Secret, ...] = Field(repr=False)
    tag: str
    as_of: AwareDatetime
    applied: str = ""
    acknowledged: Mapping[str, int] = Field(default_factory=dict)

    @property
    def folder(self) -> Folder:
        """Return the folder as it was read."""
        return folder_with(self.secrets, self.tag)


class _Content(Wire):
    kept: dict[str, Record]


class SealedFile:
    """A text in a file, sealed by a key."""

    def __init__(self, path: Path, key: bytes) -> None:
        self._path, self._cipher = path, AESGCM(key)

    def load(self) -> bytes | None:
        """Return the text, or None where there is no file. Raises OSError, CacheBroken."""
        try:
            sealed = base64.b64decode(self._path.read_bytes(), validate=True)
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], ABOUT)
        except FileNotFoundError:
            return None
        except (binascii.Error, ValueError, InvalidTag):
            raise CacheBroken(
                f"{self._path} cannot be opened by this key: it is left out, and written anew."
            ) from None

    def save(self, text: bytes) -> None:
        """Put the text in the place of what is there, in one move. Raises OSError."""
        nonce = os.urandom(NONCE_BYTES)
        sealed = nonce + self._cipher.encrypt(nonce, text, ABOUT)
        write_private(self._path, base64.b64encode(sealed).decode())


class Memory:
    """What is remembered of every job; without a file for as long as the process lives."""

    def __init__(self, file: SealedFile | None, tell: Callable[[str], None]) -> None:
        self._file, self._tell = file, tell
        self._kept: dict[str, Record] = {}

    def load(self) -> None:
        """Take up what a process before has left; what does not open is told and left out."""
        if self._file is None:
            return
        try:
            text = self._file.load()
            self._kept = _Content.model_validate_json(text).kept if text else {}
        except (OSError, ClientError) as error:
            self._tell(str(error))
        except ValidationError:
            self._tell("The cache is another version's: it is left out, and written anew.")

    def find(self, key: str) -> Record | None:
        """Return what is remembered of a job."""
        return self._kept.get(key)

    def keep(self, key: str, record: Record) -> None:
        """Remember this of a job. A file that cannot be written is told, and stops nothing."""
        self._kept[key] = record
        if self._file is None:
            return
        try:
            self._file.save(_Content(kept=self._kept).model_dump_json().encode())
        except OSError as error:
            self._tell(f"The cache cannot be written: {error.strerror}.")

    def forget_others(self, keys: frozenset[str]) -> None:
        """Remember these jobs alone."""
        self._kept = {key: kept for key, kept in self._kept.items() if key in keys}


def open_file(cache: CacheTable, environ: Mapping[str, str]) -> SealedFile:
    """Return the file of a cache; its key is made where there is none. Raises BadKey."""
    file = cache.key.file
    try:
        if file and not file.exists():
            _make_key(file)
        if file and file.stat().st_mode & 0o077:
            raise BadKey(f"Others may read {file}: chmod 600 it, or remove it with the cache.")
        key = base64.b64decode(read_kept(cache.key, environ), validate=True)
    except OSError as error:
        raise BadKey(f"{file}: {error.strerror}.") from None
    except ValueError:  # not base64, or not even ASCII
        key = b""
    if len(key) != KEY_BYTES:
        raise BadKey(f"{file or cache.key.env} is not base64 of {KEY_BYTES} bytes.")
    return SealedFile(cache.file, key)


def age_told(as_of: datetime, now: datetime) -> str:
    """Say how old something is, in the two greatest units."""
    seconds = max(0, int((now - as_of).total_seconds()))
    parts = (
        (seconds // 86_400, "d"),
        (seconds // 3600 % 24, "h"),
        (seconds // 60 % 60, "min"),
        (seconds % 60, "s"),
    )
    said = [f"{number} {unit}" for number, unit in parts if number]
    return " ".join(said[:2]) or "0 s"


def _make_key(file: Path) -> None:
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as new:
        new.write(base64.b64encode(os.urandom(KEY_BYTES)) + b"\n")
        new.flush()
        os.fsync(new.fileno())
