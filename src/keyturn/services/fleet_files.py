"""Fleet files: plan what one asks for, apply that plan, and write what there is as such a file.

Nothing is remembered of a file. What is left of a plan is planned again each time, so that an apply
that ended anywhere goes on when it is asked again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from keyturn.domain.access import Caller, Target, Verb
from keyturn.domain.budget import Purpose, floor
from keyturn.domain.errors import FieldProblem, InvalidInput, KeyturnError, OktaThrottled, Refused
from keyturn.domain.fleetfile.items import (
    CREDENTIAL,
    SECTIONS,
    Action,
    Change,
    Item,
    Kind,
    diff,
    plan_hash,
    problem_of,
)
from keyturn.domain.fleetfile.reading import parse_fleet
from keyturn.domain.fleetfile.schema import FLEET
from keyturn.domain.fleetfile.writing import fleet_text
from keyturn.domain.sensitive import Sensitive
from keyturn.services import gate
from keyturn.services.fleet_doing import Hands, do
from keyturn.services.fleet_standing import Standing, standing
from keyturn.services.fleet_wanted import wanted
from keyturn.services.ports import World

ALL = Target()
"""A fleet file goes across projects: it is for those who hold a role in all of them."""
AT_ONCE = 20
USUAL_PER_MIN = 50
"""Half of 100 calls a minute, what Okta lets one client call of an app's secrets in workforce orgs;
assumed where no answer has told otherwise yet."""
MANAGEMENT = "api/v1/apps"
LEADING = {
    Kind.CONNECTION: frozenset({"instanceUrl", "method", "clientId"}),
    Kind.DESTINATION: frozenset({"settings"}),
}
"""Where a credential is sent to, which takes it anew."""


@dataclass(frozen=True)
class FleetOrder:
    """A fleet file as somebody hands it in; ``prune`` has what may go and is not in it removed."""

    text: str
    prune: bool = False


@dataclass(frozen=True)
class FleetPlan:
    """What applying a file will do, in order.

    ``left`` is there, is not in the file and stays. ``references`` are where credentials that it
    takes come from. ``calls`` are management calls of Okta at most, and ``lasts_s`` how many
    seconds they take at the allowed rate.
    """

    changes: Sequence[Change]
    left: Sequence[Item]
    notes: Sequence[str]
    references: Sequence[str]
    calls: int
    lasts_s: int
    plan_hash: str


@dataclass(frozen=True)
class Application:
    """How a plan is to be applied: ``credentials`` are values by their references in the file.

    At most ``most`` changes are done at once. ``keep_going`` is whether one that cannot be done
    lets the others be done.
    """

    plan_hash: str
    credentials: Mapping[str, Sensitive] = field(default_factory=dict)
    most: int = AT_ONCE
    keep_going: bool = False


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
    plan, _ = await _planned(world, caller, order)
    return plan


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
    for change in plan.changes:
        if len(done) == how.most or (failed and not how.keep_going):
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
    problems = [*found.problems, *_without_credential(found.changes)]
    if problems:
        raise InvalidInput(*problems)
    made = {each.id for each in asked.made}
    plan = FleetPlan(
        found.changes,
        [each for each in found.left if each.id not in made],
        asked.notes,
        _references(found.changes),
        sum(each.calls for each in found.changes),
        await _lasts_s(world, found.changes, there),
        plan_hash(found.changes),
    )
    return plan, there


def _credentials(change: Change) -> Mapping[str, object]:
    """Return where the credentials that a change takes come from; none where none is sent."""
    told = change.item.fields.get(CREDENTIAL)
    names = {each.name for each in change.fields}
    sent = change.action is Action.CREATE or names & LEADING.get(change.item.kind, frozenset())
    if not sent or change.action is Action.DELETE:
        return {}
    of_connection = {CREDENTIAL: told} if change.item.kind is Kind.CONNECTION else {}
    return told if isinstance(told, Mapping) else of_connection


def _references(changes: Iterable[Change]) -> Sequence[str]:
    found = (str(each) for change in changes for each in _credentials(change).values())
    return [*dict.fromkeys(found)]


def _without_credential(changes: Iterable[Change]) -> Iterable[FieldProblem]:
    for change in changes:
        for name, told in _credentials(change).items():
            if told in {None, "kept"}:
                rule = "is needed: say env:NAME, file:PATH or stdin"
                field = name if name == CREDENTIAL else f"{CREDENTIAL}.{name}"
                yield problem_of(change.item, field, rule)


async def _lasts_s(world: World, changes: Sequence[Change], there: Standing) -> int:
    """Tell how long the calls take at the rate that each org allows, one after the other."""
    told = {
        each.org: each.limit
        for each in await world.okta.list_windows()
        if each.bucket.strip("/").startswith(MANAGEMENT)
    }
    shares, total = world.limits.shares, 0.0
    for change in changes:
        name = change.item.fields.get("connection", change.item.key[0])
        connection = there.connections.get(str(name))
        limit = told.get(connection.instance_url if connection else "", USUAL_PER_MIN)
        rate = max(1, limit - floor(limit, Purpose.FINISHING, shares))
        total += 60 * change.calls / rate
    return round(total)


def _failed(change: Change, error: KeyturnError) -> Failed:
    waits = error.retry_after_s if isinstance(error, OktaThrottled) else None
    return Failed(_without_fields(change), error.message, waits)


def _without_fields(change: Change) -> Change:
    return replace(change, fields=())
