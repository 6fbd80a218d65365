"""The plan of an emergency: which apps are closed in which order and when, and who has no time.

Changes nothing, and asks nobody at Okta: at three in the morning every call is for closing.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from keyturn.domain.access import Caller, Verb
from keyturn.domain.budget import USUAL_PER_MIN, WINDOW_S, limits_of, starts
from keyturn.domain.closing import by_probes
from keyturn.domain.compliance_reports import canonical, digest
from keyturn.domain.emergency import CALLS_TO_CLOSE
from keyturn.domain.errors import FieldProblem, Forbidden, InvalidInput
from keyturn.domain.exposure import Exposure, Facts, ordered
from keyturn.domain.ids import AppId, ClientId, RotationId
from keyturn.domain.okta import Status
from keyturn.domain.rotation import Rotation
from keyturn.domain.selector import EVERYTHING, Subject, parse_selector
from keyturn.domain.waves import Candidate
from keyturn.services import gate
from keyturn.services.emergency_sights import Sight, own_apps, sights_of
from keyturn.services.inventory_sights import InventorySights
from keyturn.services.inventory_views import InventoriedApp, list_inventoried
from keyturn.services.ports import World
from keyturn.services.rollout_plans import ALL, MEMBERS_MAX, NAMED_MAX, REASON_MAX
from keyturn.services.rotations import RotationView, views_for
from keyturn.services.selectors import read_selector, require_groups_read

WITHIN_MAX_S = 86_400


@dataclass(frozen=True)
class EmergencyDraft:
    """An emergency as somebody asks for it: of the apps of a selector, of some by id, or of all.

    ``apps`` and ``leaked`` are app ids or client ids; the secrets of the ``leaked`` ones are known
    to be public, so that they are closed first. Consumers have ``within_s`` from when the new
    secret of an app is served; ``revoke`` is whether its refresh tokens are revoked too.
    """

    reason: str
    selector: str = ""
    apps: Sequence[str] = ()
    every: bool = False
    leaked: Sequence[str] = ()
    within_s: int = 0
    revoke: bool = False


@dataclass(frozen=True)
class PlannedClosing:
    """An app in its place; ``closes_in_s`` is when it is closed at the latest, at the known rate.

    ``without_time`` names who may be refused by then: of those that are known to use the secret.
    ``obstacles`` are on record, and may keep it from being closed before somebody acts.
    """

    number: int
    wave: int
    candidate: Candidate
    exposure: Exposure
    calls: int
    closes_in_s: int
    without_time: Sequence[str]
    obstacles: Sequence[str] = ()


@dataclass(frozen=True)
class Unmanaged:
    """An app that is meant and that no rotation keeps; somebody has to close it by hand."""

    app_id: AppId
    client_id: ClientId
    label: str
    connection: str


@dataclass(frozen=True)
class EmergencyPlan:
    """What an emergency will do; ``orgs`` are closed side by side, ``per_minute`` as many apps."""

    draft: EmergencyDraft
    members: Sequence[PlannedClosing]
    unmanaged: Sequence[Unmanaged]
    orgs: Sequence[str]
    per_minute: Mapping[str, int]
    plan_hash: str

    @property
    def calls(self) -> int:
        """Return how many management calls it takes until every app is closed."""
        return sum(each.calls for each in self.members)

    @property
    def lasts_s(self) -> int:
        """Return in how many seconds the last app is closed."""
        return max(each.closes_in_s for each in self.members)


async def plan_emergency(
    world: World, caller: Caller, draft: EmergencyDraft, sights: InventorySights | None = None
) -> EmergencyPlan:
    """Plan the closing of apps whose client secrets have leaked; nothing is changed.

    ``sights`` spares whoever looks often that thousands of apps are put together again.
    Raises InvalidInput, also where no rotation keeps any of the apps, and Forbidden, also where the
    caller may not turn one of them.
    """
    draft = _required(world, draft)
    await gate.require(world, caller, Verb.EDIT_ROLLOUTS, ALL, subject="emergency (plan)")
    views = [each for each in await views_for(world, caller, None) if not each.rotation.ending]
    async with world.store.reading() as tx:
        selector = parse_selector(draft.selector)
        await require_groups_read(tx, world, selector, caller.organization_id)
        look = sights.look if sights else list_inventoried
        known = await look(tx, world, caller.organization_id)
    listed = {each.kept.rotation.id: each for each in known if each.kept}
    chosen = _chosen(draft, views, listed)
    meant = _meant(draft)
    unmanaged = [_unmanaged(each) for each in known if not each.managed and meant(each)]
    _require_some(draft, chosen, unmanaged)
    _require_turnable(caller, chosen)
    return await _planned(world, draft, chosen, listed, unmanaged)


def _required(world: World, draft: EmergencyDraft) -> EmergencyDraft:
    """Return a draft as it is kept. Raises InvalidInput."""
    reason, problems = draft.reason.strip(), list[FieldProblem]()
    if not 1 <= len(reason) <= REASON_MAX:
        problems.append(FieldProblem(("reason",), f"must have 1 to {REASON_MAX} characters"))
    if not 0 <= draft.within_s <= WITHIN_MAX_S:
        problems.append(FieldProblem(("withinSeconds",), f"must be 0 to {WITHIN_MAX_S}"))
    selector = read_selector(world, draft.selector)
    if sum((bool(draft.selector), bool(draft.apps), draft.every)) != 1:
        problems.append(FieldProblem(("selector",), "say one of: a selector, apps, or all"))
    elif draft.selector and selector == EVERYTHING:
        problems.append(FieldProblem(("selector",), "fits everything: say that all are meant"))
    if problems:
        raise InvalidInput(*problems)
    return replace(draft, reason=reason, selector=str(selector) if draft.selector else "")


def _chosen(
    draft: EmergencyDraft,
    views: Iterable[RotationView],
    listed: Mapping[RotationId, InventoriedApp],
) -> Sequence[RotationView]:
    fits = parse_selector(draft.selector).fits
    wanted = frozenset(draft.apps)
    return [
        each
        for each in views
        if (draft.every and not each.rotation.kind.rules.of_connection)
        or wanted & {each.rotation.app_id, each.rotation.client_id}
        or (draft.selector and fits(subject_of(each, listed)))
    ]


def subject_of(seen: RotationView, listed: Mapping[RotationId, InventoriedApp]) -> Subject:
    """Return what a selector picks a rotation's app by; with an inventory more is known."""
    rotation, place = seen.rotation, seen.place
    if rotation.id in listed:
        return listed[rotation.id].subject
    return Subject(
        app=rotation.app_id,
        client=rotation.client_id,
        auth=rotation.auth_method,
        connection=seen.connection.name,
        rotation=rotation.name,
        project=place.project.slug,
        environment=place.environment.slug,
        path=place.folder.path,
    )


