"""What a fleet file asks for, put beside what there is.

Selections of apps become rotations, and exceptions that have expired are nothing any more.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from keyturn.domain.access import Caller
from keyturn.domain.errors import AddressRefused, FieldProblem, InvalidInput, Refused
from keyturn.domain.fleetfile.expanding import Candidate, expanded
from keyturn.domain.fleetfile.items import Item, Kind, problem_of
from keyturn.domain.fleetfile.reading import FleetFile, parse_moment
from keyturn.domain.inventory import Inventory
from keyturn.domain.okta import SECRET_METHODS, Status
from keyturn.domain.selector import Selector, parse_selector
from keyturn.services.fleet_needs import impossible, made_of_itself
from keyturn.services.fleet_resolving import resolved_item
from keyturn.services.fleet_standing import Standing
from keyturn.services.inventory_views import InventoriedApp, list_inventoried
from keyturn.services.ports import Reading, World
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
    problems += (*odd, *await impossible(world, [*said, *file.templates], there))
    if problems:
        raise InvalidInput(*problems)
    picked, notes = await _picked(world, caller, file, there)
    items, odd = _resolved(world, picked, there)
    if odd:
        raise InvalidInput(*odd)
    past = (each for each in file.items if _is_past(world, each))
    notes += (f"{each.kind} {each.name} (line {each.line}) has expired." for each in past)
    return Wanted([*plain, *items], made_of_itself(plain, there), notes)


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
