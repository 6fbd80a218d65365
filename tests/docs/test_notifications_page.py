"""What the page about notifications shows is what the code takes."""

import re
import shlex
from pathlib import Path

import click

from keyturn.cli.main import cli
from keyturn.domain.channel_kinds import RULES
from keyturn.domain.channels import PILED_UP
from keyturn.domain.notice import KEPT, URGENT, Kind
from keyturn.domain.selector import NAMES

PAGE = (Path(__file__).parents[2] / "docs" / "notifications.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| `([a-z_.]+)` \| (.*) \|$", PAGE, re.MULTILINE))


def test_every_kind_has_its_row_and_no_other_has() -> None:
    """What is urgent is called so, and nothing else is."""
    assert {each for each in ROWS if "." in each} == set(Kind)
    assert {each for each in ROWS if "**urgent**" in ROWS[each]} == URGENT


def test_every_kind_of_channel_has_its_settings() -> None:
    """Each by its name, and what is secret apart."""
    for kind, rules in RULES.items():
        settings, secret, *_ = ROWS[kind].split("|")
        assert set(rules.settings) <= set(re.findall(r"`(\w+)`", settings)), kind
        assert set(rules.credential) <= set(re.findall(r"`(\w+)`", secret)), kind


def test_the_numbers_and_names_are_those_of_the_code() -> None:
    """How long notices are kept, how many pile up, and by what apps are picked."""
    assert f"kept for {KEPT.days} days" in PAGE
    assert PILED_UP == 5
    assert "Where five or more" in PAGE
    assert all(f"`{name}`" in PAGE for name in NAMES)


def test_the_commands_are_taken() -> None:
    """Each command is one, with options that it has."""
    lines = re.findall(r"^    keyturn (.*)$", re.sub(r"\\\n +", "", PAGE), re.MULTILINE)
    assert len(lines) == 10
    for line in lines:
        command: click.Command = cli
        words = shlex.split(line)
        while isinstance(command, click.Group):
            found = command.get_command(click.Context(command), words.pop(0))
            assert found, line
            command = found
        known = {name for each in command.params for name in each.opts}
        assert {word for word in words if word.startswith("--")} <= known, line
