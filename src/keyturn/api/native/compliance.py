"""How all apps do by the compliance policies; policies and exceptions; reports and evidence."""

from typing import Annotated, Literal, cast

from fastapi import APIRouter, Query
from fastapi.responses import PlainTextResponse, Response

from keyturn.api.authn import TheCaller, TheWorld
from keyturn.api.lenient import LenientRoute
from keyturn.domain.compliance import FindingKind
from keyturn.domain.judging_orgs import OrgSight
from keyturn.domain.selector import parse_selector
from keyturn.services import compliance, compliance_files, compliance_policies, compliance_reports
from keyturn.services.compliance import ComplianceView, FindingFilter
from keyturn.services.compliance_policies import ExceptionDraft, PolicyFields
from keyturn.wire import compliance as wire
from keyturn.wire.base import Id

router = APIRouter(prefix="/api/v1/compliance", tags=["Compliance"], route_class=LenientRoute)


@router.get("")
async def read_compliance(world: TheWorld, caller: TheCaller) -> wire.ComplianceAnswer:
    """Judge every app of the inventory by the policies, and sum it up."""
    return _summary(await compliance.read_compliance(world, caller))


@router.get("/findings")
async def list_findings(
    world: TheWorld, caller: TheCaller, query: Annotated[wire.FindingsQuery, Query()]
) -> wire.ComplianceFindingsAnswer:
    """List what falls short now, the gravest first, page by page."""
    page = await compliance.list_findings(
        world, caller, _wanted(query), offset=query.offset, limit=query.limit
    )
    return wire.ComplianceFindingsAnswer(
        findings=tuple(map(compliance_files.finding, page.findings)),
        total=page.total,
        apps=page.apps,
        at=page.at,
    )


# --- policies -------------------------------------------------------------------------------------


@router.get("/policies")
async def list_policies(world: TheWorld, caller: TheCaller) -> wire.CompliancePoliciesAnswer:
    """List the policies, in the order in which they were made."""
    found = await compliance_policies.list_policies(world, caller)
    return wire.CompliancePoliciesAnswer(policies=tuple(map(compliance_files.policy, found)))


@router.post("/policies")
async def create_policy(
    world: TheWorld, caller: TheCaller, body: wire.CreateCompliancePolicy
) -> wire.CompliancePolicyAnswer:
    """Make a policy; with the first one, a report is made every day."""
    fields = cast("PolicyFields", body.model_dump(by_alias=False))
    made = await compliance_policies.create_policy(world, caller, fields)
    return wire.CompliancePolicyAnswer(policy=compliance_files.policy(made))


@router.patch("/policies/{policy_id}")
async def edit_policy(
    world: TheWorld, caller: TheCaller, policy_id: Id, body: wire.UpdateCompliancePolicy
) -> wire.CompliancePolicyAnswer:
    """Change a policy; 0 takes a limit away."""
    after = await compliance_policies.edit_policy(world, caller, policy_id, _given(body))
    return wire.CompliancePolicyAnswer(policy=compliance_files.policy(after))


@router.delete("/policies/{policy_id}")
async def delete_policy(
    world: TheWorld, caller: TheCaller, policy_id: Id
) -> wire.CompliancePolicyAnswer:
    """Remove a policy with its exceptions; reports that were made stay."""
    gone = await compliance_policies.delete_policy(world, caller, policy_id)
    return wire.CompliancePolicyAnswer(policy=compliance_files.policy(gone))


# --- exceptions -----------------------------------------------------------------------------------


@router.get("/exceptions")
async def list_exceptions(world: TheWorld, caller: TheCaller) -> wire.PolicyExceptionsAnswer:
    """List the exceptions, also those that have expired."""
    found, now = await compliance_policies.list_exceptions(world, caller), world.clock.now()
    shown = tuple(compliance_files.exception(each, now) for each in found)
    return wire.PolicyExceptionsAnswer(exceptions=shown)


@router.post("/exceptions")
async def create_exception(
    world: TheWorld, caller: TheCaller, body: wire.CreateException
) -> wire.PolicyExceptionAnswer:
    """Let some apps off for a while, for a reason; the caller stands for it."""
    kinds = tuple(map(FindingKind, body.kinds))
    draft = ExceptionDraft(body.selector, body.reason, body.expires_at, body.policy_id, kinds)
    made = await compliance_policies.create_exception(world, caller, draft)
    shown = compliance_files.exception(made, world.clock.now())
    return wire.PolicyExceptionAnswer(exception=shown)


