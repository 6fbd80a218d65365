"""Tags of a project: labels that secrets have."""

from typing import TYPE_CHECKING

import click

from keyturn.cli import options, output
from keyturn.cli.running import connected, run

if TYPE_CHECKING:
    from keyturn.client import KeyturnApi
    from keyturn.wire.tags import Tag

which_tag = click.argument("which", metavar="TAG")
name = click.option("--name", help="What people read.  [default: the slug]")
color = click.option("--color", help="A colour, as clients of Infisical show it.")


@click.group()
def tag() -> None:
    """Keep the labels by which secrets are found; `keyturn secret edit --tag` gives them."""


@tag.command("list")
@options.project
@options.server
@options.as_json
def list_tags(*, project: str, server: str | None, as_json: bool) -> None:
    """List the tags of a project."""

    async def work() -> None:
        async with connected(server) as api:
            found = await api.list_tags(project)
        document = {"tags": [one.model_dump(mode="json") for one in found]}
        output.show(document, _lines(*found), as_json=as_json)

    run(work())


@tag.command("create")
@click.argument("slug")
@name
@color
@options.project
@options.server
@options.as_json
def create(
    *,
    slug: str,
    name: str | None,
    color: str | None,
    project: str,
    server: str | None,
    as_json: bool,
) -> None:
    """Make the tag SLUG."""
    from keyturn.client.tree import Label

    async def work() -> None:
        async with connected(server) as api:
            made = await api.create_tag(project, Label(slug, name or "", color or ""))
        output.show(made.model_dump(mode="json"), _lines(made), as_json=as_json)

    run(work())


@tag.command("update")
@which_tag
@click.option("--slug", help="What it is called from now on.")
@click.option("--name", help="What people read from now on.")
@color
@options.project
@options.server
@options.as_json
def update(
    *,
    which: str,
    slug: str | None,
    name: str | None,
    color: str | None,
    project: str,
    server: str | None,
    as_json: bool,
) -> None:
    """Change TAG, by its slug or id; the secrets that have it keep it."""
    told = {"slug": slug, "name": name, "color": color}
    fields = {key: value for key, value in told.items() if value is not None}
    if not fields:
        raise click.UsageError("Say what is to change: --slug, --name or --color.")

    async def work() -> None:
        async with connected(server) as api:
            found = await _find(api, project, which)
            after = await api.update_tag(project, found.id, fields)
        output.show(after.model_dump(mode="json"), _lines(after), as_json=as_json)

    run(work())


@tag.command("delete")
@which_tag
@options.project
@options.server
@options.as_json
def delete(*, which: str, project: str, server: str | None, as_json: bool) -> None:
    """Delete TAG, by its slug or id; the secrets that had it stay, without it."""

    async def work() -> None:
        async with connected(server) as api:
            gone = await api.delete_tag(project, (await _find(api, project, which)).id)
        output.show(gone.model_dump(mode="json"), [f"Deleted tag {gone.slug}."], as_json=as_json)

    run(work())


async def _find(api: "KeyturnApi", project: str, which: str) -> "Tag":
    for each in await api.list_tags(project):
        if which in (each.slug, each.id):
            return each
    raise click.ClickException(f"Project {project} has no tag {which}: see `keyturn tag list`.")


def _lines(*found: "Tag") -> list[str]:
    rows = [[each.slug, each.name, each.color, each.id] for each in found]
    return output.table(["tag", "name", "colour", "id"], rows)
