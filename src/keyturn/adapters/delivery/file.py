"""Secrets in a file: one folder's, whole, for its owner alone.

Decides how the file looks and that it lies below the one folder that the operator has named.
"""

import asyncio
import contextlib
import json
import os
import re
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from keyturn.adapters.delivery.calls import differs
from keyturn.domain.errors import DestinationAway, DestinationRefused, FieldProblem, InvalidInput
from keyturn.services.ports import Errand, Item

BARE = re.compile(r"[A-Za-z0-9_./:@%+,=-]*")
ESCAPES = {"\\": "\\\\", '"': '\\"', "$": "\\$", "`": "\\`", "\n": "\\n", "\r": "\\r"}


async def deliver(errand: Errand, folder: Path | None) -> str:
    """Put the file in the place of what is there, in one move, and read it back."""
    path = path_of(folder, errand.settings["path"])
    form = errand.settings.get("format", "json")
    content = FORMS[form](errand.items).encode()
    return await asyncio.to_thread(_write, path, content, errand.still_held)


def path_of(folder: Path | None, name: str) -> Path:
    """Return where a file lies. Raises InvalidInput without a folder, or for a path out of it."""
    if folder is None:
        raise _refused("files are written only where KEYTURN_DELIVERY_DIR names their folder")
    root = folder.resolve()
    path = (root / name).resolve()
    if not path.is_relative_to(root) or path == root:
        raise _refused("must lie below the folder that KEYTURN_DELIVERY_DIR names")
    return path


def render_json(items: Sequence[Item]) -> str:
    """Render one mapping of names to values."""
    return json.dumps({item.name: item.value.reveal() for item in items}, indent=2) + "\n"


def render_dotenv(items: Sequence[Item]) -> str:
    """Render ``NAME=value`` a line; bare, else in single quotes, else in double quotes."""
    return "".join(f"{item.name}={_quoted(item.value.reveal())}\n" for item in items)


FORMS: dict[str, Callable[[Sequence[Item]], str]] = {"json": render_json, "dotenv": render_dotenv}


def _quoted(value: str) -> str:
    if BARE.fullmatch(value):
        return value
    if not set(value) & set("'\\\n\r"):
        return f"'{value}'"
    return '"' + "".join(ESCAPES.get(each, each) for each in value) + '"'


def _write(path: Path, content: bytes, still_held: Callable[[], None]) -> str:
    try:
        if not _is(path, content):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _put(path, content, still_held)
        shown = path.stat()
        if not _is(path, content):
            raise differs("The file system")
    except (FileNotFoundError, PermissionError, NotADirectoryError, IsADirectoryError) as error:
        raise DestinationRefused(
            f"This machine refuses to write the file ({error.strerror}): look at the folder that "
            "KEYTURN_DELIVERY_DIR names, and at who owns it."
        ) from None
    except OSError as error:
        raise DestinationAway(
            f"The file could not be written ({error.strerror}): look at the disk."
        ) from None
    return f"{shown.st_size} bytes"


def _is(path: Path, content: bytes) -> bool:
    """Say whether the file is there, with this in it, for its owner alone."""
    with contextlib.suppress(FileNotFoundError):
        return path.stat().st_mode & 0o777 == 0o600 and path.read_bytes() == content
    return False


def _put(path: Path, content: bytes, still_held: Callable[[], None]) -> None:
    """Write beside the file, then rename: a reader finds the one of before, or the new one."""
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        still_held()
        Path(draft).replace(path)
    except BaseException:
        Path(draft).unlink(missing_ok=True)
        raise
    within = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(within)
    finally:
        os.close(within)


def _refused(rule: str) -> InvalidInput:
    return InvalidInput(FieldProblem(("settings", "path"), rule))
