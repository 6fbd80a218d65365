"""Reports of compliance: what a verdict comes to, and how evidence of it is recognised.

Decides what is counted, when the next report is due, and what the hash of evidence is taken over.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from keyturn.domain.compliance import ComplianceFinding
from keyturn.domain.ids import OrganizationId, ReportId
from keyturn.domain.judging import Verdict

KEPT = timedelta(days=400)
"""So long evidence can be read again: a year that is audited, and the time to audit it."""


@dataclass(frozen=True)
class ReportSchedule:
    """When the next report of an organization is due; it has one while it has policies."""

    organization_id: OrganizationId
    due_at: datetime


@dataclass(frozen=True)
class ComplianceReport:
    """What a verdict of one day came to.

    ``apps`` are those that policies fit, ``compliant`` those of them that are in no breach,
    ``uncovered`` those that no policy fits. ``breaches`` are written as ``kind=count``.
    ``new_breaches`` were not in the report before. ``complete`` says whether every org was known
    as it was by then. ``sha256`` is the hash of the evidence.
    """

    id: ReportId
    organization_id: OrganizationId
    made_at: datetime
    apps: int
    compliant: int
    uncovered: int
    breaches: tuple[str, ...]
    excused: int
    new_breaches: int
    complete: bool
    sha256: str

    @property
    def by_kind(self) -> Mapping[str, int]:
        """Return how many breaches there were of each kind, where there were any."""
        parts = (each.partition("=") for each in self.breaches)
        return {kind: int(count) for kind, _, count in parts}


@dataclass(frozen=True)
class ReportEvidence:
    """The evidence of a report as canonical JSON, compressed (zlib)."""

    report_id: ReportId
    packed: bytes


def next_report(now: datetime) -> datetime:
    """Return when the next report is due: at the next midnight, in UTC."""
    return datetime.combine(now.astimezone(UTC).date() + timedelta(days=1), time(), UTC)


def counted(findings: Iterable[ComplianceFinding]) -> Mapping[str, int]:
    """Count findings by their kind, in the order of their names."""
    return dict(sorted(Counter(each.kind.value for each in findings).items()))


def report_of(
    verdict: Verdict,
    report_id: ReportId,
    organization_id: OrganizationId,
    *,
    made_at: datetime,
    new_breaches: int,
    sha256: str,
) -> ComplianceReport:
    """Sum a verdict up."""
    return ComplianceReport(
        id=report_id,
        organization_id=organization_id,
        made_at=made_at,
        apps=len(verdict.applied),
        compliant=verdict.compliant,
        uncovered=len(verdict.uncovered),
        breaches=tuple(f"{kind}={count}" for kind, count in counted(verdict.breaches).items()),
        excused=verdict.excused,
        new_breaches=new_breaches,
        complete=verdict.complete,
        sha256=sha256,
    )


def canonical(document: object) -> bytes:
    """Write JSON in the one way that its hash is taken over.

    Names in order, no blanks, characters as they are, UTF-8. There are no fractions in evidence.
    """
    text = json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode()


def digest(text: bytes) -> str:
    """Compute the SHA-256 of canonical JSON, in hexadecimal digits."""
    return hashlib.sha256(text).hexdigest()
