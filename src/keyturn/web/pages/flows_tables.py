"""Tables that flows keep: their columns, and their rows as far as they may be seen."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from keyturn.domain.access import Verb
from keyturn.domain.errors import CallerError, FieldProblem, InvalidInput
from keyturn.domain.flows.values import Kind, Value, parse_json, text_of
from keyturn.services import flow_tables, gate
from keyturn.services.flow_tables import TableView
from keyturn.services.projects import target_of
from keyturn.services.table_rows import RowView
from keyturn.web.elsewhere import count_elsewhere
from keyturn.web.faults import told_of
from keyturn.web.one_flow import LIST
from keyturn.web.pages.flows import may_create
from keyturn.web.pages.flows_new import spot_of
from keyturn.web.problems import status_of
from keyturn.web.routing import action, page
from keyturn.web.subject import Subject
from keyturn.web.visiting import Visit

TABLES: Final = f"{LIST}/tables"
ONE: Final = f"{TABLES}/{{table_id}}"
EACH: Final = 50
VALUE_MAX: Final = 200
UNTYPED: Final = "This is not the table's name."


@dataclass(frozen=True)
class OneTable(Subject):
    """A table, and whoever looks at it."""

    view: TableView

    @property
    def columns(self) -> Sequence[tuple[str, str]]:
        """Return its columns with their kinds."""
        table = self.view.table
        return [*zip(table.columns, table.kinds, strict=True)]


async def list_all(visit: Visit) -> Response:
    """List the tables of a project."""
    return await _listed(visit)


async def create(visit: Visit) -> Response:
    """Make a table without rows."""
    try:
        spot, columns = await spot_of(visit), _columns(visit.said("columns"))
        made = await flow_tables.create_table(
            visit.world, visit.caller, spot.where, visit.said("name"), columns
        )
    except CallerError as error:
        return await _listed(visit, error)
    return visit.redirect(f"{TABLES}/{made.table.id}", f"The table {made.table.name} is made.")


async def _listed(visit: Visit, error: CallerError | None = None) -> Response:
    whole, projects = await visit.projects()
    found = await flow_tables.list_tables(visit.world, visit.caller, project=whole.project.id)
    tables = [one_table(visit, each) for each in found]
    return visit.render(
        "flows/tables.html",
        status=status_of(error) if error else 200,
        whole=whole,
        projects=[(each.project.slug, each.project.name) for each in projects],
        elsewhere=()
        if found
        else await count_elsewhere(visit, TABLES, Verb.READ_FLOWS, flow_tables.list_tables),
        tables=sorted(tables, key=lambda each: each.name),
        creates=may_create(visit, whole),
        spot=await spot_of(visit),
        typed={name: visit.said(name) for name in ("name", "columns")},
        problems=told_of(error, {"secretPath": "path"}),
        command=shlex.join(["keyturn", "flow", "table", "list", "--project", whole.project.slug]),
    )


def _columns(text: str) -> dict[str, Kind]:
    """Read columns, a line each: the name, and its kind. Raises InvalidInput."""
    found: dict[str, Kind] = {}
    for line in filter(None, map(str.strip, text.splitlines())):
        name, _, kind = line.partition(":")
        try:
            found[name.strip()] = Kind(kind.strip() or Kind.TEXT)
        except ValueError:
            kinds = ", ".join(Kind)
            rule = f"{name.strip()}: {kind.strip()} is no kind; kinds are {kinds}"
            raise InvalidInput(FieldProblem(("columns",), rule)) from None
    return found


# --- one of them ----------------------------------------------------------------------------------


async def show(visit: Visit) -> Response:
    """Show a table, and some of its rows to who may see them."""
    return await _shown(visit)


async def add_row(visit: Visit) -> Response:
    """Add a row."""
    one = await _find(visit)
    try:
        await flow_tables.add_rows(visit.world, visit.caller, one.id, [_row(visit, one)])
    except CallerError as error:
        return await _shown(visit, error)
    return visit.redirect(one.href, "The row is added.")


async def show_clear(visit: Visit) -> Response:
    """Say what goes with the rows of a table, and ask."""
    return _asked(await _find(visit), "clear")


async def clear(visit: Visit) -> Response:
    """Remove all rows, once the table's name is typed."""
    one = await _find(visit)
    if visit.said("confirm") != one.name:
        return _asked(one, "clear", UNTYPED)
    await flow_tables.clear_table(visit.world, visit.caller, one.id)
    return visit.redirect(one.href, f"{one.name} has no rows any more.")


