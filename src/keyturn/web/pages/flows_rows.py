"""One row of a table: its values changed, and the row removed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from keyturn.domain.errors import CallerError, FieldProblem, InvalidInput
from keyturn.domain.flows.table_text import NoCell, read_cell, write_cell
from keyturn.domain.flows.values import Kind, Value
from keyturn.services import flow_tables
from keyturn.services.table_rows import RowView
from keyturn.web.pages.flows_tables import ONE, OneTable, one_table
from keyturn.web.problems import status_of
from keyturn.web.routing import action, page
from keyturn.web.visiting import Visit

ROW: Final = f"{ONE}/rows/{{row_id}}"
LONG: Final = 60
"""From so many characters on a value is typed in several lines."""


@dataclass(frozen=True)
class Cell:
    """A value as a form shows it; what is masked is not in it, and stays where nothing is typed."""

    name: str
    kind: str
    text: str
    masked: bool

    @property
    def long(self) -> bool:
        """Say whether it takes several lines."""
        return len(self.text) > LONG or "\n" in self.text


async def show(visit: Visit) -> Response:
    """Ask what the values of a row are to be."""
    one, row = await _find(visit)
    return _form(one, row)


async def change(visit: Visit) -> Response:
    """Change the values that were typed otherwise than they are."""
    one, row = await _find(visit)
    try:
        values = _changed(visit, _cells(one, row))
        await flow_tables.update_row(visit.world, visit.caller, one.id, row.row.id, values)
    except CallerError as error:
        return _form(one, row, error)
    return visit.redirect(one.href, f"Row {row.row.number} is changed.")


async def confirm_removal(visit: Visit) -> Response:
    """Say what goes, and ask."""
    one, row = await _find(visit)
    return visit.render("flows/row_gone.html", one=one, row=row.row)


async def remove(visit: Visit) -> Response:
    """Remove a row."""
    one, row = await _find(visit)
    await flow_tables.delete_row(visit.world, visit.caller, one.id, row.row.id)
    return visit.redirect(one.href, f"Row {row.row.number} is removed.")


async def _find(visit: Visit) -> tuple[OneTable, RowView]:
    table_id, row_id = visit.given("table_id"), visit.given("row_id")
    view, row = await flow_tables.read_row(visit.world, visit.caller, table_id, row_id)
    return one_table(visit, view), row


def _form(one: OneTable, row: RowView, error: CallerError | None = None) -> Response:
    cells = _cells(one, row)
    return one.visit.render(
        "flows/row.html",
        status=status_of(error) if error else 200,
        one=one,
        row=row.row,
        cells=cells,
        typed={each.name: _typed(one.visit, each) if error else each.text for each in cells},
        error=error.message if error else "",
    )


def _cells(one: OneTable, row: RowView) -> Sequence[Cell]:
    values, shown = _members(row.values.value), _members(row.values.view)
    return [
        Cell(name, kind, "", masked=True)
        if shown.get(name) != values.get(name)
        else Cell(name, kind, write_cell(values.get(name)), masked=False)
        for name, kind in one.columns
    ]


def _members(value: Value) -> Mapping[str, Value]:
    return value if isinstance(value, dict) else {}


def _typed(visit: Visit, cell: Cell) -> str:
    return str(visit.form.get(f"row.{cell.name}", "")).replace("\r\n", "\n")


def _changed(visit: Visit, cells: Sequence[Cell]) -> dict[str, Value]:
    """Return the values that are other ones now. Raises InvalidInput."""
    found: dict[str, Value] = {}
    for cell in cells:
        typed = _typed(visit, cell)
        if typed == cell.text:
            continue
        try:
            found[cell.name] = read_cell(Kind(cell.kind), typed)
        except NoCell as error:
            raise InvalidInput(FieldProblem((cell.name,), str(error))) from None
    return found


ROUTES: Final = (
    page(f"{ROW}/edit", show),
    action(f"{ROW}/edit", change),
    page(f"{ROW}/delete", confirm_removal),
    action(f"{ROW}/delete", remove),
)
