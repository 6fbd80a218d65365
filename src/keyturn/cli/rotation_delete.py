"""End a rotation on the command line."""

import click

from keyturn.cli import options, output
from keyturn.cli.running import connected, run


@click.command("delete")
@click.argument("which", metavar="ROTATION")
@click.option("--delete-secrets", is_flag=True, help="Delete what it serves, with all versions.")
@click.option(
    "--revoke",
    is_flag=True,
    help="Also remove at Okta what it made or adopted; needs --delete-secrets.",
)
@options.project
@options.server
@options.as_json
def delete(
    *,
    which: str,
    delete_secrets: bool,
    revoke: bool,
    project: str,
    server: str | None,
    as_json: bool,
) -> None:
    """End a rotation; what it serves stays readable, and works on at Okta.

    Nothing turns that any more. With --delete-secrets it is gone here, with --revoke at Okta too.
    """
    from keyturn.cli.rotation import document_of, find_rotation

    if revoke and not delete_secrets:
        raise click.UsageError("--revoke needs --delete-secrets: readers would hold a dead secret.")

    async def work() -> None:
        async with connected(server) as api:
            found = await find_rotation(api, project, which)
            ended = await api.delete_rotation(found, delete_secrets=delete_secrets, revoke=revoke)
        lines = [f"Rotation {ended.name} is ended."]
        output.show(document_of(ended, None)["rotation"], lines, as_json=as_json)

    run(work())
