"""Connections to Okta orgs."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keyturn.cli import options, output
from keyturn.cli.running import connected, run

if TYPE_CHECKING:
    from keyturn.wire.connections import Connection, CreateConnection


@click.group()
def connection() -> None:
    """Connect to the services where the apps are."""


@connection.group()
def okta() -> None:
    """Connect to Okta orgs."""


@okta.command("add")
@click.option("--name", required=True, help="What to call it: letters, digits, hyphens.")
@click.option("--url", required=True, help="The org's address: https://example.okta.com")
@click.option("--description", help="What it is for.")
@click.option("--token-stdin", is_flag=True, help="Read an API token from standard input.")
@click.option("--token-env", metavar="VAR", help="Read an API token from this variable.")
@click.option("--client-id", help="The client id of an Okta service app, with its key:")
@click.option(
    "--private-jwk-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The service app's private key, as a JWK.",
)
@options.project
@options.server
@options.as_json
def add(
    *,
    name: str,
    url: str,
    description: str | None,
    token_stdin: bool,
    token_env: str | None,
    client_id: str | None,
    private_jwk_file: Path | None,
    project: str,
    server: str | None,
    as_json: bool,
) -> None:
    """Add a connection to an Okta org, once Okta has accepted its credentials.

    Give the credentials in one of three ways: --token-stdin, --token-env, or --client-id with
    --private-jwk-file. A token is never an argument, because other users of the machine can read
    arguments.
    """
    credentials = _credentials(
        token_stdin=token_stdin,
        token_env=token_env,
        client_id=client_id,
        private_jwk_file=private_jwk_file,
    )
    body = _body(name, description, {"instanceUrl": url, **credentials})

    async def create() -> None:
        async with connected(server) as api:
            found = await api.read_project(project)
            stored = await api.create_connection(body.model_copy(update={"project_id": found.id}))
        line = f"Connection {stored.name} ({stored.id}) to {stored.credentials.instance_url}"
        output.show(stored.model_dump(mode="json"), [line], as_json=as_json)

    run(create())


@okta.command("list")
@options.project
@options.server
@options.as_json
def list_connections(*, project: str, server: str | None, as_json: bool) -> None:
    """List the connections that a project may use."""

    async def read() -> None:
        async with connected(server) as api:
            found = await api.list_connections((await api.read_project(project)).id)
        document = {"connections": [one.model_dump(mode="json") for one in found]}
        header = ["name", "org", "method", "id"]
        output.show(document, output.table(header, [_row(one) for one in found]), as_json=as_json)

    run(read())


def _row(one: "Connection") -> list[str]:
    return [one.name, one.credentials.instance_url, one.method, one.id]


def _credentials(
    *,
    token_stdin: bool,
    token_env: str | None,
    client_id: str | None,
    private_jwk_file: Path | None,
) -> dict[str, str]:
    ways = [token_stdin, token_env is not None, client_id is not None]
    if sum(ways) != 1 or (client_id is None) != (private_jwk_file is None):
        raise click.UsageError(
            "Give exactly one of --token-stdin, --token-env VAR, or --client-id with "
            "--private-jwk-file."
        )
    if client_id and private_jwk_file:
        return {"clientId": client_id, "privateKey": private_jwk_file.read_text().strip()}
    return {"apiToken": _from_env(token_env) if token_env else _from_stdin()}


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


def _body(name: str, description: str | None, credentials: dict[str, str]) -> "CreateConnection":
    from keyturn.wire.connections import CreateConnection

    method = "api-token" if "apiToken" in credentials else "oauth-service-app"
    fields = {"name": name, "description": description, "method": method}
    return options.checked(CreateConnection, fields | {"credentials": credentials})
