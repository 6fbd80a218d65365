"""A reading of inventories, watched from outside until it ends: a bar for each org."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from keyturn.cli.inventory_lines import duration
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
    wanted = [state.connection_id for state in begun if state.stage]
    states, tells = begun, "keyturn inventory status"

    async def look() -> States:
        return (await api.list_inventories()).inventories

    def over(found: States) -> bool:
        return all(ended(each, before.get(each.connection_id)) for each in found if each.stage)

    with _bars(Console(stderr=True, quiet=not shown)) as bars:
        tasks = {each: bars.add_task("", total=None, name="") for each in wanted}
        async for states in looks(begun, look, over, tells=tells, every_s=LOOK_EVERY_S):
            _draw(bars, tasks, states)
    return states


def ended(state: "InventoryState", before: "InventoryState | None") -> bool:
    """Say whether a reading has come to its end, good or bad, since it was begun."""
    if state.failure:
        return True
    last = before.known_until if before else None
    return state.stage == "fresh" and state.known_until != last


def _bars(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.fields[name]}"),
        BarColumn(bar_width=30),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
        console=console,
    )


def _draw(bars: Progress, tasks: Mapping[str, TaskID], states: States) -> None:
    for state in states:
        task = tasks.get(state.connection_id)
        if task is not None:
            counted = state.stage in ("reading", "fresh")
            bars.update(
                task,
                name=state.connection,
                description=told(state),
                total=max(state.wanted, 1) if counted else None,
                completed=state.read if state.wanted or not counted else 1,
            )


def told(state: "InventoryState") -> str:
    """Say how far a reading is."""
    left = "" if state.left_seconds is None else f", {duration(state.left_seconds)} left"
    match state.stage:
        case "listing":
            return f"listing: {state.listed} apps so far"
        case "checking":
            return f"asking for apps that the list of {state.listed} lacks"
        case "reading":
            pace = f", {state.per_minute} calls a minute" if state.per_minute else ""
            return f"client secrets of {state.read} of {state.wanted} apps{pace}{left}"
        case "following":
            return f"{state.changed} apps have changed{left}"
        case _:
            return f"{state.listed} apps known"
