"""Who asks, and what they may do.

Decides from a caller's permissions alone, denies by default, and says why. Knows nothing of
tokens or passwords.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from keyturn.domain.ids import IdentityId, OrganizationId, ProjectId


class Verb(StrEnum):
    """What a caller may be permitted to do; verbs, routes and commands share these names."""

    READ_PROJECT = "project:read"
    READ_SECRETS = "secrets:read"
    WRITE_SECRETS = "secrets:write"
    READ_CONNECTIONS = "app-connections:read"
    CREATE_CONNECTIONS = "app-connections:create"
    EDIT_CONNECTIONS = "app-connections:edit"
    DELETE_CONNECTIONS = "app-connections:delete"
    USE_CONNECTIONS = "app-connections:connect"
    READ_ROTATIONS = "secret-rotation:read"
    READ_CREDENTIALS = "secret-rotation:read-generated-credentials"
    CREATE_ROTATIONS = "secret-rotation:create"
    EDIT_ROTATIONS = "secret-rotation:edit"
    DELETE_ROTATIONS = "secret-rotation:delete"
    ROTATE = "secret-rotation:rotate-secrets"


class Role(StrEnum):
    """A named set of verbs."""

    ADMIN = "admin"
    DEVELOPER = "developer"
    VIEWER = "viewer"


_READING = frozenset(
    {Verb.READ_PROJECT, Verb.READ_SECRETS, Verb.READ_CONNECTIONS, Verb.READ_ROTATIONS}
)

GRANTS: dict[Role, frozenset[Verb]] = {
    Role.ADMIN: frozenset(Verb),
    Role.DEVELOPER: _READING | {Verb.WRITE_SECRETS, Verb.USE_CONNECTIONS, Verb.ROTATE},
    Role.VIEWER: _READING,
}


@dataclass(frozen=True)
class Caller:
    """Somebody who proved who they are; ``project_id`` None reaches every project."""

    id: str
    name: str
    role: Role
    organization_id: OrganizationId
    project_id: ProjectId | None = None


@dataclass(frozen=True)
class Granted:
    """The caller may."""


@dataclass(frozen=True)
class Denied:
    """The caller may not, and why."""

    why: str


def decide(caller: Caller, verb: Verb, project_id: ProjectId | None) -> Granted | Denied:
    """Decide whether a caller may do this in a project, or in the organization where it is None."""
    if caller.project_id is not None and caller.project_id != project_id:
        return Denied("the identity belongs to another project")
    if verb not in GRANTS[caller.role]:
        return Denied(f"the role {caller.role} does not hold {verb}")
    return Granted()


@dataclass(frozen=True)
class Identity:
    """A machine that logs in with a client id and a client secret of its own (universal auth)."""

    id: IdentityId
    organization_id: OrganizationId
    project_id: ProjectId | None
    name: str
    role: Role
    client_id: str
    client_secret_hash: bytes
    created_at: datetime


@dataclass(frozen=True)
class AccessToken:
    """A token that proves an identity, kept as its SHA-256 hash only."""

    hash: bytes
    identity_id: IdentityId
    created_at: datetime
    expires_at: datetime
