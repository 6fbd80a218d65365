"""Cards about tables: rows that flows of a folder keep there, and find again."""

from collections.abc import Mapping
from typing import Final

from keyturn.domain.flows.failures import Failure
from keyturn.domain.flows.spec import CONNECTOR_S, CardSpec, Effect, Input, Output
from keyturn.domain.flows.values import Kind, Value

LIMIT_DEFAULT: Final = 200
LIMIT_MAX: Final = 5000
LONG_S: Final = 120.0
"""How long a card may take that goes through all rows."""

_TABLE: Final = Input("table", Kind.TEXT, "The table's name, in the flow's folder.")
_ROW: Final = Input("row", Kind.TEXT, "The row's id.")
_GIVES_ROW: Final = (
    Output("row", Kind.TEXT, "The row's id."),
    Output("values", Kind.OBJECT, "Its values by column; null where it has none."),
)
_READ: Final = (Failure.MISSING, Failure.INPUT)
_WRITE: Final = (*_READ, Failure.UNKNOWN_OUTCOME)


def _example(name: str, **given: Value) -> Mapping[str, Value]:
    return {"card": name, "with": {"table": "devices", **given}}


def _write(name: str, doc: str, *inputs: Input, outputs: tuple[Output, ...]) -> CardSpec:
    """Declare a card that changes rows; the change is committed with its answer."""
    return CardSpec(
        name,
        doc,
        (_TABLE, *inputs),
        outputs,
        Effect.WRITE,
        repeatable=True,
        timeout_s=CONNECTOR_S,
        failures=_WRITE,
        example=_example(name, **_GIVEN[name]),
    )


_SERIAL: Final[Value] = {"serial": "C02XX", "seen": True}
_GIVEN: Final[Mapping[str, Mapping[str, Value]]] = {
    "table.create_row": {"values": _SERIAL},
    "table.update_row": {"row": "6f1c1c1e-2a7b-4c55-9d37-0d1b7a4c8f10", "values": {"seen": False}},
    "table.delete_row": {"row": "6f1c1c1e-2a7b-4c55-9d37-0d1b7a4c8f10"},
    "table.clear": {},
}

CARDS: Final = (
    _write(
        "table.create_row",
        "Add a row to a table.",
        Input("values", Kind.OBJECT, "Its values by column; a column that is left out is null."),
        outputs=_GIVES_ROW,
    ),
    CardSpec(
        "table.read_row",
        "Read one row of a table.",
        (_TABLE, _ROW),
        _GIVES_ROW,
        Effect.READ,
        timeout_s=CONNECTOR_S,
        failures=_READ,
        example=_example("table.read_row", row="6f1c1c1e-2a7b-4c55-9d37-0d1b7a4c8f10"),
    ),
    CardSpec(
        "table.search_rows",
        "Find the rows of a table that have these values; the oldest first, unless it is sorted.",
        (
            _TABLE,
            Input(
                "where",
                Kind.OBJECT,
                "Values by column, all of which a row has to have; without it, any row fits.",
                required=False,
            ),
            Input(
                "sort",
                Kind.TEXT,
                "The column to sort by, of texts, numbers or booleans.",
                required=False,
            ),
            Input(
                "descending",
                Kind.BOOLEAN,
                "Whether the last comes first.",
                required=False,
                default=False,
            ),
            Input(
                "limit",
                Kind.NUMBER,
                f"At most so many, 1 to {LIMIT_MAX:,}.",
                required=False,
                default=LIMIT_DEFAULT,
            ),
        ),
        (
            Output("rows", Kind.LIST, "Objects of row and values, as table.read_row gives them."),
            Output("count", Kind.NUMBER, "How many."),
            Output("first", Kind.ANY, "The first of them; null where there is none."),
        ),
        Effect.READ,
        timeout_s=LONG_S,
        failures=_READ,
        example=_example("table.search_rows", where={"seen": False}, sort="serial"),
    ),
    _write(
        "table.update_row",
        "Change some values of a row.",
        _ROW,
        Input("values", Kind.OBJECT, "Those that change, by column; null takes one away."),
        outputs=_GIVES_ROW,
    ),
    _write(
        "table.delete_row",
        "Remove a row from a table, where it is there.",
        _ROW,
        outputs=(Output("deleted", Kind.BOOLEAN, "Whether it was there."),),
    ),
    _write(
        "table.clear",
        "Remove all rows of a table.",
        outputs=(Output("count", Kind.NUMBER, "How many there were."),),
    ),
)
