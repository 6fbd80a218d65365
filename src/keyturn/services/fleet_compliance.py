"""What a fleet file asks of compliance, beside the apps that are known and what goes with it."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from keyturn.domain.access import Caller
from keyturn.domain.compliance import PolicyException, require_exception, require_some_left
from keyturn.domain.errors import FieldProblem, InvalidInput
from keyturn.domain.fleetfile.items import (
    Action,
    Change,
    FieldChange,
    Item,
    Kind,
    changes_of,
    problem_of,
)
from keyturn.domain.fleetfile.reading import parse_moment
from keyturn.domain.ids import PolicyExceptionId
from keyturn.domain.selector import parse_selector
from keyturn.services.compliance_policies import list_exceptions
from keyturn.services.compliance_sights import list_excusable
from keyturn.services.fleet_standing import Ident, Standing
from keyturn.services.inventory_views import list_inventoried
from keyturn.services.ports import World


async def refused_exceptions(
    world: World, caller: Caller, items: Iterable[Item], there: Standing
) -> Sequence[FieldProblem]:
    """Return what is wrong with exceptions that the file makes, by the rules for each."""
    before = {each.id: each for each in there.items}
    of_kind = (each for each in items if each.kind is Kind.EXCEPTION)
    new = [each for each in of_kind if changes_of(each, before.get(each.id))]
    if not new:
        return []
    async with world.store.reading() as tx:
        excusable = await list_excusable(tx, world, caller.organization_id)
    problems = []
    for item in new:
        try:
            exception = require_exception(_exception(world, caller, item))
            require_some_left(exception, excusable)
        except InvalidInput as error:
            [found] = error.problems
            problems.append(problem_of(item, ".".join(found.field), found.rule))
    return problems


def _exception(world: World, caller: Caller, item: Item) -> PolicyException:
    fields: Any = item.fields
    return PolicyException(
        id=PolicyExceptionId(""),
        organization_id=caller.organization_id,
        policy_id=None,
        selector=fields["selector"],
        kinds=fields["kinds"],
        reason=fields["reason"],
        approved_by=caller.name,
        created_at=world.clock.now(),
        expires_at=parse_moment(fields["expiresAt"]),
    )


async def told_of_none(world: World, caller: Caller, changes: Iterable[Change]) -> Sequence[str]:
    """Tell which policies and exceptions that are made or changed fit no app that is known."""
    items = (each.item for each in changes if each.action is not Action.DELETE)
    of_compliance = [each for each in items if each.kind in {Kind.POLICY, Kind.EXCEPTION}]
    asked = [(each, told) for each in of_compliance if (told := each.fields.get("selector"))]
    if not asked:
        return []
    async with world.store.reading() as tx:
        apps = [each.subject for each in await list_inventoried(tx, world, caller.organization_id)]
    return [
        f"{item.kind} {item.name} (line {item.line}): {selector} fits none of the {len(apps)} apps "
        "that are known now."
        for item, selector in asked
        if apps and not any(map(parse_selector(str(selector)).fits, apps))
    ]


async def with_their_exceptions(
    world: World, caller: Caller, changes: Sequence[Change]
) -> tuple[Change, ...]:
    """Have policies that go say which exceptions go with them."""
    going, told = _going(changes), dict[str, list[str]]()
    for each in await list_exceptions(world, caller) if going else ():
        if each.policy:
            line = f"{each.exception.selector}: {each.exception.reason}"
            told.setdefault(each.policy.name, []).append(line)
    return tuple(
        replace(each, fields=(FieldChange("policyExceptions", told[name], None),))
        if each.item.id in going and (name := each.item.key[0]) in told
        else each
        for each in changes
    )


def of_policies_that_go(changes: Sequence[Change], items: Iterable[Item]) -> Iterable[FieldProblem]:
    """Find exceptions in the file from policies that are removed, because they are not in it."""
    going = _going(changes)
    for item in items:
        of = Kind.POLICY, (str(item.fields.get("policy", "")),)
        if item.kind is Kind.EXCEPTION and of in going:
            yield problem_of(item, "policy", f"{of[1][0]} is not in the file, and would go with it")


def _going(changes: Iterable[Change]) -> frozenset[Ident]:
    deleted = (each.item.id for each in changes if each.action is Action.DELETE)
    return frozenset(each for each in deleted if each[0] is Kind.POLICY)
