"""How things may be called.

Each rule is a function that returns the name in its canonical form or raises InvalidInput naming
the field. The rules are those of Infisical's create body, which existing clients are written to.
"""

import re
from unicodedata import combining, normalize

from keyturn.domain.errors import FieldProblem, InvalidInput

SLUG_MAX = 64
FOLDER_MAX = 255
PATH_MAX = 1024
DESCRIPTION_MAX = 256

_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_FOLDER = re.compile(r"[A-Za-z0-9_-]+")


def slug(field: str, text: str) -> str:
    """Return ``text`` as a slug: letters, digits and single hyphens, lower-case, 1 to 64 long."""
    name = text.strip()
    if not name or len(name) > SLUG_MAX or not _SLUG.fullmatch(name.lower()):
        rule = f"must be a slug of 1 to {SLUG_MAX} letters, digits and single hyphens"
        raise InvalidInput(FieldProblem((field,), rule))
    return name.lower()


def slugified(text: str) -> str:
    """Return what of a text can stand in a slug, shortened so that more can follow.

    Of a letter with marks the letter stands: compatibility decomposition (Unicode Annex 15).
    """
    plain = "".join(c for c in normalize("NFKD", text.casefold()) if not combining(c))
    parts = re.findall(r"[a-z0-9]+", plain)
    return "-".join(parts)[: SLUG_MAX // 2].strip("-") or "x"


def title(field: tuple[str, ...], text: str, most: int = SLUG_MAX) -> str:
    """Return a name that people read and nothing here looks up: 1 to ``most`` characters."""
    name = text.strip()
    if not 0 < len(name) <= most:
        raise InvalidInput(FieldProblem(field, f"must be 1 to {most} characters"))
    return name


def is_slug(text: str) -> bool:
    """Say whether a text could be the slug of something that exists."""
    return len(text) <= SLUG_MAX and _SLUG.fullmatch(text) is not None


def folder_name(text: str) -> str:
    """Return the name of a folder: 1 to 255 letters, digits, underscores and hyphens."""
    name = text.strip()
    if len(name) > FOLDER_MAX or not _FOLDER.fullmatch(name):
        rule = f"must be 1 to {FOLDER_MAX} letters, digits, underscores and hyphens"
        raise InvalidInput(FieldProblem(("name",), rule))
    return name


def secret_name(field: tuple[str, ...], text: str) -> str:
    """Return the name of a secret: printable, not empty, without colon, slash or white space."""
    name = text.strip()
    if not name or re.search(r"[:/\s]", name) or not name.isprintable():
        raise InvalidInput(
            FieldProblem(field, "must be a printable name without colon, slash or space")
        )
    return name


def secret_path(text: str) -> str:
    """Return an absolute path of folders without a trailing slash; ``/`` is the root."""
    parts = [part for part in text.strip().split("/") if part]
    path = "/" + "/".join(parts)
    if not text.strip().startswith("/") or not is_path(path):
        rule = "must be an absolute path of folders named by letters, digits, _ and -"
        raise InvalidInput(FieldProblem(("secretPath",), rule))
    return path


def is_path(path: str) -> bool:
    """Say whether a folder could have this path, written as folders keep it."""
    return path == "/" or (path[:1] == "/" and all(map(_FOLDER.fullmatch, path[1:].split("/"))))


def description(text: str | None) -> str | None:
    """Return a description of at most 256 characters, or None."""
    if text and len(text.strip()) > DESCRIPTION_MAX:
        rule = f"must be at most {DESCRIPTION_MAX} characters"
        raise InvalidInput(FieldProblem(("description",), rule))
    return text.strip() if text else None
