"""Keep files on a host equal to what folders give. POSIX only."""

import asyncio
import json
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keyturn.cli import options, output
from keyturn.cli.running import run

if TYPE_CHECKING:
    from keyturn.client.agent.serving import Host


@click.command()
@click.option(
    "--config",
    "file",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="What to do, in TOML.",
)
@click.option("--once", is_flag=True, help="Bring the files up to date and end.")
@click.option("--check", is_flag=True, help="Only say what would be done now; change nothing.")
@options.as_json
def agent(*, file: Path, once: bool, check: bool, as_json: bool) -> None:
    """Keep files equal to what folders of secrets give, until SIGTERM or SIGINT.

    After a change the service is told by the hook, then Keyturn is told which versions are in use.
    While Keyturn is away the files stay. SIGHUP reads the config again.
    """
    if once and check:
        raise click.UsageError("Choose one of --once and --check.")
    work = _check if check else _once if once else _serve
    if not run(work(file, as_json=as_json)):
        raise SystemExit(1)


async def _serve(file: Path, *, as_json: bool) -> bool:
    from keyturn.client.agent import read_config
    from keyturn.client.agent.serving import Asked, serve

    asked, loop = Asked(), asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked.stop.set)
    loop.add_signal_handler(signal.SIGHUP, asked.reload.set)
    await serve(lambda: read_config(file), _host(as_json=as_json), asked)
    return True


async def _once(file: Path, *, as_json: bool) -> bool:
    from keyturn.client.agent import Agent, read_config

    it = Agent(read_config(file), _host(as_json=as_json))
    it.open()
    return await it.run_once()


async def _check(file: Path, *, as_json: bool) -> bool:
    from keyturn.client.agent import Agent, read_config

    due = await Agent(read_config(file), _host(as_json=as_json)).list_due()
    files = [(target, written, each.job.hook) for each in due for target, written in each.files]
    rows = [
        {"file": str(target.path), "written": written, "hook": str(hook or "")}
        for target, written, hook in files
    ]
    cells = [
        [str(row["file"]), "written" if row["written"] else "left as it is", str(row["hook"])]
        for row in rows
    ]
    output.show({"files": rows}, output.table(["file", "would be", "hook"], cells), as_json=as_json)
    return True


def _host(*, as_json: bool) -> "Host":
    from keyturn.client.agent.serving import Host
    from keyturn.settings import CREDENTIALS

    def tell(text: str) -> None:
        click.echo(json.dumps({"told": text}) if as_json else f"keyturn agent: {text}", err=True)

    return Host(os.environ, tell, hidden=CREDENTIALS)
