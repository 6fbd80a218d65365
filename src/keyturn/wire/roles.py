"""Roles, what they grant, and why somebody may or may not do something."""

from typing import Annotated

from pydantic import Field, StringConstraints

from keyturn.wire.base import TEXT_MAX, Instant, Text, Wire

GRANTS_MAX = 50
PATTERNS_MAX = 50
NAME_MAX = 64
VERBS_MAX = 100

Pattern = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=TEXT_MAX)
]
Patterns = Annotated[tuple[Pattern, ...], Field(max_length=PATTERNS_MAX)]
Part = Annotated[str, Field(max_length=TEXT_MAX)]


class Grant(Wire):
    """Verbs, and where they hold; a condition that is left out or empty holds everywhere.

    In ``environments`` and ``paths`` a ``*`` stands for any part of one name, and ``/**`` for a
    folder with all below it. ``connections`` are ids.
    """

    verbs: Annotated[tuple[Text, ...], Field(max_length=VERBS_MAX)]
    environments: Patterns = ()
    paths: Patterns = ()
    connections: Patterns = ()


Grants = Annotated[tuple[Grant, ...], Field(min_length=1, max_length=GRANTS_MAX)]


class CreateRole(Wire):
    """A role to make; without a name it is called by its slug."""

    slug: Annotated[str, Field(max_length=NAME_MAX)]
    name: Annotated[str, Field(max_length=NAME_MAX)] | None = None
    description: Annotated[str, Field(max_length=256)] | None = None
    grants: Grants


class UpdateRole(Wire):
    """What to change of a role; grants are replaced as a whole."""

    name: Annotated[str, Field(max_length=NAME_MAX)] | None = None
    description: Annotated[str, Field(max_length=256)] | None = None
    grants: Grants | None = None


class Role(Wire):
    """A role; ``builtIn`` for one that every project has, which has no id and never changes."""

    id: str | None
    slug: str
    name: str
    description: str
    project_id: str | None
    built_in: bool
    grants: tuple[Grant, ...]
    created_at: Instant | None
    updated_at: Instant | None


class RoleAnswer(Wire):
    """One role."""

    role: Role


class RolesAnswer(Wire):
    """The roles that can be held somewhere."""

    roles: tuple[Role, ...]


class ExplainQuery(Wire):
    """Who wants to do what, and where; without a place it is whether they may somewhere."""

    identity_id: Text
    verb: Text
    project_id: Part = ""
    environment: Part = ""
    secret_path: Annotated[str, Field(max_length=1024)] = ""
    connection_id: Part = ""


class Reason(Wire):
    """What one role says; ``why`` is empty where it permits it."""

    role: str
    project_id: str | None
    why: str


class ExplainAnswer(Wire):
    """Whether an identity may, and by which role, or what keeps each of its roles from it."""

    identity_id: str
    name: str
    verb: str
    allowed: bool
    role: str | None
    reasons: tuple[Reason, ...]
