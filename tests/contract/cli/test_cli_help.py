"""Every command explains itself, and quickly."""

import subprocess
import sys
from collections.abc import Iterator

import click
from click.testing import CliRunner

from keyturn.cli.main import cli

COSTLY = ("fastapi", "httpx2", "pydantic", "rich", "sqlalchemy", "uvicorn")
WITHOUT_JSON = (
    ("fleet", "schema"),
    ("flow", "table", "export"),
    ("serve",),
    ("worker",),
    ("run",),
    ("export",),
    ("audit", "export"),
    ("flow", "schema"),
)
NOUNS = (
    "access",
    "agent",
    "apply",
    "audit",
    "backup",
    "channel",
    "compliance",
    "connection",
    "demo",
    "destination",
    "drift",
    "emergency",
    "environment",
    "export",
    "fleet",
    "flow",
    "folder",
    "identity",
    "import",
    "init",
    "inventory",
    "keys",
    "leak",
    "migrate",
    "notice",
    "okta",
    "person",
    "plan",
    "project",
    "registration",
    "rehearse",
    "restore",
    "role",
    "rollout",
    "rotation",
    "run",
    "sandbox",
    "secret",
    "serve",
    "settings",
    "simulate",
    "tag",
    "token",
    "turn",
    "worker",
)


def commands(command: click.Command, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """List a command and all below it, by the words that call them."""
    yield path
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from commands(below, (*path, name))


def options(path: tuple[str, ...]) -> list[click.Option]:
    """List the options of the command at a path."""
    command: click.Command = cli
    for name in path:
        assert isinstance(command, click.Group)
        found = command.get_command(click.Context(command), name)
        assert found is not None
        command = found
    return [option for option in command.params if isinstance(option, click.Option)]


ALL = sorted(commands(cli, ()))


def test_every_command_has_help() -> None:
    """Asked for help, a command says what it is for, in a sentence."""
    for path in ALL:
        result = CliRunner().invoke(cli, [*path, "--help"])
        assert result.exit_code == 0, path
        assert ".\n" in result.output, path


def test_every_option_is_explained() -> None:
    """No option is left for the reader to guess."""
    for path in ALL:
        assert [option.name for option in options(path) if not option.help] == [], path


def test_what_prints_results_also_prints_json() -> None:
    """Every command has --json but groups, servers, and those whose output is not theirs."""
    groups = {path[:-1] for path in ALL}
    for path in filter(None, ALL):
        has_it = any("--json" in option.opts for option in options(path))
        assert has_it == (path not in groups and path not in WITHOUT_JSON), path


def test_the_commands_are_these() -> None:
    """A command that nobody listed is a command that nobody tested."""
    assert tuple(path[0] for path in ALL if len(path) == 1) == NOUNS


def test_an_unknown_command_is_a_usage_error() -> None:
    """A word that is no command ends with exit code 2."""
    result = CliRunner().invoke(cli, ["rotate"])
    assert result.exit_code == 2
    assert "No such command 'rotate'" in result.stderr


def test_help_imports_nothing_costly() -> None:
    """Reading the help waits for no web framework, database or client."""
    script = (
        "import sys, keyturn.cli.main as main\n"
        "main.cli.main(['--help'], standalone_mode=False)\n"
        f"print([name for name in {COSTLY} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
