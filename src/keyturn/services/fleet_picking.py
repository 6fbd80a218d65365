"""The rotations that a fleet file's selections become, and the apps that they leave out.

What an app has that nobody can take over hinders no other: it is left out, and told.
"""

from collections.abc import Collection, Iterable, Sequence

from keyturn.domain.access import Caller
from keyturn.domain.errors import Refused
from keyturn.domain.fleetfile.expanding import Candidate, expanded
from keyturn.domain.fleetfile.items import Item, Kind
from keyturn.domain.fleetfile.reading import FleetFile
from keyturn.domain.inventory import Inventory
from keyturn.domain.rotation import CONSENT
from keyturn.domain.selector import Selector, parse_selector
from keyturn.services.fleet_apps import crowded, kind_of, logins_of, unusable
from keyturn.services.fleet_names import Names
from keyturn.services.fleet_standing import Standing
from keyturn.services.inventory_views import InventoriedApp, list_inventoried
from keyturn.services.ports import Reading, World
from keyturn.services.selectors import require_groups_read

NAMED = 10
"""So many apps that are left out are told by name."""


async def picked(
    world: World, caller: Caller, file: FleetFile, there: Standing, names: Names
) -> tuple[list[Item], list[str]]:
    """Return the rotations of the apps that are picked, and what is to be told of them."""
    found, notes = list[Item](), list[str]()
    if not file.templates:
        return found, notes
    async with world.store.reading() as tx:
        apps = await list_inventoried(tx, world, caller.organization_id)
        unread = [await _unread(tx, world, caller, each, there) for each in file.templates]
    logins = logins_of(file.items, there)
    for template, why in zip(file.templates, unread, strict=True):
        if why:
            notes.append(why)
            continue
        kind, near = kind_of(template), _near(template, apps, there)
        usable = [each for each in near if not unusable(each.app, kind, logins)]
        free = _free(usable, [*file.items, *found])
        full = {
            each.app.app_id: each
            for each in free
            if not each.managed and crowded(each.app, each.listed_secrets, kind)
        }
        roomy = [each for each in free if each.app.app_id not in full]
        made = _expanded(template, roomy, [*file.items, *found], there)
        taken = {each.key: clash for each in made if (clash := names.take(each))}
        found += (each for each in made if each.key not in taken)
        notes += _left_out(template, near, len(near) - len(usable))
        notes += _crowded(template, [*full.values()])
        notes += _unnamed(template, taken)
    return found, notes


def _near(
    template: Item, apps: Iterable[InventoriedApp], there: Standing
) -> Sequence[InventoriedApp]:
    """Return which apps of its org a selection picks."""
    url = there.connections[str(template.fields["connection"])].instance_url
    fits = parse_selector(str(template.fields["select"])).fits
    return [each for each in apps if each.connection.instance_url == url and fits(each.subject)]


def _free(apps: Iterable[InventoriedApp], items: Iterable[Item]) -> Sequence[InventoriedApp]:
    """Return the apps that no rotation of the file has already."""
    said = {str(each.fields.get("app")) for each in items if each.kind is Kind.ROTATION}
    return [each for each in apps if not said & {each.app.app_id, each.app.client_id}]


def _expanded(
    template: Item, apps: Iterable[InventoriedApp], items: Iterable[Item], there: Standing
) -> Sequence[Item]:
    kept = {view.rotation.app_id: key for key, view in there.rotations.items()}
    candidates = [
        Candidate(each.subject, kept.get(each.app.app_id))
        for each in apps
        if not each.managed or each.app.app_id in kept
    ]
    ours = {each.kept for each in candidates}
    taken = {each.key for each in items if each.kind is Kind.ROTATION}
    return expanded(template, candidates, (taken | {*there.rotations, *there.apart}) - ours)


# --- what is told ---------------------------------------------------------------------------------


def _left_out(template: Item, near: Collection[InventoriedApp], unusable: int) -> Iterable[str]:
    if not near:
        yield f"{template.fields['select']} (line {template.line}) picks no app that is known now."
    if unusable:
        noun = kind_of(template).rules.noun
        yield (
            f"{_lead(template)}: {unusable} app{'s' if unusable > 1 else ''} without a {noun} to "
            "turn, not active, or what Keyturn itself logs in as."
        )


def _crowded(template: Item, full: Sequence[InventoriedApp]) -> Iterable[str]:
    if full:
        apps = _listed(f"{each.app.label} ({each.app.app_id})" for each in full)
        yield (
            f"{_lead(template)} because Okta's limit leaves no room beside the two client secrets "
            f"that they have: {apps}. Remove the one that is not in use and run `keyturn inventory "
            f"read`, or consent to its retirement: {CONSENT}. With that rotation the file goes on."
        )


def _unnamed(template: Item, taken: dict[tuple[str, ...], Collection[str]]) -> Iterable[str]:
    if taken:
        told = (f"{Item(Kind.ROTATION, k).name} ({', '.join(v)})" for k, v in taken.items())
        yield (
            f"{_lead(template)} because there are secrets of these names already: {_listed(told)}. "
            "Choose another mapping, or remove those secrets."
        )


def _lead(template: Item) -> str:
    return f"Left out of {template.fields['select']} (line {template.line})"


def _listed(told: Iterable[str]) -> str:
    every = [*told]
    more = len(every) - NAMED
    return ", ".join(every[:NAMED]) + (f" and {more} more" if more > 0 else "")


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
