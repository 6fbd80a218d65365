"""Compliance policies: what is asked of apps and their client secrets, and what falls short of it.

A **compliance policy** asks something of the apps that its selector fits; an **exception** lets
some of them off for a while; a **finding** is one thing that falls short, and a **breach** is a
finding that nothing excuses. Decides what these are and what they may say; `judging` finds them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from keyturn.domain import names
from keyturn.domain.errors import FieldProblem, InvalidInput
from keyturn.domain.ids import (
    AppId,
    CompliancePolicyId,
    ConnectionId,
    CredentialId,
    OrganizationId,
    PolicyExceptionId,
    RotationId,
)
from keyturn.domain.selector import Subject, parse_selector

DAYS_MAX = 3650
"""As many days as a limit has at most."""

REASON_MAX = 1000
"""As many characters as the reason for an exception has at most."""

EXCEPTION_MAX = timedelta(days=366)
"""As long as an exception lasts at most: whoever needs more says so again."""

ABOUT_TO_EXPIRE = timedelta(days=14)
"""So long before its end an exception is told of."""

WEAK_BELOW = 32
"""Fewer characters than this are a value that somebody may have thought up.

Okta's own have 64 (40 in 2022); it asks for 32 itself where a client signs with its secret.
"""

STALE_AFTER = timedelta(days=2)
"""An inventory that is older says too little of today; one that is kept is an hour old."""


class Severity(StrEnum):
    """How much a finding presses, the worst first."""

    HIGH = "high"
    """Somebody could use it against you, or nothing can be said at all."""
    MEDIUM = "medium"
    """A rule is broken that keeps the damage small."""
    LOW = "low"
    """It could not be judged; it is no breach."""


class FindingKind(StrEnum):
    """What falls short."""

    TOO_OLD = "too-old"
    """A client secret that Okta accepts is older than a policy allows."""
    TWO_ACTIVE = "two-active"
    """Okta accepts two client secrets of one app for longer than a policy allows."""
    UNUSED = "unused"
    """Nobody has used a client secret that Okta accepts for as long as a policy allows."""
    SECRET_ON_PUBLIC_CLIENT = "secret-on-public-client"
    """A client secret of an app that cannot keep one: a browser's, a phone's, or one without."""
    WEAK_VALUE = "weak-value"
    """A value so short that somebody chose it."""
    UNMANAGED = "unmanaged"
    """No rotation keeps the client secret of an app, and a policy wants one."""
    ACCESS_OVER_PRIVILEGED = "access-over-privileged"
    """Keyturn's own access to an org was granted more than Keyturn uses."""
    ACCESS_NOT_KNOWN = "access-not-known"
    """What Keyturn's own access to an org may do cannot be seen."""
    INVENTORY_STALE = "inventory-stale"
    """The apps of an org are not known, or not as they are today."""


SEVERITIES: Mapping[FindingKind, Severity] = MappingProxyType(
    {
        FindingKind.TOO_OLD: Severity.HIGH,
        FindingKind.TWO_ACTIVE: Severity.MEDIUM,
        FindingKind.UNUSED: Severity.MEDIUM,
        FindingKind.SECRET_ON_PUBLIC_CLIENT: Severity.HIGH,
        FindingKind.WEAK_VALUE: Severity.HIGH,
        FindingKind.UNMANAGED: Severity.MEDIUM,
        FindingKind.ACCESS_OVER_PRIVILEGED: Severity.HIGH,
        FindingKind.ACCESS_NOT_KNOWN: Severity.LOW,
        FindingKind.INVENTORY_STALE: Severity.HIGH,
    }
)


OF_ORGS = frozenset(
    {
        FindingKind.ACCESS_OVER_PRIVILEGED,
        FindingKind.ACCESS_NOT_KNOWN,
        FindingKind.INVENTORY_STALE,
    }
)
"""What is found of an org, and of no app."""


