"""How things may be called.

Each rule is a function that returns the name in its canonical form or raises InvalidInput naming
the field. The rules are those of Infisical's create body, which existing clients are written to.
"""

import re

from keyturn.domain.errors import FieldProblem, InvalidInput

SLUG_MAX = 64
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


def secret_name(field: tuple[str, ...], text: str) -> str:
    """Return the name of a secret: not empty, without colon, slash or white space."""
    name = text.strip()
    if not name or re.search(r"[:/\s]", name):
        raise InvalidInput(FieldProblem(field, "must be a name without colon, slash or space"))
    return name


def secret_path(text: str) -> str:
    """Return an absolute path of folders without a trailing slash; ``/`` is the root."""
    parts = [part for part in text.strip().split("/") if part]
    if not text.strip().startswith("/") or not all(map(_FOLDER.fullmatch, parts)):
        rule = "must be an absolute path of folders named by letters, digits, _ and -"
        raise InvalidInput(FieldProblem(("secretPath",), rule))
    return "/" + "/".join(parts)


def description(text: str | None) -> str | None:
    """Return a description of at most 256 characters, or None."""
    if text and len(text.strip()) > DESCRIPTION_MAX:
        rule = f"must be at most {DESCRIPTION_MAX} characters"
        raise InvalidInput(FieldProblem(("description",), rule))
    return text.strip() if text else None
