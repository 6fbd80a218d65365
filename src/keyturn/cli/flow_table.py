"""Tables of flows: made, listed, filled from CSV and written to it, changed, emptied, removed."""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final, TextIO

import click

from keyturn.cli import options, output
from keyturn.cli.naming import one_named
from keyturn.cli.running import connected, run

if TYPE_CHECKING:
    from pydantic import JsonValue

    from keyturn.client import KeyturnApi
    from keyturn.wire.flow_tables import Row, Table

BATCH_ROWS: Final = 200
BATCH_BYTES: Final = 400_000
"""How much is sent by one request, at most."""

which_table = click.argument("which", metavar="TABLE")


@click.group()
def table() -> None:
    """Keep rows that flows read and change."""


@table.command("create")
@click.argument("name")
@click.option(
    "--column",
    "columns",
    multiple=True,
    required=True,
    metavar="NAME[:KIND]",
    help="A column; text, number, boolean, object, list or any. Give it again for each.",
)
@options.environment
@options.path
@options.project
@options.server
@options.as_json
def create(
    *,
    name: str,
    columns: Sequence[str],
    environment: str,
    path: str,
    project: str,
    server: str | None,
    as_json: bool,
) -> None:
    """Make the table NAME, which the flows of its folder use."""
    from keyturn.wire.flow_tables import CreateTable

    body = options.checked(
        CreateTable,
        {
            "projectId": project,
            "environment": environment,
            "secretPath": path,
            "name": name,
            "columns": dict(map(_column, columns)),
        },
    )

    async def work() -> None:
        async with connected(server) as api:
            made = await api.create_table(body)
        output.show(made.model_dump(mode="json"), _lines(made), as_json=as_json)

    run(work())


def _column(told: str) -> tuple[str, str]:
    name, colon, kind = told.rpartition(":")
    return (name, kind) if colon else (told, "text")


@table.command("list")
@options.project
@options.server
@options.as_json
def list_tables(*, project: str, server: str | None, as_json: bool) -> None:
    """List the tables of a project, and how many rows each has."""

    async def work() -> None:
        async with connected(server) as api:
            found = await api.list_tables(project)
        document = {"tables": [one.model_dump(mode="json") for one in found]}
        output.show(document, _lines(*found), as_json=as_json)

    run(work())


@table.command("export")
@which_table
@click.option("--out", type=click.File("w", lazy=True), default="-", help="Where to.  [stdout]")
@options.project
@options.server
def export(*, which: str, out: TextIO, project: str, server: str | None) -> None:
    """Write all rows of TABLE as comma-separated values; what is no text is JSON."""
    from keyturn.domain.flows.table_text import write_cell

    async def work() -> None:
        writer = csv.writer(out, lineterminator="\n")
        async with connected(server) as api:
            found = await _find(api, project, which)
            writer.writerow(found.columns)
            async for row in api.list_rows(found.id):
                writer.writerow([write_cell(row.values.get(name)) for name in found.columns])

    run(work())


@table.command("import")
@which_table
@click.argument("file", type=click.File("r", encoding="utf-8-sig"))
@options.project
@options.server
@options.as_json
def import_rows(
    *, which: str, file: TextIO, project: str, server: str | None, as_json: bool
) -> None:
    """Add the rows of FILE, comma-separated values under the names of columns, to TABLE.

    All of it is looked at before any row is added; an empty cell is no value.
    """
    text = file.read()

    async def work() -> None:
        count = 0
        async with connected(server) as api:
            found = await _find(api, project, which)
            for batch in [*_batches(_rows(text, found))]:
                count += len(await api.add_rows(found.id, batch))
        output.show({"added": count}, [f"Added {count:,} rows to {found.name}."], as_json=as_json)

    run(work())


def _rows(text: str, into: "Table") -> Iterator[Mapping[str, "JsonValue"]]:
    """Read rows. Raises ClickException naming the line of what does not fit."""
    from keyturn.domain.flows.table_text import NoCell, read_cell
    from keyturn.domain.flows.values import Kind

    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    kinds = {name: Kind(kind) for name, kind in into.columns.items()}
    try:
        header = next(reader, [])
        unknown = [name for name in header if name not in kinds]
        if unknown or len({*header}) < len(header) or not header:
            told = ", ".join(kinds)
            raise click.ClickException(f"The first line must name columns, each once: {told}.")
        for cells in reader:
            if not cells:
                continue
            if len(cells) != len(header):
                raise click.ClickException(f"Line {reader.line_num}: needs {len(header)} cells.")
            named = zip(header, cells, strict=True)
            yield {name: read_cell(kinds[name], cell) for name, cell in named}
    except NoCell as error:
        raise click.ClickException(f"Line {reader.line_num}: a cell {error}.") from None
    except csv.Error as error:
        raise click.ClickException(f"Line {reader.line_num}: {error}.") from None


