"""Folders of secrets, and what they import."""

from typing import TYPE_CHECKING

import click

from keyturn.cli import options, output
from keyturn.cli.running import connected, run

if TYPE_CHECKING:
    from keyturn.client import KeyturnApi
    from keyturn.client.tree import Spot
    from keyturn.wire.imports import SecretImport

path = click.option("--path", required=True, help="The folder itself.")
description = click.option("--description", help="What people read beside it.")


@click.group()
def folder() -> None:
    """Keep secrets in folders, and let one folder read from another."""


@folder.command("list")
@options.environment
@options.path
@options.project
@options.server
@options.as_json
def list_folders(
    *, environment: str, path: str, project: str, server: str | None, as_json: bool
) -> None:
    """List the folders below one."""

    async def work() -> None:
        async with connected(server) as api:
            every = await api.list_folders(project, environment)
        below = f"{path.rstrip('/')}/"
        found = sorted(
            (each for each in every if each.path.startswith(below)), key=lambda one: one.path
        )
        rows = [[each.path, each.description or ""] for each in found]
        document = {"folders": [each.model_dump(mode="json") for each in found]}
        output.show(document, output.table(["path", "description"], rows), as_json=as_json)

    run(work())


@folder.command("create")
@path
@options.environment
@options.project
@options.server
@options.as_json
def create(*, path: str, environment: str, project: str, server: str | None, as_json: bool) -> None:
    """Make a folder, and those above it that are missing."""
    spot = _spot(environment, path)

    async def work() -> None:
        async with connected(server) as api:
            made = await api.create_folder(project, spot)
        output.show({"path": made.path}, [f"The folder {made.path} is there."], as_json=as_json)

    run(work())


@folder.command("rename")
@click.argument("name")
@path
@description
@options.environment
@options.project
@options.server
@options.as_json
def rename(
    *,
    name: str,
    path: str,
    description: str | None,
    environment: str,
    project: str,
    server: str | None,
    as_json: bool,
) -> None:
    """Call a folder NAME from now on; what is in it moves with it."""
    spot = _spot(environment, path)
    fields = {"name": name} | ({} if description is None else {"description": description})

    async def work() -> None:
        async with connected(server) as api:
            changed = await api.update_folder(project, spot, fields)
        output.show({"path": changed.path}, [f"The folder is {changed.path} now."], as_json=as_json)

    run(work())


@folder.command("delete")
@path
@click.option("--yes", is_flag=True, help="Delete it without asking.")
@options.environment
@options.project
@options.server
@options.as_json
def delete(
    *, path: str, yes: bool, environment: str, project: str, server: str | None, as_json: bool
) -> None:
    """Delete a folder with all that is in it."""
    spot = _spot(environment, path)
    if not yes:
        click.confirm(f"Delete {spot} with all that is in it?", abort=True, err=True)

    async def work() -> None:
        async with connected(server) as api:
            gone = await api.delete_folder(project, spot)
        output.show({"path": gone.path}, [f"The folder {spot} is deleted."], as_json=as_json)

    run(work())


@folder.group("import")
def imports() -> None:
    """Let a folder read from others as well; a SOURCE is written ENVIRONMENT/FOLDER."""


@imports.command("list")
@options.environment
@options.path
@options.project
@options.server
@options.as_json
def list_imports(
    *, environment: str, path: str, project: str, server: str | None, as_json: bool
) -> None:
    """List what a folder imports; a later one prevails over an earlier."""
    spot = _spot(environment, path)

    async def work() -> None:
        async with connected(server) as api:
            found = await api.list_imports(project, spot)
        rows = [[str(each.position), _source(each)] for each in found]
        document = {"imports": [each.model_dump(mode="json") for each in found]}
        output.show(document, output.table(["position", "source"], rows), as_json=as_json)

    run(work())


@imports.command("add")
@click.argument("source")
@options.environment
@options.path
@options.project
@options.server
@options.as_json
def add(
    *, source: str, environment: str, path: str, project: str, server: str | None, as_json: bool
) -> None:
    """Let a folder read from SOURCE, which prevails over those imported before."""
    spot, wanted = _spot(environment, path), _named(source)

    async def work() -> None:
        async with connected(server) as api:
            made = await api.create_import(project, spot, wanted)
        output.show(_document(made), [f"{spot} reads from {wanted} as well."], as_json=as_json)

    run(work())


@imports.command("move")
@click.argument("source")
@click.argument("position", type=click.IntRange(min=1))
@options.environment
@options.path
@options.project
@options.server
@options.as_json
def move(
    *,
    source: str,
    position: int,
    environment: str,
    path: str,
    project: str,
    server: str | None,
    as_json: bool,
) -> None:
    """Put the import of SOURCE at a POSITION, from 1 on; the last prevails."""
    spot, wanted = _spot(environment, path), _named(source)

    async def work() -> None:
        async with connected(server) as api:
            one = await _find(api, project, spot, wanted)
            moved = await api.move_import(project, spot, one.id, position)
        output.show(
            _document(moved), [f"{wanted} has position {moved.position} now."], as_json=as_json
        )

    run(work())


@imports.command("remove")
@click.argument("source")
@options.environment
@options.path
@options.project
@options.server
@options.as_json
def remove(
    *, source: str, environment: str, path: str, project: str, server: str | None, as_json: bool
) -> None:
    """Let a folder read from SOURCE no longer."""
    spot, wanted = _spot(environment, path), _named(source)

    async def work() -> None:
        async with connected(server) as api:
            one = await _find(api, project, spot, wanted)
            gone = await api.delete_import(project, spot, one.id)
        output.show(_document(gone), [f"{spot} reads from {wanted} no longer."], as_json=as_json)

    run(work())


def _spot(environment: str, path: str) -> "Spot":
    from keyturn.client.tree import Spot

    return Spot(environment, "/" + path.strip("/"))


def _named(source: str) -> "Spot":
    environment, _, path = source.partition("/")
    return _spot(environment, path)


def _source(one: "SecretImport") -> str:
    return f"{one.import_env.slug}{one.import_path}"


def _document(one: "SecretImport") -> dict[str, object]:
    return {"source": _source(one), "position": one.position}


async def _find(api: "KeyturnApi", project: str, spot: "Spot", source: "Spot") -> "SecretImport":
    for each in await api.list_imports(project, spot):
        if _source(each) == str(source):
            return each
    raise click.ClickException(f"{spot} does not read from {source}.")
