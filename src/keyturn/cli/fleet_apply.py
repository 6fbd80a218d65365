"""Do what a fleet file asks for, part by part, and say how far it is."""

import asyncio
import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keyturn.cli import options, output
from keyturn.cli.credential import read_file, read_stdin
from keyturn.cli.fleet_file import STDIN, file, file_body, lines_of, prune
from keyturn.cli.running import connected, run
from keyturn.domain.lengths import spoken

if TYPE_CHECKING:
    from keyturn.client import KeyturnApi
    from keyturn.wire.fleet_files import (
        ApplyFleet,
        FleetAppliedAnswer,
        FleetChange,
        FleetFailure,
        FleetPlanAnswer,
        PlanFleet,
        PlannedFleetChange,
    )

CALLS_AT_ONCE = 12
"""As many calls of Okta as one part asks for, so that something is told every few seconds."""
CHANGES_AT_ONCE = 50
GO_ON = "Nothing is lost: apply the file again, and it goes on where it ended."


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

    Every change is made as if by hand: whoever applies the file needs the right to each. Each is
    told when it is done, with how long the rest takes. It may be stopped at any time: applying the
    file again goes on where it ended. Credentials come from where the file says: env:NAME and
    file:PATH are of this machine.
    """
    body = file_body(path, prune=prune)

    async def work() -> "Progress":
        async with connected(server) as api:
            planned = await api.plan_fleet(body)
            if not as_json:
                output.tell(lines_of(planned))
            so_far = Progress(planned.changes, quiet=as_json)
            if planned.changes:
                _agree(yes=yes)
                order = _order(body, planned, keep_going=keep_going, piped=path == STDIN)
                await _apply(api, order, so_far)
            return so_far

    so_far = run(work())
    if as_json:
        click.echo(json.dumps(so_far.document, indent=2))
    elif so_far.planned:
        click.echo(f"{len(so_far.done)} done, {so_far.left} left.")
    if so_far.left:
        mend = "Mend that, and apply the file again: it goes on where it ended."
        raise click.ClickException("\n".join([*_told(so_far.failed), mend]))


@dataclass
class Progress:
    """How far an apply is: what was planned, done, and tried in vain."""

    planned: "Sequence[PlannedFleetChange]"
    quiet: bool
    done: "list[FleetChange]" = field(default_factory=list)
    failed: "list[FleetFailure]" = field(default_factory=list)

    @property
    def left(self) -> int:
        """Return how many changes are not done."""
        return len(self.planned) - len(self.done)

    @property
    def tried(self) -> int:
        """Return how many changes were done or have failed."""
        return len(self.done) + len(self.failed)

    @property
    def document(self) -> dict[str, object]:
        """Return it for programs."""
        return {
            "done": [each.model_dump(mode="json") for each in self.done],
            "failed": [each.model_dump(mode="json") for each in self.failed],
            "left": self.left,
        }

    def take(self, part: "FleetAppliedAnswer") -> float:
        """Note a part, tell of it, and return how many seconds Okta wants to be left alone."""
        for each in part.done:
            self.done.append(each)
            self._tell("done", each)
        for failure in part.failed:
            if failure.retry_after_seconds is not None:
                return failure.retry_after_seconds
            self.failed.append(failure)
            self._tell("failed", failure.change)
        return 0.0

    def next_part(self) -> int:
        """Return how many changes are asked for next."""
        calls, rest = 0, self.planned[self.tried :][:CHANGES_AT_ONCE]
        for number, each in enumerate(rest):
            calls += len(each.calls)
            if calls > CALLS_AT_ONCE:
                return max(1, number)
        return len(rest)

    def _tell(self, outcome: str, change: "FleetChange") -> None:
        if self.quiet:
            return
        number, count = self.tried, len(self.planned)
        left_s = self.planned[-1].second - self.planned[number - 1].second
        rest = f"  ({spoken(left_s, parts=2)} to go)" if left_s else ""
        name = f"{change.action} {change.kind} {change.name}"
        lead = f"{number:>{len(str(count))}}/{count} {outcome}"
        click.echo(output.printable(f"{lead}: {name}{rest}"))


async def _apply(api: "KeyturnApi", order: "ApplyFleet", so_far: Progress) -> None:
    """Do it in parts, so that each is told when it is done; wait where Okta's rate limit is met."""
    from keyturn.client import ClientError

    try:
        while so_far.tried < len(so_far.planned) and (order.keep_going or not so_far.failed):
            asked = {"most": so_far.next_part(), "pass_over": len(so_far.failed)}
            part = await api.apply_fleet(order.model_copy(update=asked))
            order = order.model_copy(update={"plan_hash": part.plan_hash})
            wait_s = so_far.take(part)
            if wait_s:
                click.echo(f"Okta's rate limit is met: going on in {wait_s:.0f} s.", err=True)
                await asyncio.sleep(wait_s)
    except (ClientError, asyncio.CancelledError):
        known = f"{len(so_far.done)} of {len(so_far.planned)} are known to be done."
        click.echo("\n".join([*_told(so_far.failed), f"Stopped. {known} {GO_ON}"]), err=True)
        raise


def _agree(*, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise click.UsageError("Nobody can be asked here: look at `keyturn plan`, and say --yes.")
    click.confirm("Do this?", abort=True, err=True)


def _order(
    body: "PlanFleet", planned: "FleetPlanAnswer", *, keep_going: bool, piped: bool
) -> "ApplyFleet":
    from keyturn.wire.fleet_files import ApplyFleet

    if piped and "stdin" in planned.references:
        raise click.UsageError("Standard input holds the file itself, which refers to stdin.")
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


def _told(failed: "Sequence[FleetFailure]") -> Iterator[str]:
    for each in failed:
        name = f"{each.change.action} {each.change.kind} {each.change.name}"
        yield output.printable(f"{name}: {each.why}")