@router.delete("/exceptions/{exception_id}")
async def delete_exception(
    world: TheWorld, caller: TheCaller, exception_id: Id
) -> wire.PolicyExceptionAnswer:
    """Withdraw an exception: what it excused is a breach again."""
    gone = await compliance_policies.delete_exception(world, caller, exception_id)
    shown = compliance_files.exception(gone, world.clock.now())
    return wire.PolicyExceptionAnswer(exception=shown)


# --- reports --------------------------------------------------------------------------------------


@router.get("/reports")
async def list_reports(
    world: TheWorld,
    caller: TheCaller,
    offset: Annotated[
        int, Query(ge=0, le=wire.NUMBER_MAX, description="Leave out so many of the newest.")
    ] = 0,
    limit: Annotated[int, Query(ge=1, le=wire.PAGE_MAX, description="At most so many.")] = 100,
) -> wire.ComplianceReportsAnswer:
    """List the daily reports, the newest first."""
    page = await compliance_reports.list_reports(world, caller, offset=offset, limit=limit)
    shown = tuple(map(compliance_files.report, page.reports))
    return wire.ComplianceReportsAnswer(reports=shown, total=page.total)


@router.get("/reports/{report_id}")
async def read_report(
    world: TheWorld, caller: TheCaller, report_id: Id
) -> wire.ComplianceReportAnswer:
    """Read what one report came to, with the hash of its evidence."""
    found = await compliance_reports.read_report(world, caller, report_id)
    return wire.ComplianceReportAnswer(report=compliance_files.report(found))


@router.get(
    "/reports/{report_id}/evidence",
    response_model=wire.EvidenceFile,
    responses={200: {"content": {"text/markdown": {"schema": {"type": "string"}}}}},
)
async def read_evidence(
    world: TheWorld,
    caller: TheCaller,
    report_id: Id,
    form: Annotated[Literal["json", "markdown"], Query(alias="format")] = "json",
) -> Response:
    """Read a report with its evidence as a file to keep, for programs or for people."""
    found = await compliance_reports.read_evidence(world, caller, report_id)
    report = compliance_files.report(found.report)
    if form == "json":
        exported = compliance_files.exported(report, found.text)
        return Response(exported, media_type="application/json")
    evidence = wire.ComplianceEvidence.model_validate_json(found.text)
    page = compliance_files.markdown(report, evidence)
    return PlainTextResponse(page, media_type="text/markdown")


def _given(body: wire.UpdateCompliancePolicy) -> PolicyFields:
    """Return what was sent; 0 days are no limit."""
    sent = body.model_dump(by_alias=False, exclude_none=True)
    days = {name: sent[name] or None for name in sent if name.endswith("_days")}
    return cast("PolicyFields", sent | days)


def _wanted(query: wire.FindingsQuery) -> FindingFilter:
    return FindingFilter(
        kinds=frozenset(map(FindingKind, query.kind)),
        owner=query.owner,
        policy=query.policy,
        selector=parse_selector(query.selector),
        breach=query.breach,
    )


def _summary(view: ComplianceView) -> wire.ComplianceAnswer:
    verdict = view.verdict
    apps, compliant = len(verdict.applied), verdict.compliant
    orgs = tuple(_org(each, view) for each in view.orgs)
    return wire.ComplianceAnswer(
        at=view.at,
        apps=apps,
        compliant=compliant,
        compliant_percent=compliance_files.percent(compliant, apps),
        uncovered=len(verdict.uncovered),
        complete=verdict.complete,
        breaches=dict(view.breaches),
        excused=verdict.excused,
        owners=tuple(wire.Share(**vars(each)) for each in view.owners),
        policies=tuple(wire.Share(**vars(each)) for each in view.policies),
        orgs=orgs,
        expiring=tuple(compliance_files.exception(each, view.at) for each in view.expiring),
    )


def _org(org: OrgSight, view: ComplianceView) -> wire.OrgStanding:
    return wire.OrgStanding(
        connection_id=org.connection.id,
        connection=org.connection.name,
        apps=view.apps[org.connection.id],
        known_at=org.known_at,
        complete=org.current(view.at),
    )
