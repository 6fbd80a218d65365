"""The inventory of connected orgs: begun by whoever may, and shown from what is on record.

How a reading goes on is `inventory_keeping`'s; nobody at Okta is asked here.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from keyturn.domain.access import Caller, Target, Verb
from keyturn.domain.connection import OktaConnection
from keyturn.domain.errors import NotFound, Refused
from keyturn.domain.inventory import (
    WHOLE,
    AppCount,
    Inventory,
    OwnerRule,
    begun,
    seconds_left,
)
from keyturn.domain.inventory_totals import ANY_WAY, Narrowing, Totals, totals_of
from keyturn.domain.owners import owner_rules
from keyturn.domain.selector import EVERYTHING, Selector, require_groups
from keyturn.services import gate
from keyturn.services.inventory_sights import InventorySights, seen_by
from keyturn.services.inventory_views import InventoriedApp, Kept, inventoried
from keyturn.services.ports import Reading, World
from keyturn.services.projects import target_of
from keyturn.services.removal import remove_inventory


@dataclass(frozen=True)
class InventoryState:
    """How the inventory of an org stands, as one connection sees it.

    ``inventory`` is None where nobody has asked for one. ``count`` is of the apps that are on
    record by now. ``through`` is the older connection by which the same org is read, where there is
    one. ``left_s`` is how long a reading still takes.
    """

    connection: OktaConnection
    inventory: Inventory | None
    count: AppCount
    through: OktaConnection | None = None

    @property
    def left_s(self) -> int | None:
        """Return how many seconds it takes from now, as far as that is known."""
        return seconds_left(self.inventory) if self.inventory else None


@dataclass(frozen=True)
class InventoryView:
    """Some of the apps that are wanted, what all of them come to, and how the inventories stand."""

    apps: Sequence[InventoriedApp]
    totals: Totals
    states: Sequence[InventoryState]
    at: datetime


WHOLE_LIST = slice(None)


async def list_inventory(
    world: World,
    caller: Caller,
    wanted: Selector = EVERYTHING,
    *,
    narrowing: Narrowing = ANY_WAY,
    page: slice = WHOLE_LIST,
    sights: InventorySights | None = None,
) -> InventoryView:
    """List the apps of connected orgs that are wanted, as they are on record. Raises Forbidden.

    Those are wanted that both the selector and ``narrowing`` pick, of which ``page`` is shown.
    ``sights`` spares whoever looks often that thousands of them are put together again.
    """
    await _require_reading(world, caller, f"inventory {wanted}".rstrip())
    require_groups(wanted, world.limits.inventory_groups)

    def shown(kept: Kept) -> bool:
        target = target_of(kept.place, kept.rotation.connection_id)
        return gate.may(caller, Verb.READ_ROTATIONS, target)

    async with world.store.reading() as tx:
        states = await _list_states(tx, caller)
        near = [each.connection for each in states]
        if sights:
            whole = await sights.look(tx, world, caller.organization_id)
            every = seen_by(whole, near, shown)
        else:
            every = await inventoried(tx, world, near, shown)
    now = world.clock.now()
    picked = (each for each in every if wanted.fits(each.subject))
    fit = [each for each in picked if narrowing.fits(each, now)]
    return InventoryView(fit[page], totals_of(fit, now), states, now)


async def list_inventories(world: World, caller: Caller) -> Sequence[InventoryState]:
    """Tell of each connection how its inventory stands. Raises Forbidden."""
    await _require_reading(world, caller, "inventories")
    async with world.store.reading() as tx:
        return await _list_states(tx, caller)


@dataclass(frozen=True)
class InventoryWatch:
    """How inventories stand, for somebody who looks again and again."""

    world: World

    async def look(self, caller: Caller) -> Sequence[InventoryState]:
        """Return how those stand that may be seen by now."""
        async with self.world.store.reading() as tx:
            return await _list_states(tx, caller)


async def watch_inventories(world: World, caller: Caller) -> InventoryWatch:
    """Begin to look on; the gate is passed once. Raises Forbidden."""
    await _require_reading(world, caller, "inventories (watch)")
    return InventoryWatch(world)


async def begin_inventory(
    world: World, caller: Caller, connection: str = "", *, whole: bool = False
) -> Sequence[InventoryState]:
    """Have the inventory of a connection's org, or of every org, brought up to date.

    One that was never read, or with ``whole`` any, is read as a whole; a full reading that is under
    way goes on where it is, and why it failed is not told until it does again. It is the workers
    who read it, paced by Okta's rate limit. Returns how they stand. Raises Forbidden, NotFound, and
    Refused where another connection is to be asked for.
    """
    subject = f"inventory of {connection or 'every org'}"
    await gate.require(world, caller, Verb.TAKE_INVENTORY, _ANY, subject=subject)
    now = world.clock.now()
    async with world.store.writing() as tx:
        states = await _list_states(tx, caller, Verb.TAKE_INVENTORY)
        chosen = [_named(states, connection)] if connection else [s for s in states if _reads(s)]
        for state in chosen:
            found = state.inventory
            if found is None:
                await tx.add(begun(state.connection.id, now))
            else:
                anew = whole and found.stage not in WHOLE
                after = begun(state.connection.id, now, found) if anew else found
                await tx.replace(replace(after, due_at=now, failure=""))
        return await _list_states(tx, caller)


async def forget_inventory(world: World, caller: Caller, connection: str) -> None:
    """Forget the inventory of a connection's org, which is then not kept any more.

    Nothing at Okta changes. Raises Forbidden, and NotFound where there is none.
    """
    subject = f"inventory of {connection} (forget)"
    await gate.require(world, caller, Verb.TAKE_INVENTORY, _ANY, subject=subject)
    async with world.store.writing() as tx:
        state = _find(await _list_states(tx, caller, Verb.TAKE_INVENTORY), connection)
        if state is None or state.inventory is None:
            raise NotFound(f"There is no inventory of {connection}.")
        await remove_inventory(tx, state.connection.id)


async def list_owners(world: World, caller: Caller) -> Sequence[OwnerRule]:
    """List by which labels apps are whose, the rule that counts first first. Raises Forbidden."""
    await _require_reading(world, caller, "owners")
    async with world.store.reading() as tx:
        return await _list_rules(tx, caller)


async def replace_owners(
    world: World, caller: Caller, lines: Iterable[tuple[str, str]]
) -> Sequence[OwnerRule]:
    """Have apps be whose these pairs of a label's pattern and an owner say, and no others.

    Raises Forbidden, and InvalidInput for a pair that is not whole.
    """
    await gate.require(world, caller, Verb.TAKE_INVENTORY, _ANY, subject="owners")
    rules = owner_rules(caller.organization_id, lines)
    async with world.store.writing() as tx:
        await tx.remove(*await _list_rules(tx, caller))
        await tx.add(*rules)
    return rules


_ANY = Target(somewhere=True)
"""Some org, of the whole organization: to be looked at one by one afterwards."""


async def _require_reading(world: World, caller: Caller, subject: str) -> None:
    await gate.require(world, caller, Verb.READ_INVENTORY, _ANY, subject=subject)


async def _list_rules(tx: Reading, caller: Caller) -> Sequence[OwnerRule]:
    rules = await tx.list(OwnerRule, organization_id=caller.organization_id)
    return sorted(rules, key=lambda rule: rule.number)


async def _list_states(
    tx: Reading, caller: Caller, verb: Verb = Verb.READ_INVENTORY
) -> Sequence[InventoryState]:
    """Tell of each connection that a caller may do this to how its inventory stands."""
    every = await tx.list(OktaConnection, organization_id=caller.organization_id)
    read = {each.connection_id: each for each in await tx.list(Inventory)}
    counts = {each.connection_id: each for each in await tx.count_apps()}
    oldest = _oldest(every)
    near = (each for each in every if gate.may(caller, verb, Target(connection_id=each.id)))
    ways = ((each, oldest[each.instance_url]) for each in near)
    return [
        InventoryState(
            each,
            read.get(each.id),
            counts.get(each.id) or AppCount(each.id, 0, 0),
            None if first is each else first,
        )
        for each, first in ways
    ]


def _oldest(connections: Iterable[OktaConnection]) -> Mapping[str, OktaConnection]:
    """Return the oldest connection to each address: by that its org is read."""
    found: dict[str, OktaConnection] = {}
    for each in sorted(connections, key=lambda one: one.created_at):
        found.setdefault(each.instance_url, each)
    return found


def _reads(state: InventoryState) -> bool:
    """Say whether an org is read by this connection; one that was begun with goes on."""
    return state.through is None or state.inventory is not None


def _find(states: Iterable[InventoryState], connection: str) -> InventoryState | None:
    return next((s for s in states if connection in (s.connection.id, s.connection.name)), None)


def _named(states: Sequence[InventoryState], connection: str) -> InventoryState:
    """Return the state of a connection by id or name. Raises NotFound, Refused."""
    found = _find(states, connection)
    if found is None:
        raise NotFound(f"There is no Okta connection {connection}.")
    if found.through and not _reads(found):
        raise Refused(
            f"The org of connection {found.connection.name} is read by connection "
            f"{found.through.name}, which is older: ask for the inventory of that one."
        )
    return found
