"""What was moved out of the audit log, in files beside the database.

Each is written whole: after a crash it is not there, or it is the old one, or the new one. What is
in a file stays in it.
"""

import asyncio
import os
from pathlib import Path
from typing import Final

from keyturn.domain.errors import OursError


class FileArchive:
    """Keep files in a folder that only the server's own user may read."""

    def __init__(self, folder: Path) -> None:
        """Name the folder; it is made for the first file."""
        self._folder: Final = folder

    async def write(self, name: str, content: bytes) -> None:
        """Write a file, durably; one of this name has to be its beginning. Raises OursError."""
        await asyncio.to_thread(self._write, name, content)

    def _write(self, name: str, content: bytes) -> None:
        file = self._folder / name
        new = self._folder / f"{name}.new"
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            if file.exists() and not content.startswith(file.read_bytes()):
                raise OursError(f"{file} has other entries, of before a restore: move it away.")
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
                out.write(content)
                out.flush()
                os.fsync(out.fileno())
            new.replace(file)
            _sync_folder(self._folder)
        except OSError as error:
            raise OursError(f"{file} cannot be written: look at its disk.") from error


def _sync_folder(folder: Path) -> None:
    """Make the name durable as well: what it stands for is forgotten elsewhere next."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
