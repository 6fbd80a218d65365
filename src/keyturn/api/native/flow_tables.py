"""Tables of flows: made, filled, read page by page, changed, emptied and removed."""

from typing import Annotated

from fastapi import APIRouter, Query

from keyturn.api.authn import TheCaller, TheWorld
from keyturn.api.lenient import LenientRoute
from keyturn.domain.flows.values import Kind
from keyturn.services import flow_tables
from keyturn.services.flow_tables import TableView
from keyturn.services.projects import Where
from keyturn.services.table_rows import RowView
from keyturn.wire import flow_tables as wire
from keyturn.wire.base import Id, Text

router = APIRouter(prefix="/api/v1/flow-tables", tags=["Flows"], route_class=LenientRoute)


@router.post("")
async def create_table(
    world: TheWorld, caller: TheCaller, body: wire.CreateTable
) -> wire.TableAnswer:
    """Make a table without rows, which the flows of its folder use by its name."""
    where = Where(body.project_id, body.environment, body.secret_path)
    columns = {name: Kind(kind) for name, kind in body.columns.items()}
    return _one(await flow_tables.create_table(world, caller, where, body.name, columns))


@router.get("")
async def list_tables(
    world: TheWorld, caller: TheCaller, project_id: Annotated[Text, Query(alias="projectId")]
) -> wire.TablesAnswer:
    """List the tables of a project."""
    found = await flow_tables.list_tables(world, caller, project=project_id)
    return wire.TablesAnswer(tables=tuple(map(_shown, found)))


@router.get("/{table_id}")
async def read_table(world: TheWorld, caller: TheCaller, table_id: Id) -> wire.TableAnswer:
    """Read a table, without its rows."""
    return _one(await flow_tables.read_table(world, caller, table_id))


@router.delete("/{table_id}")
async def delete_table(world: TheWorld, caller: TheCaller, table_id: Id) -> wire.TableAnswer:
    """Remove a table with all its rows."""
    return _one(await flow_tables.delete_table(world, caller, table_id))


@router.get("/{table_id}/rows")
async def list_rows(
    world: TheWorld,
    caller: TheCaller,
    table_id: Id,
    after: Annotated[
        int, Query(ge=0, le=wire.NUMBER_MAX, description="Those past this number.")
    ] = 0,
    limit: Annotated[int, Query(ge=1, le=wire.ROWS_MAX, description="At most so many.")] = 100,
) -> wire.RowsAnswer:
    """List rows of a table in full, in the order in which they were added."""
    _, found = await flow_tables.list_rows(world, caller, table_id, after=after, limit=limit)
    return wire.RowsAnswer(rows=tuple(map(_row, found)))


@router.post("/{table_id}/rows")
async def add_rows(
    world: TheWorld, caller: TheCaller, table_id: Id, body: wire.AddRows
) -> wire.RowsAnswer:
    """Add rows to a table, all or none."""
    return wire.RowsAnswer(
        rows=tuple(map(_row, await flow_tables.add_rows(world, caller, table_id, body.rows)))
    )


@router.get("/{table_id}/rows/{row_id}")
async def read_row(world: TheWorld, caller: TheCaller, table_id: Id, row_id: Id) -> wire.RowAnswer:
    """Read one row of a table in full."""
    _, found = await flow_tables.read_row(world, caller, table_id, row_id)
    return wire.RowAnswer(row=_row(found))


@router.patch("/{table_id}/rows/{row_id}")
async def update_row(
    world: TheWorld, caller: TheCaller, table_id: Id, row_id: Id, body: wire.UpdateRow
) -> wire.RowAnswer:
    """Change some values of a row; null takes one away."""
    found = await flow_tables.update_row(world, caller, table_id, row_id, body.values)
    return wire.RowAnswer(row=_row(found))


@router.delete("/{table_id}/rows/{row_id}")
async def delete_row(
    world: TheWorld, caller: TheCaller, table_id: Id, row_id: Id
) -> wire.RowAnswer:
    """Remove one row of a table, and give what it held."""
    found = await flow_tables.delete_row(world, caller, table_id, row_id)
    return wire.RowAnswer(row=_row(found))


@router.delete("/{table_id}/rows")
async def clear_table(world: TheWorld, caller: TheCaller, table_id: Id) -> wire.TableAnswer:
    """Remove all rows of a table."""
    return _one(await flow_tables.clear_table(world, caller, table_id))


def _one(view: TableView) -> wire.TableAnswer:
    return wire.TableAnswer(table=_shown(view))


def _shown(view: TableView) -> wire.Table:
    stored, place = view.table, view.place
    return wire.Table.model_validate(
        {
            "id": stored.id,
            "name": stored.name,
            "project_id": place.project.id,
            "environment": place.environment.slug,
            "secret_path": place.folder.path,
            "columns": dict(zip(stored.columns, stored.kinds, strict=True)),
            "rows": stored.rows,
            "created_at": stored.created_at,
            "updated_at": stored.updated_at,
        }
    )


def _row(view: RowView) -> wire.Row:
    stored = view.row
    return wire.Row.model_validate(
        {
            "id": stored.id,
            "number": stored.number,
            "values": view.values.value,
            "created_at": stored.created_at,
            "updated_at": stored.updated_at,
        }
    )
