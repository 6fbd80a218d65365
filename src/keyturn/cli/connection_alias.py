"""Aliases: names that lead to a connection, and can be led to another, and back."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import click

from keyturn.cli import options, output
from keyturn.cli.naming import one_named
from keyturn.cli.oauth_connection import find_connection, which_connection
from keyturn.cli.running import connected, run

if TYPE_CHECKING:
    from keyturn.client import KeyturnApi
    from keyturn.wire.oauth_connections import Alias

which_alias = click.argument("name", metavar="ALIAS")


@click.group()
def alias() -> None:
    """Give connections names that can be led elsewhere, and back."""


@alias.command("list")
@options.project
@options.server
@options.as_json
def list_aliases(*, project: str, server: str | None, as_json: bool) -> None:
    """List the aliases of a project, and where each leads."""

    async def work() -> None:
        async with connected(server) as api:
            found = await api.list_aliases(project)
        document = {"aliases": [one.model_dump(mode="json") for one in found]}
        output.show(document, _table(*found), as_json=as_json)

    run(work())


@alias.command("add")
@which_alias
@which_connection
@options.project
@options.server
@options.as_json
def add(*, name: str, which: str, project: str, server: str | None, as_json: bool) -> None:
    """Let the new ALIAS lead to a connection."""

    async def change(api: "KeyturnApi") -> "Alias":
        return await api.create_alias(name, (await find_connection(api, project, which)).id)

    _run(change, server, as_json=as_json)


@alias.command("lead")
@which_alias
@which_connection
@options.project
@options.server
@options.as_json
def lead(*, name: str, which: str, project: str, server: str | None, as_json: bool) -> None:
    """Lead ALIAS to another connection of its folder; whoever uses it next uses that one."""

    async def change(api: "KeyturnApi") -> "Alias":
        found = await _find(api, project, name)
        return await api.lead_alias(found.id, (await find_connection(api, project, which)).id)

    _run(change, server, as_json=as_json)


@alias.command("back")
@which_alias
@options.project
@options.server
@options.as_json
def back(*, name: str, project: str, server: str | None, as_json: bool) -> None:
    """Lead ALIAS to where it led before."""

    async def change(api: "KeyturnApi") -> "Alias":
        return await api.lead_back((await _find(api, project, name)).id)

    _run(change, server, as_json=as_json)


@alias.command("remove")
@which_alias
@options.project
@options.server
@options.as_json
def remove(*, name: str, project: str, server: str | None, as_json: bool) -> None:
    """Remove ALIAS; its connection stays."""

    async def work() -> None:
        async with connected(server) as api:
            gone = await api.delete_alias((await _find(api, project, name)).id)
        output.show(gone.model_dump(mode="json"), [f"Removed alias {gone.name}."], as_json=as_json)

    run(work())


def _run(
    change: "Callable[[KeyturnApi], Awaitable[Alias]]", server: str | None, *, as_json: bool
) -> None:
    async def work() -> None:
        async with connected(server) as api:
            after = await change(api)
        output.show(after.model_dump(mode="json"), _table(after), as_json=as_json)

    run(work())


async def _find(api: "KeyturnApi", project: str, name: str) -> "Alias":
    every = await api.list_aliases(project)
    return one_named(every, name, noun="alias", listed_by="keyturn connection alias list")


def _table(*found: "Alias") -> list[str]:
    rows = [
        [one.name, one.connection_name, f"{one.environment}{one.secret_path}", one.id]
        for one in found
    ]
    return output.table(["alias", "leads to", "folder", "id"], rows)
