"""Tables of flows and their rows (ours)."""

from typing import Annotated, Literal

from pydantic import Field, JsonValue

from keyturn.wire.base import FolderPath, Instant, Text, Wire

COLUMNS_MAX = 100
ROWS_MAX = 200
NUMBER_MAX = 2**53

Kind = Literal["text", "number", "boolean", "object", "list", "any"]
Values = Annotated[dict[str, JsonValue], Field(max_length=COLUMNS_MAX)]


class CreateTable(Wire):
    """A table to be made in a folder: the kinds of its columns by name, in their order."""

    project_id: Text
    environment: Text
    secret_path: FolderPath = "/"
    name: Text
    columns: Annotated[dict[str, Kind], Field(min_length=1, max_length=COLUMNS_MAX)]


class AddRows(Wire):
    """Rows to be added, all or none; a column that is left out has no value."""

    rows: Annotated[tuple[Values, ...], Field(min_length=1, max_length=ROWS_MAX)] = Field(
        repr=False
    )


class UpdateRow(Wire):
    """Values to change; a column that is left out keeps its own, and null takes it away."""

    values: Values = Field(repr=False)


class Table(Wire):
    """A table, without its rows."""

    id: str
    name: str
    project_id: str
    environment: str
    secret_path: str
    columns: dict[str, Kind]
    rows: int
    created_at: Instant
    updated_at: Instant


class TableAnswer(Wire):
    """One table."""

    table: Table


class TablesAnswer(Wire):
    """The tables of a project."""

    tables: tuple[Table, ...]


class Row(Wire):
    """A row; ``number`` tells the order in which rows were added."""

    id: str
    number: int
    values: dict[str, JsonValue] = Field(repr=False)
    created_at: Instant
    updated_at: Instant


class RowAnswer(Wire):
    """One row."""

    row: Row


class RowsAnswer(Wire):
    """Some rows of a table; those that follow are past the number of the last one."""

    rows: tuple[Row, ...]
