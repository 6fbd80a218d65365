"""What commands print of what others have sent."""

import os
import sys

import pytest

from keyturn.cli.output import columns, show, table, tell


def test_a_cell_moves_no_cursor() -> None:
    """Neither escape sequences nor line breaks reach the terminal, and columns stay straight."""
    lines = table(["NAME", "SUBJECT"], [["a", "secret \x1b[2J\nforged \u202e"], ["é", "key"]])
    assert lines == ["NAME  SUBJECT", "a     secret \\x1b[2J\\x0aforged \\x202e", "é     key"]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the output go to a terminal of 60 columns."""
    monkeypatch.setattr("keyturn.cli.output.columns", lambda: 60)


HEADER = ["name", "place", "told", "id"]
LONG = "It goes on below, between two of its words."
ID = "dd6b9d5c-98da-4f18-b256-aa46724fbcf7"


@pytest.mark.usefixtures("terminal")
def test_a_table_is_no_wider_than_its_terminal() -> None:
    """The id goes, as the name finds the row, and what is long goes on below in its own column."""
    assert table(HEADER, [["my-app", "dev/", LONG, ID], ["b", "prod/", "Short.", ID]]) == [
        "name    place  told",
        "my-app  dev/   It goes on below, between two of its words.",
        "b       prod/  Short.",
    ]
    assert table(HEADER, [["my-app", "dev/", LONG * 2, ID]])[1:] == [
        "my-app  dev/   It goes on below, between two of its words.It",
        "               goes on below, between two of its words.",
    ]


@pytest.mark.usefixtures("terminal")
def test_an_id_stays_where_nothing_else_names_a_row() -> None:
    """Whoever wants the row has to be able to say which; what has no room goes below its row."""
    header = ["reported", "state", "where", "told", "id"]
    row = ["2026-11-22 18:08:46 UTC", "open", "a public gist of somebody", "", ID]
    assert table(header, [row]) == [
        "reported              state  where                      told",
        "2026-11-22 18:08 UTC  open   a public gist of somebody",
        f"    id: {ID}",
    ]


@pytest.mark.usefixtures("terminal")
def test_a_word_that_fits_nowhere_stays_in_one_piece() -> None:
    """An address that is longer than a line can still be copied."""
    lines = table(["label", "org"], [["a" * 50, "https://" + "b" * 70]])
    assert lines == ["label", "a" * 50, "    org: https://" + "b" * 70]


@pytest.mark.usefixtures("terminal")
def test_prose_goes_on_below_under_what_it_began_with(capsys: pytest.CaptureFixture[str]) -> None:
    """A fact's text stays in its column, and an address in one piece."""
    address = "https://example.okta.com/oauth2/default/v1/authorize?client_id=0oa"
    tell(["  reason  " + LONG * 2, f"Open {address} now."])
    assert capsys.readouterr().out.splitlines() == [
        "  reason  It goes on below, between two of its words.It goes",
        "          on below, between two of its words.",
        "Open",
        f"    {address}",
        "    now.",
    ]


@pytest.mark.usefixtures("terminal")
def test_what_is_to_be_copied_stays_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    """Neither JSON, nor a file's text, nor a header of a request is wrapped."""
    header, text = "authorization: Bearer " + "x" * 50, f"a: {LONG}{LONG}\nb: 1"
    show({"told": LONG * 2}, (), as_json=True)
    show(None, [header], as_json=False, as_is=True)
    show(None, [text], as_json=False)
    out = capsys.readouterr().out
    assert LONG * 2 in out
    assert f"{header}\n{text}\n" in out


def test_elsewhere_nothing_is_cut_or_wrapped(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A pipe and a file have every column in full, one line a row."""
    monkeypatch.setenv("COLUMNS", "20")
    tell([*table(HEADER, [["my-app", "dev/", LONG, ID]]), LONG])
    header, row, prose = capsys.readouterr().out.splitlines()
    assert (header.split(), prose) == (HEADER, LONG)
    assert row == f"my-app  dev/   {LONG}  {ID}"


def test_a_terminal_says_how_wide_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal is asked, and what is none has no width."""
    _, end = os.openpty()
    with open(end, "w") as terminal:  # noqa: PTH123  a descriptor
        monkeypatch.setenv("COLUMNS", "72")
        monkeypatch.setattr(sys, "stdout", terminal)
        assert columns() == 72
    monkeypatch.undo()
    assert columns() is None
