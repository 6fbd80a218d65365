"""Put files in place: each whole, all of them at nearly one moment, none for nothing.

A reader finds the file of before or the new one. Everything that can fail is done before the first
file changes its name.
"""

import errno
import os
import stat
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

KEPT = -1
"""In the place of an owner: the one that a new file has."""


@dataclass(frozen=True)
class Target:
    """Where a file belongs, with what mode, and whose it is."""

    path: Path
    mode: int = 0o600
    uid: int = KEPT
    gid: int = KEPT

    @property
    def real(self) -> Path:
        """Return where the file itself is: a link stays, and what it leads to is replaced.

        Raises OSError for a link of another user, who may not say where we write.
        """
        with suppress(FileNotFoundError):
            found = os.lstat(self.path)
            if stat.S_ISLNK(found.st_mode) and found.st_uid not in {0, os.geteuid()}:
                raise OSError(errno.ELOOP, "is a link of another user", str(self.path))
        return self.path.resolve()

    @property
    def draft(self) -> Path:
        """Return where the next content is until it is whole: one name, so that none is left."""
        return self.real.with_name(f".{self.real.name}.keyturn-draft")


def list_differing(files: Mapping[Target, bytes]) -> Sequence[Target]:
    """List the files that are not there as they should be. Raises OSError."""
    return [target for target, content in files.items() if not _is_there(target, content)]


def put_files(files: Mapping[Target, bytes]) -> None:
    """Put all files in their places, or none. Raises OSError."""
    try:
        for target, content in files.items():
            _draft(target, content)
        for target in files:
            os.replace(target.draft, target.real)  # noqa: PTH105
    finally:
        sweep(files)
    for folder in sorted({target.real.parent for target in files}):
        _sync(folder)


def sweep(targets: Iterable[Target]) -> None:
    """Remove drafts of a process that died while it wrote them."""
    for target in targets:
        with suppress(OSError):
            target.draft.unlink()


def _is_there(target: Target, content: bytes) -> bool:
    try:
        with target.real.open("rb") as file:
            found = os.fstat(file.fileno())
            as_wanted = (
                stat.S_IMODE(found.st_mode) == target.mode
                and target.uid in {KEPT, found.st_uid}
                and target.gid in {KEPT, found.st_gid}
            )
            return as_wanted and file.read() == content
    except FileNotFoundError:
        return False


def _draft(target: Target, content: bytes) -> None:
    with suppress(FileNotFoundError):
        target.draft.unlink()
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL  # follows no link
    with os.fdopen(os.open(target.draft, flags, 0o600), "wb") as file:
        file.write(content)
        if (target.uid, target.gid) != (KEPT, KEPT):
            os.fchown(file.fileno(), target.uid, target.gid)
        os.fchmod(file.fileno(), target.mode)  # after the owner: changing that clears bits
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    directory = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
