"""Run the product."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from keyturn.cli import options
from keyturn.cli.running import run, stop_asked

if TYPE_CHECKING:
    from keyturn.settings import Settings


@click.command()
@click.option("--host", help="The address to listen on.  [default: KEYTURN_HOST]")
@click.option("--port", type=int, help="The port; 0 takes a free one.  [default: KEYTURN_PORT]")
@click.option(
    "--sandbox",
    is_flag=True,
    help="Serve an Okta org in a box too, and an installation with a past, in --data-dir or else "
    "in a temporary directory.",
)
@options.data_dir
def serve(*, host: str | None, port: int | None, sandbox: bool, data_dir: Path | None) -> None:
    """Serve the API and run turns until SIGTERM or SIGINT.

    Prints one line with the address once it is ready; logs go to stderr, or to KEYTURN_LOG_FILE.

    With --sandbox it prints how to log in, too. Of the environment only KEYTURN_HOST and
    KEYTURN_PORT count then; whatever is in --data-dir from an earlier run is used again.
    """
    settings = options.read_settings(host=host, port=port, data_dir=data_dir)
    if sandbox:
        from keyturn.cli.showcase.command import serve_showcase

        run(serve_showcase(data_dir, settings.host, settings.port, tour=False))
    else:
        run(_serve(settings))


async def _serve(settings: "Settings") -> None:
    from keyturn.adapters.system.logs import log_to
    from keyturn.adapters.system.memory import keep_what_is_loaded
    from keyturn.bootstrap.serving import serving

    log_to(settings.log_file, settings.log_level, form=settings.log_format)
    asked = stop_asked()
    async with serving(settings) as url:
        keep_what_is_loaded()
        click.echo(f"Keyturn serves at {url}")
        await asked.wait()
