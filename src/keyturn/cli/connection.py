"""Connections: OAuth's to any service, and Keyturn's own to Okta orgs."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final, Unpack

import click

from keyturn.cli import oauth_connection, okta_credentials, options, output
from keyturn.cli.connection_alias import alias
from keyturn.cli.connection_authorize import authorize
from keyturn.cli.connection_replace import replace
from keyturn.cli.okta_credentials import Ways
from keyturn.cli.running import connected, run
from keyturn.cli.usage import connection_usage

if TYPE_CHECKING:
    from keyturn.client import KeyturnApi
    from keyturn.wire.budgets import Budget
    from keyturn.wire.connections import Connection, CreateConnection
    from keyturn.wire.rotations import Algorithm

MANAGEMENT: Final = ("api/", "integrations/api/")
"""How the buckets of Okta's management API begin; those of the others are each an app's."""


@click.group()
def connection() -> None:
    """Connect to services by OAuth, and to the Okta orgs where the apps are."""


for command in (
    oauth_connection.add,
    oauth_connection.list_connections,
    oauth_connection.show,
    oauth_connection.update,
    oauth_connection.remove,
    authorize,
    replace,
    oauth_connection.token,
    connection_usage,
    alias,
):
    connection.add_command(command)


@connection.group()
def okta() -> None:
    """Connect to Okta orgs, to turn client secrets there."""


@okta.command("add")
@click.option("--name", required=True, help="What to call it: letters, digits, hyphens.")
@click.option("--url", required=True, help="The org's address: https://example.okta.com")
@click.option("--description", help="What it is for.")
@okta_credentials.ways
@options.project
@options.server
@options.as_json
def add(
    *,
    name: str,
    url: str,
    description: str | None,
    project: str,
    server: str | None,
    as_json: bool,
    **ways: Unpack[Ways],
) -> None:
    """Add a connection to an Okta org, once Okta has accepted its credentials.

    Give the credentials in one of three ways: --token-stdin, --token-env, or --client-id with
    --private-jwk-file. A token is never an argument, because other users of the machine can read
    arguments.
    """
    body = _body(name, description, {"instanceUrl": url, **okta_credentials.read(ways)})

    async def create() -> None:
        async with connected(server) as api:
            found = await api.read_project(project)
            stored = await api.create_connection(body.model_copy(update={"project_id": found.id}))
        _show(stored, f"Connection {_named(stored)}", as_json=as_json)

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


@okta.command("update")
@click.argument("which", metavar="CONNECTION")
@click.option("--name", help="What to call it from now on.")
@click.option("--url", help="Another address of the org; give the credentials with it.")
@click.option("--description", help="What it is for; empty to remove what is there.")
@okta_credentials.ways
@options.project
@options.server
@options.as_json
def update(
    *,
    which: str,
    name: str | None,
    url: str | None,
    description: str | None,
    project: str,
    server: str | None,
    as_json: bool,
    **ways: Unpack[Ways],
) -> None:
    """Change a connection, by id or name; new credentials once Okta has accepted them.

    The credentials come as in `keyturn connection okta add`. Those that Keyturn keeps are sent to
    no other address, so --url needs them again.
    """
    from keyturn.wire.connections import UpdateConnection

    renewed = okta_credentials.read(ways) if url or okta_credentials.given(ways) else None
    fields = _given({"name": name, "description": description})
    if not fields and renewed is None:
        raise click.UsageError("Say what to change: --name, --description, or credentials.")

    async def work() -> None:
        async with connected(server) as api:
            found = await _of_project(api, project, which)
            address = {"instanceUrl": url or found.credentials.instance_url}
            change = fields if renewed is None else fields | {"credentials": address | renewed}
            body = options.checked(UpdateConnection, change)
            stored = await api.update_connection(found.id, body)
        _show(stored, f"Connection {_named(stored)}", as_json=as_json)

    run(work())


@okta.command("delete")
@click.argument("which", metavar="CONNECTION")
@options.project
@options.server
@options.as_json
def delete(*, which: str, project: str, server: str | None, as_json: bool) -> None:
    """Delete a connection, by id or name, that no rotation uses; nothing changes at Okta."""

    async def work() -> None:
        async with connected(server) as api:
            gone = await api.delete_connection((await _of_project(api, project, which)).id)
        _show(gone, f"Deleted connection {_named(gone)}", as_json=as_json)

    run(work())


@okta.command("check")
@click.argument("which", metavar="CONNECTION")
@options.project
@options.server
@options.as_json
def check(*, which: str, project: str, server: str | None, as_json: bool) -> None:
    """Ask the org now whether it accepts a connection's credentials, by id or name."""

    async def work() -> None:
        async with connected(server) as api:
            checked = await api.check_connection((await _of_project(api, project, which)).id)
        _show(checked, f"Okta accepts connection {_named(checked)}", as_json=as_json)

    run(work())


