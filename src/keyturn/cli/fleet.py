"""All rotations together: how old what they serve is, what comes next, and what needs somebody."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from keyturn.cli import options, output
from keyturn.cli.connection import budget_rows
from keyturn.cli.fleet_file import export, schema
from keyturn.cli.running import connected, run

if TYPE_CHECKING:
    from keyturn.wire.fleet import Concern, FleetAnswer, FleetRotation, OktaAccess

DAY_S = 86_400
STATES = ("off", "scheduled", "waiting", "missed", "turning", "paused", "blocked", "quarantined")
BANDS = ("0-25", "25-50", "50-75", "75-100", "overdue", "none", "unserved")

project = click.option("--project", help="The project's id or slug.  [default: all]")


@click.group()
def fleet() -> None:
    """See all rotations together: ages, next turns, and what needs somebody."""


fleet.add_command(export)
fleet.add_command(schema)


@fleet.command("show")
@project
@options.server
@options.as_json
def show(*, project: str | None, server: str | None, as_json: bool) -> None:
    """Show how the rotations stand, and what needs somebody, the most urgent first.

    Ages are told in hundredths of the time that the schedule of a rotation gives its secret.
    """

    async def work() -> None:
        async with connected(server) as api:
            seen = await api.read_fleet(project)
        output.show(seen.model_dump(mode="json"), lines_of(seen), as_json=as_json)

    run(work())


@fleet.command("list")
@click.argument("text", default="")
@project
@click.option("--state", type=click.Choice(STATES), multiple=True, help="Only those that are so.")
@click.option("--band", type=click.Choice(BANDS), help="Only those whose secret is so old.")
@click.option("--offset", type=click.IntRange(0), default=0, help="Leave out the first so many.")
@click.option(
    "--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="At most so many."
)
@options.server
@options.as_json
def list_some(
    *,
    text: str,
    project: str | None,
    state: tuple[str, ...],
    band: str | None,
    offset: int,
    limit: int,
    server: str | None,
    as_json: bool,
) -> None:
    """List the rotations whose name, place, app or connection holds TEXT."""
    given = {"projectId": project, "band": band}
    wanted = {name: value for name, value in given.items() if value}
    page = {"text": text, "state": state, "offset": str(offset), "limit": str(limit)}

    async def work() -> None:
        async with connected(server) as api:
            found = await api.search_rotations(wanted | page)
        lines = [*_table(found.rotations), f"{len(found.rotations)} of {found.total}"]
        output.show(found.model_dump(mode="json"), lines, as_json=as_json)

    run(work())


def lines_of(seen: "FleetAnswer") -> Iterator[str]:
    """Render a fleet for people."""
    stands = [f"{state} {count}" for state, count in seen.states.items() if count]
    yield f"{output.counted(seen.rotations, 'rotation')}{': ' if stands else ''}{', '.join(stands)}"
    ages = [f"{band} {count}" for band, count in seen.bands.items() if count]
    if ages:
        oldest, median = _age(seen.oldest_seconds), _age(seen.median_seconds)
        yield f"ages in % of the interval: {', '.join(ages)}; oldest {oldest}, median {median}"
    yield from ("", "needs somebody", *_concerns(seen.attention))
    yield from ("", "next turns", *_table(seen.due_next))
    yield from ("", "access to Okta", *_access(seen.access))
    yield from ("", "rate limits", *budget_rows(seen.budgets))


def _concerns(attention: tuple["Concern", ...]) -> Iterator[str]:
    for each in attention:
        where = f" in {each.place}" if each.place else ""
        since = f"  since {output.moment(each.since)}" if each.since else ""
        yield output.printable(
            f"{each.severity}  {each.kind}  {each.about} {each.name}{where}{since}  {each.id}"
        )
        yield output.printable(f"    {each.told}")
    if not attention:
        yield "none"


def _access(access: tuple["OktaAccess", ...]) -> list[str]:
    header = ["connection", "org", "state", "at", "told"]
    return output.table(
        header,
        [
            [each.name, each.instance_url, each.state, output.moment(each.at), each.told]
            for each in access
        ],
    )


def _table(rotations: tuple["FleetRotation", ...]) -> list[str]:
    header = ["name", "environment", "path", "state", "age", "next turn", "id"]
    rows = [
        [
            each.name,
            each.environment,
            each.secret_path,
            f"{each.state} ({each.phase})" if each.phase else each.state,
            each.band,
            output.moment(each.next_rotation_at),
            each.id,
        ]
        for each in rotations
    ]
    return output.table(header, rows)


def _age(seconds: int | None) -> str:
    if seconds is None:
        return "unknown"
    return f"{seconds // DAY_S} d" if seconds >= DAY_S else f"{seconds // 3600} h"
