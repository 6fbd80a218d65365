"""Compliance, as typed calls."""

from keyturn.client.calls import Calls, Query, part
from keyturn.wire.compliance import (
    ComplianceAnswer,
    ComplianceFindingsAnswer,
    CompliancePoliciesAnswer,
    CompliancePolicy,
    CompliancePolicyAnswer,
    ComplianceReport,
    ComplianceReportAnswer,
    ComplianceReportsAnswer,
    CreateCompliancePolicy,
    CreateException,
    PolicyException,
    PolicyExceptionAnswer,
    PolicyExceptionsAnswer,
    UpdateCompliancePolicy,
)

COMPLIANCE = "/api/v1/compliance"
POLICIES = f"{COMPLIANCE}/policies"
EXCEPTIONS = f"{COMPLIANCE}/exceptions"
REPORTS = f"{COMPLIANCE}/reports"


class ComplianceCalls(Calls):
    """What the API can be asked about compliance. Every call raises what `Calls` says."""

    async def read_compliance(self) -> ComplianceAnswer:
        """Have every app judged, and summed up."""
        return await self.call(ComplianceAnswer, "GET", COMPLIANCE)

    async def list_compliance_findings(self, wanted: Query) -> ComplianceFindingsAnswer:
        """List what falls short, page by page."""
        path = f"{COMPLIANCE}/findings"
        return await self.call(ComplianceFindingsAnswer, "GET", path, query=wanted)

    async def list_compliance_policies(self) -> tuple[CompliancePolicy, ...]:
        """List the policies."""
        return (await self.call(CompliancePoliciesAnswer, "GET", POLICIES)).policies

    async def create_compliance_policy(self, body: CreateCompliancePolicy) -> CompliancePolicy:
        """Make a policy."""
        return (await self.call(CompliancePolicyAnswer, "POST", POLICIES, body=body)).policy

    async def edit_compliance_policy(
        self, policy_id: str, body: UpdateCompliancePolicy
    ) -> CompliancePolicy:
        """Change a policy; what the body does not name stays as it is."""
        path = f"{POLICIES}/{part(policy_id)}"
        return (await self.call(CompliancePolicyAnswer, "PATCH", path, body=body)).policy

    async def delete_compliance_policy(self, policy_id: str) -> CompliancePolicy:
        """Remove a policy with its exceptions."""
        path = f"{POLICIES}/{part(policy_id)}"
        return (await self.call(CompliancePolicyAnswer, "DELETE", path)).policy

    async def list_policy_exceptions(self) -> tuple[PolicyException, ...]:
        """List the exceptions."""
        return (await self.call(PolicyExceptionsAnswer, "GET", EXCEPTIONS)).exceptions

    async def create_policy_exception(self, body: CreateException) -> PolicyException:
        """Let some apps off for a while."""
        return (await self.call(PolicyExceptionAnswer, "POST", EXCEPTIONS, body=body)).exception

    async def delete_policy_exception(self, exception_id: str) -> PolicyException:
        """Withdraw an exception."""
        path = f"{EXCEPTIONS}/{part(exception_id)}"
        return (await self.call(PolicyExceptionAnswer, "DELETE", path)).exception

    async def list_compliance_reports(self, *, limit: int = 100) -> ComplianceReportsAnswer:
        """List the daily reports, the newest first."""
        return await self.call(ComplianceReportsAnswer, "GET", REPORTS, query={"limit": str(limit)})

    async def read_compliance_report(self, report_id: str) -> ComplianceReport:
        """Read what one report came to."""
        path = f"{REPORTS}/{part(report_id)}"
        return (await self.call(ComplianceReportAnswer, "GET", path)).report

    async def read_compliance_evidence(self, report_id: str, *, form: str = "json") -> str:
        """Read a report with its evidence as it is kept: JSON, or Markdown for people."""
        path = f"{REPORTS}/{part(report_id)}/evidence"
        return (await self.answer("GET", path, query={"format": form})).text
