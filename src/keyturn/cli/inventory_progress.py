"""A reading of inventories, watched from outside until it ends: a bar for each org."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, Task, TextColumn, TimeElapsedColumn

from keyturn.cli.inventory_lines import duration
from keyturn.cli.output import counted
from keyturn.cli.running import looks

if TYPE_CHECKING:
    from keyturn.client import KeyturnApi
    from keyturn.wire.inventory import InventoryState

LOOK_EVERY_S = 1.0

States = Sequence["InventoryState"]


async def follow(
    api: "KeyturnApi",
    begun: States,
    before: Mapping[str, "InventoryState"],
    *,
    shown: bool,
) -> States:
    """Look until every inventory that was begun is fresh again, or fails; return how they stand.

    ``before`` is how they stood before that. Who interrupts it ends only the looking.
    """
    asked = {state.connection_id for state in begun}
    states, tells = begun, "keyturn inventory status"

    async def look() -> States:
        found = (await api.list_inventories()).inventories
        return [each for each in found if each.connection_id in asked]

    def over(found: States) -> bool:
        return all(ended(each, before.get(each.connection_id)) for each in found if each.stage)

    with bars_on(Console(stderr=True, quiet=not shown)) as bars:
        ids = [each.connection_id for each in begun if each.stage]
        for _ in ids:
            bars.add_task("", total=None, name="")
        tasks = dict(zip(ids, bars.tasks, strict=True))
        async for states in looks(begun, look, over, tells=tells, every_s=LOOK_EVERY_S):
            for state in states:
                if task := tasks.get(state.connection_id):
                    draw(bars, task, state, before.get(state.connection_id))
    return states


def ended(state: "InventoryState", before: "InventoryState | None") -> bool:
    """Say whether a reading has come to its end, good or bad, since it was begun.

    A full one has once what changed while it was read is known, too.
    """
    if state.failure:
        return True
    last = before.known_until if before else None
    return state.stage == "fresh" and state.known_until not in (last, state.begun_at)


def bars_on(console: Console) -> Progress:
    """Return what draws bars: for each org its name, a bar, how long it took, and how far it is."""
    return Progress(
        TextColumn("{task.fields[name]}"),
        BarColumn(bar_width=30),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
        console=console,
    )


def draw(
    bars: Progress, task: Task, state: "InventoryState", before: "InventoryState | None"
) -> None:
    """Draw how far a reading is; where nothing is counted the bar only moves to and fro."""
    over, counts = ended(state, before) and not state.failure, state.stage == "reading"
    task.total, task.finished_time = None, None  # an update leaves these as they are
    bars.update(
        task.id,
        name=state.connection,
        description=told(state),
        total=1 if over else (state.wanted or None) if counts else None,
        completed=1 if over else state.read + state.refused if counts else 0,
    )


def told(state: "InventoryState") -> str:
    """Say how far a reading is."""
    left = "" if state.left_seconds is None else f", {duration(state.left_seconds)} left"
    match state.stage:
        case "listing":
            return f"listing: {counted(state.listed, 'app')} so far"
        case "checking":
            return f"asking for apps that the list of {state.listed} lacks"
        case "reading":
            pace = f", {state.per_minute} calls a minute" if state.per_minute else ""
            apps = counted(state.wanted, "app")
            return f"client secrets of {state.read} of {apps}{pace}{left}"
        case "following":
            verb = "has" if state.changed == 1 else "have"
            return f"{counted(state.changed, 'app')} {verb} changed{left}"
        case _:
            return f"{counted(state.apps, 'app')} known"
