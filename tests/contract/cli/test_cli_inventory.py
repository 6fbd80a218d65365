"""The inventory by commands: read with a bar, shown in every form, owners, and forgotten."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_kit import House, commanded

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Give an installation whose org has been read."""
    with commanded(tmp_path_factory.mktemp("house"), public_url="") as it:
        told = it.run("inventory", "read", "org")
        assert "fresh" in told.stdout
        yield it


def test_it_is_told_how_far_it_is(house: House) -> None:
    """Every connection is a line, with what is known and until when."""
    [state] = house.ask("inventory", "status")["inventories"]
    assert (state["connection"], state["stage"], state["failure"]) == ("org", "fresh", "")
    assert state["read"] == state["wanted"] > 0
    assert "never asked for" not in house.run("inventory", "status").stdout


def test_reading_again_ends_too(house: House) -> None:
    """Once by what has changed, and once as a whole; the answer is how it stands then."""
    for words in ((), ("--whole",)):
        [state] = house.ask("inventory", "read", *words)
        assert (state["stage"], state["failure"]) == ("fresh", "")


def test_apps_are_shown_in_every_form(house: House, tmp_path: Path) -> None:
    """Lines, CSV, JSON and a page tell of the same apps."""
    document = house.ask("inventory", "show")
    labels = [app["label"] for app in document["apps"]]
    lines = house.run("inventory", "show").stdout
    rows = list(csv.DictReader(io.StringIO(house.run("inventory", "show", "--csv").stdout)))
    page = tmp_path / "inventory.html"
    house.run("inventory", "show", "--html", str(page))
    html = page.read_text("utf-8")
    assert len(labels) == document["totals"]["apps"] > 1
    assert f"{len(labels)} apps: 1 kept by a rotation" in lines
    assert "ages of client secrets, days" in lines
    assert {row["label"] for row in rows} == {*labels}
    assert all(label in lines and label in html for label in labels)
    assert "<svg" in html
    assert "http://" not in html.replace("http://www.w3.org", "")
    kept = [row for row in rows if row["managed"] == "yes"]
    assert [row["secret_known"] for row in kept] == ["yes"]
    shown = json.dumps(document) + lines + html + str(rows)
    assert str(house.app["secrets"][0]["client_secret"]) not in shown


def test_a_selector_of_several_words_picks_apps(house: House) -> None:
    """Terms come as the shell hands them over, also with blanks in them."""
    every = house.ask("inventory", "show")["apps"]
    one = every[0]
    words = (f"label={one['label']}", f"auth={one['authMethod']}")
    found = house.ask("inventory", "show", *words)["apps"]
    assert one["label"] in {app["label"] for app in found}
    assert len(found) < len(every)
    quoted = (f'label="{one["label"]}" auth={one["authMethod"]}', f"label={one['label']} auth=*")
    assert house.ask("inventory", "show", quoted[0])["apps"] == found
    told = house.run("inventory", "show", quoted[1], code=1).stderr
    assert f"'{one['label'].split()[1]}' is none" in told
    refused = house.run("inventory", "show", "labels=x", code=1)
    assert "'labels=x' is none; a term begins with" in refused.stderr


def test_apps_are_narrowed_as_on_the_page(house: House) -> None:
    """By what keeps them, how old their client secrets are, and their status."""
    every = house.ask("inventory", "show")["apps"]
    managed = house.ask("inventory", "show", "--managed")["apps"]
    unmanaged = house.ask("inventory", "show", "--unmanaged")["apps"]
    assert (len(managed), len(managed) + len(unmanaged)) == (1, len(every))
    assert house.ask("inventory", "show", "--status", "inactive", "--foreign")["apps"] == []
    assert house.ask("inventory", "show", "--age", "0-30")["totals"]["apps"] > 0


def test_owners_come_from_a_file(house: House, tmp_path: Path) -> None:
    """The rules of a file take the place of those before; a broken one changes nothing."""
    file = tmp_path / "owners.csv"
    file.write_text("pattern,owner\nExample *,examples\n*,nobody\n")
    told = house.ask("inventory", "owners", str(file))["rules"]
    assert told == [
        {"pattern": "Example *", "owner": "examples"},
        {"pattern": "*", "owner": "nobody"},
    ]
    owners = {app["label"]: app["owner"] for app in house.ask("inventory", "show")["apps"]}
    assert owners["Example web app"] == "examples"
    for broken in ("one,two,three\n", "", "pattern,owner\n"):
        file.write_text(broken)
        house.run("inventory", "owners", str(file), code=2)
        assert house.ask("inventory", "owners")["rules"] == told
    assert house.ask("inventory", "owners", "--clear")["rules"] == []


def test_an_unknown_connection_is_named(house: House) -> None:
    """Nothing is waited for then."""
    told = house.run("inventory", "read", "nowhere", code=1)
    assert "There is no Okta connection nowhere" in told.stderr


def test_an_inventory_is_forgotten(house: House) -> None:
    """It is kept no longer, and may be read again."""
    assert "is forgotten" in house.run("inventory", "forget", "org").stdout
    assert house.ask("inventory", "show")["apps"] == []
    assert "never asked for" in house.run("inventory", "status").stdout
    house.run("inventory", "read", "--no-wait")
    assert house.ask("inventory", "read")[0]["stage"] == "fresh"
