"""What the pages about importing flows and the tutorial say is so."""

import re
import shlex
from pathlib import Path

import click
import pytest

from keyturn.cli.main import cli
from keyturn.domain.flows.catalogue import CARDS
from keyturn.domain.flows.flopack.pack import VERSIONS
from keyturn.domain.flows.flopack.starts import REGISTRATION, SECURITY
from keyturn.domain.flows.templates import list_templates

ROOT = Path(__file__).parents[2]
IMPORTING = (ROOT / "docs" / "importing-flows.md").read_text(encoding="utf-8")
TUTORIAL = (ROOT / "docs" / "tutorial-flows.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^    keyturn (.*)$", IMPORTING, re.MULTILINE)


@pytest.mark.parametrize("line", COMMANDS)
def test_each_command_is_taken(line: str) -> None:
    """It exists, with its options."""
    command: click.Command = cli
    words = shlex.split(line)
    while isinstance(command, click.Group):
        found = command.get_command(click.Context(command), words.pop(0))
        assert found
        command = found
    known = {name for each in command.params for name in each.opts}
    assert {word for word in words if word.startswith("--")} <= known


def test_versions_and_levels_are_those_of_the_code() -> None:
    """By their names."""
    assert f"versions {VERSIONS[0]} to {VERSIONS[-1]}" in IMPORTING
    for theirs, ours in {**SECURITY, "medium": "client_token"}.items():
        assert f"`{theirs}` is `{ours}`" in IMPORTING
    assert f"`{REGISTRATION}`" in IMPORTING


@pytest.mark.parametrize("page", [IMPORTING, TUTORIAL], ids=["importing", "tutorial"])
def test_cards_that_are_named_are_there(page: str) -> None:
    """Each name of a card is one of the catalogue."""
    families = {name.partition(".")[0] for name in CARDS}
    named = re.findall(r"`([a-z_]+)\.([a-z_]+)`", page)
    told = {f"{family}.{name}" for family, name in named if family in families}
    assert told
    assert told <= CARDS.keys()


def test_templates_of_the_tutorial_are_there() -> None:
    """Those that it copies, and those that it names."""
    known = {each.name for each in list_templates()}
    (copied,) = re.findall(r"for name in (.*); do", TUTORIAL)
    shown = re.findall(r"flow template show ([a-z-]+)", TUTORIAL)
    assert {*copied.split(), *shown} <= known
