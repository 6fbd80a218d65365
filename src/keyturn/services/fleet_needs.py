"""What a fleet file names and is not there, so that its plan is refused before anything is done.

What the file makes itself counts as there: things are made in the order in which they need each
other.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from keyturn.domain.access import BUILT_IN, Caller
from keyturn.domain.errors import FieldProblem
from keyturn.domain.fleetfile.items import (
    SECTIONS,
    Action,
    Change,
    Item,
    Kind,
    problem_of,
)
from keyturn.domain.ids import EnvironmentId
from keyturn.domain.project import ROOT, Folder
from keyturn.domain.roles import NOT_ROLES, CustomRole
from keyturn.services.fleet_apps import refused_apps
from keyturn.services.fleet_resolving import connections_of
from keyturn.services.fleet_standing import Ident, Standing
from keyturn.services.ports import Reading, World
from keyturn.services.projects import STAGES

PLACED = frozenset({Kind.ROTATION, Kind.DESTINATION})


async def impossible(world: World, items: Sequence[Item], there: Standing) -> list[FieldProblem]:
    """Return what is wrong with what a file names, each with its line."""
    async with world.store.reading() as tx:
        known = await _known(tx, items, there)
        refused = await refused_apps(tx, items, there)
    problems = [problem for each in items for problem in _missing(each, known)]
    for item in items:
        if item.id in there.doubled:
            rule = "is the name of several identities: rename all but one"
            problems.append(problem_of(item, "name", rule))
    return [*problems, *refused]


def own_roles_taken(
    changes: Iterable[Change], caller: Caller, there: Standing
) -> Iterable[FieldProblem]:
    """Find what changes what the identity that applies the file holds: it could do no more."""
    held = {each.role.slug for each in caller.holdings}
    for change in changes:
        item, told = change.item, {each.name: each for each in change.fields}
        if item.kind is Kind.ROLE and item.key[-1] in held and "grants" in told:
            yield problem_of(item, "grants", "what applies this file holds it: another changes it")
        if change.action is not Action.UPDATE or there.ids.get(item.id) != caller.id:
            continue
        fields: Any = item.fields
        before: Any = told["roles"].before if "roles" in told else ()
        taken = {*before} - {*fields.get("roles", ())}
        if "role" in told or taken:
            rule = "is what applies this file: another is to change its roles"
            yield problem_of(item, "roles" if taken else "role", rule)


def made_of_itself(items: Iterable[Item], there: Standing) -> Sequence[Item]:
    """Return the environments that a new project begins with."""
    new = [each for each in items if each.kind is Kind.PROJECT and each.id not in there.ids]
    return [
        Item(Kind.ENVIRONMENT, (*project.key, slug), {"name": name})
        for project in new
        for slug, name in STAGES
    ]


# --- what is there --------------------------------------------------------------------------------


async def _known(tx: Reading, items: Sequence[Item], there: Standing) -> set[Ident]:
    """Return what may be named: what is there, what the file makes, and what was named before."""
    known = {*there.ids, *(each.id for each in (*items, *made_of_itself(items, there)))}
    named_before = (each for each in there.items if each.kind not in SECTIONS["identities"])
    known |= {need for each in named_before for _, needs in _needs(each) for need in needs}
    known |= {(Kind.PROJECT, (slug,)) for slug in there.projects.values()}
    known |= {(Kind.ENVIRONMENT, key) for key in there.environments}
    named = {each.key[:2] for each in items if each.kind in PLACED} & {*there.environments}
    keys = {EnvironmentId(there.environments[key]): key for key in named}
    folders = await tx.list(Folder, environment_id=frozenset(keys)) if keys else ()
    known |= {(Kind.FOLDER, (*keys[each.environment_id], each.path)) for each in folders}
    return known | await _roles(tx, items, there)


async def _roles(tx: Reading, items: Sequence[Item], there: Standing) -> set[Ident]:
    if not any(each.kind in SECTIONS["identities"] for each in items):
        return set()
    known: set[Ident] = {(Kind.ROLE, (slug,)) for slug in (*BUILT_IN, *NOT_ROLES)}
    for each in await tx.list(CustomRole):
        place = (there.projects.get(each.project_id, ""),) if each.project_id else ()
        known.add((Kind.ROLE, (*place, each.slug)))
    return known


def _missing(item: Item, known: set[Ident]) -> Iterable[FieldProblem]:
    for field, needs in _needs(item):
        if known.isdisjoint(needs):
            kind, key = needs[-1]
            told = f"{Item(kind, key).name} is not there, and not in the file"
            yield problem_of(item, field, told)
            if kind in SECTIONS["projects"]:
                return  # nor is anything in it


def _needs(item: Item) -> Iterable[tuple[str, Sequence[Ident]]]:
    """Return what a thing names, one of which is to be there, with the field that names it."""
    fields: Any = item.fields
    if item.kind is Kind.ROTATION and fields.get("connection"):
        yield "connection", [(Kind.CONNECTION, (fields["connection"],))]
    if item.kind is Kind.EXCEPTION and fields["policy"]:
        yield "policy", [(Kind.POLICY, (fields["policy"],))]
    if item.kind is Kind.ROLE:
        yield from (("connections", [(Kind.CONNECTION, (n,))]) for n in connections_of(item))
    if item.kind in PLACED:
        yield from _needs_of_place(item)
    yield from _needs_of_access(item)


def _needs_of_place(item: Item) -> Iterable[tuple[str, Sequence[Ident]]]:
    yield "project", [(Kind.PROJECT, item.key[:1])]
    yield "environment", [(Kind.ENVIRONMENT, item.key[:2])]
    if item.key[2] != ROOT:
        yield "path", [(Kind.FOLDER, item.key[:3])]


def _needs_of_access(item: Item) -> Iterable[tuple[str, Sequence[Ident]]]:
    fields: Any = item.fields
    project = item.key[0] if item.kind is Kind.ROLE and item.key[1:] else fields.get("project")
    if project:
        yield "project", [(Kind.PROJECT, (project,))]
    if item.kind is Kind.IDENTITY and "role" in fields:
        yield "role", [(Kind.ROLE, (fields["role"],))]
    if item.kind is Kind.ROLES:
        place = item.key[1:]
        yield "projects", [(Kind.PROJECT, place)]
        for slug in fields["roles"]:
            yield "roles", [(Kind.ROLE, (*place, slug)), (Kind.ROLE, (slug,))]
