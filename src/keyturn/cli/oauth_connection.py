"""OAuth connections: made, looked at, used, and given up."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack

import click

from keyturn.cli import options, output
from keyturn.cli.connection_lines import AUTHORIZED, row_of, show_connection
from keyturn.cli.credential import Command, read_file, read_stdin
from keyturn.cli.naming import elsewhere, one_named, only
from keyturn.cli.registration import find_registration
from keyturn.cli.running import connected, run

if TYPE_CHECKING:
    from keyturn.client import KeyturnApi
    from keyturn.wire.oauth_connections import OAuthConnection

GRANTS = (
    "authorization_code",
    "device_code",
    "client_credentials",
    "jwt_bearer",
    "token_exchange",
    "password",
    "refresh_token",
    "none",
)
NOUN, LISTED_BY = "connection", "keyturn connection list"
ON_A_TERMINAL = (
    "Standard output is a terminal, where others may look on: pipe it into what uses it "
    "(| curl -H @- URL), or say --show."
)

which_connection = click.argument("which", metavar="CONNECTION")
scopes = click.option("--scope", "scopes", multiple=True, help="A scope to ask for; repeatable.")


class GivenWords(TypedDict):
    """What the options say of what a grant takes."""

    username: str | None
    given_stdin: str | None
    given_files: tuple[str, ...]


def given_options(command: Command) -> Command:
    """Add the options by which a grant is given what it takes."""
    for option in (
        click.option(
            "--given-file",
            "given_files",
            multiple=True,
            metavar="NAME=FILE",
            help="Read it from a file: assertion, password, refresh_token, subject_token_type.",
        ),
        click.option(
            "--given-stdin", metavar="NAME", help="Read this of what the grant takes from stdin."
        ),
        click.option("--username", help="For the grant password."),
    ):
        command = option(command)
    return command


@click.command("add")
@click.argument("name")
@click.option("--registration", required=True, help="The client registration, by id or name.")
@click.option(
    "--grant",
    type=click.Choice(GRANTS),
    help="How it comes to tokens.  [default: authorization_code, or none without OAuth]",
)
@scopes
@given_options
@click.option("--source", help="For token_exchange: the connection whose token is exchanged.")
@click.option("--description", help="What it is for.")
@options.project
@options.server
@options.as_json
def add(
    *,
    name: str,
    registration: str,
    grant: str | None,
    scopes: tuple[str, ...],
    source: str | None,
    description: str | None,
    project: str,
    server: str | None,
    as_json: bool,
    **words: Unpack[GivenWords],
) -> None:
    """Make the connection NAME of a client registration; without --scope, its connector's scopes.

    One that needs somebody's consent waits for `keyturn connection authorize`; any other has its
    first token at once.
    """
    from keyturn.wire.oauth_connections import CreateOAuthConnection

    told = {"name": name, "scopes": scopes, "description": description}
    fields: dict[str, object] = {key: value for key, value in told.items() if value}
    fields |= {"given": read_given(words)}

    async def work() -> None:
        async with connected(server) as api:
            client = await find_registration(api, project, registration)
            plain = "authorization_code" if client.scheme == "oauth" else "none"
            fields.update(registrationId=client.id, grantType=grant or plain)
            if source:
                fields["source"] = (await find_connection(api, project, source)).id
            made = await api.create_oauth_connection(options.checked(CreateOAuthConnection, fields))
        show_connection(made, as_json=as_json)

    run(work())


@click.command("list")
@options.project
@options.server
@options.as_json
def list_connections(*, project: str, server: str | None, as_json: bool) -> None:
    """List the OAuth connections of a project, and how each does.

    Connections to Okta orgs, by which client secrets are turned, are with `keyturn connection okta
    list`.
    """

    async def work() -> None:
        async with connected(server) as api:
            found = await api.list_oauth_connections(project)
            others = await elsewhere(api, project)
        document = {"connections": [one.model_dump(mode="json") for one in found]}
        header = ["name", "registration", "folder", "grant", "health", "aliases", "id"]
        lines = [*output.table(header, [row_of(one) for one in found]), *others]
        output.show(document, lines, as_json=as_json)

    run(work())


@click.command("show")
@which_connection
@options.project
@options.server
@options.as_json
def show(*, which: str, project: str, server: str | None, as_json: bool) -> None:
    """Show a connection: how it does and why, when it will fail, and what was granted."""

    async def work() -> None:
        async with connected(server) as api:
            found = await find_connection(api, project, which)
        show_connection(found, as_json=as_json)

    run(work())


@click.command("update")
@which_connection
@click.option("--name", help="What to call it from now on.")
@scopes
@click.option("--description", help="What it is for; empty to remove what is there.")
@given_options
@options.project
@options.server
@options.as_json
def update(
    *,
    which: str,
    name: str | None,
    scopes: tuple[str, ...],
    description: str | None,
    project: str,
    server: str | None,
    as_json: bool,
    **words: Unpack[GivenWords],
) -> None:
    """Change a connection; other scopes, all of them, are asked for when it is authorized next.

    What its grant takes can be given anew, all of it, and is tried at once: a refresh token that
    was got elsewhere, for one that has lapsed.
    """
    from keyturn.wire.oauth_connections import UpdateOAuthConnection

    told = {"name": name, "scopes": scopes or None, "description": description}
    fields: dict[str, object] = {key: value for key, value in told.items() if value is not None}
    fields |= {"given": given} if (given := read_given(words)) else {}
    if not fields:
        raise click.UsageError(
            "Say what to change: --name, --scope, --description, or what its grant takes."
        )
    body = options.checked(UpdateOAuthConnection, fields)

    async def work() -> None:
        async with connected(server) as api:
            found = await find_connection(api, project, which)
            after = await api.update_oauth_connection(found.id, body)
        show_connection(after, as_json=as_json)

    run(work())


@click.command("remove")
@which_connection
@click.option("--force", is_flag=True, help="Also while aliases lead to it; they go along with it.")
@click.option("--plan", is_flag=True, help="Only say what would be revoked; change nothing.")
@options.project
@options.server
@options.as_json
def remove(
    *, which: str, force: bool, plan: bool, project: str, server: str | None, as_json: bool
) -> None:
    """Give a grant up: its tokens are revoked, as far as the server can, and it is removed."""

    async def work() -> None:
        async with connected(server) as api:
            found = await find_connection(api, project, which)
            if plan:
                lines = _plan_of_removal(found)
                output.show({"plan": lines}, lines, as_json=as_json)
                return
            gone = await api.delete_oauth_connection(found.id, force=force)
        line = f"Removed connection {gone.name}; its tokens were revoked where the server can."
        output.show(gone.model_dump(mode="json"), [line], as_json=as_json)

    run(work())


@click.command("token")
@which_connection
@click.option("--refused", type=int, help="Not this token set, by its number: it was refused.")
@click.option("--method", help="With DPoP: the method of the request that is to be proved.")
@click.option("--url", help="With DPoP: its address.")
@click.option("--nonce", help="With DPoP: what the service asked for.")
@click.option("--show", "shown", is_flag=True, help="Print it to a terminal as well.")
@options.project
@options.server
@options.as_json
def token(
    *,
    which: str,
    refused: int | None,
    method: str | None,
    url: str | None,
    nonce: str | None,
    shown: bool,
    project: str,
    server: str | None,
    as_json: bool,
) -> None:
    """Print the headers by which one request is authorized now, and nothing else.

    CONNECTION may be an alias. As in: keyturn connection token crm | curl -H @- URL
    """
    from keyturn.wire.oauth_connections import WantedToken

    if sys.stdout.isatty() and not shown:
        raise click.UsageError(ON_A_TERMINAL)
    told = {"refused": refused, "method": method, "url": url, "nonce": nonce}
    fields: dict[str, object] = {key: value for key, value in told.items() if value is not None}
    wanted = options.checked(WantedToken, fields)

    async def work() -> None:
        async with connected(server) as api:
            found = await _find_used(api, project, which)
            given = await api.authorize_request(found.id, wanted)
        lines = [f"{name}: {value}" for name, value in given.headers.items()]
        output.show(given.model_dump(mode="json"), lines, as_json=as_json, as_is=True)

    run(work())


async def find_connection(api: "KeyturnApi", project: str, which: str) -> "OAuthConnection":
    """Find a connection by its id or name. Raises ClickException for none, or several."""
    return _one(await api.list_oauth_connections(project), which)


async def _find_used(api: "KeyturnApi", project: str, which: str) -> "OAuthConnection":
    """Find what a name means to whoever uses it: an alias comes before a connection's own name."""
    every = await api.list_oauth_connections(project)
    led = [one for one in every if which in one.aliases]
    return only(led, which, noun=NOUN, listed_by=LISTED_BY) if led else _one(every, which)


def _one(every: "Iterable[OAuthConnection]", which: str) -> "OAuthConnection":
    return one_named(every, which, noun=NOUN, listed_by=LISTED_BY)


def read_given(words: GivenWords) -> dict[str, str]:
    """Return what a grant takes. Raises UsageError for what cannot be read."""
    pairs = [text.partition("=") for text in words["given_files"]]
    if not all(middle for _, middle, _ in pairs):
        raise click.UsageError("Write --given-file as NAME=FILE.")
    given = {name: read_file(Path(file)) for name, _, file in pairs}
    given |= {"username": words["username"]} if words["username"] else {}
    piped = words["given_stdin"]
    return given | ({piped: read_stdin(piped)} if piped else {})


def _plan_of_removal(one: "OAuthConnection") -> list[str]:
    aliases = ", ".join(one.aliases)
    return [
        f"Removing {one.name} ({one.grant_type}) will:",
        "  - revoke its tokens at the authorization server, where that can be done",
        *([f"  - need --force, and remove the aliases {aliases} too"] if aliases else []),
        "  - need somebody's consent again, should it be made anew"
        if one.grant_type in AUTHORIZED
        else "  - end what it was given for it",
        "Nothing was changed.",
    ]
