"""Tell people of new breaches, and of exceptions that will end before long.

Of a few apps each is told by itself, so that it reaches whoever wants to hear of that one; of many
they are told by owner: nobody reads a thousand letters.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from urllib.parse import urlencode

from keyturn.domain.compliance import ComplianceFinding
from keyturn.domain.compliance_reports import ComplianceReport, counted
from keyturn.domain.ids import OrganizationId
from keyturn.domain.notice import Kind, NoticeDraft
from keyturn.domain.selector import Selector, Subject
from keyturn.services.compliance_policies import ExceptionView
from keyturn.services.notices import tell
from keyturn.services.ports import World, Writing

APPS_MAX = 20
"""Of as many apps each is told by itself."""

Subjects = Mapping[str, Subject]
"""What is known of each app or org, by the id of a finding about it."""


async def tell_breaches(
    tx: Writing,
    world: World,
    report: ComplianceReport,
    new: Sequence[ComplianceFinding],
    of: Subjects,
) -> None:
    """Tell of breaches that were not in the report before."""
    apps = _grouped(new, by_owner=False)
    groups = apps if len(apps) <= APPS_MAX else _grouped(new, by_owner=True)
    for found in groups:
        await tell(tx, world, _breach(report, found, of, alone=groups is apps))


async def tell_expiring(
    tx: Writing, world: World, views: Iterable[ExceptionView], last: datetime | None
) -> None:
    """Tell of exceptions that were not about to expire at the last report, and are by now."""
    now = world.clock.now()
    for view in views:
        one = view.exception
        told = last and (one.created_at > last or one.about_to_expire(last))
        if one.about_to_expire(now) and not told:
            await tell(tx, world, _expiring(one.organization_id, view))


def _grouped(
    new: Iterable[ComplianceFinding], *, by_owner: bool
) -> Sequence[Sequence[ComplianceFinding]]:
    groups: dict[tuple[str, ...], list[ComplianceFinding]] = {}
    for each in new:
        one = (each.owner,) if by_owner else (each.connection_id, each.app_id or "")
        groups.setdefault(one, []).append(each)
    return [*groups.values()]


def _breach(
    report: ComplianceReport, found: Sequence[ComplianceFinding], of: Subjects, *, alone: bool
) -> NoticeDraft:
    first = found[0]
    about = first.label or first.connection
    owner = first.owner or "nobody"
    apps = len({(each.connection_id, each.app_id) for each in found})
    kinds = ", ".join(f"{kind} {count}" for kind, count in counted(found).items())
    many = f"{apps} apps of {owner} are newly found to break policies: {kinds}."
    return NoticeDraft(
        kind=Kind.BREACH,
        organization_id=report.organization_id,
        project_id=None,
        subject_id=(first.app_id or first.connection_id) if alone else report.id,
        subject=about if alone else f"{apps} apps of {owner}",
        told=" ".join(f"{each.kind}: {each.why}" for each in found) if alone else many,
        of=of[first.id] if alone else Subject(owner=first.owner),
        page=_page(first, alone=alone),
        command="keyturn compliance findings",
    )


def _page(first: ComplianceFinding, *, alone: bool) -> str:
    """Return where the breaches of one app, of one org or of one owner are seen."""
    if not alone:
        return f"/compliance/findings?{urlencode({'breach': 'yes', 'owner': first.owner})}"
    term = f"app={first.app_id}" if first.app_id else f"connection={first.connection}"
    return f"/compliance/findings?{urlencode({'selector': str(Selector((term,)))})}"


def _expiring(organization_id: OrganizationId, view: ExceptionView) -> NoticeDraft:
    one = view.exception
    policy = f"policy {view.policy.name}" if view.policy else "every policy"
    return NoticeDraft(
        kind=Kind.EXCEPTION_EXPIRES,
        organization_id=organization_id,
        project_id=None,
        subject_id=one.id,
        subject=one.selector,
        told=f"{one.approved_by} let these apps off from {policy}: {one.reason}",
        comes_at=one.expires_at,
        page="/compliance",
        command="keyturn compliance exception list",
    )
