"""How all apps do by the compliance policies, now: as a whole, and finding by finding.

Everything is judged anew from what is on record, so that a policy counts from the moment on in
which it is made. It is about every project's apps, and for those who hold a role in all of them.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from keyturn.domain.access import Caller, Verb
from keyturn.domain.compliance import ComplianceFinding, CompliancePolicy, FindingKind
from keyturn.domain.compliance_reports import counted
from keyturn.domain.errors import FieldProblem, InvalidInput
from keyturn.domain.judging import Judged, Verdict
from keyturn.domain.judging_orgs import OrgSight
from keyturn.domain.selector import EVERYTHING, Selector, require_groups
from keyturn.services import gate
from keyturn.services.compliance_policies import ALL, ExceptionView, viewed
from keyturn.services.compliance_sights import ComplianceSights, Sight, look, subjects_of
from keyturn.services.ports import World


@dataclass(frozen=True)
class Share:
    """How many apps one owner or one policy has, and in how many breaches they are."""

    name: str
    apps: int
    breaches: int


@dataclass(frozen=True)
class ComplianceView:
    """How all apps do: counts, by owner, by policy, and how well each org is known.

    ``expiring`` are the exceptions that will end before long, ``apps`` how many each connection
    shows.
    """

    at: datetime
    verdict: Verdict
    breaches: Mapping[str, int]
    owners: Sequence[Share]
    policies: Sequence[Share]
    orgs: Sequence[OrgSight]
    apps: Mapping[str, int]
    expiring: Sequence[ExceptionView]


@dataclass(frozen=True)
class FindingFilter:
    """Which findings are wanted; what is left out leaves it open. ``policy`` is a name or an id."""

    kinds: frozenset[FindingKind] = frozenset()
    owner: str | None = None
    policy: str | None = None
    selector: Selector = EVERYTHING
    breach: bool | None = None

    def fits(self, finding: ComplianceFinding) -> bool:
        """Say whether a finding is wanted, its app apart."""
        return (
            (not self.kinds or finding.kind in self.kinds)
            and self.owner in (None, finding.owner)
            and self.policy in (None, finding.policy, finding.policy_id)
            and self.breach in (None, finding.breach)
        )

    def asks_of(self, one: Judged, fitting: Sequence[CompliancePolicy]) -> bool:
        """Say whether findings of an app are wanted that these policies fit."""
        return (
            self.owner in (None, one.subject.owner)
            and (self.policy is None or self.policy in _called(fitting))
            and self.selector.fits(one.subject)
        )


ANY = FindingFilter()


@dataclass(frozen=True)
class FindingPage:
    """Some of the ``total`` findings that are wanted, the gravest first.

    ``apps`` is how many were judged of that owner, policy and selector, whatever was found.
    """

    findings: Sequence[ComplianceFinding]
    total: int
    at: datetime
    apps: int


async def read_compliance(
    world: World, caller: Caller, sights: ComplianceSights | None = None
) -> ComplianceView:
    """Judge every app, and sum it up. Raises Forbidden.

    ``sights`` spares whoever looks often that thousands of them are judged again.
    """
    sight, verdict, now = await _judged(world, caller, "compliance", sights)
    expiring = [each for each in sight.exceptions if each.about_to_expire(now)]
    return ComplianceView(
        at=now,
        verdict=verdict,
        breaches=counted(verdict.breaches),
        owners=_by_owner(verdict),
        policies=_by_policy(sight.policies, verdict),
        orgs=sight.orgs,
        apps=Counter(each.app.connection_id for each in sight.apps),
        expiring=viewed(expiring, sight.policies),
    )


async def list_findings(
    world: World,
    caller: Caller,
    wanted: FindingFilter = ANY,
    *,
    offset: int = 0,
    limit: int = 100,
    sights: ComplianceSights | None = None,
) -> FindingPage:
    """Judge every app, and list what falls short.

    Raises Forbidden, and InvalidInput for a policy or a group that is not there: nothing would be
    found, which would pass for health.
    """
    sight, verdict, now = await _judged(world, caller, "compliance findings", sights)
    require_groups(wanted.selector, world.limits.inventory_groups)
    if wanted.policy is not None and wanted.policy not in _called(sight.policies):
        rule = "must be the name or id of a policy: `keyturn compliance policy list` has all"
        raise InvalidInput(FieldProblem(("policy",), rule))
    of = subjects_of(verdict)
    found = [
        each for each in verdict.findings if wanted.fits(each) and wanted.selector.fits(of[each.id])
    ]
    apps = sum(wanted.asks_of(one, fitting) for one, fitting in verdict.applied)
    return FindingPage(found[offset : offset + limit], len(found), now, apps)


async def _judged(
    world: World, caller: Caller, subject: str, sights: ComplianceSights | None
) -> tuple[Sight, Verdict, datetime]:
    await gate.require(world, caller, Verb.READ_COMPLIANCE, ALL, subject=subject)
    if sights:
        return await sights.judged(world, caller.organization_id)
    now = world.clock.now()
    async with world.store.reading() as tx:
        sight = await look(tx, world, caller.organization_id)
    return sight, await sight.judge(now), now


def _called(policies: Iterable[CompliancePolicy]) -> Collection[str]:
    """Return the names and ids of policies."""
    return {word for each in policies for word in (each.name, each.id)}


def _by_owner(verdict: Verdict) -> Sequence[Share]:
    """Sum up by owner, whoever has most to do first."""
    apps = Counter(one.subject.owner for one, _ in verdict.applied)
    breaches = Counter(each.owner for each in verdict.breaches if each.app_id)
    shares = [Share(name, count, breaches[name]) for name, count in apps.items()]
    return sorted(shares, key=lambda share: (-share.breaches, share.name))


def _by_policy(policies: Sequence[CompliancePolicy], verdict: Verdict) -> Sequence[Share]:
    apps = Counter(policy.id for _, fitting in verdict.applied for policy in fitting)
    breaches = Counter(each.policy_id for each in verdict.breaches)
    return [Share(each.name, apps[each.id], breaches[each.id]) for each in policies]
