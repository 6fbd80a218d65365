"""What fits a table, and how its cells are written."""

from datetime import UTC, datetime

import pytest
from flow_files import VALUES
from hypothesis import assume, given

from keyturn.domain.errors import InvalidInput
from keyturn.domain.flows.failures import CardFailure
from keyturn.domain.flows.table_text import NoCell, read_cell, write_cell
from keyturn.domain.flows.tables import FlowTable, changed_row, new_row, require_columns
from keyturn.domain.flows.values import DEPTH_MAX, MASK, Bound, Kind, Value, kind_of, members, seen
from keyturn.domain.ids import FolderId, TableId

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
NAMES = tuple(f"c{number}" for number in range(9))
WIDE = FlowTable(TableId("t"), FolderId("f"), "wide", NAMES, ("any",) * 9, NOW, NOW)


@pytest.mark.parametrize(
    "columns", [{}, {str(n): Kind.TEXT for n in range(101)}, {"": Kind.TEXT}, {" a": Kind.TEXT}]
)
def test_columns_that_no_table_has(columns: dict[str, Kind]) -> None:
    """1 to 100, each with a name that can be read."""
    with pytest.raises(InvalidInput):
        require_columns(columns)


def test_columns_have_any_printable_names() -> None:
    """Those of Okta's tables have spaces in them."""
    require_columns({"User ID": Kind.TEXT, "größe": Kind.NUMBER})


def test_a_row_has_a_size() -> None:
    """Each value may be full-grown, and all together take 256 kB at most."""
    text = "x" * 32 * 1024
    new_row(WIDE, seen(dict.fromkeys(NAMES[:7], text)))
    with pytest.raises(CardFailure, match="262,144 bytes together"):
        new_row(WIDE, seen(dict.fromkeys(NAMES, text)))


def test_a_value_is_not_endlessly_deep() -> None:
    """As deep as values are, and no deeper."""
    deep: Value = 1
    for _ in range(DEPTH_MAX + 2):
        deep = [deep]
    with pytest.raises(CardFailure, match="c0 must take at most"):
        new_row(WIDE, seen({"c0": deep}))


def test_half_a_character_is_in_no_row() -> None:
    """It could not be written down (RFC 8259, 8.2)."""
    with pytest.raises(CardFailure, match="halves of characters"):
        new_row(WIDE, seen({"c0": ["\ud800"]}))


def test_what_is_hidden_stays_so_when_others_change() -> None:
    """Each value by itself; what takes the place of a hidden one may be seen."""
    row = new_row(WIDE, members({"c0": Bound("key", MASK), "c1": seen(1)}))
    after = changed_row(WIDE, row, seen({"c1": 2}))
    assert isinstance(after.view, dict)
    assert (after.view["c0"], after.view["c1"]) == (MASK, 2)
    open_again = changed_row(WIDE, after, seen({"c0": "plain"}))
    assert open_again.view == open_again.value


def test_values_that_are_hidden_whole_are_hidden_each() -> None:
    """Nobody knows which of them is the secret."""
    row = new_row(WIDE, Bound({"c0": 1, "c1": 2}, MASK))
    assert isinstance(row.view, dict)
    assert (row.view["c0"], row.view["c1"], row.view["c2"]) == (MASK, MASK, None)


@given(VALUES)
def test_a_cell_is_read_as_it_was_written(value: Value) -> None:
    """Of its own kind; an empty text comes back as no value."""
    kind = kind_of(value)
    assume(value != "" and not (kind is Kind.ANY and isinstance(value, str)))
    assert read_cell(kind, write_cell(value)) == value


@pytest.mark.parametrize(
    ("kind", "cell"),
    [(Kind.NUMBER, "x"), (Kind.NUMBER, "true"), (Kind.LIST, "{}"), (Kind.OBJECT, "[" * 99_999)],
)
def test_a_cell_of_another_kind(kind: Kind, cell: str) -> None:
    """It is refused, however odd it is."""
    with pytest.raises(NoCell):
        read_cell(kind, cell)


def test_a_cell_of_any_kind_is_json_or_a_text() -> None:
    """A number is a number there, and a word is a text."""
    assert [read_cell(Kind.ANY, each) for each in ("1", "[1]", "word")] == [1, [1], "word"]
