"""Tables of flows, as typed calls."""

from collections.abc import AsyncIterator, Mapping, Sequence

from pydantic import JsonValue

from keyturn.client.calls import Calls, part
from keyturn.wire.flow_tables import (
    ROWS_MAX,
    AddRows,
    CreateTable,
    Row,
    RowAnswer,
    RowsAnswer,
    Table,
    TableAnswer,
    TablesAnswer,
    UpdateRow,
)

TABLES = "/api/v1/flow-tables"


class FlowTableCalls(Calls):
    """What the API can be asked about tables of flows. Every call raises what `Calls` says."""

    async def create_table(self, body: CreateTable) -> Table:
        """Make a table without rows."""
        return (await self.call(TableAnswer, "POST", TABLES, body=body)).table

    async def list_tables(self, project: str) -> tuple[Table, ...]:
        """List the tables of a project."""
        query = {"projectId": project}
        return (await self.call(TablesAnswer, "GET", TABLES, query=query)).tables

    async def delete_table(self, table_id: str) -> Table:
        """Remove a table with all its rows."""
        return (await self.call(TableAnswer, "DELETE", _at(table_id))).table

    async def list_rows(self, table_id: str) -> AsyncIterator[Row]:
        """Give all rows of a table, page by page."""
        after, path = 0, f"{_at(table_id)}/rows"
        while True:
            query = {"after": str(after), "limit": str(ROWS_MAX)}
            rows = (await self.call(RowsAnswer, "GET", path, query=query)).rows
            if not rows:
                return
            for row in rows:
                yield row
            after = rows[-1].number

    async def add_rows(
        self, table_id: str, rows: Sequence[Mapping[str, JsonValue]]
    ) -> tuple[Row, ...]:
        """Add rows, all or none."""
        body = AddRows(rows=tuple(dict(row) for row in rows))
        return (await self.call(RowsAnswer, "POST", f"{_at(table_id)}/rows", body=body)).rows

    async def find_row(self, table_id: str, number: int) -> Row | None:
        """Find a row by its number."""
        query = {"after": str(number - 1), "limit": "1"}
        rows = (await self.call(RowsAnswer, "GET", f"{_at(table_id)}/rows", query=query)).rows
        return next((row for row in rows if row.number == number), None)

    async def update_row(self, table_id: str, row_id: str, values: Mapping[str, JsonValue]) -> Row:
        """Change some values of a row; None takes one away."""
        body, path = UpdateRow(values=dict(values)), f"{_at(table_id)}/rows/{part(row_id)}"
        return (await self.call(RowAnswer, "PATCH", path, body=body)).row

    async def delete_row(self, table_id: str, row_id: str) -> Row:
        """Remove one row."""
        path = f"{_at(table_id)}/rows/{part(row_id)}"
        return (await self.call(RowAnswer, "DELETE", path)).row

    async def clear_table(self, table_id: str) -> Table:
        """Remove all rows of a table."""
        return (await self.call(TableAnswer, "DELETE", f"{_at(table_id)}/rows")).table


def _at(table_id: str) -> str:
    return f"{TABLES}/{part(table_id)}"
