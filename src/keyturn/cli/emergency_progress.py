"""An emergency, watched from outside until no app waits to be closed."""

from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from keyturn.cli.emergency_lines import closed, not_closed
from keyturn.cli.running import looks

if TYPE_CHECKING:
    from keyturn.client import KeyturnApi
    from keyturn.wire.emergencies import Emergency


async def follow(api: "KeyturnApi", begun: "Emergency", *, shown: bool) -> "Emergency":
    """Look until every app has been closed, or could not be; return how it stands.

    What was closed is deleted later. Who interrupts it ends only the looking.
    """
    found, tells = begun, "keyturn emergency show"
    with _bars(Console(stderr=True, quiet=not shown)) as bars:
        task = bars.add_task("closed", total=begun.apps)
        async for found in looks(begun, lambda: api.read_emergency(begun.id), over, tells=tells):
            left = not_closed(found)
            told = f"closed, {left} NOT CLOSED" if left else "closed"
            bars.update(task, completed=closed(found), description=told)
    return found


def over(found: "Emergency") -> bool:
    """Say whether no app waits to be closed by itself."""
    waits = found.standings.get("waiting", 0) + found.standings.get("turning", 0)
    return found.state != "running" or waits == 0


def _bars(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    )
