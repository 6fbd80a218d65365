"""Reports of compliance: one a day, and their evidence as files to keep."""

from typing import Final

from starlette.responses import Response

from keyturn.domain.errors import NotFound
from keyturn.services import compliance_files, compliance_reports
from keyturn.web.compliance_told import KINDS
from keyturn.web.pages.compliance import REPORTS, trend_of
from keyturn.web.rendering import HEADERS
from keyturn.web.routing import page
from keyturn.web.visiting import Visit
from keyturn.wire.compliance import ComplianceEvidence

EACH: Final = 60
FORMS: Final = {"json": ("application/json", "json"), "markdown": ("text/markdown", "md")}


async def list_all(visit: Visit) -> Response:
    """List the reports, the newest first."""
    start = visit.query.get("start", "")
    offset = int(start) if start.isascii() and start.isdigit() and len(start) < 7 else 0
    found = await compliance_reports.list_reports(
        visit.world, visit.caller, offset=offset, limit=EACH
    )
    older = offset + EACH
    return visit.render(
        "compliance/reports.html",
        found=found,
        trend=trend_of(found.reports),
        percent=compliance_files.percent,
        newer=f"{REPORTS}?start={max(0, offset - EACH)}" if offset else "",
        older=f"{REPORTS}?start={older}" if older < found.total else "",
    )


async def show(visit: Visit) -> Response:
    """Show what one report came to."""
    wanted = visit.given("report_id")
    report = await compliance_reports.read_report(visit.world, visit.caller, wanted)
    return visit.render(
        "compliance/report.html",
        report=report,
        href=f"{REPORTS}/{report.id}",
        percent=compliance_files.percent(report.compliant, report.apps),
        kinds=[(KINDS.get(kind, kind), count) for kind, count in report.by_kind.items()],
    )


async def download(visit: Visit) -> Response:
    """Give a report with its evidence as a file."""
    form = visit.query.get("format", "json")
    if form not in FORMS:
        raise NotFound(f"Evidence comes as {' or '.join(FORMS)}.")
    found = await compliance_reports.read_evidence(
        visit.world, visit.caller, visit.given("report_id")
    )
    report = compliance_files.report(found.report)
    if form == "json":
        text = compliance_files.exported(report, found.text)
    else:
        evidence = ComplianceEvidence.model_validate_json(found.text)
        text = compliance_files.markdown(report, evidence).encode()
    media_type, ending = FORMS[form]
    name = f"compliance-{found.report.made_at:%Y-%m-%d}.{ending}"
    headers = {
        **HEADERS,
        "Cache-Control": "no-store",
        "Content-Disposition": f'attachment; filename="{name}"',
    }
    return Response(text, 200, headers, media_type)


ROUTES: Final = (
    page(REPORTS, list_all),
    page(f"{REPORTS}/{{report_id}}", show),
    page(f"{REPORTS}/{{report_id}}/evidence", download),
)
