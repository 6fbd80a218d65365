"""Compliance as files to keep and as answers of the API; a value is in none of them."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from math import floor

from keyturn.domain import compliance, compliance_reports
from keyturn.domain.ids import ReportId
from keyturn.domain.judging import Judged, Verdict
from keyturn.domain.judging_orgs import OrgSight
from keyturn.services.compliance_policies import ExceptionView, viewed
from keyturn.services.compliance_sights import Sight
from keyturn.services.evidence_files import table
from keyturn.wire import compliance as wire


def policy(told: compliance.CompliancePolicy) -> wire.CompliancePolicy:
    """Render a policy."""
    return wire.CompliancePolicy(
        id=told.id,
        name=told.name,
        selector=told.selector,
        description=told.description,
        max_age_days=told.max_age_days,
        max_overlap_days=told.max_overlap_days,
        unused_days=told.unused_days,
        managed=told.managed,
        created_at=told.created_at,
        updated_at=told.updated_at,
    )


def exception(view: ExceptionView, now: datetime) -> wire.PolicyException:
    """Render an exception, as it stands now."""
    told = view.exception
    standing = "about to expire" if told.about_to_expire(now) else "in force"
    return wire.PolicyException.model_validate(
        {
            "id": told.id,
            "policy_id": told.policy_id,
            "policy": view.policy.name if view.policy else None,
            "selector": told.selector,
            "kinds": told.kinds,
            "reason": told.reason,
            "approved_by": told.approved_by,
            "created_at": told.created_at,
            "expires_at": told.expires_at,
            "state": standing if told.in_force(now) else "expired",
        }
    )


def finding(told: compliance.ComplianceFinding) -> wire.ComplianceFinding:
    """Render a finding."""
    return wire.ComplianceFinding(
        id=told.id,
        kind=told.kind.value,
        severity=told.severity.value,
        breach=told.breach,
        connection_id=told.connection_id,
        connection=told.connection,
        app_id=told.app_id,
        label=told.label,
        owner=told.owner,
        secret_id=told.secret_id,
        rotation_id=told.rotation_id,
        rotation=told.rotation,
        policy_id=told.policy_id,
        policy=told.policy,
        why=told.why,
        todo=told.todo,
        since=told.since,
        exception_id=told.excused_by,
        excused_until=told.excused_until,
    )


def report(told: compliance_reports.ComplianceReport) -> wire.ComplianceReport:
    """Render what a report came to."""
    return wire.ComplianceReport(
        id=told.id,
        made_at=told.made_at,
        apps=told.apps,
        compliant=told.compliant,
        compliant_percent=percent(told.compliant, told.apps),
        uncovered=told.uncovered,
        breaches=dict(told.by_kind),
        excused=told.excused,
        new_breaches=told.new_breaches,
        complete=told.complete,
        sha256=told.sha256,
    )


def percent(part: int, whole: int) -> float | None:
    """Return a share in percent, cut off to one decimal: 100 is all of them."""
    return floor(1000 * part / whole) / 10 if whole else None


def document(
    sight: Sight, verdict: Verdict, report_id: ReportId, now: datetime
) -> wire.ComplianceEvidence:
    """Render what a report was made of."""
    return wire.ComplianceEvidence(
        report_id=report_id,
        made_at=now,
        policies=tuple(map(policy, sight.policies)),
        exceptions=tuple(exception(each, now) for each in viewed(sight.exceptions, sight.policies)),
        orgs=tuple(_org(each, now) for each in sight.orgs),
        apps=tuple(_app(one, [each.name for each in fitting]) for one, fitting in verdict.applied),
        uncovered=tuple(one.app.app_id for one in verdict.uncovered),
        findings=tuple(map(finding, verdict.findings)),
    )


def _org(org: OrgSight, now: datetime) -> wire.EvidenceOrg:
    return wire.EvidenceOrg(
        connection_id=org.connection.id,
        connection=org.connection.name,
        instance_url=org.connection.instance_url,
        known_at=org.known_at,
        complete=org.current(now),
        scopes=org.access.scopes if org.access else (),
    )


def _app(one: Judged, policies: Sequence[str]) -> wire.EvidenceApp:
    active = one.active
    return wire.EvidenceApp(
        connection_id=one.app.connection_id,
        app_id=one.app.app_id,
        policies=tuple(policies),
        active_secrets=len(active),
        oldest_created_at=active[0].created_at if active else None,
    )


def exported(told: wire.ComplianceReport, evidence: bytes) -> bytes:
    """Render a report with its evidence for programs: the very bytes that its hash is of."""
    return b"".join(
        (b'{"report":', told.model_dump_json().encode(), b',"evidence":', evidence, b"}")
    )


# --- for people -----------------------------------------------------------------------------------


def markdown(told: wire.ComplianceReport, evidence: wire.ComplianceEvidence) -> str:
    """Render a report with its evidence for people; apps without a finding are only counted."""
    return "\n".join(_lines(told, evidence)) + "\n"


def _lines(told: wire.ComplianceReport, evidence: wire.ComplianceEvidence) -> Iterator[str]:
    yield f"# Compliance of client secrets, {_at(told.made_at)}"
    yield ""
    share = "none" if told.compliant_percent is None else f"{told.compliant_percent} %"
    facts = {
        "report": told.id,
        "apps that policies fit": str(told.apps),
        "in no breach": f"{told.compliant} ({share})",
        "that no policy fits": str(told.uncovered),
        "breaches": _counts(told.breaches),
        "new since the report before": str(told.new_breaches),
        "excused": str(told.excused),
        "every org known as it was": "yes" if told.complete else "no: see the findings",
        "SHA-256 of the evidence": told.sha256,
    }
    yield from table(["", ""], [[f"**{name}**", fact] for name, fact in facts.items()])
    yield from ("", *OF_VALUES, "", "## Policies", "")
    limits = ["policy", "apps", "age", "two accepted", "without a use", "rotation wanted"]
    yield from table(limits, [_limits(each) for each in evidence.policies])
    yield from ("", "## Exceptions", "")
    about = ["policy", "apps", "findings", "reason", "approved by", "expires", "state"]
    yield from table(about, [_excuse(each) for each in evidence.exceptions])
    yield from ("", "## Orgs", "")
    orgs = [[o.connection, o.instance_url, _at(o.known_at)] for o in evidence.orgs]
    yield from table(["connection", "org", "known as of"], orgs)
    yield from ("", "## Findings", "")
    header = ["finding", "app", "owner", "policy", "why", "since", "secret", "excused until"]
    yield from table(header, [_told(each) for each in evidence.findings])


OF_VALUES = (
    "Client secrets are named by Okta's id; neither a value nor its hash is in this file. The hash",
    "of the evidence is that of its JSON, not of this page: `keyturn compliance evidence --json`",
    "exports it, `keyturn compliance verify` checks it.",
)


def _limits(each: wire.CompliancePolicy) -> list[str]:
    days = [each.max_age_days, each.max_overlap_days, each.unused_days]
    told = ["any" if count is None else f"{count} d" for count in days]
    return [each.name, each.selector or "all", *told, "yes" if each.managed else "no"]


def _excuse(each: wire.PolicyException) -> list[str]:
    kinds = ", ".join(each.kinds) or "all"
    told = [each.policy or "all", each.selector, kinds, each.reason, each.approved_by]
    return [*told, _at(each.expires_at), each.state]


def _told(each: wire.ComplianceFinding) -> list[str]:
    app = f"{each.label} ({each.app_id})" if each.app_id else f"org of {each.connection}"
    until = _at(each.excused_until) if each.excused_until else ""
    told = [each.kind, app, each.owner, each.policy, each.why, _at(each.since)]
    return [*told, each.secret_id or "", until]


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{kind} {count}" for kind, count in counts.items()) or "none"


def _at(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC" if moment else "never"
