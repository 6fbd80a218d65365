"""Fleet files as texts: what is read, how it is inherited, written, and told apart."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keyturn.domain.errors import InvalidInput
from keyturn.domain.fleetfile.expanding import Candidate, expanded
from keyturn.domain.fleetfile.items import Action, Item, Kind, diff
from keyturn.domain.fleetfile.reading import parse_fleet
from keyturn.domain.fleetfile.schema import FLEET
from keyturn.domain.fleetfile.writing import fleet_text
from keyturn.domain.selector import Subject

SCHEMA = Path(__file__).parents[2] / "docs" / "fleet.schema.json"
LINES = st.from_regex(r"(\S([^\r\n]*\S)?)?", fullmatch=True).filter(
    lambda text: len(text) <= 256 and text.isprintable()
)
TEXTS = st.text(st.characters(codec="utf-8"), max_size=60).map(str.strip)
ROTATIONS = """
version: 1
defaults:
  project: example
  environment: dev
  connection: okta
  mapping: {clientId: "{NAME}_ID", clientSecret: "{NAME}_SECRET"}
  schedule: {every: 12h, timeZone: Europe/Berlin}
rotations:
  - {name: pay-web, app: 0oa1}
  - {name: own, app: 0oa2, environment: prod, schedule: {cron: "30 2 * * sun"}}
"""


def test_the_schema_that_is_shipped_is_the_one_in_use() -> None:
    """`keyturn fleet schema > docs/fleet.schema.json` writes it anew."""
    assert json.loads(SCHEMA.read_text(encoding="utf-8")) == FLEET


def test_rotations_inherit_what_they_do_not_say() -> None:
    """Of the ways to set dates only one holds: the nearest."""
    first, second = parse_fleet(ROTATIONS).items
    assert first.key == ("example", "dev", "/", "pay-web")
    assert first.fields["mapping"] == {
        "clientId": "PAY_WEB_ID",
        "clientSecret": "PAY_WEB_SECRET",
    }
    assert first.fields["schedule"] == {"every": "12h", "timeZone": "Europe/Berlin"}
    assert second.key[1] == "prod"
    assert second.fields["schedule"] == {"cron": "30 2 * * sun", "timeZone": "Europe/Berlin"}
    assert (first.line, second.line) == (10, 11)


def test_no_variable_begins_with_a_digit() -> None:
    """A rotation that is called so is read by a program's environment all the same."""
    text = ROTATIONS.replace("pay-web", "1-number").replace('"{NAME}_SECRET"', '"OKTA_{NAME}"')
    mapping = parse_fleet(text).items[0].fields["mapping"]
    assert mapping == {"clientId": "_1_NUMBER_ID", "clientSecret": "OKTA_1_NUMBER"}


def test_only_sections_of_the_file_are_about_something() -> None:
    """A file without a section says nothing of such things."""
    assert parse_fleet(ROTATIONS).kinds == {Kind.ROTATION}
    assert parse_fleet('{"version": 1}').kinds == set()


@given(LINES, TEXTS)
def test_any_text_is_read_as_it_was_written(description: str, setting: str) -> None:
    """Whatever characters it is of, and however YAML would take it plain."""
    policy = Item(Kind.POLICY, ("a",), {"description": description})
    key = ("example", "dev", "/", "file")
    fields = {"kind": "file", "settings": {"path": setting or "x"}}
    text = fleet_text([policy, Item(Kind.DESTINATION, key, fields)])
    found = {each.kind: each for each in parse_fleet(text).items}
    assert found[Kind.POLICY].fields == policy.fields
    assert found[Kind.DESTINATION].fields == fields


def test_a_rotation_does_not_inherit_what_is_said_of_another() -> None:
    """What is alike stands in the defaults of an export; a description stays where it is."""
    key, fields = ("example", "dev", "/"), {"connection": "okta", "description": "of web alone"}
    text = fleet_text([Item(Kind.ROTATION, (*key, "web"), fields)])
    assert text.endswith(
        "defaults:\n  connection: okta\nrotations:\n  - name: web\n    project: example\n"
        '    environment: dev\n    path: /\n    description: "of web alone"\n'
    )


@given(st.text(max_size=200))
def test_any_text_at_all_is_refused_or_read(text: str) -> None:
    """A file that is none is told to be none."""
    with pytest.raises(InvalidInput):
        parse_fleet(f"version: 1\n{text}\nrotations: 7")


def test_too_large_a_file_is_refused() -> None:
    """It is told how large one may be, in the words of fleet files."""
    with pytest.raises(InvalidInput, match="a fleet file is a text of at most 786,432"):
        parse_fleet("#" * 800_000)


@pytest.mark.slow
def test_a_file_of_too_many_values_is_refused() -> None:
    """It is told how many one may hold."""
    with pytest.raises(InvalidInput, match="a fleet file holds at most 100,000 values"):
        parse_fleet(f"identities: [{'1,' * 100_000}]")


def test_a_difference_is_in_the_order_of_need() -> None:
    """What goes comes last, the other way round; the roles of what goes are not taken apart."""
    wanted = [Item(Kind.IDENTITY, ("b",)), Item(Kind.PROJECT, ("p",))]
    there = [
        Item(Kind.POLICY, ("old",)),
        Item(Kind.IDENTITY, ("old",)),
        Item(Kind.ROLES, ("old", "p")),
        Item(Kind.ROTATION, ("p", "e", "/", "old")),
        Item(Kind.IDENTITY, ("me",)),
    ]
    found = diff(wanted, there, prune=True, keep="me")
    assert [(each.action, each.item.name) for each in found.changes] == [
        (Action.CREATE, "p"),
        (Action.CREATE, "b"),
        (Action.DELETE, "old"),
        (Action.DELETE, "old"),
    ]
    assert [each.item.kind for each in found.changes[2:]] == [Kind.IDENTITY, Kind.POLICY]
    assert [each.name for each in found.left] == ["p/e/:old", "me"]
    assert len(diff(wanted, there).left) == 5


def template(name: str = "{label-slug}") -> Item:
    """Return rotations of a selection."""
    fields = {"select": "label=*", "mapping": {"clientId": "{NAME}_ID", "clientSecret": "{NAME}"}}
    return Item(Kind.ROTATION, ("p", "e", "/", name), fields)


def test_names_are_told_apart_by_apps() -> None:
    """Also from names that are taken; one that is kept is called as it is."""
    apps = [
        Candidate(Subject(app="0oaA", label="Pay")),
        Candidate(Subject(app="0oaB", label="pay!")),
        Candidate(Subject(app="0oaC", label="Web")),
        Candidate(Subject(app="0oaD", label="Kept"), ("x", "y", "/", "mine")),
        Candidate(Subject(app="0oaE", label="L" * 90)),
    ]
    made = expanded(template(), apps, {("p", "e", "/", "web")})
    names = [each.key[-1] for each in made]
    assert names == ["pay-0oaa", "pay-0oab", "web-0oac", "mine", "l" * 32]
    assert made[0].fields["mapping"] == {"clientId": "PAY_0OAA_ID", "clientSecret": "PAY_0OAA"}
    assert "mapping" not in made[3].fields
    by_app = expanded(template("a-{app}"), apps[:1], set())
    assert by_app[0].key[-1] == "a-0oaa"