def _meant(draft: EmergencyDraft) -> Callable[[InventoriedApp], bool]:
    """Return what tells whether an app is meant that has, or may have, a client secret to close."""
    fits, named = parse_selector(draft.selector).fits, frozenset(draft.apps)

    def meant(one: InventoriedApp) -> bool:
        works = any(each.listed.status is Status.ACTIVE for each in one.secrets)
        if not works and not (one.app.unread and one.app.asked_for_secrets):
            return False
        picked = bool(draft.selector) and fits(one.subject)
        return draft.every or picked or not named.isdisjoint((one.app.app_id, one.app.client_id))

    return meant


def _unmanaged(one: InventoriedApp) -> Unmanaged:
    app = one.app
    return Unmanaged(app.app_id, app.client_id, app.label, one.connection.name)


def _require_some(
    draft: EmergencyDraft, chosen: Sequence[RotationView], unmanaged: Sequence[Unmanaged]
) -> None:
    """Raise InvalidInput for apps that are not among these, and where there is nothing to turn."""
    ids = {name for each in chosen for name in (each.rotation.app_id, each.rotation.client_id)}
    ids |= {name for each in unmanaged for name in (each.app_id, each.client_id)}
    if unknown := _named([each for each in draft.apps if each not in ids]):
        rule = f"{unknown}: no rotation that you may see keeps it. {BY_HAND}"
        raise InvalidInput(FieldProblem(("apps",), rule))
    if not chosen:
        rule = f"no rotation that you may see keeps any of these apps. {BY_HAND}"
        raise InvalidInput(FieldProblem(("selector",), rule))
    if others := _named([each for each in draft.leaked if each not in ids]):
        rule = f"{others}: not among the apps that are closed. Add it there, or leave it out here"
        raise InvalidInput(FieldProblem(("leaked",), rule))
    if len(chosen) > MEMBERS_MAX:
        rule = f"fits {len(chosen)} apps: an emergency has at most {MEMBERS_MAX}"
        raise InvalidInput(FieldProblem(("selector",), rule))


def _named(unknown: Sequence[str]) -> str:
    more = f" and {len(unknown) - NAMED_MAX} more" if len(unknown) > NAMED_MAX else ""
    return ", ".join(unknown[:NAMED_MAX]) + more


