"""Judge apps by compliance policies, and Keyturn's own access to their orgs.

Of the policies that fit an app, the strictest applies to each thing that they ask: the one that has
been broken for longest. Where that is excused, the next strictest is looked at. Decides by the
inventory alone. Knows nothing of calls, nor of where records are kept.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from types import MappingProxyType

from keyturn.domain.compliance import (
    WEAK_BELOW,
    ComplianceFinding,
    CompliancePolicy,
    FindingKind,
    PolicyException,
    Severity,
)
from keyturn.domain.ids import CompliancePolicyId, CredentialId, RotationId
from keyturn.domain.inventory import ListedApp, ListedSecret
from keyturn.domain.judging_orgs import OrgSight, findings_of_orgs
from keyturn.domain.okta import AuthMethod, Status
from keyturn.domain.selector import Selector, Subject, parse_selector
from keyturn.domain.turn import Turn

PUBLIC_TYPES = frozenset({"browser", "native"})
"""Okta's types of apps whose code is in everybody's hands (RFC 6749 section 2.1, RFC 8252)."""

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Judged:
    """An app with what is known of it; ``secrets`` are its client secrets as Okta lists them.

    ``turn`` is the open one of the rotation that keeps it.
    """

    app: ListedApp
    secrets: Sequence[ListedSecret]
    subject: Subject
    rotation_id: RotationId | None = None
    turn: Turn | None = None

    @property
    def in_use(self) -> bool:
        """Say whether Okta knows the app and has not deactivated it."""
        return self.app.gone_at is None and self.app.status is Status.ACTIVE

    @cached_property
    def active(self) -> Sequence[ListedSecret]:
        """Return the client secrets that Okta accepts, the oldest first."""
        found = [each for each in self.secrets if each.status is Status.ACTIVE]
        return sorted(found, key=lambda each: each.created_at)


@dataclass(frozen=True)
class Verdict:
    """What was found, the gravest first; ``applied`` says which policies fit each app.

    ``uncovered`` are apps that no policy fits. Apps that Okta has deactivated, or does not know any
    more, are not judged.
    """

    findings: Sequence[ComplianceFinding]
    applied: Sequence[tuple[Judged, Sequence[CompliancePolicy]]]
    uncovered: Sequence[Judged]

    @property
    def breaches(self) -> Sequence[ComplianceFinding]:
        """Return what nothing excuses."""
        return [each for each in self.findings if each.breach]

    @property
    def excused(self) -> int:
        """Return how many findings an exception excuses."""
        return sum(each.excused_by is not None for each in self.findings)

    @property
    def complete(self) -> bool:
        """Say whether every org was known as it is; no exception makes it known."""
        return all(each.kind is not FindingKind.INVENTORY_STALE for each in self.findings)

    @property
    def compliant(self) -> int:
        """Return how many of the apps that policies fit are in no breach."""
        broken = {(each.connection_id, each.app_id) for each in self.breaches}
        apps = (one.app for one, _ in self.applied)
        return sum((app.connection_id, app.app_id) not in broken for app in apps)


def judge(
    policies: Iterable[CompliancePolicy],
    exceptions: Iterable[PolicyException],
    apps: Iterable[Judged],
    orgs: Sequence[OrgSight],
    now: datetime,
) -> Verdict:
    """Judge apps and orgs as they are known to be ``now``."""
    asked = [(each, parse_selector(each.selector)) for each in policies]
    excuses = Excuses(exceptions, now)
    watches = {org.connection.id: _watch(org, now) for org in orgs}
    findings, applied, uncovered = [*findings_of_orgs(orgs, now)], [], []
    findings = [excuses.of_org(each) for each in findings]
    for one in apps:
        if not one.in_use:
            continue
        fitting = [policy for policy, selector in asked if selector.fits(one.subject)]
        if not fitting:
            uncovered.append(one)
            continue
        applied.append((one, fitting))
        findings += _of_app(one, fitting, watches[one.app.connection_id], excuses)
    findings.sort(key=lambda each: (_ORDER[each.severity], each.since, each.id))
    return Verdict(findings, applied, uncovered)


_ORDER = {severity: number for number, severity in enumerate(Severity)}


# --- what excuses ---------------------------------------------------------------------------------


class Excuses:
    """The exceptions that are in force."""

    def __init__(self, exceptions: Iterable[PolicyException], now: datetime) -> None:
        found = sorted(exceptions, key=lambda each: each.expires_at, reverse=True)
        self._known = [(one, parse_selector(one.selector)) for one in found if one.in_force(now)]

    def find(
        self, kind: FindingKind, policy_id: CompliancePolicyId, subject: Subject
    ) -> PolicyException | None:
        """Find the exception that lets an app off for longest."""
        wanted = (None, policy_id)
        for one, selector in self._of(kind):
            if one.policy_id in wanted and selector.fits(subject):
                return one
        return None

    def of_org(self, finding: ComplianceFinding) -> ComplianceFinding:
        """Return a finding about an org, excused where an exception names its connection alone."""
        for one, selector in self._of(finding.kind):
            named = [*selector.by_name] == ["connection"] and one.policy_id is None
            if named and selector.fits(Subject(connection=finding.connection)):
                return _excused(finding, one)
        return finding

    def _of(self, kind: FindingKind) -> Iterator[tuple[PolicyException, Selector]]:
        return (each for each in self._known if not each[0].kinds or kind in each[0].kinds)


def _excused(finding: ComplianceFinding, by: PolicyException) -> ComplianceFinding:
    return replace(finding, excused_by=by.id, excused_until=by.expires_at)


# --- what an app falls short of -------------------------------------------------------------------


@dataclass(frozen=True)
class _Watch:
    """Until when things are judged, and between which moments every use is known."""

    now: datetime
    uses_since: datetime | None = None
    uses_until: datetime | None = None


@dataclass(frozen=True)
class _Lapse:
    """How a policy is broken, since when, and by which client secret, where it is one."""

    since: datetime
    why: str
    secret: ListedSecret | None = None


def _watch(org: OrgSight, now: datetime) -> _Watch:
    inventory = org.inventory
    return _Watch(now, inventory.uses_since, inventory.uses_until) if inventory else _Watch(now)


_Rule = Callable[[Judged, CompliancePolicy, _Watch], Iterator[_Lapse]]


def _of_app(
    one: Judged, fitting: Sequence[CompliancePolicy], watch: _Watch, excuses: Excuses
) -> Iterator[ComplianceFinding]:
    if not one.active:
        return
    for kind, rule in _RULES.items():
        found: dict[CredentialId | None, list[tuple[_Lapse, CompliancePolicy]]] = {}
        for policy in fitting:
            for lapse in rule(one, policy, watch):
                about = lapse.secret.okta_id if lapse.secret else None
                found.setdefault(about, []).append((lapse, policy))
        for lapses in found.values():
            yield _strictest(one, kind, lapses, excuses)


def _strictest(
    one: Judged,
    kind: FindingKind,
    lapses: list[tuple[_Lapse, CompliancePolicy]],
    excuses: Excuses,
) -> ComplianceFinding:
    """Return what the strictest policy finds that is not excused, or else the strictest of all."""
    lapses.sort(key=lambda each: (each[0].since, each[1].name))
    excused = []
    for lapse, policy in lapses:
        finding = _finding(one, kind, lapse, policy)
        by = excuses.find(kind, policy.id, one.subject)
        if by is None:
            return finding
        excused.append(_excused(finding, by))
    return excused[0]


def _finding(
    one: Judged, kind: FindingKind, lapse: _Lapse, policy: CompliancePolicy
) -> ComplianceFinding:
    app, secret = one.app, lapse.secret
    return ComplianceFinding(
        kind=kind,
        connection_id=app.connection_id,
        connection=one.subject.connection,
        why=lapse.why,
        todo=_todo_of(one, kind),
        since=lapse.since,
        app_id=app.app_id,
        label=app.label,
        owner=one.subject.owner,
        secret_id=secret.okta_id if secret else None,
        rotation_id=one.rotation_id,
        rotation=one.subject.rotation,
        policy_id=policy.id,
        policy=policy.name,
    )


def _todo_of(one: Judged, kind: FindingKind) -> str:
    """Return what is to be done: a turn that is open has to go on before another begins."""
    managed, foreign = _TODO[kind]
    if one.turn and kind in _BY_TURN:
        stands = _standing(one.turn)
        return f"A turn of its rotation {stands}"
    return managed if one.rotation_id else foreign


def _standing(turn: Turn) -> str:
    if turn.paused_at:
        return "is paused: resume it."
    if turn.blocked:
        return "is blocked: see who must do what."
    return "is under way: see what it waits for."


def _too_old(one: Judged, policy: CompliancePolicy, watch: _Watch) -> Iterator[_Lapse]:
    for secret in one.active if policy.max_age_days else ():
        told = f"It was made on {_day(secret.created_at)} and may be {{}} old. It has been too old"
        yield from _over(policy.max_age_days, secret.created_at, told, watch.now, secret)


def _two_active(one: Judged, policy: CompliancePolicy, watch: _Watch) -> Iterator[_Lapse]:
    if policy.max_overlap_days and len(one.active) > 1:
        older, newer, *_ = one.active
        told = f"A newer one was made on {_day(newer.created_at)}; both may be accepted for {{}}. "
        told += "It has been too long"
        yield from _over(policy.max_overlap_days, newer.created_at, told, watch.now, older)


def _unused(one: Judged, policy: CompliancePolicy, watch: _Watch) -> Iterator[_Lapse]:
    if not (policy.unused_days and watch.uses_since and watch.uses_until):
        return
    for secret in one.active:
        seen = f"was used last on {_day(secret.used_at)}" if secret.used_at else "was never used"
        told = f"It {seen}, as far as Okta's log tells, and may lie idle for {{}}. "
        told += "It has been too long"
        since = max(secret.created_at, secret.used_at or watch.uses_since, watch.uses_since)
        yield from _over(policy.unused_days, since, told, watch.uses_until, secret)


def _on_public(one: Judged, policy: CompliancePolicy, watch: _Watch) -> Iterator[_Lapse]:
    kind, method = one.app.application_type, one.app.auth_method
    if kind in PUBLIC_TYPES or method == AuthMethod.NONE:
        why = f"The app is of type {kind} and authenticates by {method}: it cannot keep a secret."
        yield from (_Lapse(secret.created_at, why, secret) for secret in one.active)


def _weak(one: Judged, policy: CompliancePolicy, watch: _Watch) -> Iterator[_Lapse]:
    for secret in one.active:
        if secret.length is not None and secret.length < WEAK_BELOW:
            why = f"It has {secret.length} characters; what Okta makes has 64."
            yield _Lapse(secret.created_at, why, secret)


def _unmanaged(one: Judged, policy: CompliancePolicy, watch: _Watch) -> Iterator[_Lapse]:
    if policy.managed and one.rotation_id is None:
        yield _Lapse(one.app.created_at, "No rotation here keeps its client secret.")


_RULES: Mapping[FindingKind, _Rule] = MappingProxyType(
    {
        FindingKind.TOO_OLD: _too_old,
        FindingKind.TWO_ACTIVE: _two_active,
        FindingKind.UNUSED: _unused,
        FindingKind.SECRET_ON_PUBLIC_CLIENT: _on_public,
        FindingKind.WEAK_VALUE: _weak,
        FindingKind.UNMANAGED: _unmanaged,
    }
)

_TODO: Mapping[FindingKind, tuple[str, str]] = MappingProxyType(
    {
        FindingKind.TOO_OLD: (
            "Turn its rotation, and give that a schedule that is shorter.",
            "Make a rotation for the app and turn it, or have its owner replace the secret.",
        ),
        FindingKind.TWO_ACTIVE: (
            "See what its rotation waits for; a secret that it does not know needs consent.",
            "Find out by Okta's log who still uses the older one, then deactivate it.",
        ),
        FindingKind.UNUSED: (
            "Ask its owner whether the app is needed; end the rotation where it is not.",
            "Ask its owner whether the app is needed; deactivate the secret where it is not.",
        ),
        FindingKind.SECRET_ON_PUBLIC_CLIENT: (
            "Have the app use PKCE without a secret, then end its rotation.",
            "Have the app use PKCE without a secret, then deactivate the secret.",
        ),
        FindingKind.WEAK_VALUE: (
            "Turn its rotation: the next value has 64 random characters.",
            "Make a rotation for the app and turn it: the next value has 64 random characters.",
        ),
        FindingKind.UNMANAGED: ("", "Make a rotation for the app."),
    }
)
"""What to do where a rotation keeps the app, and where none does."""

_BY_TURN = frozenset({FindingKind.TOO_OLD, FindingKind.TWO_ACTIVE, FindingKind.WEAK_VALUE})
"""What a turn mends."""


def _over(
    days: int | None, start: datetime, told: str, now: datetime, secret: ListedSecret
) -> Iterator[_Lapse]:
    """Give the lapse of what may last so many days, once it has lasted longer: ``told`` ends so."""
    allowed = timedelta(days=days or 0)
    over = now - start - allowed
    if over > timedelta():
        lasting = f"for {_days(over.days)}" if over.days else "since today"
        why = f"{told.format(_days(days or 0))} {lasting}."
        yield _Lapse(start + allowed, why, secret)


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"


def _day(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d}"
