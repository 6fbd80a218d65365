"""Who asks, and what they may do.

Decides from the roles that a caller holds alone, denies by default, and says why. Knows nothing of
tokens or passwords, nor of where roles are kept.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType

from keyturn.domain.ids import OrganizationId, ProjectId


class Verb(StrEnum):
    """What a caller may be permitted to do; verbs, routes and commands share these names."""

    READ_PROJECT = "project:read"
    EDIT_PROJECT = "project:edit"
    CREATE_PROJECTS = "project:create"
    DESCRIBE_SECRETS = "secrets:describe"
    READ_SECRETS = "secrets:read"
    CREATE_SECRETS = "secrets:create"
    EDIT_SECRETS = "secrets:edit"
    DELETE_SECRETS = "secrets:delete"
    CREATE_FOLDERS = "secret-folders:create"
    EDIT_FOLDERS = "secret-folders:edit"
    DELETE_FOLDERS = "secret-folders:delete"
    EDIT_IMPORTS = "secret-imports:edit"
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
    READ_DESTINATIONS = "destinations:read"
    EDIT_DESTINATIONS = "destinations:edit"
    DELIVER = "destinations:deliver"
    READ_GRANTS = "connections:read"
    EDIT_GRANTS = "connections:edit"
    AUTHORIZE_GRANTS = "connections:authorize"
    USE_GRANTS = "connections:use"
    READ_FLOWS = "flows:read"
    EDIT_FLOWS = "flows:edit"
    RUN_FLOWS = "flows:run"
    READ_RUNS = "flow-runs:read"
    READ_IDENTITIES = "identity:read"
    EDIT_IDENTITIES = "identity:edit"
    READ_ROLES = "role:read"
    EDIT_ROLES = "role:edit"
    READ_CHANNELS = "channels:read"
    EDIT_CHANNELS = "channels:edit"
    READ_AUDIT = "audit-logs:read"
    READ_METRICS = "metrics:read"
    READ_COMPLIANCE = "compliance:read"
    EDIT_COMPLIANCE = "compliance:edit"
    READ_INVENTORY = "inventory:read"
    TAKE_INVENTORY = "inventory:take"
    READ_ROLLOUTS = "rollouts:read"
    EDIT_ROLLOUTS = "rollouts:edit"
    APPROVE_ROLLOUTS = "rollouts:approve"
    REPORT_LEAKS = "leaks:report"
    READ_LEAKS = "leaks:read"
    EDIT_LEAKS = "leaks:edit"


@dataclass(frozen=True)
class Target:
    """What a verb is about: a place in a project, and the connection that plays a part.

    What is empty plays none. With ``somewhere`` it is any place of the project, to be looked at one
    by one afterwards.
    """

    project_id: ProjectId | None = None
    environment: str = ""
    path: str = ""
    connection_id: str = ""
    somewhere: bool = False


@dataclass(frozen=True)
class Grant:
    """Verbs, and where they hold; a condition without patterns holds everywhere.

    ``environments`` are patterns of slugs and ``paths`` of folders, where ``*`` stands for any part
    of one name and ``**`` for any number of folders, none included. ``connections`` are ids.
    """

    verbs: frozenset[Verb]
    environments: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    connections: tuple[str, ...] = ()

    def misses(self, target: Target) -> str:
        """Say which condition does not hold for a target, or nothing."""
        if target.somewhere:
            return ""
        if not _any_fits(self.environments, target.environment):
            return _missed("environment", target.environment, self.environments)
        if not _any_fits(self.paths, target.path):
            return _missed("path", target.path, self.paths)
        if self.connections and target.connection_id not in self.connections:
            return _missed("connection", target.connection_id, self.connections)
        return ""


@dataclass(frozen=True)
class Role:
    """A named set of grants."""

    slug: str
    name: str
    grants: tuple[Grant, ...]

    @property
    def verbs(self) -> frozenset[Verb]:
        """Return every verb that is held somewhere."""
        return frozenset[Verb]().union(*(grant.verbs for grant in self.grants))


def _role(slug: str, *verbs: Verb) -> Role:
    return Role(slug, slug.capitalize(), (Grant(frozenset(verbs)),))


_SEEING = (
    Verb.READ_PROJECT,
    Verb.DESCRIBE_SECRETS,
    Verb.READ_CONNECTIONS,
    Verb.READ_ROTATIONS,
    Verb.READ_DESTINATIONS,
    Verb.READ_GRANTS,
    Verb.READ_FLOWS,
    Verb.READ_CHANNELS,
    Verb.READ_COMPLIANCE,
    Verb.READ_INVENTORY,
    Verb.READ_ROLLOUTS,
    Verb.READ_LEAKS,
)

ADMIN = _role("admin", *Verb)
DEVELOPER = _role(
    "developer",
    *_SEEING,
    Verb.READ_SECRETS,
    Verb.CREATE_SECRETS,
    Verb.EDIT_SECRETS,
    Verb.DELETE_SECRETS,
    Verb.CREATE_FOLDERS,
    Verb.EDIT_FOLDERS,
    Verb.DELETE_FOLDERS,
    Verb.EDIT_IMPORTS,
    Verb.USE_CONNECTIONS,
    Verb.ROTATE,
    Verb.DELIVER,
    Verb.EDIT_GRANTS,
    Verb.AUTHORIZE_GRANTS,
    Verb.USE_GRANTS,
    Verb.EDIT_FLOWS,
    Verb.RUN_FLOWS,
    Verb.READ_RUNS,
)
VIEWER = _role("viewer", *_SEEING, Verb.READ_SECRETS)
ROTATOR = _role(
    "rotator",
    *_SEEING,
    Verb.USE_CONNECTIONS,
    Verb.READ_CREDENTIALS,
    Verb.CREATE_ROTATIONS,
    Verb.EDIT_ROTATIONS,
    Verb.DELETE_ROTATIONS,
    Verb.ROTATE,
    Verb.DELIVER,
    Verb.TAKE_INVENTORY,
    Verb.EDIT_ROLLOUTS,
    Verb.APPROVE_ROLLOUTS,
    Verb.EDIT_LEAKS,
)
AUDITOR = _role(
    "auditor",
    *_SEEING,
    Verb.READ_IDENTITIES,
    Verb.READ_ROLES,
    Verb.READ_AUDIT,
    Verb.READ_METRICS,
)

BUILT_IN: Mapping[str, Role] = MappingProxyType(
    {role.slug: role for role in (ADMIN, DEVELOPER, VIEWER, ROTATOR, AUDITOR)}
)
"""The roles that every project has."""


@dataclass(frozen=True)
class Holding:
    """A role, and the project in which it is held; None for every project and what is above."""

    role: Role
    project_id: ProjectId | None = None


@dataclass(frozen=True)
class Caller:
    """Somebody who proved who they are, and the roles that they hold.

    ``in_person`` is whether it is a person who has logged in by themselves, and not by something
    that somebody else can have made for them.
    """

    id: str
    name: str
    organization_id: OrganizationId
    holdings: tuple[Holding, ...]
    in_person: bool = False

    @property
    def home(self) -> ProjectId | None:
        """Return the one project that the caller is confined to, or None where there are more."""
        projects = {holding.project_id for holding in self.holdings}
        return projects.pop() if len(projects) == 1 else None

    def knows(self, project_id: ProjectId | None) -> bool:
        """Say whether a role is held there, so that the caller may learn what there is at all."""
        return any(holding.project_id in (None, project_id) for holding in self.holdings)

    def may_somewhere(self, verb: Verb) -> bool:
        """Say whether a role is held anywhere that permits this in some place at least."""
        return any(verb in holding.role.verbs for holding in self.holdings)


@dataclass(frozen=True)
class Granted:
    """The caller may, by this role."""

    role: str


@dataclass(frozen=True)
class Denied:
    """The caller may not, and why: one reason a role."""

    reasons: tuple[str, ...]

    @property
    def why(self) -> str:
        """Return the reasons as one text."""
        return "; ".join(self.reasons)


def decide(caller: Caller, verb: Verb, target: Target) -> Granted | Denied:
    """Decide whether a caller may do this to that."""
    reasons = []
    for holding in caller.holdings:
        reason = _why_not(holding, verb, target)
        if not reason:
            return Granted(holding.role.slug)
        reasons.append(reason)
    return Denied(tuple(reasons) or ("the identity holds no role",))


def explain(caller: Caller, verb: Verb, target: Target) -> tuple[tuple[Holding, str], ...]:
    """Return each role that a caller holds with why it does not permit this; "" where it does."""
    return tuple((holding, _why_not(holding, verb, target)) for holding in caller.holdings)


def _why_not(holding: Holding, verb: Verb, target: Target) -> str:
    role = holding.role.slug
    if holding.project_id not in (None, target.project_id):
        here = (
            "another project" if target.project_id else "one project, and this is above all of them"
        )
        return f"the role {role} is held in {here}"
    grants = [grant for grant in holding.role.grants if verb in grant.verbs]
    missed = [grant.misses(target) for grant in grants]
    if not grants:
        return f"the role {role} does not hold {verb}"
    return f"the role {role} holds {verb} elsewhere: {', nor '.join(missed)}" if all(missed) else ""


def _any_fits(patterns: Sequence[str], text: str) -> bool:
    return not patterns or any(fits(pattern, text) for pattern in patterns)


def fits(pattern: str, text: str) -> bool:
    """Say whether a pattern of a grant fits a slug or a path."""
    return _compiled(pattern).fullmatch(text) is not None


def _missed(noun: str, given: str, patterns: Sequence[str]) -> str:
    """Tell what does not fit; what plays no part, or is hidden from the caller, is not named."""
    wanted = " or ".join(patterns)
    return f"{noun} {given} is not {wanted}" if given else f"{noun} {wanted} only"


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    """Compile a pattern; ``/a/**`` fits ``/a`` and everything below it."""
    text = re.escape(pattern).replace(r"/\*\*", "(?:/.*)?").replace(r"\*", "[^/]*")
    return re.compile(text, re.DOTALL)
