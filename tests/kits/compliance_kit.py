"""Apps, policies and orgs, made of records, for tests of what compliance asks of them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from keyturn.domain.compliance import ComplianceFinding, CompliancePolicy, PolicyException
from keyturn.domain.connection import Method, OktaConnection
from keyturn.domain.ids import (
    AppId,
    ClientId,
    CompliancePolicyId,
    ConnectionId,
    CredentialId,
    OrganizationId,
    PolicyExceptionId,
    RotationId,
    SecretHash,
)
from keyturn.domain.inventory import Inventory, ListedApp, ListedSecret, Stage
from keyturn.domain.judging import Judged, Verdict, judge
from keyturn.domain.judging_orgs import OrgSight
from keyturn.domain.okta import Status
from keyturn.domain.selector import Subject

NOW = datetime(2026, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)
ORG = OktaConnection(
    id=ConnectionId("connection"),
    organization_id=OrganizationId("o-1"),
    project_id=None,
    name="okta",
    description=None,
    method=Method.SERVICE_APP,
    instance_url="https://org.example.com",
    client_id="0oaService",
    sealed=b"",
    version=1,
    created_at=NOW - 1000 * DAY,
    updated_at=NOW,
)
READ = Inventory(
    ORG.id,
    Stage.FRESH,
    NOW - DAY,
    completed_at=NOW - DAY,
    log_read_at=NOW,
    uses_since=NOW - 1000 * DAY,
    uses_until=NOW,
)
SIGHT = OrgSight(ORG, READ)


def secret(days: float = 1, name: str = "ocs1", **changes: Any) -> ListedSecret:  # noqa: ANN401
    """Make a client secret that is so many days old and was used now."""
    made = ListedSecret(
        ORG.id,
        AppId("0oa1"),
        CredentialId(name),
        SecretHash(f"hash-{name}"),
        Status.ACTIVE,
        NOW - days * DAY,
        length=64,
        used_at=NOW,
    )
    return replace(made, **changes)


def app(*secrets: ListedSecret, name: str = "0oa1", **changes: Any) -> Judged:  # noqa: ANN401
    """Make an app with these client secrets; a rotation keeps it where one is named."""
    subject = {each: changes.pop(each) for each in ("owner", "rotation") if each in changes}
    listed = ListedApp(
        ORG.id,
        AppId(name),
        ClientId(name),
        "Payroll",
        Status.ACTIVE,
        "client_secret_basic",
        "web",
        ("authorization_code",),
        NOW - 500 * DAY,
        NOW,
        read_at=NOW,
    )
    listed = replace(listed, **changes)
    told = Subject(app=name, label=listed.label, connection=ORG.name, **subject)
    rotation_id = RotationId("r-1") if told.rotation else None
    return Judged(listed, secrets, told, rotation_id)


def policy(name: str = "all", selector: str = "", **limits: Any) -> CompliancePolicy:  # noqa: ANN401
    """Make a policy that asks nothing but these."""
    plain: dict[str, Any] = {"max_age_days": None, "max_overlap_days": None, "unused_days": None}
    return CompliancePolicy(
        id=CompliancePolicyId(f"id-{name}"),
        organization_id=OrganizationId("o-1"),
        name=name,
        selector=selector,
        description=None,
        created_at=NOW,
        updated_at=NOW,
        **{**plain, "managed": False, **limits},
    )


def exception(selector: str = "app=0oa1", days: float = 30, **changes: Any) -> PolicyException:  # noqa: ANN401
    """Make an exception from every policy that ends in so many days."""
    made = PolicyException(
        PolicyExceptionId("e-1"),
        OrganizationId("o-1"),
        None,
        selector,
        (),
        "The vendor cannot take a new one before summer.",
        "ada",
        NOW - 10 * DAY,
        NOW + days * DAY,
    )
    return replace(made, **changes)


def judged(
    *apps: Judged,
    policies: tuple[CompliancePolicy, ...] = (policy(max_age_days=90),),
    exceptions: tuple[PolicyException, ...] = (),
    orgs: tuple[OrgSight, ...] = (SIGHT,),
    now: datetime = NOW,
) -> Verdict:
    """Judge apps of one org that is known."""
    return judge(policies, exceptions, apps, orgs, now)


def kinds(verdict: Verdict) -> list[str]:
    """Return the kinds of what was found."""
    return sorted(each.kind.value for each in verdict.findings)


def only(verdict: Verdict) -> ComplianceFinding:
    """Return the one finding."""
    [found] = verdict.findings
    return found