@okta.command("turn-key")
@click.argument("which", metavar="CONNECTION")
@click.option(
    "--key-algorithm",
    type=click.Choice(["RS256", "ES256"]),
    default="RS256",
    show_default=True,
    help="What the new key signs with.",
)
@options.project
@options.plan
@options.server
@options.as_json
def turn_key(
    *,
    which: str,
    key_algorithm: "Algorithm",
    project: str,
    plan: bool,
    server: str | None,
    as_json: bool,
) -> None:
    """Turn the key by which Keyturn itself logs in as a connection's service app.

    Ends once the connection uses the new key; the overlap and all that follows go on by themselves,
    as a rotation that `keyturn rotation list` shows. The app needs okta.apps.manage on itself.
    """
    from keyturn.cli.rotation_draft import plan_of_a_key

    async def work() -> None:
        async with connected(server) as api:
            found = await _of_project(api, project, which)
            if plan:
                lines = plan_of_a_key(found.name)
                output.show({"plan": lines}, lines, as_json=as_json)
                return
            done = await api.turn_key(found.id, key_algorithm)
        line = f"Connection {found.name} uses its new key. Its record: rotation {done.id}."
        output.show(done.model_dump(mode="json"), [line], as_json=as_json)

    run(work())


@okta.command("budget")
@options.server
@options.as_json
def budget(*, server: str | None, as_json: bool) -> None:
    """Show what is left of Okta's rate limits in the windows that go on.

    Okta counts each principal apart: the client id of a service app, or an API token, which is
    named by the beginning of its SHA-256. Where each app is counted apart there is one line for
    all: that of the app with least left; --json has every one. Turns that have not begun wait
    while only the reserve is left: it is for reinstating.
    """

    async def read() -> None:
        async with connected(server) as api:
            found = await api.list_budgets()
        document = {"budgets": [one.model_dump(mode="json") for one in found]}
        output.show(document, budget_rows(found), as_json=as_json)

    run(read())


async def find_connection(api: "KeyturnApi", project_id: str, which: str) -> "Connection":
    """Find a connection that a project may use, by id or name. Raises ClickException."""
    for one in await api.list_connections(project_id):
        if which in (one.id, one.name):
            return one
    raise click.ClickException(
        f"There is no Okta connection {which} for this project: see `keyturn connection okta list`."
    )


async def _of_project(api: "KeyturnApi", project: str, which: str) -> "Connection":
    return await find_connection(api, (await api.read_project(project)).id, which)


def _show(one: "Connection", line: str, *, as_json: bool) -> None:
    output.show(one.model_dump(mode="json"), [line], as_json=as_json)


def _named(one: "Connection") -> str:
    return f"{one.name} ({one.id}) to {one.credentials.instance_url}"


def _row(one: "Connection") -> list[str]:
    return [one.name, one.credentials.instance_url, one.method, one.id]


def budget_rows(found: "Iterable[Budget]") -> list[str]:
    """Render what is left of rate limits; buckets that are each an app's are one line."""
    header = ["org", "principal", "bucket", "left", "reserve", "resets"]
    alike: dict[tuple[str, ...], list[Budget]] = {}
    for one in found:
        whose = one.principal if one.bucket.startswith(MANAGEMENT) else ""
        alike.setdefault((one.org, whose, one.bucket), []).append(one)
    return output.table(header, [_left(of) for of in alike.values()])


def _left(alike: "Sequence[Budget]") -> list[str]:
    """Tell of the one with least left."""
    one = min(alike, key=lambda each: each.remaining)
    left, resets = f"{one.remaining} of {one.limit}", output.moment(one.resets_at)
    scheme, _, digest = one.principal.partition(" ")
    principal = (
        f"{scheme} {digest[:8]}".rstrip() if len(alike) == 1 else f"{len(alike)} apps, least"
    )
    return [one.org, principal, one.bucket, left, str(one.reserve), resets]


def _given(fields: dict[str, str | None]) -> dict[str, object]:
    return {name: value for name, value in fields.items() if value is not None}


def _body(name: str, description: str | None, credentials: dict[str, str]) -> "CreateConnection":
    from keyturn.wire.connections import CreateConnection

    method = "api-token" if "apiToken" in credentials else "oauth-service-app"
    fields = {"name": name, "description": description, "method": method}
    return options.checked(CreateConnection, fields | {"credentials": credentials})
