"""A reading of inventories, watched from outside until it ends: a bar for each org."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from keyturn.cli.inventory_lines import duration
from keyturn.cli.running import stop_asked

if TYPE_CHECKING:
    from keyturn.client import KeyturnApi
    from keyturn.wire.inventory import InventoryState

LOOK_EVERY_S = 1.0
GOES_ON = "The server goes on with it; `keyturn inventory status` tells how far it is."

States = Sequence["InventoryState"]


async def follow(
    api: "KeyturnApi",
    begun: States,
    before: Mapping[str, "InventoryState"],
    *,
    shown: bool,
    every_s: float = LOOK_EVERY_S,
) -> States:
    """Look until every inventory that was begun is fresh again, or fails; return how they stand.

    ``before`` is how they stood before that. Who interrupts it ends only the looking.
    """
    wanted = [state.connection_id for state in begun if state.stage]
    states, stopped = begun, stop_asked()
    console = Console(stderr=True, quiet=not shown)
    with _bars(console) as bars:
        tasks = {each: bars.add_task("", total=None, name="") for each in wanted}
        while not all(ended(s, before.get(s.connection_id)) for s in states if s.stage):
            if await _stopped(stopped, every_s):
                click.echo(GOES_ON, err=True)
                break
            states = (await api.list_inventories()).inventories
            _draw(bars, tasks, states)
    return states


def ended(state: "InventoryState", before: "InventoryState | None") -> bool:
    """Say whether a reading has come to its end, good or bad, since it was begun."""
    if state.failure:
        return True
    last = before.known_until if before else None
    return state.stage == "fresh" and state.known_until != last


async def _stopped(asked: asyncio.Event, seconds: float) -> bool:
    try:
        await asyncio.wait_for(asked.wait(), seconds)
    except TimeoutError:
        return False
    return True


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
