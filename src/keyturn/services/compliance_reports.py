"""Reports of compliance: made every day, kept with their evidence, and read.

A report, its hash in the audit log, and what people are told of it are one transaction. A worker
that dies before that leaves nothing, and another makes the report.
"""

import asyncio
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from keyturn.domain.access import Caller, Verb
from keyturn.domain.audit import Attempt
from keyturn.domain.compliance_reports import (
    KEPT,
    ComplianceReport,
    ReportEvidence,
    ReportSchedule,
    canonical,
    digest,
    next_report,
    report_of,
)
from keyturn.domain.errors import NotFound
from keyturn.domain.ids import OrganizationId, ReportId
from keyturn.domain.judging import Verdict
from keyturn.services import gate
from keyturn.services.compliance_files import document
from keyturn.services.compliance_notices import tell_breaches, tell_expiring
from keyturn.services.compliance_policies import ALL, viewed
from keyturn.services.compliance_sights import Sight, look, look_at_accesses, subjects_of
from keyturn.services.ports import Reading, World, Writing

ACTOR = "keyturn"
"""Who the audit log says has made a report."""

AGAIN = timedelta(minutes=5)
"""When a report is tried again whose maker has died."""

FORGOTTEN_WITHIN = timedelta(days=60)
"""How far back evidence is looked for that is to be forgotten."""


@dataclass(frozen=True)
class ReportPage:
    """Some of the ``total`` reports, the newest first."""

    reports: Sequence[ComplianceReport]
    total: int


@dataclass(frozen=True)
class StoredEvidence:
    """A report with the canonical JSON of its evidence."""

    report: ComplianceReport
    text: bytes


async def list_reports(
    world: World, caller: Caller, *, offset: int = 0, limit: int = 100
) -> ReportPage:
    """List the reports of the organization, the newest first. Raises Forbidden."""
    await gate.require(world, caller, Verb.READ_COMPLIANCE, ALL, subject="compliance reports")
    async with world.store.reading() as tx:
        every = await tx.list(ComplianceReport, organization_id=caller.organization_id)
    newest = every[::-1]
    return ReportPage(newest[offset : offset + limit], len(every))


async def read_report(world: World, caller: Caller, report_id: str) -> ComplianceReport:
    """Read what one report came to. Raises NotFound, Forbidden."""
    subject = f"compliance report {report_id}"
    await gate.require(world, caller, Verb.READ_COMPLIANCE, ALL, subject=subject)
    async with world.store.reading() as tx:
        return await _read(tx, caller, report_id)


async def read_evidence(world: World, caller: Caller, report_id: str) -> StoredEvidence:
    """Read a report with its evidence. Raises Forbidden, and NotFound once that is forgotten."""
    subject = f"evidence of compliance report {report_id}"
    await gate.require(world, caller, Verb.READ_COMPLIANCE, ALL, subject=subject)
    async with world.store.reading() as tx:
        report = await _read(tx, caller, report_id)
        evidence = await tx.find(ReportEvidence, report_id=report.id)
    if evidence is None:
        raise NotFound(
            f"The evidence of report {report_id} was forgotten after {KEPT.days} days; its SHA-256 "
            "is still on record, and tells whether a file that was exported is genuine."
        )
    return StoredEvidence(report, zlib.decompress(evidence.packed))


async def _read(tx: Reading, caller: Caller, report_id: str) -> ComplianceReport:
    of_all = {"organization_id": caller.organization_id}
    found = await tx.find(ComplianceReport, id=report_id, **of_all)
    if found is None:
        raise NotFound(f"There is no compliance report {report_id}.")
    return found


# --- the daily duty -------------------------------------------------------------------------------


async def report_due(world: World) -> int:
    """Make the reports whose time has come; return how many were made."""
    async with world.store.reading() as tx:
        due = await tx.list_due_reports(world.clock.now())
    return sum([await _report(world, each) for each in due])