@dataclass(frozen=True)
class CompliancePolicy:
    """What is asked of the apps that ``selector`` fits; None asks nothing, ages are in days.

    ``managed`` asks for a rotation. Every policy asks besides that no public client has a client
    secret, and that none is weak.
    """

    id: CompliancePolicyId
    organization_id: OrganizationId
    name: str
    selector: str
    description: str | None
    max_age_days: int | None
    max_overlap_days: int | None
    unused_days: int | None
    managed: bool
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class PolicyException:
    """Excuses findings of the apps that ``selector`` fits, until it expires.

    Of one policy, or of all without ``policy_id``; of some ``kinds``, or of all without any.
    ``approved_by`` is who made it, by name.
    """

    id: PolicyExceptionId
    organization_id: OrganizationId
    policy_id: CompliancePolicyId | None
    selector: str
    kinds: tuple[str, ...]
    reason: str
    approved_by: str
    created_at: datetime
    expires_at: datetime

    def in_force(self, now: datetime) -> bool:
        """Say whether it still excuses anything."""
        return now < self.expires_at

    def about_to_expire(self, now: datetime) -> bool:
        """Say whether what it excuses will be breaches before long."""
        return self.in_force(now) and self.expires_at - now <= ABOUT_TO_EXPIRE

    @property
    def narrow(self) -> bool:
        """Say whether it names its apps one by one, or is about orgs alone."""
        ids = parse_selector(self.selector).by_name.get("app", ())
        by_id = bool(ids) and not any("*" in each for each in ids)
        return by_id or (bool(self.kinds) and OF_ORGS.issuperset(self.kinds))


@dataclass(frozen=True)
class ComplianceFinding:
    """One thing that falls short: ``why`` in numbers, ``todo`` for people, and since when.

    ``policy`` is the strictest that asks for it, by name; empty where none has to. There is no
    ``app_id`` in what is about an org. ``excused_by`` is the exception that lets it be for now. A
    client secret is named by its id alone: whoever has the hash of a weak one can guess it.
    """

    kind: FindingKind
    connection_id: ConnectionId
    connection: str
    why: str
    todo: str
    since: datetime
    app_id: AppId | None = None
    label: str = ""
    owner: str = ""
    secret_id: CredentialId | None = None
    rotation_id: RotationId | None = None
    rotation: str = ""
    policy_id: CompliancePolicyId | None = None
    policy: str = ""
    excused_by: PolicyExceptionId | None = None
    excused_until: datetime | None = None

    @property
    def id(self) -> str:
        """Return by what it is known again tomorrow."""
        about = (self.kind, self.connection_id, self.app_id, self.secret_id)
        return ":".join(part for part in about if part)

    @property
    def severity(self) -> Severity:
        """Return how much it presses."""
        return SEVERITIES[self.kind]

    @property
    def breach(self) -> bool:
        """Say whether nothing excuses it."""
        return self.excused_by is None and self.severity is not Severity.LOW


def require_policy(policy: CompliancePolicy) -> CompliancePolicy:
    """Return a policy that asks for something possible. Raises InvalidInput."""
    limits = {
        "maxAgeDays": policy.max_age_days,
        "maxOverlapDays": policy.max_overlap_days,
        "unusedDays": policy.unused_days,
    }
    rule = f"must be 1 to {DAYS_MAX} days"
    wrong = [
        FieldProblem((name,), rule)
        for name, days in limits.items()
        if days is not None and not 1 <= days <= DAYS_MAX
    ]
    if wrong:
        raise InvalidInput(*wrong)
    parse_selector(policy.selector)
    return policy


def require_exception(exception: PolicyException) -> PolicyException:
    """Return an exception that lets some apps off for a while, for a reason.

    Raises InvalidInput: one for everything would undo its policy, which is then to be deleted.
    """
    names.title(("reason",), exception.reason, REASON_MAX)
    asked = parse_selector(exception.selector).by_name.values()
    if all(any({*each} == {"*"} for each in patterns) for patterns in asked):
        rule = "must say which apps, such as app=0oa1: change the policy to let all of them off"
        raise InvalidInput(FieldProblem(("selector",), rule))
    if not timedelta() < exception.expires_at - exception.created_at <= EXCEPTION_MAX:
        rule = f"must be a time to come, {EXCEPTION_MAX.days} days from now at most"
        raise InvalidInput(FieldProblem(("expiresAt",), rule))
    return exception


def require_some_left(exception: PolicyException, subjects: Sequence[Subject]) -> None:
    """Raise InvalidInput for an exception that lets all of several apps off by a pattern."""
    selector = parse_selector(exception.selector)
    if exception.narrow or len(subjects) < 2 or not all(map(selector.fits, subjects)):
        return
    rule = (
        f"fits all {len(subjects)} apps that have a client secret: say which of them, or change "
        f"the policy; for what is about an org, name only these kinds: {', '.join(sorted(OF_ORGS))}"
    )
    raise InvalidInput(FieldProblem(("selector",), rule))
