"""Cards about tables as texts: comma-separated values (RFC 4180)."""

import csv
import io
from typing import Final

from keyturn.domain.flows.cards.computing import (
    Given,
    Object,
    computes,
    items,
    made_text,
    members_in,
    names,
    read_text,
    require_count,
    require_length,
    require_light,
    text,
    truth,
    written,
)
from keyturn.domain.flows.cards.text import GIVES_TEXT
from keyturn.domain.flows.failures import CardFailure, Failure, wrong_input
from keyturn.domain.flows.spec import Input, Output
from keyturn.domain.flows.values import Kind, Value

COLUMNS_MAX: Final = 1000
CELLS_MAX: Final = 500_000
_SEPARATORS: Final = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}
_SEPARATOR: Final = Input(
    "separator",
    Kind.TEXT,
    "What stands between two cells.",
    required=False,
    default="comma",
    options=(*_SEPARATORS,),
)
_HEADER: Final = Input(
    "header",
    Kind.BOOLEAN,
    "Whether the first row has the names of the columns.",
    required=False,
    default=True,
)


def _parse(given: Given) -> Given:
    rows = _rows(given)
    if not truth(given, "header"):
        return {"list": [*map(_cells, rows)], "columns": []}
    columns = rows[0] if rows else []
    if len({*columns}) < len(columns):
        raise CardFailure(Failure.PARSE, "text has two columns of one name")
    table: list[Value] = [_named(columns, row, number) for number, row in enumerate(rows[1:], 2)]
    return {"list": table, "columns": _cells(columns)}


def _cells(row: list[str]) -> Value:
    return [*row]


def _named(columns: list[str], row: list[str], number: int) -> Object:
    if len(row) != len(columns):
        raise CardFailure(Failure.PARSE, f"row {number:,} of text must have {len(columns)} cells")
    return dict(zip(columns, row, strict=True))


def _rows(given: Given) -> list[list[str]]:
    """Return the cells of each row that is not empty."""
    told = io.StringIO(read_text(given, "text").removeprefix("\ufeff"), newline="")
    rows: list[list[str]] = []
    try:
        for row in csv.reader(told, delimiter=_SEPARATORS[text(given, "separator")], strict=True):
            rows += [row] if row else []
            require_count(len(rows))
    except csv.Error as error:
        raise CardFailure(
            Failure.PARSE, f"text must be CSV; after row {len(rows):,}: {error}"
        ) from None
    return rows


def _stringify(given: Given) -> Given:
    require_light(given["list"], "list")
    rows = [members_in(each, "list") for each in items(given, "list")]
    columns = names(given, "columns") if given.get("columns") is not None else _columns(rows)
    if len(columns) > COLUMNS_MAX:
        raise wrong_input("columns", f"must be at most {COLUMNS_MAX:,}")
    if len(columns) * len(rows) > CELLS_MAX:
        raise wrong_input("list", f"would make more than {CELLS_MAX:,} cells")
    told = io.StringIO(newline="")
    writer = csv.writer(told, delimiter=_SEPARATORS[text(given, "separator")])
    if truth(given, "header"):
        writer.writerow(columns)
    for row in rows:
        writer.writerow([written(row.get(name)) for name in columns])
        require_length(told.tell())
    return {"text": made_text(told.getvalue())}


def _columns(rows: list[Object]) -> list[str]:
    return [*dict.fromkeys(name for row in rows for name in row)]


CARDS: Final = (
    computes(
        "csv.parse",
        "Read a table from comma-separated values; empty rows are left out.",
        _parse,
        Input("text", Kind.TEXT, "The rows."),
        _SEPARATOR,
        _HEADER,
        outputs=(
            Output("list", Kind.LIST, "Objects of texts by column; without names, lists of texts."),
            Output("columns", Kind.LIST, "The names of the columns."),
        ),
        example=(
            {"text": 'login,city\nada,"London, UK"\n'},
            {"list": [{"login": "ada", "city": "London, UK"}], "columns": ["login", "city"]},
        ),
        failures=(Failure.PARSE,),
    ),
    computes(
        "csv.stringify",
        "Write a list of objects as comma-separated values.",
        _stringify,
        Input("list", Kind.LIST, "The objects."),
        Input(
            "columns",
            Kind.LIST,
            "The names to write, in this order; without it every name that an object has.",
            required=False,
        ),
        _SEPARATOR,
        _HEADER,
        outputs=GIVES_TEXT,
        example=(
            {"list": [{"login": "ada", "city": "London, UK"}], "columns": ["login", "city"]},
            {"text": 'login,city\r\nada,"London, UK"\r\n'},
        ),
    ),
)
