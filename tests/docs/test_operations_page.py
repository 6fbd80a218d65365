"""What the page on operations says can be done: its commands, settings and files are there."""

import re
from pathlib import Path

import click
import pytest
from metrics_kit import rules

from keyturn.cli.main import cli
from keyturn.settings import Settings

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
COMMAND = re.compile(
    r"(?:^|[`$ ])(?<!--namespace )keyturn ((?:[a-z][a-z-]+ ?)+)([^`\n|;#]*)", re.MULTILINE
)


def commands() -> list[tuple[str, str]]:
    """List what the page runs: the words of each command, and what stands behind them."""
    return sorted({(words.strip(), rest) for words, rest in COMMAND.findall(PAGE)})


def found(words: list[str]) -> tuple[click.Command, list[str]]:
    """Follow words down the command line; return the command and the words that are left."""
    at: click.Command = cli
    context = click.Context(cli)
    while words and isinstance(at, click.Group):
        inner = at.get_command(context, words[0])
        assert inner, f"no command {words[0]} in {at.name}"
        at, words = inner, words[1:]
    return at, words


@pytest.mark.parametrize(("words", "rest"), commands(), ids=lambda part: part.strip() or "-")
def test_every_command_is_there(words: str, rest: str) -> None:
    """A stranger who types what the page says gets no "no such command"."""
    command, _ = found(words.split())
    options = {name for param in command.params for name in param.opts}
    assert set(re.findall(r"--[a-z-]+", rest)) <= options


def test_the_page_runs_what_it_should() -> None:
    """The commands are found at all, and one that is not there would be noticed."""
    assert len(commands()) > 20
    with pytest.raises(AssertionError, match="no command"):
        found(["fleet", "dance"])


def test_every_setting_is_there() -> None:
    """A setting that the page names exists."""
    named = set(re.findall(r"\bKEYTURN_([A-Z_]+)", PAGE)) - {"TOKEN", "URL"}
    assert {name for name in named if name.lower() not in Settings.model_fields} == set()


def test_every_runbook_has_its_alert() -> None:
    """A section whose alert is gone leads nobody anywhere."""
    assert set(re.findall(r"^## (Keyturn\w+)$", PAGE, flags=re.MULTILINE)) == rules().keys()


def test_every_file_of_deploy_is_told_of() -> None:
    """Whoever looks into the folder finds on the page what each file is for."""
    files = [path for path in (ROOT / "deploy").rglob("*") if path.is_file()]
    told = [path for path in files if path.suffix != ".dockerignore"]
    assert [path.name for path in told if str(path.relative_to(ROOT)) not in PAGE] == []