def _batches(
    rows: Iterator[Mapping[str, "JsonValue"]],
) -> Iterator[Sequence[Mapping[str, "JsonValue"]]]:
    batch: list[Mapping[str, JsonValue]] = []
    size = 0
    for row in rows:
        more = len(json.dumps(row))
        if batch and (len(batch) == BATCH_ROWS or size + more > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(row)
        size += more
    if batch:
        yield batch


@table.command("set")
@which_table
@click.argument("number", type=click.IntRange(min=1))
@click.option(
    "--value",
    "values",
    multiple=True,
    required=True,
    metavar="NAME=VALUE",
    help="A column's new value; what is no text is JSON, and nothing takes it away.",
)
@options.project
@options.server
@options.as_json
def set_row(
    *,
    which: str,
    number: int,
    values: Sequence[str],
    project: str,
    server: str | None,
    as_json: bool,
) -> None:
    """Change values of the row of TABLE that has the number NUMBER; the others stay."""

    async def work() -> None:
        async with connected(server) as api:
            found = await _find(api, project, which)
            row = await _find_row(api, found, number)
            after = await api.update_row(found.id, row.id, _values(values, found))
        told = [f"Changed row {number} of {found.name}."]
        output.show(after.model_dump(mode="json"), told, as_json=as_json)

    run(work())


@table.command("remove-row")
@which_table
@click.argument("number", type=click.IntRange(min=1))
@options.project
@options.server
@options.as_json
def remove_row(*, which: str, number: int, project: str, server: str | None, as_json: bool) -> None:
    """Remove the row of TABLE that has the number NUMBER."""

    async def work() -> None:
        async with connected(server) as api:
            found = await _find(api, project, which)
            row = await _find_row(api, found, number)
            gone = await api.delete_row(found.id, row.id)
        told = [f"Removed row {number} of {found.name}."]
        output.show(gone.model_dump(mode="json"), told, as_json=as_json)

    run(work())


def _values(given: Sequence[str], into: "Table") -> Mapping[str, "JsonValue"]:
    """Read new values by column. Raises ClickException naming the one that does not fit."""
    from keyturn.domain.flows.table_text import NoCell, read_cell
    from keyturn.domain.flows.values import Kind

    found: dict[str, JsonValue] = {}
    for each in given:
        name, equals, text = each.partition("=")
        if not equals or name not in into.columns:
            raise click.ClickException(f"{name} is no column: {', '.join(into.columns)}.")
        try:
            found[name] = read_cell(Kind(into.columns[name]), text)
        except NoCell as error:
            raise click.ClickException(f"{name} {error}.") from None
    return found


async def _find_row(api: "KeyturnApi", table: "Table", number: int) -> "Row":
    found = await api.find_row(table.id, number)
    if found is None:
        raise click.ClickException(f"{table.name} has no row {number}.")
    return found


@table.command("clear")
@which_table
@options.project
@options.server
@options.as_json
def clear(*, which: str, project: str, server: str | None, as_json: bool) -> None:
    """Remove all rows of TABLE."""

    async def work() -> None:
        async with connected(server) as api:
            before = await _find(api, project, which)
            after = await api.clear_table(before.id)
        told = [f"Removed {before.rows:,} rows of {after.name}."]
        output.show(after.model_dump(mode="json"), told, as_json=as_json)

    run(work())


@table.command("remove")
@which_table
@options.project
@options.server
@options.as_json
def remove(*, which: str, project: str, server: str | None, as_json: bool) -> None:
    """Remove TABLE with all its rows."""

    async def work() -> None:
        async with connected(server) as api:
            gone = await api.delete_table((await _find(api, project, which)).id)
        told = [f"Removed table {gone.name} with {gone.rows:,} rows."]
        output.show(gone.model_dump(mode="json"), told, as_json=as_json)

    run(work())


async def _find(api: "KeyturnApi", project: str, which: str) -> "Table":
    every = await api.list_tables(project)
    return one_named(every, which, noun="table", listed_by="keyturn flow table list")


def _lines(*found: "Table") -> list[str]:
    rows = [
        [
            one.name,
            f"{one.environment}{one.secret_path}",
            ", ".join(f"{name}: {kind}" for name, kind in one.columns.items()),
            f"{one.rows:,}",
            one.id,
        ]
        for one in found
    ]
    return output.table(["table", "folder", "columns", "rows", "id"], rows)
