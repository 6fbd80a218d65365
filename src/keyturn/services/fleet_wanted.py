"""What a fleet file asks for, put beside what there is.

Selections of apps become rotations, and exceptions that have expired are nothing any more.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from keyturn.domain.access import Caller
from keyturn.domain.errors import AddressRefused, FieldProblem, InvalidInput
from keyturn.domain.fleetfile.items import Item, Kind, problem_of
from keyturn.domain.fleetfile.reading import FleetFile, parse_moment
from keyturn.services.fleet_compliance import refused_exceptions
from keyturn.services.fleet_names import names_in
from keyturn.services.fleet_needs import impossible, made_of_itself
from keyturn.services.fleet_picking import picked
from keyturn.services.fleet_resolving import resolved_item
from keyturn.services.fleet_standing import Standing
from keyturn.services.ports import World


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
    templates, odd = _resolved(world, file.templates, there)
    every = [*plain, *templates]
    async with world.store.reading() as tx:
        names = await names_in(tx, caller, every, there)
    problems += (*odd, *await impossible(world, every, there), *names.problems(plain))
    problems = problems or [*await refused_exceptions(world, caller, plain, there)]
    if problems:
        raise InvalidInput(*problems)
    of_apps, notes = await picked(world, caller, file, there, names)
    items, odd = _resolved(world, of_apps, there)
    if odd:
        raise InvalidInput(*odd)
    past = (each for each in file.items if _is_past(world, each))
    notes += (f"{each.kind} {each.name} (line {each.line}) has expired." for each in past)
    return Wanted([*plain, *items], made_of_itself(plain, there), notes)


def _resolved(
    world: World, items: Iterable[Item], there: Standing
) -> tuple[list[Item], list[FieldProblem]]:
    """Return things as they are to be, and what is wrong with those that stay as they are said."""
    found, problems = list[Item](), list[FieldProblem]()
    for item in items:
        try:
            found.append(resolved_item(world, item, there))
        except (InvalidInput, AddressRefused) as error:
            found.append(item)
            problems.append(_problem(item, error))
    return found, problems


def _is_past(world: World, item: Item) -> bool:
    if item.kind is not Kind.EXCEPTION:
        return False
    return parse_moment(str(item.fields["expiresAt"])) <= world.clock.now()


def _problem(item: Item, error: InvalidInput | AddressRefused) -> FieldProblem:
    if isinstance(error, InvalidInput):
        found = error.problems[0]
        where = ".".join(found.field).replace("secretsMapping", "mapping")
        return problem_of(item, where, found.rule)
    return problem_of(item, "instanceUrl", error.message)
