"""The cards on tables: each change is committed with its answer, and is made once."""

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Final

from keyturn.domain.access import Verb
from keyturn.domain.errors import Forbidden, NotFound, Refused
from keyturn.domain.flows.cards.table import LIMIT_MAX
from keyturn.domain.flows.expressions import step_into
from keyturn.domain.flows.failures import CardFailure, Failure, wrong_input
from keyturn.domain.flows.tables import FlowTable, listed, require_where, sortable
from keyturn.domain.flows.values import Bound, members, seen
from keyturn.domain.flows.walk import Act
from keyturn.services import gate
from keyturn.services.cards.stage import Perform, Stage, given
from keyturn.services.ports import Reading, Writing
from keyturn.services.projects import target_of
from keyturn.services.table_rows import RowView, Search, Table

Changed = Callable[[Writing, Table, Act], Awaitable[Bound]]


async def _open(tx: Reading, stage: Stage, act: Act) -> Table:
    """Find a table of the flow's folder. Raises NotFound, Forbidden."""
    name, place = str(given(act).get("table")), stage.place
    if not gate.may(stage.caller, Verb.RUN_FLOWS, target_of(place)):
        raise Forbidden
    found = await tx.find(FlowTable, folder_id=place.folder.id, name=name)
    if found is None:
        raise NotFound(f"There is no table {name} in {place}.")
    return Table(stage.world, place, found)


def _changes(change: Changed) -> Perform:
    """Return what makes a change, in one transaction with its answer."""

    async def perform(stage: Stage, act: Act) -> Bound:
        async def work(tx: Writing) -> Bound:
            return await change(tx, await _open(tx, stage, act), act)

        return await stage.commit(work)

    return perform


async def _create(tx: Writing, table: Table, act: Act) -> Bound:
    try:
        (made,) = await table.create(tx, [_values(act)])
    except Refused as full:
        raise CardFailure(Failure.INPUT, full.message) from None
    return made.told


async def _update(tx: Writing, table: Table, act: Act) -> Bound:
    found = await _find(tx, table, act)
    return (await table.update(tx, found, _values(act))).told


async def _delete(tx: Writing, table: Table, act: Act) -> Bound:
    return seen({"deleted": await table.delete(tx, str(given(act).get("row")))})


async def _clear(tx: Writing, table: Table, act: Act) -> Bound:
    return seen({"count": await table.clear(tx)})


async def _read(stage: Stage, act: Act) -> Bound:
    async with stage.world.store.reading() as tx:
        return (await _find(tx, await _open(tx, stage, act), act)).told


async def _search(stage: Stage, act: Act) -> Bound:
    async with stage.world.store.reading() as tx:
        table = await _open(tx, stage, act)
    found = [each.told for each in await table.search(_search_of(table.table, act))]
    first = found[0] if found else seen(None)
    return members({"rows": listed(found), "count": seen(len(found)), "first": first})


def _search_of(table: FlowTable, act: Act) -> Search:
    inputs = given(act)
    where, sort, limit = inputs.get("where"), inputs.get("sort"), inputs.get("limit")
    wanted = where if isinstance(where, dict) else {}
    require_where(table, wanted)
    if sort and not sortable(table, str(sort)):
        raise wrong_input("sort", "must be a column of texts, numbers or booleans")
    if not isinstance(limit, int) or isinstance(limit, bool) or not 1 <= limit <= LIMIT_MAX:
        raise wrong_input("limit", f"must be a whole number from 1 to {LIMIT_MAX:,}")
    return Search(wanted, limit, str(sort or ""), descending=inputs.get("descending") is True)


async def _find(tx: Reading, table: Table, act: Act) -> RowView:
    row_id = str(given(act).get("row"))
    found = await table.find(tx, row_id)
    if found is None:
        raise NotFound(f"The table {table.table.name} has no such row.")
    return found


def _values(act: Act) -> Bound:
    return step_into(act.inputs, "values") or seen({})


PERFORMERS: Final[Mapping[str, Perform]] = MappingProxyType(
    {
        "table.create_row": _changes(_create),
        "table.read_row": _read,
        "table.search_rows": _search,
        "table.update_row": _changes(_update),
        "table.delete_row": _changes(_delete),
        "table.clear": _changes(_clear),
    }
)
