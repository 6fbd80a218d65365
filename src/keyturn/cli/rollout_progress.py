"""A rollout, watched from outside until it ends or waits for somebody: a bar for each wave."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from keyturn.cli.rollout_lines import left_out, turned
from keyturn.cli.running import looks

if TYPE_CHECKING:
    from keyturn.client import KeyturnApi
    from keyturn.wire.rollouts import Rollout


async def follow(api: "KeyturnApi", begun: "Rollout", *, shown: bool) -> "Rollout":
    """Look until a rollout runs no more; return how it stands. Interrupted, only looking ends."""
    found, tells = begun, "keyturn rollout show"
    with _bars(Console(stderr=True, quiet=not shown)) as bars:
        tasks = {one.number: bars.add_task(one.cut, total=one.members or 1) for one in begun.waves}
        async for found in looks(begun, lambda: api.read_rollout(begun.id), _over, tells=tells):
            _draw(bars, tasks, found)
    return found


def _over(found: "Rollout") -> bool:
    return found.state != "running"


def _bars(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        console=console,
    )


def _draw(bars: Progress, tasks: Mapping[int, TaskID], found: "Rollout") -> None:
    for one in found.waves:
        left = left_out(one)
        told = f"{one.cut}, {left} left out" if left else one.cut
        done, total = (turned(one), one.members - left) if one.members else (1, 1)
        bars.update(tasks[one.number], completed=done, total=total, description=told)
