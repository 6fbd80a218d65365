"""Write the secrets of a folder down for others to read."""

from pathlib import Path

import click

from keyturn.cli import options
from keyturn.cli.running import connected, run

FORMATS = ("dotenv", "json", "yaml", "csv", "shell")


@click.command()
@options.environment
@options.path
@options.project
@click.option("--recursive", is_flag=True, help="Take the folders below as well.")
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default="dotenv",
    show_default=True,
    help="How to write names and values.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write this file, for its owner only, in place of what is there.  [default: print]",
)
@options.server
def export(
    *,
    environment: str,
    path: str,
    project: str,
    recursive: bool,
    form: str,
    out: Path | None,
    server: str | None,
) -> None:
    """Print the secrets of a folder with their values, or write them to a file.

    All of them or none: a name that the format cannot hold is refused.
    """
    from keyturn.client import Place
    from keyturn.client.files import write_private
    from keyturn.client.formats import render

    async def read() -> None:
        async with connected(server) as api:
            folder = await api.read_folder(Place(project, environment, path), recursive=recursive)
        values = folder.values if folder else {}
        text = render(values, form)
        if out is None:
            click.echo(text.encode(), nl=False)
            return
        write_private(out, text)
        click.echo(f"{len(values)} secrets are in {out}, for its owner only.", err=True)

    run(read())
