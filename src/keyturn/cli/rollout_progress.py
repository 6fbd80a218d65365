"""A rollout, watched from outside until it ends or waits for somebody: a bar for each wave."""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from keyturn.cli.rollout_lines import turned
from keyturn.cli.running import stop_asked

if TYPE_CHECKING:
    from keyturn.client import KeyturnApi
    from keyturn.wire.rollouts import Rollout

LOOK_EVERY_S = 2.0
GOES_ON = "The server goes on with it; `keyturn rollout show` tells how far it is."


async def follow(
    api: "KeyturnApi", begun: "Rollout", *, shown: bool, every_s: float = LOOK_EVERY_S
) -> "Rollout":
    """Look until a rollout runs no more; return how it stands. Interrupted, only looking ends."""
    found, stopped = begun, stop_asked()
    with _bars(Console(stderr=True, quiet=not shown)) as bars:
        tasks = {one.number: bars.add_task(one.cut, total=one.members or 1) for one in begun.waves}
        while found.state == "running":
            _draw(bars, tasks, found)
            try:
                await asyncio.wait_for(stopped.wait(), every_s)
            except TimeoutError:
                found = await api.read_rollout(begun.id)
            else:
                click.echo(GOES_ON, err=True)
                break
        _draw(bars, tasks, found)
    return found


def _bars(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        console=console,
    )


def _draw(bars: Progress, tasks: Mapping[int, TaskID], found: "Rollout") -> None:
    for one in found.waves:
        bars.update(tasks[one.number], completed=turned(one) if one.members else 1)
