"""The head of the audit log, noted in a file beside the database.

One line, replaced as a whole: after a crash it is the old one or the new one.
"""

import asyncio
import os
from pathlib import Path
from typing import Final

from keyturn.domain.audit import Head
from keyturn.domain.errors import InvalidInput, OursError


class FileWitness:
    """Keep the head in a file."""

    def __init__(self, file: Path) -> None:
        """Name the file; its folder is there."""
        self._file: Final = file

    async def read(self) -> Head | None:
        """Return what was noted last, or None. Raises OursError for what is no head."""
        return await asyncio.to_thread(self._read)

    async def write(self, head: Head) -> None:
        """Note a head in place of the last one, durably. Raises OursError."""
        await asyncio.to_thread(self._write, head)

    def _read(self) -> Head | None:
        try:
            return Head.parse(self._file.read_text(encoding="ascii"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, InvalidInput) as error:
            raise OursError(
                f"{self._file} cannot be read as the head of the audit log: look at it."
            ) from error

    def _write(self, head: Head) -> None:
        new = self._file.with_name(self._file.name + ".new")
        try:
            with new.open("w", encoding="ascii") as out:
                out.write(f"{head}\n")
                out.flush()
                os.fsync(out.fileno())
            new.replace(self._file)
        except OSError as error:
            raise OursError(f"{self._file} cannot be written: look at its disk.") from error
