"""What a client authenticates with, as options; a secret itself is none of them."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypedDict, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., None])

FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
ONE_SECRET = (
    "Give one of --rotation NAME, --secret-name NAME, --secret-stdin or --secret-file FILE at most."
)
ONE_ID = "--rotation keeps the client id as well: leave --client-id and --client-id-name out."


class CredentialWords(TypedDict):
    """What the options say."""

    rotation: str | None
    client_id: str | None
    client_id_name: str | None
    secret_name: str | None
    secret_stdin: bool
    secret_file: Path | None


def credential_options(command: Command) -> Command:
    """Add the options to a command."""
    for option in (
        click.option(
            "--secret-file", type=FILE, help="Read the secret or private key from a file."
        ),
        click.option(
            "--secret-stdin",
            is_flag=True,
            help="Read it from standard input; at a terminal it is asked for.",
        ),
        click.option("--secret-name", help="Use a stored secret of the folder, as it then is."),
        click.option("--client-id-name", help="The same for the client id, by a secret's name."),
        click.option("--client-id", help="The client id; a user name or a header's name."),
        click.option("--rotation", help="Use what this rotation of the folder keeps."),
    ):
        command = option(command)
    return command


def given(words: CredentialWords) -> bool:
    """Say whether anything was said of a credential."""
    return any(words.values())


def credential_fields(words: CredentialWords) -> dict[str, object]:
    """Return the fields of a request. Raises UsageError for what cannot be meant."""
    ways = (words["rotation"], words["secret_name"], words["secret_stdin"], words["secret_file"])
    if sum(map(bool, ways)) > 1:
        raise click.UsageError(ONE_SECRET)
    if words["rotation"] and (words["client_id"] or words["client_id_name"]):
        raise click.UsageError(ONE_ID)
    fields = {
        "rotation": words["rotation"],
        "clientId": words["client_id"],
        "clientIdName": words["client_id_name"],
        "secretName": words["secret_name"],
        "clientSecret": _secret(words),
    }
    return {name: told for name, told in fields.items() if told}


def _secret(words: CredentialWords) -> str | None:
    if words["secret_file"]:
        return read_file(words["secret_file"])
    return read_stdin("Secret") if words["secret_stdin"] else None


def read_file(file: Path) -> str:
    """Return a file's text without the end of its last line. Raises UsageError."""
    try:
        return file.read_text("utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"{file} cannot be read ({type(error).__name__}).") from None


def read_stdin(asked: str) -> str:
    """Return what is piped in, a private key of many lines included, or typed without being shown.

    Raises UsageError where there is nothing.
    """
    if sys.stdin.isatty():
        typed: str = click.prompt(asked, hide_input=True, err=True)
        return typed
    piped = sys.stdin.read().rstrip("\r\n")
    if not piped:
        raise click.UsageError("Standard input holds nothing: pipe the value in.")
    return piped
