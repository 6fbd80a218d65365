"""What the page about flows shows is what the code takes."""

import re
import shlex
from dataclasses import fields
from pathlib import Path

import click
import pytest

from keyturn.cli.main import cli
from keyturn.domain.access import Verb
from keyturn.domain.flows.bearers import INVOKE, KEYS, TYPES, Fault
from keyturn.domain.flows.checking import check
from keyturn.domain.flows.intake import RESERVED, TOKEN_HEADER, TOKEN_NAME
from keyturn.domain.flows.spec import Security
from keyturn.services.ports import Limits

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "flows.md").read_text(encoding="utf-8")
FLOWS = [text for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL) if "cards:" in text]
COMMANDS = re.findall(r"^    keyturn (.*)$", PAGE, re.MULTILINE)


def rows(page: str) -> dict[str, str]:
    """Return the tables' rows by their first cell."""
    return dict(re.findall(r"^\| `?([^`|]+?)`? \| (.*) \|$", page, re.MULTILINE))


@pytest.mark.parametrize("text", FLOWS, ids=lambda text: text.partition("flow: ")[2].split()[0])
def test_each_flow_passes_its_check(text: str) -> None:
    """Nothing in it is wrong or doubtful."""
    assert [str(each) for each in check(text)] == []


@pytest.mark.parametrize("line", COMMANDS)
def test_each_command_is_taken(line: str) -> None:
    """It exists, with its options."""
    words, command = shlex.split(line), _command(cli, "")
    while isinstance(command, click.Group):
        command = _command(command, words.pop(0))
    known = {name for each in command.params for name in each.opts}
    assert {word for word in words if word.startswith("--")} <= known


def _command(group: click.Command, name: str) -> click.Command:
    """Return the command of a group by its name; the group itself for none."""
    if not (name and isinstance(group, click.Group)):
        return group
    found = group.get_command(click.Context(group), name)
    assert found, name
    return found


def test_levels_and_members_are_those_of_the_code() -> None:
    """Each has its row."""
    table = rows(PAGE)
    assert {*Security, *KEYS} <= table.keys()
    assert {verb for verb in Verb if verb.startswith("flow")} <= table.keys()
    assert [each for each in TYPES if each and f"`{each}`" not in table["types"]] == []
    assert f"`{INVOKE}`" in table["scope"]
    oauth = {Fault.INVALID_REQUEST, Fault.INVALID_TOKEN, Fault.INVALID_PROOF, Fault.SCOPE}
    assert [each for each in oauth if f'error="{each}"' not in PAGE] == []
    assert [each for each in (TOKEN_HEADER, TOKEN_NAME, RESERVED) if f"`{each}`" not in PAGE] == []


def test_the_limits_are_those_of_the_code() -> None:
    """By their defaults."""
    defaults = {each.name: each.default for each in fields(Limits)}
    assert f"waited for {defaults['flow_answer_s']:.0f} s" in PAGE
    assert f"invoked {defaults['flow_per_s']:.0f} times" in PAGE
