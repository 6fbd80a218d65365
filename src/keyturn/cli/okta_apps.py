"""The apps of a connected org, for who chooses one to turn."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from keyturn.cli import options, output
from keyturn.cli.connection import find_connection
from keyturn.cli.running import connected, run

if TYPE_CHECKING:
    from keyturn.wire.apps import App


@click.command("apps")
@click.argument("label", metavar="[TEXT]", default="")
@click.option("--connection", required=True, help="The Okta connection, by id or name.")
@click.option(
    "--limit", type=click.IntRange(1, 50), default=20, show_default=True, help="At most so many."
)
@options.project
@options.server
@options.as_json
def apps(
    *, label: str, connection: str, limit: int, project: str, server: str | None, as_json: bool
) -> None:
    """List the org's OAuth apps whose label begins with TEXT, or the one with this app id.

    Tells how old their client secrets are, what stands in the way, and which rotation keeps an app
    already. Okta searches labels by how they begin; of an org with an inventory they are searched
    inside as well. Okta puts on record that secrets were looked at.
    """

    async def work() -> None:
        async with connected(server) as api:
            project_id = (await api.read_project(project)).id
            found = await find_connection(api, project_id, connection)
            listed = await api.list_apps(found.id, label, limit=limit)
        now = datetime.now(UTC)
        header = ["label", "app id", "status", "authenticates by", "client secrets", "rotation"]
        lines = output.table(header, [_row(one, now) for one in listed.apps])
        if listed.more:
            lines.append("There are more: type more of the label.")
        output.show(listed.model_dump(mode="json"), lines, as_json=as_json)

    run(work())


def _row(one: "App", now: datetime) -> list[str]:
    kept = (one.rotation.name or "another") if one.rotation else "none"
    return [one.label, one.id, one.status, one.auth_method, secrets_of(one, now), kept]


def secrets_of(one: "App", now: datetime) -> str:
    """Tell of an app's client secrets how many there are, how old, and what is in the way."""
    if one.secrets is None:
        return "not read" if one.unread else "none"
    ages = [f"{output.days(each.created_at, now)} d" for each in one.secrets]
    told = f"{len(ages)} ({', '.join(ages)})" if ages else "0"
    foreign = f", {one.foreign} not of a rotation" if one.foreign else ""
    return f"{told}{foreign}{': no room to turn' if one.crowded else ''}"