async def show_delete(visit: Visit) -> Response:
    """Say what goes with a table, and ask."""
    return _asked(await _find(visit), "delete")


async def delete(visit: Visit) -> Response:
    """Remove a table, once its name is typed."""
    one = await _find(visit)
    if visit.said("confirm") != one.name:
        return _asked(one, "delete", UNTYPED)
    await flow_tables.delete_table(visit.world, visit.caller, one.id)
    return visit.redirect(TABLES, f"The table {one.name} is removed.")


def _asked(one: OneTable, what: str, error: str = "") -> Response:
    one.require(Verb.EDIT_FLOWS if what == "delete" else Verb.RUN_FLOWS)
    status = 422 if error else 200
    return one.visit.render("flows/table_gone.html", status=status, one=one, what=what, error=error)


async def _shown(visit: Visit, error: CallerError | None = None) -> Response:
    one, after = await _find(visit), _after(visit)
    sees = gate.may(visit.caller, Verb.RUN_FLOWS, target_of(one.place))
    rows: Sequence[RowView] = ()
    if sees:
        world, caller = visit.world, visit.caller
        _, rows = await flow_tables.list_rows(world, caller, one.id, after=after, limit=EACH + 1)
    shown = rows[:EACH]
    last = shown[-1].row.number if len(rows) > EACH else 0
    return visit.render(
        "flows/table.html",
        status=status_of(error) if error else 200,
        one=one,
        sees=sees,
        rows=[(each.row, [_cell(each, name) for name, _ in one.columns]) for each in shown],
        first=one.href if after else "",
        more=f"{one.href}?after={last}" if last else "",
        typed={name: visit.said(f"row.{name}") for name, _ in one.columns},
        error=error.message if error else "",
    )


def _cell(row: RowView, column: str) -> str:
    """Return a value as far as it may be seen, cut where it is long."""
    values = row.values.view
    value = values.get(column) if isinstance(values, dict) else values
    text = text_of(value).encode(errors="replace").decode()
    return text if len(text) <= VALUE_MAX else f"{text[:VALUE_MAX]}…"


def _row(visit: Visit, one: OneTable) -> dict[str, Value]:
    """Return the values that were typed; what is left empty is not given."""
    said = ((name, kind, visit.said(f"row.{name}")) for name, kind in one.columns)
    return {name: _value(text, kind) for name, kind, text in said if text}


def _value(text: str, kind: str) -> Value:
    if kind == Kind.TEXT:
        return text
    try:
        return parse_json(text)
    except (ValueError, RecursionError):
        return text


def _after(visit: Visit) -> int:
    told = visit.query.get("after", "")
    return int(told) if told.isascii() and told.isdigit() and len(told) < 12 else 0


async def _find(visit: Visit) -> OneTable:
    table_id = visit.given("table_id")
    return one_table(visit, await flow_tables.read_table(visit.world, visit.caller, table_id))


def one_table(visit: Visit, view: TableView) -> OneTable:
    """Return a table for whoever looks at it."""
    return OneTable(visit, view.table.id, view.table.name, view.place, TABLES, view)


ROUTES: Final = (
    page(TABLES, list_all),
    action(TABLES, create),
    page(ONE, show),
    action(f"{ONE}/rows", add_row),
    page(f"{ONE}/clear", show_clear),
    action(f"{ONE}/clear", clear),
    page(f"{ONE}/delete", show_delete),
    action(f"{ONE}/delete", delete),
)
