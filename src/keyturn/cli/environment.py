"""Environments: the stages of a project, such as dev, staging and prod."""

from typing import TYPE_CHECKING

import click

from keyturn.cli import options, output
from keyturn.cli.running import connected, run

if TYPE_CHECKING:
    from keyturn.client import KeyturnApi
    from keyturn.wire.projects import Environment

which_environment = click.argument("which", metavar="ENVIRONMENT")
position = click.option(
    "--position", type=click.IntRange(1, 1000), help="Its place among the others; 1 is the first."
)


@click.group()
def environment() -> None:
    """Change the stages of a project; each has folders and secrets of its own."""


@environment.command("list")
@options.project
@options.server
@options.as_json
def list_environments(*, project: str, server: str | None, as_json: bool) -> None:
    """List the environments of a project, in their order."""

    async def work() -> None:
        async with connected(server) as api:
            found = (await api.read_project(project)).environments
        document = {"environments": [one.model_dump(mode="json") for one in found]}
        output.show(document, _lines(*found), as_json=as_json)

    run(work())


@environment.command("create")
@click.argument("slug")
@click.option("--name", help="What people read.  [default: the slug]")
@position
@options.project
@options.server
@options.as_json
def create(
    *,
    slug: str,
    name: str | None,
    position: int | None,
    project: str,
    server: str | None,
    as_json: bool,
) -> None:
    """Make the environment SLUG with its root folder, as the last unless it is told where."""
    from keyturn.wire.projects import CreateEnvironment

    fields: dict[str, object] = {"slug": slug, "name": name or slug, "position": position}
    body = options.checked(CreateEnvironment, fields)

    async def work() -> None:
        async with connected(server) as api:
            made = await api.create_environment(project, body)
        output.show(made.model_dump(mode="json"), _lines(made), as_json=as_json)

    run(work())


@environment.command("update")
@which_environment
@click.option("--slug", help="What readers name it by from now on; those that do not are refused.")
@click.option("--name", help="What people read from now on.")
@position
@options.project
@options.server
@options.as_json
def update(
    *,
    which: str,
    slug: str | None,
    name: str | None,
    position: int | None,
    project: str,
    server: str | None,
    as_json: bool,
) -> None:
    """Change ENVIRONMENT, by its slug or id."""
    from keyturn.wire.projects import UpdateEnvironment

    if slug is None and name is None and position is None:
        raise click.UsageError("Say what is to change: --slug, --name or --position.")
    fields: dict[str, object] = {"slug": slug, "name": name, "position": position}
    body = options.checked(UpdateEnvironment, fields)

    async def work() -> None:
        async with connected(server) as api:
            found = await _find(api, project, which)
            after = await api.update_environment(project, found.id, body)
        output.show(after.model_dump(mode="json"), _lines(after), as_json=as_json)

    run(work())


@environment.command("delete")
@which_environment
@click.option("--yes", is_flag=True, help="Delete it without asking.")
@options.project
@options.server
@options.as_json
def delete(*, which: str, yes: bool, project: str, server: str | None, as_json: bool) -> None:
    """Delete ENVIRONMENT, by its slug or id, with all folders and secrets in it.

    One that a rotation writes to stays: delete the rotation first.
    """
    if not yes:
        asked = f"Delete {which} of {project} with all folders and secrets in it?"
        click.confirm(asked, abort=True, err=True)

    async def work() -> None:
        async with connected(server) as api:
            found = await _find(api, project, which)
            gone = await api.delete_environment(project, found.id)
        lines = [f"Deleted environment {gone.slug}."]
        output.show(gone.model_dump(mode="json"), lines, as_json=as_json)

    run(work())


async def _find(api: "KeyturnApi", project: str, which: str) -> "Environment":
    for each in (await api.read_project(project)).environments:
        if which in (each.slug, each.id):
            return each
    told = f"Project {project} has no environment {which}: see `keyturn environment list`."
    raise click.ClickException(told)


def _lines(*found: "Environment") -> list[str]:
    rows = [[each.slug, each.name, str(each.position), each.id] for each in found]
    return output.table(["environment", "name", "position", "id"], rows)
