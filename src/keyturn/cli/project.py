"""Projects: what holds the secrets of one team or product, with its environments."""

from typing import TYPE_CHECKING

import click

from keyturn.cli import options, output
from keyturn.cli.running import connected, run

if TYPE_CHECKING:
    from keyturn.wire.projects import Project


@click.group()
def project() -> None:
    """Keep apart what belongs apart; `keyturn environment` changes the stages of a project."""


@project.command("list")
@options.server
@options.as_json
def list_projects(*, server: str | None, as_json: bool) -> None:
    """List the projects that may be read, each with its environments."""

    async def work() -> None:
        async with connected(server) as api:
            found = await api.list_projects()
        rows = [[one.slug, one.name, _environments(one), one.id] for one in found]
        lines = output.table(["project", "name", "environments", "id"], rows)
        document = {"projects": [one.model_dump(mode="json") for one in found]}
        output.show(document, lines, as_json=as_json)

    run(work())


@project.command("show")
@click.argument("which", metavar="PROJECT")
@options.server
@options.as_json
def show(*, which: str, server: str | None, as_json: bool) -> None:
    """Show PROJECT, by its slug or id."""

    async def work() -> None:
        async with connected(server) as api:
            _show(await api.read_project(which), as_json=as_json)

    run(work())


@project.command("create")
@click.argument("name")
@click.option("--slug", help="What commands and readers call it.  [default: made of the name]")
@options.server
@options.as_json
def create(*, name: str, slug: str | None, server: str | None, as_json: bool) -> None:
    """Make a project that people call NAME, with the environments dev, staging and prod."""
    from keyturn.wire.projects import CreateProject

    body = options.checked(CreateProject, {"project_name": name, "slug": slug})

    async def work() -> None:
        async with connected(server) as api:
            _show(await api.create_project(body), as_json=as_json)

    run(work())


def _show(found: "Project", *, as_json: bool) -> None:
    lines = [
        f"project {found.slug} ({output.printable(found.name)})",
        f"  id            {found.id}",
        f"  environments  {_environments(found)}",
    ]
    output.show(found.model_dump(mode="json"), lines, as_json=as_json)


def _environments(found: "Project") -> str:
    return ", ".join(each.slug for each in found.environments) or "none"
