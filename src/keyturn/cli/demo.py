"""Rehearse turns in front of everybody."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from keyturn.cli import options, output
from keyturn.cli.running import run

if TYPE_CHECKING:
    from keyturn.cli.rehearsal.rehearsal import Report


@click.command()
@click.option(
    "--turns",
    type=click.IntRange(1, 20),
    default=3,
    show_default=True,
    help="How often to turn the secret.",
)
@click.option("--naive", is_flag=True, help="Turn in the order that hand-written scripts use.")
@click.option("--seed", default=0, show_default=True, help="The same seed makes the same org.")
@click.option(
    "--keep-data",
    type=click.Path(path_type=Path, file_okay=False),
    help="Keep the log and the database in this folder.",
)
@click.option(
    "--web",
    is_flag=True,
    help="Serve pages to look at instead, as `keyturn serve --sandbox` does.",
)
@options.as_json
def demo(
    *, turns: int, naive: bool, seed: int, keep_data: Path | None, web: bool, as_json: bool
) -> None:
    """Turn a secret in a sandbox org while a consumer uses it.

    Everything runs in this process: an Okta org, Keyturn with a rotation made through its API,
    and a consumer that logs in, refreshes and introspects without a pause. Every request is
    counted, and the org is the judge. Exits with 0 only if no request failed.

    With --naive the secret is turned as scripts do it, readers last, and requests fail.

    With --web a sandbox org and a Keyturn with a past are served until SIGTERM or SIGINT.
    """
    if web:
        _show(keep_data)
        return
    from keyturn.cli.rehearsal.rehearsal import Plan, rehearse
    from keyturn.cli.rehearsal.show import showing
    from keyturn.cli.rehearsal.tally import Tally

    plan, tally = Plan(turns=turns, naive=naive, seed=seed, keep_data=keep_data), Tally()
    with showing(tally, as_json=as_json) as show:
        outcome = run(rehearse(plan, tally, show))
    output.show(outcome.report.as_json(), _lines(outcome.report), as_json=as_json)
    if outcome.fault:
        raise click.ClickException(outcome.fault)
    if outcome.report.failed or outcome.report.turns < turns:
        raise click.exceptions.Exit(1)


def _show(keep_data: Path | None) -> None:
    """Serve something to see. Raises UsageError for options that would be ignored."""
    options.refuse_given("--web has its own story", "turns", "naive", "seed", "as_json")
    from keyturn.cli.showcase.command import serve_showcase

    settings = options.read_settings()
    run(serve_showcase(keep_data, settings.host, settings.port, tour=True))


def _lines(report: "Report") -> list[str]:
    kinds = ", ".join(f"{kind} {count}" for kind, count in report.failures.items())
    overlaps = ", ".join(f"{overlap:.1f}" for overlap in report.overlaps_s)
    return [
        "",
        f"turns finished       {report.turns}",
        f"requests made        {report.requests}",
        f"requests failed      {report.failed}{f' ({kinds})' if kinds else ''}",
        f"calls to manage Okta {report.okta_calls}, of which {report.okta_calls_a_turn} a turn",
        f"overlaps             {overlaps} s",
        f"took                 {report.seconds} s",
    ]
