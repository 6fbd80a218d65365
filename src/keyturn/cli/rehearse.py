"""Rehearse what happens when processes are killed."""

import os
import sys
from typing import TYPE_CHECKING

import click

from keyturn.cli import options, output
from keyturn.cli.running import run

if TYPE_CHECKING:
    from keyturn.cli.rehearsal.kills import KillReport, Struck
    from keyturn.cli.rehearsal.tally import Tally


@click.command()
@click.option(
    "--kills",
    type=click.IntRange(1),
    default=100,
    show_default=True,
    help="How many processes to kill.",
)
@click.option(
    "--minutes", type=click.FloatRange(0), default=0.0, help="Go on until so much time has passed."
)
@click.option(
    "--apps", type=click.IntRange(1, 100), default=8, show_default=True, help="Apps to turn."
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="When, and who.")
@click.option(
    "--database-url",
    help="An empty PostgreSQL database, and several processes on it.  [default: a SQLite file]",
)
@options.as_json
def rehearse(
    *, kills: int, minutes: float, apps: int, seed: int, database_url: str | None, as_json: bool
) -> None:
    """Kill processes (SIGKILL) at random moments while secrets turn and are used.

    A sandbox org, apps whose client secrets turn all the time, a consumer of each that logs in and
    refreshes, and `keyturn serve`, on PostgreSQL with two `keyturn worker` beside it. One of these
    processes is killed every half a second, another takes its place, and the org is the judge.

    Exits with 0 only if no request of a consumer failed and nothing is wrong in the end.
    """
    from keyturn.cli.rehearsal.kill_stage import KillPlan
    from keyturn.cli.rehearsal.kills import kill_at_random
    from keyturn.domain.sensitive import Sensitive

    if not hasattr(os, "fork"):
        raise click.ClickException("This system cannot fork processes; rehearse on another.")
    database = Sensitive(database_url) if database_url else None
    plan = KillPlan(kills, minutes, apps, seed, database)
    report = run(kill_at_random(plan, _silent if as_json or not sys.stderr.isatty() else _tell))
    output.show(report.as_json(), _lines(report), as_json=as_json)
    if report.failed or report.wrongs:
        raise click.exceptions.Exit(1)


def _tell(struck: "Struck", tally: "Tally") -> None:
    click.echo(f"\r{struck.kills} kills, consumers: {tally}", nl=False, err=True)


def _silent(struck: "Struck", tally: "Tally") -> None:
    return


def _lines(report: "KillReport") -> list[str]:
    kinds = ", ".join(f"{kind} {count}" for kind, count in report.failures.items())
    overlap = report.shortest_overlap_s
    return [
        "",
        f"kills on {report.database:<12}{report.kills}",
        f"  two at once        {report.two_at_once}",
        f"  while starting     {report.while_starting}",
        *_counted("turns", report.turns),
        *_counted("open at kills", report.open_when_killed),
        *_counted("  held by a process", report.held_when_killed),
        f"calls to manage Okta {report.okta_calls}",
        f"client secrets added {report.added}, asked for {report.asked_to_add} times",
        f"  found by their hash {report.recognised}",
        f"requests made        {report.requests}",
        f"requests failed      {report.failed}{f' ({kinds})' if kinds else ''}",
        f"reads asked again    {report.reads_asked_again}, the longest {report.longest_read_s} s",
        f"shortest overlap     {'none' if overlap is None else f'{overlap} s'}",
        f"wrong                {len(report.wrongs)}",
        *(f"  {wrong}" for wrong in report.wrongs),
        f"took                 {report.seconds} s",
    ]


def _counted(what: str, counts: dict[str, int]) -> list[str]:
    return [
        f"{what:<21}{sum(counts.values())}",
        *(f"    {kind:<16}{count:>7}" for kind, count in counts.items()),
    ]
