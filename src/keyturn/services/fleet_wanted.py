"""What a fleet file asks for, put beside what there is.

Selections of apps become rotations, and what is said of a schedule becomes the schedule that it is
afterwards.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import time
from typing import Any, TypeVar

from keyturn.domain.access import Caller
from keyturn.domain.addresses import instance_url
from keyturn.domain.errors import AddressRefused, FieldProblem, InvalidInput
from keyturn.domain.fleetfile.expanding import Candidate, expanded
from keyturn.domain.fleetfile.items import Item, Kind, problem_of
from keyturn.domain.fleetfile.reading import DATES, FleetFile, with_fields
from keyturn.domain.inventory import Inventory
from keyturn.domain.okta import SECRET_METHODS, Status
from keyturn.domain.schedule import Schedule
from keyturn.domain.selector import parse_selector
from keyturn.domain.turn import Overlap, Policy
from keyturn.services.fleet_standing import (
    NO_ROLE,
    Standing,
    policy_fields,
    schedule_fields,
)
from keyturn.services.inventory_views import InventoriedApp, list_inventoried
from keyturn.services.policies import PolicyChange, changed_policy
from keyturn.services.ports import World
from keyturn.services.projects import STAGES
from keyturn.services.rotations import RotationView
from keyturn.services.schedules import DEFAULT, ScheduleChange, changed_schedule

T = TypeVar("T")
NO_ROLES = frozenset({NO_ROLE, "member"})


@dataclass(frozen=True)
class Wanted:
    """What is asked for, what there will be of itself, and what there is to be told of it."""

    items: Sequence[Item]
    made: Sequence[Item]
    notes: Sequence[str]


async def wanted(world: World, caller: Caller, file: FleetFile, there: Standing) -> Wanted:
    """Return what a file asks for. Raises InvalidInput with all that cannot be."""
    items, notes = await _with_selections(world, caller, file, there)
    problems = [*_impossible(items, there)]
    resolved = []
    for item in items:
        try:
            resolved.append(_resolved(world, item, there))
        except (InvalidInput, AddressRefused) as error:
            problems.append(_problem(item, error))
    if problems:
        raise InvalidInput(*problems)
    return Wanted(resolved, _made_of_itself(resolved, there), notes)


def _problem(item: Item, error: InvalidInput | AddressRefused) -> FieldProblem:
    if isinstance(error, InvalidInput):
        found = error.problems[0]
        return problem_of(item, ".".join(found.field), found.rule)
    return problem_of(item, "instanceUrl", error.message)


def _impossible(items: Sequence[Item], there: Standing) -> Iterable[FieldProblem]:
    known = {*there.connections, *(e.key[0] for e in items if e.kind is Kind.CONNECTION)}
    for item in items:
        if item.id in there.doubled:
            rule = "is the name of several identities: rename all but one"
            yield problem_of(item, "name", rule)
        connection = item.fields.get("connection") if item.kind is Kind.ROTATION else None
        if connection and connection not in known:
            yield problem_of(item, "connection", "is not there, and not in the file")
    yield from _kept_elsewhere(items, there)


def _kept_elsewhere(items: Sequence[Item], there: Standing) -> Iterable[FieldProblem]:
    kept: dict[str, str] = {
        app: f"{view.place}:{view.rotation.name}"
        for view in there.rotations.values()
        for app in (view.rotation.app_id, view.rotation.client_id)
    }
    for item in items:
        app = str(item.fields.get("app"))
        if item.kind is Kind.ROTATION and item.key not in there.rotations and app in kept:
            yield problem_of(item, "app", f"is kept by rotation {kept[app]}; none moves by a file")


def _made_of_itself(items: Iterable[Item], there: Standing) -> Sequence[Item]:
    """Return the environments that a new project begins with."""
    new = [each for each in items if each.kind is Kind.PROJECT and each.id not in there.ids]
    return [
        Item(Kind.ENVIRONMENT, (*project.key, slug), {"name": name})
        for project in new
        for slug, name in STAGES
    ]


def _resolved(world: World, item: Item, there: Standing) -> Item:
    if item.kind is Kind.ROTATION:
        return _rotation(world, item, there.rotations.get(item.key))
    if item.kind is Kind.CONNECTION:
        allowed = world.limits.private_addresses_allowed
        url = instance_url(str(item.fields["instanceUrl"]), private_allowed=allowed)
        return with_fields(item, instanceUrl=url)
    if item.kind is Kind.POLICY and "selector" in item.fields:
        return with_fields(item, selector=str(parse_selector(str(item.fields["selector"]))))
    if item.kind is Kind.IDENTITY and item.fields.get("role") in NO_ROLES:
        return with_fields(item, role=NO_ROLE)
    return item


# --- rotations ------------------------------------------------------------------------------------


def _rotation(world: World, item: Item, view: RotationView | None) -> Item:
    rotation = view.rotation if view else None
    said: dict[str, object] = {}
    if "schedule" in item.fields or rotation is None:
        schedule = schedule_of(world, item, rotation.schedule if rotation else None)
        said["schedule"] = schedule_fields(schedule)
    if "policy" in item.fields or rotation is None:
        policy = policy_of(world, item, rotation.policy if rotation else None)
        said["policy"] = policy_fields(policy)
    app = item.fields.get("app")
    if rotation and app in {rotation.client_id, rotation.parameter}:
        said["app"] = rotation.app_id
    return with_fields(item, **said)


def schedule_of(world: World, item: Item, old: Schedule | None) -> Schedule:
    """Return the schedule that a rotation is to have. Raises InvalidInput."""
    change = schedule_change(item, old)
    return changed_schedule(old or DEFAULT, change, world.clock.now())


def schedule_change(item: Item, old: Schedule | None) -> ScheduleChange:
    """Return what a file asks of a schedule."""
    told: Mapping[str, Any] = item.fields.get("schedule", {})  # type: ignore[assignment]
    dates = DATES & {*told}
    blackouts = told.get("blackouts")
    return ScheduleChange(
        automatic=told.get("automatic"),
        interval_days=told.get("intervalDays"),
        rotate_at=_of(time.fromisoformat, told.get("rotateAt")),
        every=told.get("every", "") if dates else None,
        cron=told.get("cron", "") if dates else None,
        at=told.get("at"),
        zone=told.get("timeZone"),
        windows=told.get("windows"),
        blackouts=None if old and blackouts == old.blackouts else blackouts,
        stagger_s=told.get("staggerSeconds"),
        quarantine_after=told.get("quarantineAfter"),
    )


def policy_of(world: World, item: Item, old: Policy | None) -> Policy:
    """Return how long the turns of a rotation are to take. Raises InvalidInput."""
    return changed_policy(world.limits, old or world.limits.policy, policy_change(item))


def policy_change(item: Item) -> PolicyChange:
    """Return what a file asks of how long turns take their time."""
    told: Mapping[str, Any] = item.fields.get("policy", {})  # type: ignore[assignment]
    return PolicyChange(
        overlap=_of(Overlap, told.get("overlap")),
        overlap_s=told.get("overlapSeconds"),
        soak_s=told.get("soakSeconds"),
        backstop_s=told.get("backstopSeconds"),
        quiet_s=told.get("quietSeconds"),
        log=told.get("readSystemLog"),
        repair=told.get("repairDrift"),
    )


def _of(make: Callable[[str], T], told: str | None) -> T | None:
    return make(told) if told is not None else None


# --- selections -----------------------------------------------------------------------------------


async def _with_selections(
    world: World, caller: Caller, file: FleetFile, there: Standing
) -> tuple[Sequence[Item], Sequence[str]]:
    items, notes = [*file.items], list[str]()
    if not file.templates:
        return items, notes
    async with world.store.reading() as tx:
        apps = await list_inventoried(tx, world, caller.organization_id)
        inventories = await tx.list(Inventory)
    read = {each.connection_id for each in inventories if each.completed_at}
    orgs = {each.instance_url for each in there.connections.values() if each.id in read}
    own = {each.client_id for each in there.connections.values()}
    for template in file.templates:
        connection = there.connections.get(str(template.fields["connection"]))
        url = connection.instance_url if connection else ""
        if url not in orgs:
            notes.append(_unread(template))
            continue
        near = [each for each in apps if each.connection.instance_url == url]
        usable = [each for each in near if _adoptable(each, own)]
        items += _expanded(template, usable, items, there)
        notes += _left_out(template, set(map(id, near)) - set(map(id, usable)), near)
    return items, notes


def _expanded(
    template: Item, apps: Iterable[InventoriedApp], items: Sequence[Item], there: Standing
) -> Sequence[Item]:
    said = {str(each.fields.get("app")) for each in items if each.kind is Kind.ROTATION}
    kept = {view.rotation.app_id: key for key, view in there.rotations.items()}
    free = (each for each in apps if not said & {each.app.app_id, each.app.client_id})
    candidates = [
        Candidate(each.subject, kept.get(each.app.app_id))
        for each in free
        if not each.managed or each.app.app_id in kept
    ]
    ours = {each.kept for each in candidates}
    taken = {each.key for each in items if each.kind is Kind.ROTATION}
    return expanded(template, candidates, (taken | {*there.rotations}) - ours)


def _adoptable(one: InventoriedApp, own: set[str | None]) -> bool:
    usable = one.app.status is Status.ACTIVE and one.app.auth_method in SECRET_METHODS
    return usable and one.app.client_id not in own


def _left_out(template: Item, odd: set[int], near: Iterable[InventoriedApp]) -> Iterable[str]:
    fits = parse_selector(str(template.fields["select"])).fits
    count = sum(fits(each.subject) for each in near if id(each) in odd)
    if count:
        yield (
            f"{count} apps that {template.fields['select']} picks (line {template.line}) have no "
            "client secret to turn, are not active, or are what Keyturn itself logs in as: they "
            "are left out."
        )


def _unread(template: Item) -> str:
    name = template.fields["connection"]
    return (
        f"Which apps {template.fields['select']} picks (line {template.line}) is not known: run "
        f"`keyturn inventory read` for connection {name}, and plan again."
    )
