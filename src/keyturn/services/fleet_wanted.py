"""What a fleet file asks for, put beside what there is.

Selections of apps become rotations, and exceptions that have expired are nothing any more.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from keyturn.domain.access import Caller
from keyturn.domain.errors import AddressRefused, FieldProblem, InvalidInput, Refused
from keyturn.domain.fleetfile.expanding import Candidate, expanded
from keyturn.domain.fleetfile.items import Item, Kind, problem_of
from keyturn.domain.fleetfile.reading import FleetFile, parse_moment
from keyturn.domain.inventory import Inventory
from keyturn.domain.okta import SECRET_METHODS, Status
from keyturn.domain.selector import Selector, parse_selector
from keyturn.services.fleet_resolving import connections_of, resolved_item
from keyturn.services.fleet_standing import Ident, Standing
from keyturn.services.inventory_views import InventoriedApp, list_inventoried
from keyturn.services.ports import Reading, World
from keyturn.services.projects import STAGES
from keyturn.services.selectors import require_groups_read


@dataclass(frozen=True)
class Wanted:
    """What is asked for, what there will be of itself, and what there is to be told of it."""

    items: Sequence[Item]
    made: Sequence[Item]
    notes: Sequence[str]


async def wanted(world: World, caller: Caller, file: FleetFile, there: Standing) -> Wanted:
    """Return what a file asks for. Raises InvalidInput with all that cannot be."""
    said = [each for each in file.items if not _is_past(world, each)]
    plain, problems = _resolved(world, said, there)
    _, odd = _resolved(world, file.templates, there)
    problems += (*odd, *_impossible([*said, *file.templates], there))
    if problems:
        raise InvalidInput(*problems)
    picked, notes = await _picked(world, caller, file, there)
    items, odd = _resolved(world, picked, there)
    if odd:
        raise InvalidInput(*odd)
    past = (each for each in file.items if _is_past(world, each))
    notes += (f"{each.kind} {each.name} (line {each.line}) has expired." for each in past)
    return Wanted([*plain, *items], _made_of_itself(plain, there), notes)


def _resolved(
    world: World, items: Iterable[Item], there: Standing
) -> tuple[list[Item], list[FieldProblem]]:
    found, problems = list[Item](), list[FieldProblem]()
    for item in items:
        try:
            found.append(resolved_item(world, item, there))
        except (InvalidInput, AddressRefused) as error:
            problems.append(_problem(item, error))
    return found, problems


def _is_past(world: World, item: Item) -> bool:
    if item.kind is not Kind.EXCEPTION:
        return False
    return parse_moment(str(item.fields["expiresAt"])) <= world.clock.now()


def _problem(item: Item, error: InvalidInput | AddressRefused) -> FieldProblem:
    if isinstance(error, InvalidInput):
        found = error.problems[0]
        return problem_of(item, ".".join(found.field), found.rule)
    return problem_of(item, "instanceUrl", error.message)


def _impossible(items: Sequence[Item], there: Standing) -> Iterable[FieldProblem]:
    known = {*there.ids, *(each.id for each in items)}
    known |= {need for each in there.items for _, need in _needs(each)}
    for item in items:
        if item.id in there.doubled:
            rule = "is the name of several identities: rename all but one"
            yield problem_of(item, "name", rule)
        for field, need in _needs(item):
            if need not in known:
                yield problem_of(item, field, f"{need[1][0]} is not there, and not in the file")
    yield from _out_of_reach(items, there)
    yield from _kept_elsewhere(items, there)


def _needs(item: Item) -> Iterable[tuple[str, Ident]]:
    """Return what a thing names that is to be there, each with the field that names it."""
    fields: Any = item.fields
    if item.kind is Kind.ROTATION and fields.get("connection"):
        yield "connection", (Kind.CONNECTION, (fields["connection"],))
    if item.kind is Kind.EXCEPTION and fields["policy"]:
        yield "policy", (Kind.POLICY, (fields["policy"],))
    if item.kind is Kind.ROLE:
        yield from (("connections", (Kind.CONNECTION, (n,))) for n in connections_of(item))


def _out_of_reach(items: Sequence[Item], there: Standing) -> Iterable[FieldProblem]:
    """Find rotations whose connection serves another project alone."""
    serves: dict[str, object] = {
        name: there.projects.get(each.project_id or "") for name, each in there.connections.items()
    }
    made = (each for each in items if each.kind is Kind.CONNECTION)
    serves |= {each.key[0]: each.fields.get("project") for each in made if each.id not in there.ids}
    for item in items:
        project = serves.get(str(item.fields.get("connection")))
        if item.kind is Kind.ROTATION and project not in {None, item.key[0]}:
            yield problem_of(item, "connection", f"serves project {project} alone")


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


# --- selections -----------------------------------------------------------------------------------


async def _picked(
    world: World, caller: Caller, file: FleetFile, there: Standing
) -> tuple[Sequence[Item], list[str]]:
    """Return the rotations of the apps that are picked, and what is to be told of them."""
    found, notes = list[Item](), list[str]()
    if not file.templates:
        return found, notes
    async with world.store.reading() as tx:
        apps = await list_inventoried(tx, world, caller.organization_id)
        unread = [await _unread(tx, world, caller, each, there) for each in file.templates]
    own = {each.client_id for each in there.connections.values()}
    for template, why in zip(file.templates, unread, strict=True):
        if why:
            notes.append(why)
            continue
        url = there.connections[str(template.fields["connection"])].instance_url
        near = [each for each in apps if each.connection.instance_url == url]
        usable = [each for each in near if _adoptable(each, own)]
        found += _expanded(template, usable, [*file.items, *found], there)
        notes += _left_out(template, set(map(id, near)) - set(map(id, usable)), near)
    return found, notes


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


async def _unread(
    tx: Reading, world: World, caller: Caller, template: Item, there: Standing
) -> str:
    """Say why it is not known which apps are picked, or nothing."""
    name, select = str(template.fields["connection"]), template.fields["select"]
    lead = f"Which apps {select} picks (line {template.line}) is not known"
    read = {each.connection_id for each in await tx.list(Inventory) if each.completed_at}
    orgs = {each.instance_url for each in there.connections.values() if each.id in read}
    connection = there.connections.get(name)
    if connection is None or connection.instance_url not in orgs:
        return f"{lead}: run `keyturn inventory read` for connection {name}, and plan again."
    groups = [each for each in parse_selector(str(select)).patterns if each.startswith("group=")]
    try:
        asked = Selector((f"connection={name}", *groups))
        await require_groups_read(tx, world, asked, caller.organization_id)
    except Refused as error:
        return f"{lead}. {error.message}"
    return ""
