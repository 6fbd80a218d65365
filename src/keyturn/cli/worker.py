"""Run turns, and nothing else."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from keyturn.cli import options
from keyturn.cli.running import run, stop_asked

if TYPE_CHECKING:
    from keyturn.settings import Settings


@click.command()
@options.data_dir
def worker(data_dir: Path | None) -> None:
    """Run turns until SIGTERM or SIGINT, beside other processes on the same PostgreSQL database.

    Start as many as are wanted, on as many machines: each needs KEYTURN_DATABASE_URL and the root
    key. `keyturn serve` runs turns as well. When it is stopped it takes up nothing more and leads
    the turns in its hands to their next rest; when it dies, others take them over within a lease.
    """
    run(_work(options.read_settings(data_dir=data_dir)))


async def _work(settings: "Settings") -> None:
    from keyturn.adapters.system.logs import log_to
    from keyturn.bootstrap.serving import working

    log_to(settings.log_file, settings.log_level, form=settings.log_format)
    asked = stop_asked()
    async with working(settings):
        click.echo(f"Keyturn works ({settings.engine_in_force})")
        await asked.wait()
