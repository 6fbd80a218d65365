"""Compliance: policies, exceptions, findings, reports and their evidence (ours)."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from keyturn.wire.base import Instant, Text, Trimmed, Whole, Wire

PAGE_MAX = 1000
SELECTOR_MAX = 1000
NUMBER_MAX = 2**53

Kind = Literal[
    "too-old",
    "two-active",
    "unused",
    "secret-on-public-client",
    "weak-value",
    "unmanaged",
    "access-over-privileged",
    "access-not-known",
    "inventory-stale",
]
Severity = Literal["high", "medium", "low"]
Days = Annotated[Whole, Field(ge=1, le=3650)]
DaysOrNone = Annotated[Whole, Field(ge=0, le=3650)]
SelectorText = Annotated[str, Field(max_length=SELECTOR_MAX)]


class CreateCompliancePolicy(Wire):
    """A policy to be made; a limit that is left out asks nothing, an empty selector fits all."""

    name: Text
    selector: SelectorText = ""
    description: str | None = None
    max_age_days: Days | None = None
    max_overlap_days: Days | None = None
    unused_days: Days | None = None
    managed: bool = False


class UpdateCompliancePolicy(Wire):
    """What to change of a policy; what is left out stays, and 0 takes a limit away."""

    name: Text | None = None
    selector: SelectorText | None = None
    description: str | None = None
    max_age_days: DaysOrNone | None = None
    max_overlap_days: DaysOrNone | None = None
    unused_days: DaysOrNone | None = None
    managed: bool | None = None


class CompliancePolicy(Wire):
    """What is asked of the apps that a selector fits."""

    id: str
    name: str
    selector: str
    description: str | None
    max_age_days: int | None
    max_overlap_days: int | None
    unused_days: int | None
    managed: bool
    created_at: Instant
    updated_at: Instant


class CompliancePolicyAnswer(Wire):
    """One policy."""

    policy: CompliancePolicy


class CompliancePoliciesAnswer(Wire):
    """The policies of the organization."""

    policies: tuple[CompliancePolicy, ...]


class CreateException(Wire):
    """An exception to be made: of one policy or of all, of some kinds of findings or of all."""

    policy_id: Text | None = None
    selector: SelectorText
    kinds: tuple[Kind, ...] = ()
    reason: Annotated[Trimmed, Field(max_length=1000)]
    expires_at: AwareDatetime


class PolicyException(Wire):
    """What lets some apps off for a while; ``state`` says whether it still does."""

    id: str
    policy_id: str | None
    policy: str | None
    selector: str
    kinds: tuple[Kind, ...]
    reason: str
    approved_by: str
    created_at: Instant
    expires_at: Instant
    state: Literal["in force", "about to expire", "expired"]


class PolicyExceptionAnswer(Wire):
    """One exception."""

    exception: PolicyException


class PolicyExceptionsAnswer(Wire):
    """The exceptions of the organization."""

    exceptions: tuple[PolicyException, ...]


class ComplianceFinding(Wire):
    """One thing that falls short: why, in numbers, what to do, and since when.

    ``policy`` is the strictest that asks for it. A ``breach`` is one that no exception excuses, and
    that could be judged.
    """

    id: str
    kind: Kind
    severity: Severity
    breach: bool
    connection_id: str
    connection: str
    app_id: str | None
    label: str
    owner: str
    secret_id: str | None
    rotation_id: str | None
    rotation: str
    policy_id: str | None
    policy: str
    why: str
    todo: str
    since: Instant
    exception_id: str | None
    excused_until: Instant | None


class FindingsQuery(Wire):
    """Which findings are wanted: what is left out is left open."""

    kind: tuple[Kind, ...] = ()
    owner: Annotated[str | None, Field(description="Of apps of this owner; empty: of none's.")] = (
        None
    )
    policy: Annotated[
        str | None, Field(description="By this policy, by name or id; refused where there is none.")
    ] = None
    selector: SelectorText = ""
    breach: Annotated[bool | None, Field(description="Only breaches, or only what is none.")] = None
    offset: Annotated[int, Field(ge=0, le=NUMBER_MAX)] = 0
    limit: Annotated[int, Field(ge=1, le=PAGE_MAX)] = 100


class ComplianceFindingsAnswer(Wire):
    """Some of the ``total`` findings that are wanted, the gravest first.

    ``apps`` are those that were judged, whatever was found, of that owner, policy and selector:
    where there is none, that nothing was found says nothing.
    """

    findings: tuple[ComplianceFinding, ...]
    total: int
    apps: int
    at: Instant


class Share(Wire):
    """How the apps of one owner, or of one policy, do; ``name`` is empty for those of nobody."""

    name: str
    apps: int
    breaches: int


class OrgStanding(Wire):
    """How well an org is known; ``known_at`` is as of when."""

    connection_id: str
    connection: str
    apps: int
    known_at: Instant | None
    complete: bool


class ComplianceAnswer(Wire):
    """How all apps do now.

    ``apps`` are those that policies fit, ``compliant`` those in no breach, ``uncovered`` those that
    no policy fits. ``compliant_percent`` is cut off to one decimal; none where there are no apps.
    """

    at: Instant
    apps: int
    compliant: int
    compliant_percent: float | None
    uncovered: int
    complete: bool
    breaches: dict[str, int]
    excused: int
    owners: tuple[Share, ...]
    policies: tuple[Share, ...]
    orgs: tuple[OrgStanding, ...]
    expiring: tuple[PolicyException, ...]


class ComplianceReport(Wire):
    """What the verdict of one day came to; ``sha256`` is the hash of its evidence."""

    id: str
    made_at: Instant
    apps: int
    compliant: int
    compliant_percent: float | None
    uncovered: int
    breaches: dict[str, int]
    excused: int
    new_breaches: int
    complete: bool
    sha256: str


class ComplianceReportAnswer(Wire):
    """One report."""

    report: ComplianceReport


class ComplianceReportsAnswer(Wire):
    """Some of the ``total`` reports, the newest first."""

    reports: tuple[ComplianceReport, ...]
    total: int


class EvidenceOrg(Wire):
    """An org as it was known, and the scopes that Keyturn's service app was seen to have there."""

    connection_id: str
    connection: str
    instance_url: str
    known_at: Instant | None
    complete: bool
    scopes: tuple[str, ...]


class EvidenceApp(Wire):
    """An app that was judged: the policies that fit it, and the client secrets that Okta takes."""

    connection_id: str
    app_id: str
    policies: tuple[str, ...]
    active_secrets: int
    oldest_created_at: Instant | None


class ComplianceEvidence(Wire):
    """What a report was made of: ids, names and dates, never a value nor the hash of one."""

    format: Literal["keyturn-compliance-1"] = "keyturn-compliance-1"
    report_id: str
    made_at: Instant
    policies: tuple[CompliancePolicy, ...]
    exceptions: tuple[PolicyException, ...]
    orgs: tuple[EvidenceOrg, ...]
    apps: tuple[EvidenceApp, ...]
    uncovered: tuple[str, ...]
    findings: tuple[ComplianceFinding, ...]


class EvidenceFile(Wire):
    """A report with its evidence; the hash is taken over ``evidence`` as canonical JSON."""

    report: ComplianceReport
    evidence: ComplianceEvidence
