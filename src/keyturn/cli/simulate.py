"""Simulate many worlds in which everything goes wrong, and judge every event."""

from typing import TYPE_CHECKING

import click

from keyturn.cli import options, output

if TYPE_CHECKING:
    from keyturn.cli.simulation.many import Totals
    from keyturn.cli.simulation.simulation import Outcome


OF = "turns of "


class Seeds(click.ParamType[range]):
    """A seed, or two with a colon between them: from the first to the last."""

    name = "FIRST:LAST"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> range:
        """Return the seeds that a text names."""
        if isinstance(value, range):
            return value
        first, _, last = str(value).partition(":")
        if not first.isdecimal() or not (last or first).isdecimal():
            self.fail(f"{value!r} is not of the form 1:2000", param, ctx)
        if int(last or first) < int(first):
            self.fail(f"{value!r} ends before it begins: write {last}:{first}", param, ctx)
        return range(int(first), int(last or first) + 1)


@click.command()
@click.option("--seeds", type=Seeds(), default="1:20", show_default=True, help="Which worlds.")
@click.option("--seed", type=click.IntRange(0), help="One world only; with --trace, in full.")
@click.option("--trace", is_flag=True, help="Print every event of the one world of --seed.")
@click.option(
    "--jobs", type=click.IntRange(1), default=1, show_default=True, help="Processes at once."
)
@click.option(
    "--minutes",
    type=click.FloatRange(0),
    default=0.0,
    help="Go on with the seeds that follow until so much time has passed.",
)
@options.as_json
def simulate(
    *, seeds: range, seed: int | None, trace: bool, jobs: int, minutes: float, as_json: bool
) -> None:
    """Simulate turns in worlds where everything goes wrong.

    Each seed is a world of its own: an org, apps with rotations, consumers, workers, people who
    give orders, and faults of every kind, all in this process and in virtual time. After every
    event what must always hold is checked against the org's own record. The same seed gives the
    same events.

    A violation is printed with its seed and the trace of it. Exits with 0 only if there was none.
    """
    from keyturn.cli.simulation.many import simulate_many
    from keyturn.cli.simulation.simulation import simulate as simulate_one

    if trace and seed is None:
        raise click.UsageError("--trace needs --seed.")
    if trace and seed is not None:
        outcome = simulate_one(seed, tracing=True)
        click.echo("\n".join(outcome.trace))
        _exit(found=bool(outcome.violations))
        return
    totals = simulate_many(seeds if seed is None else [seed], jobs=jobs, at_least_s=minutes * 60)
    output.show(totals.as_json(), _lines(totals), as_json=as_json)
    if totals.violations and not as_json:
        _print_trace(simulate_one(totals.violations[0][0], tracing=True))
    _exit(found=bool(totals.violations))


def _print_trace(outcome: "Outcome") -> None:
    click.echo(f"\ntrace of seed {outcome.seed}:")
    click.echo("\n".join(outcome.trace))


def _exit(*, found: bool) -> None:
    if found:
        raise click.exceptions.Exit(1)


def _by_kind(totals: "Totals") -> list[tuple[str, int]]:
    """Tell how many turns there were of each kind of credential."""
    told = totals.events.most_common()
    return [(what.removeprefix(OF), count) for what, count in told if what.startswith(OF)]


def _lines(totals: "Totals") -> list[str]:
    told = totals.as_json()
    return [
        f"worlds               {totals.seeds}",
        f"turns                {told['turns']}",
        *(f"  {end:<28}{count:>9}" for end, count in totals.turns.most_common()),
        *(f"  {kind:<28}{count:>9}" for kind, count in _by_kind(totals)),
        f"faults               {told['faults']} of {told['fault_kinds']} kinds",
        *(f"  {kind:<28}{count:>9}" for kind, count in totals.faults.most_common()),
        f"crash points         {told['crash_points']}",
        f"orders               {sum(totals.orders.values())}",
        *(f"  {what:<28}{count:>9}" for what, count in totals.orders.most_common()),
        f"log-ins              {totals.events['logins']}",
        f"429 earned           {totals.events['429 earned']}",
        f"violations           {len(totals.violations)}",
        *(f"  seed {seed}: {violation}" for seed, violation in totals.violations),
        f"took                 {totals.seconds:.1f} s",
    ]
