"""Fleet files: plan what one asks for, apply that plan, and write what there is as such a file.

Nothing is remembered of a file. What is left of a plan is planned again each time, so that an apply
that ended anywhere goes on when it is asked again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from keyturn.domain.access import Caller, Target, Verb
from keyturn.domain.errors import InvalidInput, KeyturnError, OktaThrottled, Refused
from keyturn.domain.fleetfile.items import SECTIONS, Change, Item, Kind, diff, plan_hash
from keyturn.domain.fleetfile.reading import parse_fleet
from keyturn.domain.fleetfile.schema import FLEET
from keyturn.domain.fleetfile.writing import fleet_text
from keyturn.domain.sensitive import Sensitive
from keyturn.services import gate
from keyturn.services.fleet_calls import Cost, costs_of
from keyturn.services.fleet_compliance import (
    of_policies_that_go,
    told_of_none,
    with_their_exceptions,
)
from keyturn.services.fleet_credentials import references_of, without_credential
from keyturn.services.fleet_doing import do
from keyturn.services.fleet_hands import Hands
from keyturn.services.fleet_needs import own_roles_taken
from keyturn.services.fleet_standing import Standing, standing
from keyturn.services.fleet_wanted import wanted
from keyturn.services.ports import World

ALL = Target()
"""A fleet file goes across projects: it is for those who hold a role in all of them."""
AT_ONCE = 20


@dataclass(frozen=True)
class FleetOrder:
    """A fleet file as somebody hands it in; ``prune`` has what may go and is not in it removed."""

    text: str
    prune: bool = False


@dataclass(frozen=True)
class FleetPlan:
    """What applying a file will do, in order.

    ``left`` is there, is not in the file and stays. ``references`` are where credentials that it
    takes come from. ``costs`` are what the changes ask of Okta, one for each.
    """

    changes: Sequence[Change]
    left: Sequence[Item]
    notes: Sequence[str]
    references: Sequence[str]
    plan_hash: str
    costs: Sequence[Cost] = ()

    @property
    def calls(self) -> int:
        """Return how many calls of Okta it is at most."""
        return sum(len(each.calls) for each in self.costs)

    @property
    def lasts_s(self) -> int:
        """Return how many seconds they take at the allowed rate."""
        return self.costs[-1].ends_s if self.costs else 0


@dataclass(frozen=True)
class Application:
    """How a plan is to be applied: ``credentials`` are values by their references in the file.

    At most ``most`` changes are tried at once. ``keep_going`` is whether one that cannot be done
    lets the others be done; ``pass_over`` is how many of the first were tried before, in vain.
    """

    plan_hash: str
    credentials: Mapping[str, Sensitive] = field(default_factory=dict)
    most: int = AT_ONCE
    keep_going: bool = False
    pass_over: int = 0


@dataclass(frozen=True)
class Failed:
    """A change that could not be done, and why; ``retry_after_s`` where it only has to wait."""

    change: Change
    why: str
    retry_after_s: float | None = None


@dataclass(frozen=True)
class Applied:
    """What was done, what failed and what is left; ``plan_hash`` is that of what is left."""

    done: Sequence[Change]
    failed: Sequence[Failed]
    left: Sequence[Change]
    plan_hash: str


async def plan_fleet(world: World, caller: Caller, order: FleetOrder) -> FleetPlan:
    """Plan what a fleet file asks for; nothing is changed, and Okta is not asked.

    Raises InvalidInput with all that is wrong in it, and Forbidden.
    """
    await _pass(world, caller, "plan")
    plan, there = await _planned(world, caller, order)
    notes = [*plan.notes, *await told_of_none(world, caller, plan.changes)]
    return replace(plan, notes=notes, costs=await costs_of(world, plan.changes, there))


async def apply_fleet(world: World, caller: Caller, order: FleetOrder, how: Application) -> Applied:
    """Do the changes of the plan that was looked at, or the first of them.

    Raises InvalidInput, Forbidden, and Refused where the plan is another by now. What goes wrong
    with one change is told, and the caller may do each only if the gate lets them.
    """
    await _pass(world, caller, "apply")
    plan, there = await _planned(world, caller, order)
    if plan.plan_hash != how.plan_hash:
        raise Refused("What is to be done is not what was planned any more: plan again, and look.")
    hands = Hands(world, caller, there, how.credentials)
    done, failed = list[Change](), list[Failed]()
    for change in plan.changes[how.pass_over :][: how.most]:
        if failed and not how.keep_going:
            break
        try:
            await do(hands, change)
        except KeyturnError as error:
            failed.append(_failed(change, error))
        else:
            done.append(change)
        if failed and failed[-1].retry_after_s is not None:
            break
    gone = {each.item.id for each in done}
    left = [each for each in plan.changes if each.item.id not in gone]
    return Applied(done, failed, left, plan_hash(left))


async def export_fleet(world: World, caller: Caller) -> str:
    """Write what there is as a fleet file, which changes nothing; no value of a secret is in it.

    Raises Forbidden.
    """
    await _pass(world, caller, "export")
    kinds = frozenset(kind for every in SECTIONS.values() for kind in every)
    return fleet_text((await standing(world, caller, kinds)).items)


async def read_schema(world: World, caller: Caller) -> Mapping[str, object]:
    """Return the JSON Schema of fleet files. Raises Forbidden."""
    await _pass(world, caller, "schema")
    return FLEET


async def _pass(world: World, caller: Caller, detail: str) -> None:
    subject = f"fleet file ({detail})"
    await gate.require(world, caller, Verb.READ_ROTATIONS, ALL, subject=subject)


async def _planned(world: World, caller: Caller, order: FleetOrder) -> tuple[FleetPlan, Standing]:
    file = parse_fleet(order.text)
    there = await standing(world, caller, file.kinds)
    asked = await wanted(world, caller, file, there)
    found = diff(
        asked.items,
        [*there.items, *asked.made],
        prune=order.prune or file.prune,
        keep=caller.name,
    )
    problems = [*found.problems, *without_credential(found.changes)]
    problems += own_roles_taken(found.changes, caller, there)
    problems += of_policies_that_go(found.changes, asked.items)
    if problems:
        raise InvalidInput(*problems)
    changes = found.changes
    if Kind.EXCEPTION not in file.kinds:
        changes = await with_their_exceptions(world, caller, changes)
    made = {each.id for each in asked.made}
    plan = FleetPlan(
        changes,
        [each for each in found.left if each.id not in made],
        asked.notes,
        references_of(changes),
        plan_hash(changes),
    )
    return plan, there


def _failed(change: Change, error: KeyturnError) -> Failed:
    waits = error.retry_after_s if isinstance(error, OktaThrottled) else None
    return Failed(_without_fields(change), error.message, waits)


def _without_fields(change: Change) -> Change:
    return replace(change, fields=())