BY_HAND = (
    "Replace the client secret in Okta's Admin Console (Applications, the app, General, Client "
    "Credentials: generate a new secret, give it to whoever uses it, deactivate the old one), or "
    "have a rotation keep the app: `keyturn rotation create`."
)


def _require_turnable(caller: Caller, chosen: Iterable[RotationView]) -> None:
    denied = [
        each.rotation.name for each in chosen if not gate.may(caller, Verb.ROTATE, each.target)
    ]
    if denied:
        raise Forbidden(
            f"{caller.name} may not {Verb.ROTATE} on {_named(denied)}: choose the others, and ask "
            "somebody who may for these."
        )


async def _planned(
    world: World,
    draft: EmergencyDraft,
    chosen: Sequence[RotationView],
    listed: Mapping[RotationId, InventoriedApp],
    unmanaged: Sequence[Unmanaged],
) -> EmergencyPlan:
    async with world.store.reading() as tx:
        sights = await sights_of(tx, [each.rotation for each in chosen])
        own = await own_apps(tx, chosen[0].connection.organization_id)
    by_id = {each.rotation.id: each for each in chosen}
    candidates = {of: _candidate(each, listed) for of, each in by_id.items()}
    facts = [
        replace(
            _facts(draft, candidates[of], listed.get(of), sights[of]),
            administers=seen.rotation.client_id in own,
        )
        for of, seen in by_id.items()
    ]
    orgs = sorted({each.org for each in candidates.values()})
    per_minute = await _per_minute(world, orgs)
    members, taken = list[PlannedClosing](), dict.fromkeys(orgs, 0)
    now = world.clock.now()
    for number, (of, exposure) in enumerate(ordered(facts, now), 1):
        candidate = candidates[of.rotation_id]
        rotation, sight = by_id[of.rotation_id].rotation, sights[of.rotation_id]
        windows = taken[candidate.org] // per_minute[candidate.org] + 1
        taken[candidate.org] += 1
        members.append(
            PlannedClosing(
                number=number,
                wave=orgs.index(candidate.org) + 1,
                candidate=candidate,
                exposure=exposure,
                calls=_calls(rotation),
                closes_in_s=windows * WINDOW_S + draft.within_s,
                without_time=[*filter(None, (u.late(draft.within_s, now) for u in sight.users))],
                obstacles=sight.obstacles,
            )
        )
    return EmergencyPlan(draft, members, unmanaged, orgs, per_minute, _hash(draft, members))


def _calls(rotation: Rotation) -> int:
    return CALLS_TO_CLOSE if by_probes(rotation.kind) else 2 * CALLS_TO_CLOSE


def _candidate(seen: RotationView, listed: Mapping[RotationId, InventoriedApp]) -> Candidate:
    rotation = seen.rotation
    subject = subject_of(seen, listed)
    return Candidate(rotation.id, rotation.app_id, subject, seen.connection.instance_url)


def _facts(
    draft: EmergencyDraft, candidate: Candidate, listed: InventoriedApp | None, sight: Sight
) -> Facts:
    subject = candidate.subject
    return Facts(
        rotation_id=candidate.rotation_id,
        name=candidate.name,
        leaked=bool({subject.app, subject.client} & frozenset(draft.leaked)),
        preview=candidate.preview,
        grants=subject.grant,
        scopes=tuple(sorted(sight.scopes)),
        used_at=_used_at(listed) if listed else None,
        users=len(sight.users),
    )


def _used_at(listed: InventoriedApp) -> datetime | None:
    return max((each.used_at for each in listed.listed_secrets if each.used_at), default=None)


async def _per_minute(world: World, orgs: Iterable[str]) -> Mapping[str, int]:
    """Return how many apps a minute are closed in each org, by what its answers have told."""
    limits = limits_of(await world.okta.list_windows())
    shares = world.limits.shares
    return {org: starts(limits.get(org, USUAL_PER_MIN), shares) for org in orgs}


def _hash(draft: EmergencyDraft, members: Iterable[PlannedClosing]) -> str:
    """Compute what a plan is known by: whom it is about, and how; uses may order it anew."""
    document = {
        "reason": draft.reason,
        "withinSeconds": draft.within_s,
        "revoke": draft.revoke,
        "leaked": sorted(draft.leaked),
        "members": sorted([each.candidate.rotation_id, each.candidate.app_id] for each in members),
    }
    return digest(canonical(document))
