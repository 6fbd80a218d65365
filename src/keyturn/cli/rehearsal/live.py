"""A rehearsal on a terminal: a bar for each turn and the consumer's figures, up to date."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console, Group, RenderableType
from rich.live import Live as RichLive
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from keyturn.cli.rehearsal.tally import Tally


class Live:
    """Redrawn several times a second."""

    def __init__(self, tally: Tally, console: Console) -> None:
        self._tally, self._console = tally, console
        self._tasks: dict[int, TaskID] = {}
        self._bars = Progress(
            TextColumn("turn {task.fields[number]}"),
            BarColumn(bar_width=30),
            TimeElapsedColumn(),
            TextColumn("{task.description}"),
        )

    def __rich__(self) -> RenderableType:
        failed = self._tally.failed.total()
        figures = Text(f"consumer: {self._tally}", style="bold red" if failed else "bold green")
        return Group(self._bars, figures)

    def say(self, line: str) -> None:
        """Print a line above the bars."""
        self._console.print(line, highlight=False)

    def begin_turn(self, number: int, phases: int) -> None:
        """Add a bar."""
        self._tasks[number] = self._bars.add_task("planned", total=phases, number=number)

    def reach(self, tally: Tally, number: int, phase: str) -> None:
        """Move a bar on."""
        self._bars.update(self._tasks[number], advance=1, description=phase)


@contextmanager
def live(tally: Tally) -> Iterator[Live]:
    """Draw until the block ends."""
    console = Console()
    shown = Live(tally, console)
    with RichLive(shown, console=console, refresh_per_second=8):
        yield shown