async def _report(world: World, schedule: ReportSchedule) -> bool:
    held = replace(schedule, due_at=world.clock.now() + AGAIN)
    if not await _moved(world, schedule, held):
        return False
    organization_id = schedule.organization_id
    await look_at_accesses(world, organization_id)
    now = world.clock.now()
    async with world.store.reading() as tx:
        sight = await look(tx, world, organization_id)
        before = await _last(tx, organization_id)
    verdict = await sight.judge(now)
    report_id = ReportId(world.chance.uuid())
    evidence = await asyncio.to_thread(_evidence, sight, verdict, report_id, now)
    async with world.store.writing() as writing:
        if await writing.find(ReportSchedule, organization_id=organization_id) != held:
            return False
        await _write_down(writing, world, _Made(sight, verdict, evidence, before, now))
        await writing.replace(replace(held, due_at=next_report(now)))
    return True


@dataclass(frozen=True)
class _Before:
    """The report before, and the ids of its breaches."""

    made_at: datetime | None
    breaches: frozenset[str]


@dataclass(frozen=True)
class _Evidence:
    """Evidence as it is stored, and its hash."""

    stored: ReportEvidence
    sha256: str


@dataclass(frozen=True)
class _Made:
    sight: Sight
    verdict: Verdict
    evidence: _Evidence
    before: _Before
    at: datetime


async def _moved(world: World, schedule: ReportSchedule, to: ReportSchedule) -> bool:
    """Hold a schedule, so that nobody else makes the same report."""
    async with world.store.writing() as tx:
        same = {"organization_id": schedule.organization_id}
        if await tx.find(ReportSchedule, **same) != schedule:
            return False
        await tx.replace(to)
    return True


async def _last(tx: Reading, organization_id: OrganizationId) -> _Before:
    every = await tx.list(ComplianceReport, organization_id=organization_id)
    last = every[-1] if every else None
    found = await tx.find(ReportEvidence, report_id=last.id) if last else None
    told = json.loads(zlib.decompress(found.packed))["findings"] if found else ()
    breaches = frozenset(str(each["id"]) for each in told if each["breach"])
    return _Before(last.made_at if last else None, breaches)


def _evidence(sight: Sight, verdict: Verdict, report_id: ReportId, now: datetime) -> _Evidence:
    text = canonical(document(sight, verdict, report_id, now).model_dump(mode="json"))
    return _Evidence(ReportEvidence(report_id, zlib.compress(text, 9)), digest(text))


async def _write_down(tx: Writing, world: World, made: _Made) -> None:
    verdict, organization_id = made.verdict, made.sight.organization_id
    new = [each for each in verdict.breaches if each.id not in made.before.breaches]
    report = report_of(
        verdict,
        made.evidence.stored.report_id,
        organization_id,
        made_at=made.at,
        new_breaches=len(new),
        sha256=made.evidence.sha256,
    )
    await tx.add(report, made.evidence.stored)
    told = f"{report.compliant} of {report.apps} apps, SHA-256 {report.sha256}"
    subject = f"compliance report {report.id}"
    await tx.append_audit(Attempt(made.at, ACTOR, "report", subject, allowed=True, detail=told))
    await tell_breaches(tx, world, report, new, subjects_of(verdict))
    views = viewed(made.sight.exceptions, made.sight.policies)
    await tell_expiring(tx, world, views, made.before.made_at)
    await _forget_old(tx, organization_id, made.at)


async def _forget_old(tx: Writing, organization_id: OrganizationId, now: datetime) -> None:
    """Forget evidence that has been kept for long enough; what it came to stays."""
    every = await tx.list(ComplianceReport, organization_id=organization_id)
    ends = {each.id: each.made_at + KEPT for each in every}
    old = frozenset(one for one, end in ends.items() if end <= now < end + FORGOTTEN_WITHIN)
    if old:
        await tx.remove(*await tx.list(ReportEvidence, report_id=old))
