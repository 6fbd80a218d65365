"""Compliance: how all apps do by the policies, over time, and what falls short."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from starlette.responses import Response

from keyturn.domain.access import Verb
from keyturn.domain.compliance import ComplianceFinding, FindingKind
from keyturn.domain.compliance_reports import ComplianceReport
from keyturn.domain.errors import InvalidInput
from keyturn.domain.judging_orgs import OrgSight
from keyturn.domain.selector import EVERYTHING, Selector
from keyturn.services import compliance, compliance_policies, compliance_reports
from keyturn.services.compliance import ComplianceView, FindingFilter, FindingPage
from keyturn.services.compliance_files import percent
from keyturn.services.selectors import read_selector
from keyturn.web.compliance_told import KINDS, asks_of, standing_of, state_of
from keyturn.web.faults import told_of
from keyturn.web.menu import PARTLY
from keyturn.web.pages.inventory_rows import Maker, maker_of, wizard_of
from keyturn.web.pictures.trend import Point, draw_trend
from keyturn.web.problems import status_of
from keyturn.web.routing import page
from keyturn.web.visiting import Visit

LIST: Final = "/compliance"
FINDINGS: Final = f"{LIST}/findings"
REPORTS: Final = f"{LIST}/reports"
EACH: Final = 25
TREND: Final = 90
OWNERS: Final = 12
TEXT_MAX: Final = 200
BY_ROTATION: Final = frozenset({FindingKind.TOO_OLD, FindingKind.WEAK_VALUE, FindingKind.UNMANAGED})
"""What a rotation of the app mends."""
BREACH: Final = (("", "All findings"), ("yes", "Breaches"), ("no", "Excused, or not known"))


@dataclass(frozen=True)
class Wanted:
    """Which findings a list is asked for, as its address says it."""

    kind: FindingKind | None
    owner: str | None
    policy: str
    typed: str
    selector: Selector
    breach: str
    start: int
    problem: InvalidInput | None = None

    @property
    def filter(self) -> FindingFilter:
        """Return it as the service takes it."""
        return FindingFilter(
            kinds=frozenset({self.kind} if self.kind else ()),
            owner=self.owner,
            policy=self.policy or None,
            selector=self.selector,
            breach={"yes": True, "no": False}.get(self.breach),
        )

    @property
    def narrowed(self) -> bool:
        """Say whether anything is left out."""
        given = (self.kind, self.policy, self.typed, self.breach)
        return any(given) or self.owner is not None

    def href(self, **changes: str) -> str:
        """Return the address of the list with something else wanted, from its beginning."""
        plain = {
            "kind": self.kind or "",
            "policy": self.policy,
            "selector": self.typed,
            "breach": self.breach,
        }
        query = {name: value for name, value in (plain | changes).items() if value}
        if self.owner is not None:
            query["owner"] = self.owner
        return f"{FINDINGS}?{urlencode(query)}" if query else FINDINGS

    @property
    def command(self) -> str:
        """Return the command that lists the same, excused ones among them."""
        options = {
            "--kind": self.kind or "",
            "--owner": self.owner or "",
            "--policy": self.policy,
            "--selector": str(self.selector),
        }
        told = (word for name, value in options.items() if value for word in (name, value))
        return shlex.join(["keyturn", "compliance", "findings", *told])


@dataclass(frozen=True)
class Row:
    """A finding in the list, and where to go from it for whoever looks."""

    of: ComplianceFinding
    title: str
    standing: tuple[str, str]
    rotation: str
    makes: str
    excuse: str


async def show(visit: Visit) -> Response:
    """Show how all apps do: as a whole, over time, by kind, owner and policy."""
    world, caller = visit.world, visit.caller
    seen = await compliance.read_compliance(world, caller, visit.house.compliance)
    reports = await compliance_reports.list_reports(world, caller, limit=TREND)
    policies = await compliance_policies.list_policies(world, caller)
    apps = len(seen.verdict.applied)
    return visit.render(
        "compliance/show.html",
        seen=seen,
        apps=apps,
        percent=percent(seen.verdict.compliant, apps),
        kinds=[(KINDS[kind], kind, count) for kind, count in seen.breaches.items()],
        owners=seen.owners[:OWNERS],
        more_owners=len(seen.owners) - OWNERS,
        policies=[
            (policy, asks_of(policy), share)
            for policy, share in zip(policies, seen.policies, strict=False)
        ],
        exceptions=[
            (each, state_of(each.exception, seen.at), [KINDS[k] for k in each.exception.kinds])
            for each in await compliance_policies.list_exceptions(world, caller)
        ],
        unknown=_unknown(seen),
        trend=trend_of(reports.reports),
        reports=reports,
        edits=visit.may(Verb.EDIT_COMPLIANCE),
        inventory=visit.may(Verb.READ_INVENTORY, PARTLY),
    )


async def list_findings(visit: Visit) -> Response:
    """List what falls short, the gravest first."""
    wanted = _wanted(visit)
    found, problem = await _find(visit, wanted)
    policies = await compliance_policies.list_policies(visit.world, visit.caller)
    making = await maker_of(visit)
    return visit.render(
        "compliance/findings.html",
        status=status_of(problem) if problem else 200,
        problems=told_of(problem),
        wanted=wanted,
        found=found,
        rows=[_row(visit, each, making) for each in found.findings],
        kinds=[("", "All"), *KINDS.items()],
        policies=[("", "All"), *((each.name, each.name) for each in policies)],
        breaches=BREACH,
        pages=_pages(wanted, found.total),
    )


def trend_of(reports: Sequence[ComplianceReport]) -> object:
    """Draw how many of the apps were in no breach, report by report; None before the first."""
    points = [_point(each) for each in reversed(reports)]
    return draw_trend("trend", points, title="Apps in no breach") if points else None


def _point(report: ComplianceReport) -> Point:
    share = report.compliant / report.apps if report.apps else None
    told = f"{report.compliant} of {report.apps} apps on {report.made_at:%-d %b %Y}"
    href = f"{REPORTS}/{report.id}"
    return Point(report.made_at, share, told, href, "good" if report.complete else "warn")


def _unknown(seen: ComplianceView) -> Sequence[OrgSight]:
    """Return the orgs that are not known as they are by now, through any connection."""
    known = {each.connection.instance_url for each in seen.orgs if each.current(seen.at)}
    return [each for each in seen.orgs if each.connection.instance_url not in known]


async def _find(visit: Visit, wanted: Wanted) -> tuple[FindingPage, InvalidInput | None]:
    """Find what is wanted; nothing where that does not fit, with what is wrong about it."""
    try:
        if wanted.problem:
            raise wanted.problem
        found = await compliance.list_findings(
            visit.world,
            visit.caller,
            wanted.filter,
            offset=wanted.start,
            limit=EACH,
            sights=visit.house.compliance,
        )
    except InvalidInput as error:
        return FindingPage((), 0, visit.world.clock.now(), 0), error
    return found, None


def _wanted(visit: Visit) -> Wanted:
    """Read the address; what does not fit is not wanted."""
    query, problem = visit.query, None
    typed, start = query.get("selector", "").strip(), query.get("start", "")
    try:
        selector = read_selector(visit.world, typed)
    except InvalidInput as error:
        selector, problem = EVERYTHING, error
    return Wanted(
        kind=next((each for each in FindingKind if each == query.get("kind")), None),
        owner=query["owner"][:TEXT_MAX] if "owner" in query else None,
        policy=query.get("policy", "").strip()[:TEXT_MAX],
        typed=typed,
        selector=selector,
        breach=next((each for each, _ in BREACH if each == query.get("breach")), ""),
        start=int(start) if start.isascii() and start.isdigit() and len(start) < 7 else 0,
        problem=problem,
    )


def _pages(wanted: Wanted, total: int) -> tuple[str, str]:
    before, after = max(0, wanted.start - EACH), wanted.start + EACH
    back = wanted.href(start=str(before) if before else "") if wanted.start else ""
    return back, wanted.href(start=str(after)) if after < total else ""


def _row(visit: Visit, one: ComplianceFinding, making: Maker) -> Row:
    excused = {"selector": f"app={one.app_id}", "policy": one.policy_id or "", "kind": one.kind}
    excusable = one.app_id and one.breach and visit.may(Verb.EDIT_COMPLIANCE)
    sees = one.rotation_id and visit.may(Verb.READ_ROTATIONS)
    project = next(iter(making.places.values()), "")
    return Row(
        one,
        KINDS[one.kind],
        standing_of(one),
        f"/rotations/{one.rotation_id}" if sees else "",
        wizard_of(one.connection_id, one.app_id, one.label, project=project)
        if one.app_id and project and one.kind in BY_ROTATION and not one.rotation_id
        else "",
        f"{LIST}/exceptions/new?{urlencode(excused)}" if excusable else "",
    )


ROUTES: Final = (page(LIST, show), page(FINDINGS, list_findings))
