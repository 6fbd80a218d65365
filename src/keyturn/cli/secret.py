"""Named secrets: read, and written by hand."""

import click

from keyturn.cli import options, output, secret_changes
from keyturn.cli.running import connected, run


@click.group()
def secret() -> None:
    """Read secrets by name, and write them."""


for command in (
    secret_changes.set_value,
    secret_changes.edit,
    secret_changes.delete,
    secret_changes.versions,
):
    secret.add_command(command)


@secret.command("get")
@click.argument("name")
@click.option(
    "--acknowledge",
    is_flag=True,
    help="Also say that you hold no older version any more: no turn waits for you.",
)
@options.environment
@options.path
@options.project
@options.server
@options.as_json
def get(
    *,
    name: str,
    acknowledge: bool,
    environment: str,
    path: str,
    project: str,
    server: str | None,
    as_json: bool,
) -> None:
    """Print the current value of the secret NAME, and nothing else.

    With --json: name, version and value.
    """
    from keyturn.client import Place

    async def read() -> None:
        async with connected(server) as api:
            place = Place(project, environment, path)
            found = await api.read_secret(place, name)
            if acknowledge:
                await api.acknowledge(place, name, found.version)
        document = {
            "name": found.secret_key,
            "version": found.version,
            "value": found.secret_value,
        }
        output.show(document, [found.secret_value], as_json=as_json)

    run(read())


@secret.command("list")
@options.environment
@options.path
@options.project
@click.option("--values", is_flag=True, help="Also print the values.")
@options.server
@options.as_json
def list_secrets(
    *, environment: str, path: str, project: str, values: bool, server: str | None, as_json: bool
) -> None:
    """List the secrets of a folder; values only with --values."""
    from keyturn.client import Place

    async def read() -> None:
        async with connected(server) as api:
            found = await api.list_secrets(Place(project, environment, path), values=values)
        rows = [
            {
                "name": one.secret_key,
                "version": one.version,
                "rotated": one.is_rotated_secret,
                **({"value": one.secret_value} if values else {}),
            }
            for one in found
        ]
        header = ["name", "version", "rotated", *(["value"] if values else [])]
        lines = output.table(header, [[_cell(row[name]) for name in header] for row in rows])
        output.show({"secrets": rows}, lines, as_json=as_json)

    run(read())


@secret.command("holders")
@click.argument("name")
@options.environment
@options.path
@options.project
@options.server
@options.as_json
def holders(
    *, name: str, environment: str, path: str, project: str, server: str | None, as_json: bool
) -> None:
    """Say which identity may use which version of the secret NAME, the oldest first.

    An identity holds a version once it was given it, or has acknowledged it. Reads are on record
    of secrets that a rotation keeps.
    """
    from keyturn.client import Place

    async def read() -> None:
        async with connected(server) as api:
            found = await api.list_holders(Place(project, environment, path), name)
        rows = [
            [
                one.identity_name,
                f"{one.version}{' (newest)' if one.newest else ''}",
                f"{one.given_version}, {output.moment(one.read_at)}",
                f"{one.acknowledged_version}, {output.moment(one.acknowledged_at)}"
                if one.acknowledged_at
                else "never",
            ]
            for one in found.holders
        ]
        header = ["identity", "holds version", "was given", "acknowledged"]
        output.show(
            found.model_dump(mode="json"),
            output.table(header, rows) if rows else [f"Nobody is known to hold {name}."],
            as_json=as_json,
        )

    run(read())


def _cell(value: object) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
