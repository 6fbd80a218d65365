"""Tables of flows by commands: made, filled from CSV, written to it, emptied and removed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from command_kit import House, commanded

pytestmark = pytest.mark.slow

CSV = 'serial,count,more\na,1,"[1, 2]"\n"b, the ""other""",,word\n'
MADE = ("--column", "serial", "--column", "count:number", "--column", "more:any", "--env", "dev")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Give an installation that runs."""
    with commanded(tmp_path_factory.mktemp("house"), public_url="") as it:
        yield it


def test_rows_come_back_as_they_were(house: House, tmp_path: Path) -> None:
    """What was imported is exported in the same words."""
    file = tmp_path / "rows.csv"
    file.write_text(CSV)
    made = house.ask("flow", "table", "create", "devices", *MADE)
    assert made["columns"] == {"serial": "text", "count": "number", "more": "any"}
    assert house.ask("flow", "table", "import", "devices", str(file)) == {"added": 2}
    assert house.run("flow", "table", "export", "devices").stdout == CSV
    out = tmp_path / "out.csv"
    house.run("flow", "table", "export", "devices", "--out", str(out))
    assert out.read_text() == CSV
    listed = house.run("flow", "table", "list").stdout
    assert "serial: text, count: number, more: any" in listed
    assert "Removed 2 rows" in house.run("flow", "table", "clear", "devices").stdout
    assert "with 0 rows" in house.run("flow", "table", "remove", "devices").stdout


def test_one_row_is_changed_and_removed_by_its_number(house: House, tmp_path: Path) -> None:
    """Values are written as in a file; what is not named stays."""
    file = tmp_path / "rows.csv"
    file.write_text(CSV)
    house.ask("flow", "table", "create", "edited", *MADE)
    house.ask("flow", "table", "import", "edited", str(file))
    changes = ("--value", "count=7", "--value", "more=")
    assert house.ask("flow", "table", "set", "edited", "1", *changes)["values"] == {
        "serial": "a",
        "count": 7,
        "more": None,
    }
    for wrong, told in (("colour=red", "colour is no column"), ("count=x", "count must be")):
        words = ("flow", "table", "set", "edited", "1", "--value", wrong)
        assert told in house.run(*words, code=1).stderr
    assert "Removed row 2" in house.run("flow", "table", "remove-row", "edited", "2").stdout
    assert "has no row 2" in house.run("flow", "table", "remove-row", "edited", "2", code=1).stderr
    assert house.run("flow", "table", "export", "edited").stdout == "serial,count,more\na,7,\n"


def test_many_rows_are_sent_some_at_a_time(house: House, tmp_path: Path) -> None:
    """More than one request takes, and more than one page gives."""
    text = "serial\n" + "".join(f"{number:030}\n" for number in range(450))
    file = tmp_path / "rows.csv"
    file.write_text(text)
    house.ask("flow", "table", "create", "many", "--column", "serial", "--env", "dev")
    assert house.ask("flow", "table", "import", "many", str(file)) == {"added": 450}
    assert house.run("flow", "table", "export", "many").stdout == text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("serial,colour\na,b\n", "The first line must name columns, each once: serial, count"),
        ("", "The first line must name columns"),
        ("serial,count\na,x\n", "Line 2: a cell must be of the kind number"),
        ("serial,count\na\n", "Line 2: needs 2 cells"),
        ('serial\n"a\n', "Line 2: unexpected end of data"),
    ],
)
def test_what_does_not_fit_is_told_with_its_line(
    house: House, tmp_path: Path, text: str, told: str
) -> None:
    """And nothing of the file is added."""
    file = tmp_path / "rows.csv"
    file.write_text(text)
    if "strict" not in house.run("flow", "table", "list").stdout:
        house.ask("flow", "table", "create", "strict", *MADE)
    assert told in house.run("flow", "table", "import", "strict", str(file), code=1).stderr
    assert house.run("flow", "table", "export", "strict").stdout == "serial,count,more\n"


def test_a_flow_that_events_start_says_where_they_go(house: House, tmp_path: Path) -> None:
    """Its address is an event hook's, and nothing to invoke."""
    file = tmp_path / "hears.yaml"
    start = "{kind: event, source: okta, events: [user.lifecycle.deactivate]}"
    file.write_text(f"flow: hears\nstart: {start}\ncards: []\n")
    house.run("flow", "push", str(file), "--env", "dev")
    shown = house.run("flow", "show", "hears").stdout
    assert f"address      {house.env['KEYTURN_URL']}/api/flo-events/" in shown
    assert "Next: keyturn flow token hears" in shown
    house.run("flow", "token", "hears")
    assert "Next:" not in house.run("flow", "show", "hears").stdout
    house.run("flow", "invoke", "hears", code=1)
