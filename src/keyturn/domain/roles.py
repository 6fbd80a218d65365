"""Roles that an installation makes for itself, as they are kept.

What they permit is decided in `access`; this says how they are written down, and what makes one
acceptable.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from keyturn.domain import names
from keyturn.domain.access import BUILT_IN, Grant, Verb
from keyturn.domain.errors import FieldProblem, InvalidInput
from keyturn.domain.ids import ProjectId

GRANTS_MAX = 50
PATTERNS_MAX = 50
PATTERN_MAX = 255
NOT_ROLES = frozenset({"no-access", "member"})
"""Words by which Infisical's clients ask for no role at all."""
_PATTERN = re.compile(r"[A-Za-z0-9_*/-]+")


@dataclass(frozen=True)
class CustomRole:
    """A role of a project, or of every project where that is None."""

    id: str
    project_id: ProjectId | None
    slug: str
    name: str
    description: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class RoleGrant:
    """One grant of a custom role, in the order of its number; see `access.Grant`."""

    role_id: str
    number: int
    verbs: tuple[str, ...]
    environments: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    connections: tuple[str, ...] = ()


def checked_grants(grants: Sequence[Grant]) -> tuple[Grant, ...]:
    """Return the grants of a role. Raises InvalidInput for none, too many, or odd patterns."""
    if not 0 < len(grants) <= GRANTS_MAX:
        raise _invalid("grants", f"must be 1 to {GRANTS_MAX}")
    for grant in grants:
        if not grant.verbs:
            raise _invalid("verbs", "must name one verb at least: " + ", ".join(Verb))
        for field in ("environments", "paths", "connections"):
            patterns = getattr(grant, field)
            if len(patterns) > PATTERNS_MAX:
                raise _invalid(field, f"must be at most {PATTERNS_MAX}")
            if field != "connections":
                _require_patterns(field, patterns)
        if any(not path.startswith("/") for path in grant.paths):
            raise _invalid("paths", "must begin with a slash")
    return tuple(grants)


def checked_slug(text: str) -> str:
    """Return the slug of a custom role. Raises InvalidInput for one that is taken by a rule."""
    slug = names.slug("slug", text)
    if slug in BUILT_IN or slug in NOT_ROLES:
        raise _invalid("slug", "is that of a role that every project has: choose another")
    return slug


def parse_verbs(texts: Sequence[str]) -> frozenset[Verb]:
    """Return verbs by their names. Raises InvalidInput for one that is none."""
    known = {verb.value: verb for verb in Verb}
    if not all(text in known for text in texts):
        raise _invalid("verbs", "must be of " + ", ".join(Verb))
    return frozenset(known[text] for text in texts)


def stored_grants(role_id: str, grants: Sequence[Grant]) -> tuple[RoleGrant, ...]:
    """Return grants as they are kept, numbered in their order."""
    return tuple(
        RoleGrant(
            role_id,
            number,
            tuple(sorted(grant.verbs)),
            grant.environments,
            grant.paths,
            grant.connections,
        )
        for number, grant in enumerate(grants, 1)
    )


def _require_patterns(field: str, patterns: Sequence[str]) -> None:
    for pattern in patterns:
        stars = pattern.replace("**", "*").count("*")
        if len(pattern) > PATTERN_MAX or not _PATTERN.fullmatch(pattern) or stars > 10:
            told = "letters, digits, _ and -, with * for any part of a name and ** for folders"
            raise _invalid(field, f"must be {told}")


def _invalid(field: str, rule: str) -> InvalidInput:
    return InvalidInput(FieldProblem((field,), rule))
