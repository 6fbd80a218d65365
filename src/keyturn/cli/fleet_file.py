"""Fleet files: say what one will do, and write what there is as one."""

import json
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keyturn.cli import options, output
from keyturn.cli.credential import read_file
from keyturn.cli.running import connected, run
from keyturn.domain.lengths import spoken

if TYPE_CHECKING:
    from keyturn.wire.fleet_files import FleetPlanAnswer, PlanFleet, PlannedFleetChange

STDIN = Path("-")
CHANGED = 2
"""The exit code of a plan that changes something, where it is asked for."""
SIGNS = {"create": "+", "adopt": "+", "update": "~", "delete": "-"}
LEFT_SHOWN = 10
CALLS_SHOWN = 40
CELL_MAX = 100
ALIKE_SHOWN = 20
"""As much of what is alike before and after stands before what differs."""

file = click.option(
    "-f",
    "--file",
    "path",
    type=click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True),
    default=Path("fleet.yaml"),
    show_default=True,
    help="The fleet file; - is standard input.",
)
prune = click.option(
    "--prune",
    is_flag=True,
    help="Remove what is not in the file. Projects, environments, folders and rotations always "
    "stay, and so do sections that the file lacks.",
)


@click.command("plan")
@file
@prune
@click.option(
    "--detailed-exitcode", is_flag=True, help=f"Exit with {CHANGED} where something would change."
)
@click.option(
    "--calls/--no-calls",
    default=None,
    help=f"List every call of Okta under its change.  [default: up to {CALLS_SHOWN} calls]",
)
@options.server
@options.as_json
def plan(
    *,
    path: Path,
    prune: bool,
    detailed_exitcode: bool,
    calls: bool | None,
    server: str | None,
    as_json: bool,
) -> None:
    """Say what applying a fleet file would do, and ask of Okta; change nothing.

    The file says which projects, environments, folders, Okta connections, rotations, destinations,
    channels, roles, machine identities, compliance policies and exceptions there are to be; no
    value of a secret is in it. What differs from it is told, also what somebody has changed by
    hand since. What is not in the file is left alone; a section that the file lacks is not looked
    at.

    Each call of Okta is told with the second by which it is made, at the rate that the org allows.
    They are as many as there may be: fewer where an app has a secret that can be served.

    Write a first file with `keyturn fleet export`.
    """
    body = file_body(path, prune=prune)

    async def work() -> "FleetPlanAnswer":
        async with connected(server) as api:
            return await api.plan_fleet(body)

    planned = run(work())
    output.show(planned.model_dump(mode="json"), lines_of(planned, calls=calls), as_json=as_json)
    if planned.changes and detailed_exitcode:
        sys.exit(CHANGED)


@click.command("export")
@options.server
@options.as_json
def export(*, server: str | None, as_json: bool) -> None:
    """Write what there is as a fleet file, which changes nothing; no value of a secret is in it."""

    async def work() -> None:
        async with connected(server) as api:
            text = await api.export_fleet()
        output.show({"text": text}, [text.rstrip("\n")], as_json=as_json)

    run(work())


@click.command("schema")
def schema() -> None:
    """Print the JSON Schema of fleet files, for editors and for reviews."""
    from keyturn.domain.fleetfile.schema import FLEET

    click.echo(json.dumps(FLEET, indent=2))


def lines_of(planned: "FleetPlanAnswer", *, calls: bool | None = None) -> Iterator[str]:
    """Render a plan for people; ``calls`` is whether each call is told, None where they are few."""
    each_call = planned.calls <= CALLS_SHOWN if calls is None else calls
    for each in planned.changes:
        yield from _lines(each, each_call=each_call)
    for note in planned.notes:
        yield output.printable(f"note: {note}")
    if planned.left:
        yield from _left(planned)
    if not planned.changes:
        yield "Nothing is to be changed."
        return
    listed = "" if each_call or not planned.calls else " (--calls lists them)"
    took = f", in {spoken(planned.seconds, parts=2)} at the allowed rate" if planned.calls else ""
    count = f"{len(planned.changes)} change{'s' if len(planned.changes) > 1 else ''}"
    yield f"{count}; {planned.calls} calls of Okta at most{took}{listed}"


def _left(planned: "FleetPlanAnswer") -> Iterator[str]:
    """Tell what is not in the file, many of them by their kinds alone."""
    count = len(planned.left)
    if count > LEFT_SHOWN:
        kinds = Counter(each.kind for each in planned.left)
        summed = ", ".join(f"{number} {kind}" for kind, number in kinds.items())
        yield f"{count} things are not in the file and stay (--json lists them): {summed}"
        return
    one = "1 thing is not in the file and stays:"
    yield one if count == 1 else f"{count} things are not in the file and stay:"
    yield from (output.printable(f"  {each.kind} {each.name}") for each in planned.left)


def _lines(change: "PlannedFleetChange", *, each_call: bool) -> Iterator[str]:
    about = [f"line {change.line}"] if change.line else []
    if change.app:
        about.append(f"app {change.app}{f' {change.label}' if change.label else ''}")
    if change.calls:
        about.append(f"{len(change.calls)} calls at most by second {change.second}")
    told = f"  ({'; '.join(about)})" if about else ""
    yield output.printable(
        f"{SIGNS[change.action]} {change.action} {change.kind} {change.name}{told}"
    )
    if change.action in {"update", "delete"}:
        for each in change.fields:
            yield from _differing(each.name, each.before, each.after)
    last = ""
    for call in change.calls if each_call else ():
        why = f"  {call.told}" if call.told != last else ""
        yield output.printable(f"  {call.second:>6} s  {call.method:<4} {call.path}{why}")
        last = call.told


def _differing(name: str, before: object, after: object) -> Iterator[str]:
    """Tell what of something is otherwise afterwards, member by member."""
    if isinstance(before, dict) and isinstance(after, dict):
        for each in {**before, **after}:
            if before.get(each) != after.get(each):
                yield from _differing(f"{name}.{each}", before.get(each), after.get(each))
        return
    texts = [
        "none" if told is None else json.dumps(told, ensure_ascii=False) for told in (before, after)
    ]
    pairs = zip(*texts, strict=False)
    alike = len([*takewhile(lambda pair: pair[0] == pair[1], pairs)]) - ALIKE_SHOWN
    since = alike if max(map(len, texts)) > CELL_MAX else 0
    old, new = (_cut(text, max(0, since)) for text in texts)
    yield output.printable(f"    {name}: {old} -> {new}")


def _cut(text: str, since: int) -> str:
    rest = f"…{text[since:]}" if since else text
    return rest if len(rest) <= CELL_MAX else rest[: CELL_MAX - 1] + "…"


def file_body(path: Path, *, prune: bool) -> "PlanFleet":
    """Read a fleet file into what is asked of it. Raises UsageError."""
    from keyturn.wire.fleet_files import PlanFleet

    text = _piped() if path == STDIN else read_file(path)
    return options.checked(PlanFleet, {"text": f"{text}\n", "prune": prune})


def _piped() -> str:
    if sys.stdin.isatty():
        raise click.UsageError("Standard input is a terminal: pipe the fleet file in.")
    try:
        return sys.stdin.buffer.read().decode()
    except UnicodeDecodeError:
        raise click.UsageError("Standard input holds no text in UTF-8.") from None
