"""The three ways in which Okta credentials come to a command; none of them is an argument."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypedDict, TypeVar

import click

ONE_WAY = (
    "Give exactly one of --token-stdin, --token-env VAR, or --client-id with --private-jwk-file."
)

Command = TypeVar("Command", bound=Callable[..., None])


class Ways(TypedDict):
    """What the options say."""

    token_stdin: bool
    token_env: str | None
    client_id: str | None
    private_jwk_file: Path | None


def ways(command: Command) -> Command:
    """Add the options to a command."""
    for option in (
        click.option(
            "--private-jwk-file",
            type=click.Path(path_type=Path, exists=True, dir_okay=False),
            help="The service app's private key, as a JWK.",
        ),
        click.option("--client-id", help="The client id of an Okta service app, with its key:"),
        click.option("--token-env", metavar="VAR", help="Read an API token from this variable."),
        click.option("--token-stdin", is_flag=True, help="Read an API token from standard input."),
    ):
        command = option(command)
    return command


def given(ways: Ways) -> bool:
    """Say whether there are credentials, or a part of some."""
    return any(ways.values())


def read(ways: Ways) -> dict[str, str]:
    """Read the credentials as the wire names them. Raises UsageError unless one way is whole."""
    env, client_id, file = ways["token_env"], ways["client_id"], ways["private_jwk_file"]
    chosen = [ways["token_stdin"], env is not None, client_id is not None]
    if sum(chosen) != 1 or (client_id is None) != (file is None):
        raise click.UsageError(ONE_WAY)
    if client_id and file:
        return {"clientId": client_id, "privateKey": file.read_text().strip()}
    return {"apiToken": _from_env(env) if env else _from_stdin()}


def _from_env(variable: str) -> str:
    token = os.environ.get(variable, "").strip()
    if not token:
        raise click.UsageError(f"The environment variable {variable} is empty or not set.")
    return token


def _from_stdin() -> str:
    token = sys.stdin.readline().strip()
    if not token:
        raise click.UsageError("Standard input holds no token.")
    return token
