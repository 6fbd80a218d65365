"""Fleet files: say what one will do, do it, and write what there is as one."""

import asyncio
import json
import os
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keyturn.cli import options, output
from keyturn.cli.credential import read_file, read_stdin
from keyturn.cli.running import connected, run

if TYPE_CHECKING:
    from keyturn.client import KeyturnApi
    from keyturn.wire.fleet_files import (
        ApplyFleet,
        FleetAppliedAnswer,
        FleetChange,
        FleetFailure,
        FleetPlanAnswer,
        PlanFleet,
    )

CHANGED = 2
"""The exit code of a plan that changes something, where it is asked for."""
SIGNS = {"create": "+", "adopt": "+", "update": "~", "delete": "-"}
LEFT_SHOWN = 20
CELL_MAX = 100

file = click.option(
    "-f",
    "--file",
    "path",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    default=Path("fleet.yaml"),
    show_default=True,
    help="The fleet file.",
)
prune = click.option(
    "--prune",
    is_flag=True,
    help="Remove connections, destinations, identities, roles and compliance policies that are not "
    "in the file. Projects, folders and rotations always stay.",
)


@click.command("plan")
@file
@prune
@click.option(
    "--detailed-exitcode", is_flag=True, help=f"Exit with {CHANGED} where something would change."
)
@options.server
@options.as_json
def plan(
    *, path: Path, prune: bool, detailed_exitcode: bool, server: str | None, as_json: bool
) -> None:
    """Say what applying a fleet file would do; change nothing.

    The file says which projects, environments, folders, Okta connections, rotations, destinations,
    machine identities and compliance policies there are to be; no value of a secret is in it. What
    differs from it is told, also what somebody has changed by hand since. What is not in the file
    is left alone; a section that the file lacks is not looked at.

    Write a first one with `keyturn fleet export`.
    """
    body = _body(path, prune=prune)

    async def work() -> "FleetPlanAnswer":
        async with connected(server) as api:
            return await api.plan_fleet(body)

    planned = run(work())
    output.show(planned.model_dump(mode="json"), lines_of(planned), as_json=as_json)
    if planned.changes and detailed_exitcode:
        sys.exit(CHANGED)


@click.command("apply")
@file
@prune
@click.option("--yes", is_flag=True, help="Do not ask before something is changed.")
@click.option("--keep-going", is_flag=True, help="Go on with the rest where a change fails.")
@options.server
@options.as_json
def apply(
    *, path: Path, prune: bool, yes: bool, keep_going: bool, server: str | None, as_json: bool
) -> None:
    """Do what a fleet file asks for, once its plan was shown and agreed to.

    Every change is made as if by hand: whoever applies the file needs the right to each. It may be
    stopped at any time: applying the file again goes on where it ended. Credentials come from where
    the file says: env:NAME and file:PATH are of this machine.
    """
    body = _body(path, prune=prune)

    async def work() -> tuple[list["FleetChange"], "FleetAppliedAnswer | None"]:
        async with connected(server) as api:
            planned = await api.plan_fleet(body)
            if not as_json:
                click.echo("\n".join(lines_of(planned)))
            if not planned.changes:
                return [], None
            _agree(yes=yes)
            order = _order(body, planned, keep_going=keep_going)
            return await _applied(api, order, quiet=as_json)

    done, last = run(work())
    failed = last.failed if last else ()
    left = last.left if last else 0
    if as_json:
        document = {
            "done": [each.model_dump(mode="json") for each in done],
            "failed": [each.model_dump(mode="json") for each in failed],
            "left": left,
        }
        click.echo(json.dumps(document, indent=2))
    elif last:
        click.echo(f"{len(done)} done, {left} left.")
    if left:
        raise click.ClickException("\n".join(_told(failed)) or "Not all could be done.")


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


def lines_of(planned: "FleetPlanAnswer") -> Iterator[str]:
    """Render a plan for people."""
    for each in planned.changes:
        yield from _lines(each)
    for note in planned.notes:
        yield output.printable(f"note: {note}")
    if planned.left:
        yield f"{len(planned.left)} things are not in the file and stay:"
        shown = planned.left[:LEFT_SHOWN]
        yield from (output.printable(f"  {each.kind} {each.name}") for each in shown)
        if len(planned.left) > len(shown):
            yield f"  and {len(planned.left) - len(shown)} more (--json lists them)"
    if not planned.changes:
        yield "Nothing is to be changed."
        return
    calls = f"{planned.calls} calls of Okta at most, about {planned.seconds} s"
    yield f"{len(planned.changes)} changes; {calls}"


def _lines(change: "FleetChange") -> Iterator[str]:
    line = f"  (line {change.line})" if change.line else ""
    sign = SIGNS[change.action]
    yield output.printable(f"{sign} {change.action} {change.kind} {change.name}{line}")
    if change.action == "update":
        for each in change.fields:
            yield output.printable(f"    {each.name}: {_cut(each.before)} -> {_cut(each.after)}")


def _cut(told: object) -> str:
    text = "none" if told is None else json.dumps(told, ensure_ascii=False)
    return text if len(text) <= CELL_MAX else text[: CELL_MAX - 1] + "…"


def _body(path: Path, *, prune: bool) -> "PlanFleet":
    from keyturn.wire.fleet_files import PlanFleet

    return options.checked(PlanFleet, {"text": read_file(path) + "\n", "prune": prune})


def _agree(*, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError("Nobody can be asked here: look at `keyturn plan`, and say --yes.")
    click.confirm("Do this?", abort=True, err=True)


def _order(body: "PlanFleet", planned: "FleetPlanAnswer", *, keep_going: bool) -> "ApplyFleet":
    from keyturn.wire.fleet_files import ApplyFleet

    fields: dict[str, object] = {
        "text": body.text,
        "prune": body.prune,
        "plan_hash": planned.plan_hash,
        "credential": {each: value_at(each) for each in planned.references},
        "keep_going": keep_going,
    }
    return options.checked(ApplyFleet, fields)


def value_at(reference: str) -> str:
    """Return the value that a reference leads to. Raises UsageError where there is none."""
    kind, _, where = reference.partition(":")
    if kind == "file":
        return read_file(Path(where))
    if kind == "stdin":
        return read_stdin("Credential")
    found = os.environ.get(where)
    if not found:
        raise click.UsageError(f"The environment has no {where}, which the file refers to.")
    return found


async def _applied(
    api: "KeyturnApi", order: "ApplyFleet", *, quiet: bool
) -> tuple[list["FleetChange"], "FleetAppliedAnswer"]:
    """Do it in parts, so that each is told when it is done; wait where Okta's rate limit is met."""
    done: list[FleetChange] = []
    while True:
        part = await api.apply_fleet(order)
        done += part.done
        for each in () if quiet else part.done:
            click.echo(output.printable(f"done: {each.action} {each.kind} {each.name}"))
        waits = [each.retry_after_seconds for each in part.failed if each.retry_after_seconds]
        if not part.left or not (part.done or waits) or (part.failed and not waits):
            return done, part
        if waits:
            click.echo(f"Okta's rate limit is met: going on in {waits[0]:.0f} s.", err=True)
            await asyncio.sleep(waits[0])
        order = order.model_copy(update={"plan_hash": part.plan_hash})


def _told(failed: Sequence["FleetFailure"]) -> Iterator[str]:
    for each in failed:
        name = f"{each.change.action} {each.change.kind} {each.change.name}"
        yield output.printable(f"{name}: {each.why}")
