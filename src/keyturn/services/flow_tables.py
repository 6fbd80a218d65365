"""Tables of flows, for people: made, looked at, filled, changed, emptied and removed.

What is in a table may be as secret as what a run answers: to read or change rows takes what
starting a run takes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from keyturn.domain import names
from keyturn.domain.access import Caller, Target, Verb
from keyturn.domain.errors import FieldProblem, InvalidInput, NotFound, Taken
from keyturn.domain.flows.failures import CardFailure
from keyturn.domain.flows.tables import FlowTable, require_columns, require_row
from keyturn.domain.flows.values import Kind, Value, seen
from keyturn.domain.ids import TableId
from keyturn.domain.names import secret_path
from keyturn.domain.project import Place
from keyturn.services import gate
from keyturn.services.ports import Reading, World
from keyturn.services.projects import (
    Where,
    anywhere_in,
    place_of,
    places_of,
    read_place,
    resolve_project,
    target_of,
)
from keyturn.services.records import read_left
from keyturn.services.removal import remove_table
from keyturn.services.table_rows import RowView, Table

PAGE_MAX: Final = 200
"""How many rows are read, or added, by one request."""


@dataclass(frozen=True)
class TableView:
    """A table, and where it lies."""

    table: FlowTable
    place: Place


async def create_table(
    world: World, caller: Caller, where: Where, name: str, columns: Mapping[str, Kind]
) -> TableView:
    """Make a table without rows. Raises InvalidInput, Forbidden, NotFound, Taken."""
    project_id, path = await resolve_project(world, where.project), secret_path(where.path)
    target = Target(project_id, where.environment, path)
    await gate.require(world, caller, Verb.EDIT_FLOWS, target, subject=f"table {where}:{name}")
    clean, now = names.slug("name", name), world.clock.now()
    require_columns(columns)
    async with world.store.writing() as tx:
        place = await read_place(tx, project_id, where)
        if await tx.find(FlowTable, folder_id=place.folder.id, name=clean):
            raise Taken(f"There is a table {clean} in {place}: choose another name.")
        table = FlowTable(
            id=TableId(world.chance.uuid()),
            folder_id=place.folder.id,
            name=clean,
            columns=tuple(columns),
            kinds=tuple(kind.value for kind in columns.values()),
            created_at=now,
            updated_at=now,
        )
        await tx.add(table)
    return TableView(table, place)


async def list_tables(world: World, caller: Caller, *, project: str) -> Sequence[TableView]:
    """List the tables of a project that the caller may see. Raises Forbidden."""
    project_id, verb = await resolve_project(world, project), Verb.READ_FLOWS
    target = anywhere_in(project_id)
    await gate.require(world, caller, verb, target, subject=f"tables of {project}")
    async with world.store.reading() as tx:
        every = await tx.list(FlowTable)
        places = await places_of(tx, {each.folder_id for each in every})
    found = [TableView(each, places[each.folder_id]) for each in every]
    near = [each for each in found if each.place.project.id == project_id]
    return [each for each in near if gate.may(caller, verb, target_of(each.place))]


async def read_table(world: World, caller: Caller, table_id: str) -> TableView:
    """Read one table, without its rows. Raises NotFound, Forbidden."""
    return await _admit(world, caller, Verb.READ_FLOWS, table_id)


async def delete_table(world: World, caller: Caller, table_id: str) -> TableView:
    """Remove a table with all its rows. Raises NotFound, Forbidden."""
    view = await _admit(world, caller, Verb.EDIT_FLOWS, table_id, "delete")
    async with world.store.writing() as tx:
        stored = await read_left(tx.find(FlowTable, id=table_id), f"table {view.table.name}")
        await remove_table(tx, stored)
    return view


async def list_rows(
    world: World, caller: Caller, table_id: str, *, after: int = 0, limit: int = PAGE_MAX
) -> tuple[TableView, Sequence[RowView]]:
    """List rows of a table past a number, in the order in which they were added.

    Raises NotFound, Forbidden.
    """
    view = await _admit(world, caller, Verb.RUN_FLOWS, table_id, "rows")
    return view, await Table(world, view.place, view.table).page(after, min(limit, PAGE_MAX))


async def add_rows(
    world: World, caller: Caller, table_id: str, rows: Sequence[Mapping[str, Value]]
) -> Sequence[RowView]:
    """Add rows, all or none. Raises NotFound, Forbidden, InvalidInput, Refused for a full table."""
    view = await _admit(world, caller, Verb.RUN_FLOWS, table_id, "add rows")
    _require_rows(view.table, rows)
    async with world.store.writing() as tx:
        await read_left(tx.find(FlowTable, id=table_id), f"table {view.table.name}")
        given = [seen(dict(row)) for row in rows]
        return await Table(world, view.place, view.table).create(tx, given)


def _require_rows(table: FlowTable, rows: Sequence[Mapping[str, Value]]) -> None:
    if len(rows) > PAGE_MAX:
        raise InvalidInput(FieldProblem(("rows",), f"must be at most {PAGE_MAX} at a time"))
    problems = []
    for number, row in enumerate(rows):
        try:
            require_row(table, row)
        except CardFailure as failure:
            problems.append(FieldProblem(("rows", str(number)), failure.message))
    if problems:
        raise InvalidInput(*problems)


async def read_row(
    world: World, caller: Caller, table_id: str, row_id: str
) -> tuple[TableView, RowView]:
    """Read one row, and its table. Raises NotFound, Forbidden."""
    view = await _admit(world, caller, Verb.RUN_FLOWS, table_id, "row")
    async with world.store.reading() as tx:
        return view, await _row(Table(world, view.place, view.table), tx, row_id)


async def update_row(
    world: World, caller: Caller, table_id: str, row_id: str, values: Mapping[str, Value]
) -> RowView:
    """Change some values of a row; None takes one away. Raises NotFound, Forbidden, InvalidInput.

    What is written here is masked no longer.
    """
    view = await _admit(world, caller, Verb.RUN_FLOWS, table_id, "update row")
    table = Table(world, view.place, view.table)
    async with world.store.writing() as tx:
        await read_left(tx.find(FlowTable, id=table_id), f"table {view.table.name}")
        before = await _row(table, tx, row_id)
        try:
            return await table.update(tx, before, seen(dict(values)))
        except CardFailure as failure:
            raise InvalidInput(FieldProblem(("values",), failure.message)) from None


async def delete_row(world: World, caller: Caller, table_id: str, row_id: str) -> RowView:
    """Remove one row. Raises NotFound, Forbidden."""
    view = await _admit(world, caller, Verb.RUN_FLOWS, table_id, "delete row")
    table = Table(world, view.place, view.table)
    async with world.store.writing() as tx:
        await read_left(tx.find(FlowTable, id=table_id), f"table {view.table.name}")
        gone = await _row(table, tx, row_id)
        await table.delete(tx, row_id)
    return gone


async def _row(table: Table, tx: Reading, row_id: str) -> RowView:
    found = await table.find(tx, row_id)
    if found is None:
        raise NotFound(f"The table {table.table.name} has no row {row_id}.")
    return found


async def clear_table(world: World, caller: Caller, table_id: str) -> TableView:
    """Remove all rows of a table. Raises NotFound, Forbidden."""
    view = await _admit(world, caller, Verb.RUN_FLOWS, table_id, "clear")
    async with world.store.writing() as tx:
        await read_left(tx.find(FlowTable, id=table_id), f"table {view.table.name}")
        await Table(world, view.place, view.table).clear(tx)
        after = await read_left(tx.find(FlowTable, id=table_id), f"table {view.table.name}")
    return TableView(after, view.place)


async def _admit(
    world: World, caller: Caller, verb: Verb, table_id: str, detail: str = ""
) -> TableView:
    """Find a table and pass the gate for it; a refusal does not tell whether it is there."""
    async with world.store.reading() as tx:
        found = await tx.find(FlowTable, id=table_id)
        view = TableView(found, await place_of(tx, found.folder_id)) if found else None
    if view and not gate.may(caller, verb, target_of(view.place)):
        view = None
    target = target_of(view.place) if view else Target(caller.home, somewhere=True)
    subject = f"table {table_id}" + (f" ({detail})" if detail else "")
    await gate.require(world, caller, verb, target, subject=subject)
    if view is None:
        raise NotFound(f"There is no table {table_id}.")
    return view
