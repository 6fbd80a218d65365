"""Compliance policies: made, changed, listed and removed."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, TypeVar

import click

from keyturn.cli import options, output
from keyturn.cli.naming import one_named
from keyturn.cli.running import connected, run

if TYPE_CHECKING:
    from keyturn.client import KeyturnApi
    from keyturn.wire.compliance import CompliancePolicy

F = TypeVar("F", bound=Callable[..., None])

NO_APP: Final = (
    "No app that policies ask anything of fits this now: `keyturn compliance policy list` and "
    "`keyturn inventory show` tell which there are."
)

which_policy = click.argument("which", metavar="POLICY")


@click.group()
def policy() -> None:
    """Say what is asked of which apps."""


def _says(command: F) -> F:
    """Add the options of what a policy says."""
    for option in (
        click.option("--description", help="What it is for."),
        click.option("--managed/--unmanaged", default=None, help="Whether a rotation is wanted."),
        click.option(
            "--unused", type=click.IntRange(0, 3650), metavar="DAYS", help="Idle so long at most."
        ),
        click.option(
            "--max-overlap",
            type=click.IntRange(0, 3650),
            metavar="DAYS",
            help="Two accepted secrets of one app for so long at most.",
        ),
        click.option(
            "--max-age", type=click.IntRange(0, 3650), metavar="DAYS", help="So old at most."
        ),
        click.option("--selector", help='Which apps: label=pay-* owner="Team A"  [default: all]'),
    ):
        command = option(command)
    return command


def _fields(said: dict[str, object]) -> dict[str, object]:
    """Return what was said, as the API calls it."""
    called = {"max_age": "maxAgeDays", "max_overlap": "maxOverlapDays", "unused": "unusedDays"}
    return {called.get(name, name): value for name, value in said.items() if value is not None}


@policy.command("add")
@click.argument("name")
@_says
@options.server
@options.as_json
def add(*, name: str, server: str | None, as_json: bool, **said: object) -> None:
    """Make the policy NAME; from then on a report is made every day."""
    from keyturn.wire.compliance import CreateCompliancePolicy

    body = options.checked(CreateCompliancePolicy, {"name": name, **_fields(said)})

    async def work() -> None:
        async with connected(server) as api:
            made = await api.create_compliance_policy(body)
            apps = await count_apps(api, policy=made.id)
        _show(made, apps, as_json=as_json)

    run(work())


@policy.command("edit")
@which_policy
@click.option("--name", help="Call it this from now on.")
@_says
@options.server
@options.as_json
def edit(*, which: str, server: str | None, as_json: bool, **said: object) -> None:
    """Change POLICY; what is not named stays, and 0 takes a limit away."""
    from keyturn.wire.compliance import UpdateCompliancePolicy

    body = options.checked(UpdateCompliancePolicy, _fields(said))

    async def work() -> None:
        async with connected(server) as api:
            found = await find_policy(api, which)
            after = await api.edit_compliance_policy(found.id, body)
            apps = await count_apps(api, policy=after.id)
        _show(after, apps, as_json=as_json)

    run(work())


@policy.command("list")
@options.server
@options.as_json
def list_policies(*, server: str | None, as_json: bool) -> None:
    """List the policies, and how many apps each fits now."""

    async def work() -> None:
        async with connected(server) as api:
            found = await api.list_compliance_policies()
            shares = (await api.read_compliance()).policies
        apps = {each.name: each.apps for each in shares}
        shown = [one.model_dump(mode="json") | {"apps": apps.get(one.name)} for one in found]
        output.show({"policies": shown}, _lines(found, apps), as_json=as_json)

    run(work())


@policy.command("delete")
@which_policy
@options.server
@options.as_json
def delete(*, which: str, server: str | None, as_json: bool) -> None:
    """Remove POLICY with its exceptions; reports that were made stay."""

    async def work() -> None:
        async with connected(server) as api:
            gone = await api.delete_compliance_policy((await find_policy(api, which)).id)
        told = [f"Removed compliance policy {gone.name}."]
        output.show(gone.model_dump(mode="json"), told, as_json=as_json)

    run(work())


async def find_policy(api: "KeyturnApi", which: str) -> "CompliancePolicy":
    """Return the policy of this name or id. Raises ClickException for none."""
    every = await api.list_compliance_policies()
    return one_named(
        every, which, noun="compliance policy", listed_by="keyturn compliance policy list"
    )


async def count_apps(api: "KeyturnApi", **wanted: str) -> int | None:
    """Return how many apps are judged that something fits which was just made.

    None where that could not be told: it is made all the same.
    """
    from keyturn.client.errors import ClientError

    try:
        return (await api.list_compliance_findings({**wanted, "limit": "1"})).apps
    except ClientError:
        return None


def lines_of_apps(apps: int | None) -> list[str]:
    """Render how many apps something fits."""
    if not apps:
        return [] if apps is None else [NO_APP]
    return [f"It fits {apps} app{'' if apps == 1 else 's'} now."]


def _show(policy: "CompliancePolicy", apps: int | None, *, as_json: bool) -> None:
    lines = [*_lines([policy], {policy.name: apps}), *lines_of_apps(apps)]
    output.show(policy.model_dump(mode="json") | {"apps": apps}, lines, as_json=as_json)


def _lines(policies: "Sequence[CompliancePolicy]", apps: Mapping[str, int | None]) -> list[str]:
    rows = [
        [
            one.name,
            one.selector or "all",
            _count(apps.get(one.name)),
            *map(_days, (one.max_age_days, one.max_overlap_days, one.unused_days)),
            "yes" if one.managed else "no",
            one.description or "",
            one.id,
        ]
        for one in policies
    ]
    header = ["policy", "selector", "apps", "age", "two accepted", "idle", "rotation"]
    return output.table([*header, "description", "id"], rows)


def _count(apps: int | None) -> str:
    return "not known" if apps is None else str(apps)


def _days(count: int | None) -> str:
    return "any" if count is None else f"{count} d"
