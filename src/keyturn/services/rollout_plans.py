"""The plan of a rollout: who turns in which wave and why, what it costs, and its hash.

Changes nothing. What is started later is what the hash was taken over, or nothing.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from itertools import accumulate

from keyturn.domain import names
from keyturn.domain.access import Caller, Target, Verb
from keyturn.domain.budget import limits_of, rate_of
from keyturn.domain.carrying import GO_ON_AT
from keyturn.domain.compliance_reports import canonical, digest
from keyturn.domain.errors import FieldProblem, Forbidden, InvalidInput
from keyturn.domain.ids import RotationId
from keyturn.domain.rotation import Rotation
from keyturn.domain.schedule import blackout_until
from keyturn.domain.selector import Subject, parse_selector
from keyturn.domain.turn import Overlap, Phase
from keyturn.domain.waves import Candidate, Estimate, Placed, cut, estimate, require_waves, untried
from keyturn.services import gate
from keyturn.services.emergency_sights import obstacles_of
from keyturn.services.inventory_sights import InventorySights
from keyturn.services.inventory_views import list_inventoried
from keyturn.services.ports import World
from keyturn.services.rotations import RotationView, views_for
from keyturn.services.selectors import read_selector, require_groups_read

MEMBERS_MAX = 10_000
REASON_MAX = 500
NAMED_MAX = 5
WHILE_PAUSED = "Somebody has paused its turn: it is left out, unless that is resumed before."
ALL = Target()
"""A rollout goes across projects: it is for those who hold a role in all of them."""


@dataclass(frozen=True)
class RolloutDraft:
    """A rollout as somebody asks for it (see `Rollout`)."""

    name: str
    reason: str = ""
    selector: str = ""
    waves: Sequence[str] = ()
    approvals: bool = False
    go_on_at: Phase = Phase.FINISHED


@dataclass(frozen=True)
class RolloutPlan:
    """What a rollout will do; ``draft`` is as it is kept, ``estimates`` are by wave.

    ``warnings`` tell of a rotation what is on record that may stop it, and whom in a Preview org it
    does not wait for.
    """

    draft: RolloutDraft
    members: Sequence[Placed]
    estimates: Mapping[int, Estimate]
    plan_hash: str
    warnings: Mapping[RotationId, Sequence[str]]

    @property
    def calls(self) -> int:
        """Return how many management calls it is."""
        return sum(each.calls for each in self.estimates.values())

    @property
    def last_begins_s(self) -> int:
        """Return after how many seconds the last wave begins, approvals aside."""
        return self._begin_s[-1]

    @property
    def lasts_s(self) -> int:
        """Return after how many seconds every turn has finished, approvals aside."""
        pairs = zip(self._begin_s, self.estimates.values(), strict=True)
        return max(begins_s + each.ends_s for begins_s, each in pairs)

    @property
    def _begin_s(self) -> Sequence[int]:
        return [0, *accumulate(each.lasts_s for each in self.estimates.values())][:-1]


async def plan_rollout(
    world: World, caller: Caller, draft: RolloutDraft, sights: InventorySights | None = None
) -> RolloutPlan:
    """Plan a rollout of the rotations that its selector picks; nothing is changed.

    ``sights`` spares whoever looks often that thousands of apps are put together again.
    Raises InvalidInput, also where it picks none, and Forbidden, also where the caller may not
    turn one of them.
    """
    draft = required(draft)
    subject = f"rollout {draft.name} (plan)"
    await gate.require(world, caller, Verb.EDIT_ROLLOUTS, ALL, subject=subject)
    return await _planned(world, caller, draft, sights)


def required(draft: RolloutDraft) -> RolloutDraft:
    """Return a draft as it is kept. Raises InvalidInput."""
    if draft.go_on_at not in GO_ON_AT:
        raise InvalidInput(FieldProblem(("goOnAt",), f"must be one of {', '.join(GO_ON_AT)}"))
    if len(draft.reason) > REASON_MAX:
        raise InvalidInput(FieldProblem(("reason",), f"must have at most {REASON_MAX} characters"))
    return replace(
        draft,
        name=names.slug("name", draft.name),
        reason=draft.reason.strip(),
        selector=str(parse_selector(draft.selector)),
        waves=require_waves(draft.waves),
    )


async def _planned(
    world: World, caller: Caller, draft: RolloutDraft, sights: InventorySights | None
) -> RolloutPlan:
    views = await views_for(world, caller, None)
    await _require_groups(world, caller, draft)
    known = await _known_subjects(world, caller, sights)
    candidates = [_candidate(each, known, draft) for each in views if not each.rotation.ending]
    fits = parse_selector(draft.selector).fits
    wanted = [each for each in candidates if fits(each.subject)]
    _require_some(wanted)
    _require_turnable(caller, views, {each.rotation_id for each in wanted})
    found = cut(wanted, draft.waves)
    kept = replace(draft, waves=found.waves)
    rates = await _rates(world, {each.org for each in wanted})
    return RolloutPlan(
        kept,
        found.members,
        estimate(found.members, rates),
        _hash(kept, found.members),
        await _warnings(world, views, wanted, untried(wanted, candidates)),
    )


async def _warnings(
    world: World,
    views: Sequence[RotationView],
    wanted: Sequence[Candidate],
    absent: Mapping[RotationId, Sequence[str]],
) -> Mapping[RotationId, Sequence[str]]:
    """Tell what is in the way of those that are wanted, and who is ``absent`` that tries it."""
    ids = {each.rotation_id for each in wanted}
    rotations = [each.rotation for each in views if each.rotation.id in ids]
    async with world.store.reading() as tx:
        found = await obstacles_of(tx, rotations, WHILE_PAUSED)
    now = world.clock.now()
    for rotation in rotations:
        if until := blackout_until(rotation.schedule, now):
            told = f"A blackout keeps its schedule from turning it until {until:%Y-%m-%d %H:%M} UTC"
            found[rotation.id].append(f"{told}: a rollout turns it all the same.")
    for rotation_id, left_out in absent.items():
        told = "Nothing is tried before it in a Preview org: this rollout leaves out "
        found[rotation_id].append(f"{told}{', '.join(left_out)}.")
    return {rotation_id: told for rotation_id, told in found.items() if told}


async def list_warnings(
    world: World, caller: Caller, wanted: AbstractSet[RotationId], among: AbstractSet[RotationId]
) -> Mapping[RotationId, Sequence[str]]:
    """Tell of some rotations what the plan of a rollout of all ``among`` would warn of by now.

    Of those that the caller may not see nothing is told.
    """
    views = await views_for(world, caller, None)
    every = [_candidate(each, {}, RolloutDraft("")) for each in views if not each.rotation.ending]
    absent = untried([each for each in every if each.rotation_id in among], every)
    found = [each for each in every if each.rotation_id in wanted]
    ids = wanted & absent.keys()
    return await _warnings(world, views, found, {each: absent[each] for each in ids})


async def _require_groups(world: World, caller: Caller, draft: RolloutDraft) -> None:
    """Raise InvalidInput or Refused where a group is named of which not all apps are known."""
    waves = [read_selector(world, each, "waves") for each in draft.waves if "=" in each]
    async with world.store.reading() as tx:
        for each in (read_selector(world, draft.selector), *waves):
            await require_groups_read(tx, world, each, caller.organization_id)


def _require_some(wanted: Sequence[Candidate]) -> None:
    if not wanted:
        rule = "fits no rotation: `keyturn rotation list` shows what there is"
        raise InvalidInput(FieldProblem(("selector",), rule))
    if len(wanted) > MEMBERS_MAX:
        rule = f"fits {len(wanted)} rotations: a rollout has at most {MEMBERS_MAX}"
        raise InvalidInput(FieldProblem(("selector",), rule))


def _require_turnable(
    caller: Caller, views: Sequence[RotationView], wanted: set[RotationId]
) -> None:
    """Raise Forbidden where the caller may not turn one of them by hand."""
    denied = [
        each.rotation.name
        for each in views
        if each.rotation.id in wanted and not gate.may(caller, Verb.ROTATE, each.target)
    ]
    if denied:
        more = f" and {len(denied) - NAMED_MAX} more" if len(denied) > NAMED_MAX else ""
        raise Forbidden(
            f"{caller.name} may not {Verb.ROTATE} on {', '.join(denied[:NAMED_MAX])}{more}: let "
            "the selector leave them out, or ask somebody who may."
        )


async def _known_subjects(
    world: World, caller: Caller, sights: InventorySights | None
) -> Mapping[RotationId, Subject]:
    """Return what the inventory knows of apps, by the rotations that keep them."""
    async with world.store.reading() as tx:
        look = sights.look if sights else list_inventoried
        every = await look(tx, world, caller.organization_id)
    return {each.kept.rotation.id: each.subject for each in every if each.kept}


def _candidate(
    seen: RotationView, known: Mapping[RotationId, Subject], draft: RolloutDraft
) -> Candidate:
    rotation = seen.rotation
    return Candidate(
        rotation_id=rotation.id,
        app_id=rotation.app_id,
        subject=known.get(rotation.id) or _subject(seen),
        org=seen.connection.instance_url,
        lasts_s=_lasts_s(rotation, draft.go_on_at),
        ends_s=_lasts_s(rotation, Phase.FINISHED),
        until_next=rotation.policy.overlap is Overlap.UNTIL_NEXT,
    )


def _subject(seen: RotationView) -> Subject:
    rotation, place = seen.rotation, seen.place
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


def _lasts_s(rotation: Rotation, go_on_at: Phase) -> int:
    """Tell how long a turn waits at most before it is good; evidence may end it earlier."""
    policy = rotation.policy
    if policy.overlap is Overlap.UNTIL_NEXT:
        return 0
    overlap_s = policy.backstop_s if policy.overlap is Overlap.EVIDENCE else policy.overlap_s
    waits = {Phase.OVERLAPPING: 0, Phase.SOAKING: overlap_s}
    return waits.get(go_on_at, overlap_s + policy.soak_s)


async def _rates(world: World, orgs: set[str]) -> Mapping[str, int]:
    """Return how many calls a minute each org has for turns, as far as its answers have told."""
    told = limits_of(await world.okta.list_windows())
    return {org: rate_of(told.get(org), world.limits.shares) for org in orgs}


def _hash(draft: RolloutDraft, members: Sequence[Placed]) -> str:
    document = {
        "name": draft.name,
        "reason": draft.reason,
        "selector": draft.selector,
        "waves": [*draft.waves],
        "approvals": draft.approvals,
        "goOnAt": draft.go_on_at.value,
        "members": [
            [each.candidate.rotation_id, each.candidate.app_id, each.wave, each.behind]
            for each in members
        ],
    }
    return digest(canonical(document))
