"""Roles that an installation makes for itself."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from keyturn.cli import options, output
from keyturn.cli.running import connected, run

if TYPE_CHECKING:
    from keyturn.wire.roles import Role

everywhere = click.option("--everywhere", is_flag=True, help="Of all projects instead of one.")


@click.group()
def role() -> None:
    """Say what may be done where, under a name that identities can hold."""


def _content(command: Any) -> Any:  # noqa: ANN401  click's decorators
    """Add the options that say what a role grants."""
    for option in (
        click.option("--name", help="What people call it."),
        click.option("--description", help="What it is for."),
        click.option(
            "--grants",
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="A JSON file with a list of grants, in place of the four below.",
        ),
        click.option("--connection", "connections", multiple=True, help="A connection's id."),
        click.option("--path", "paths", multiple=True, help="Folders, such as /app/**."),
        click.option("--env", "environments", multiple=True, help="Environments, such as dev."),
        click.option("--verb", "verbs", multiple=True, help="A verb, such as secrets:read."),
    ):
        command = option(command)
    return command


@role.command("create")
@click.argument("slug")
@_content
@everywhere
@options.project
@options.server
@options.as_json
def create(
    *,
    slug: str,
    everywhere: bool,
    project: str,
    server: str | None,
    as_json: bool,
    **content: Any,  # noqa: ANN401  the options of _content
) -> None:
    """Make the role SLUG: verbs, and where they hold. A condition left out holds everywhere."""
    from keyturn.wire.roles import CreateRole

    body = options.checked(CreateRole, {"slug": slug, **_fields(content)})

    async def work() -> None:
        async with connected(server) as api:
            made = await api.create_role(None if everywhere else project, body)
        _show(made, as_json=as_json)

    run(work())


@role.command("update")
@click.argument("slug")
@_content
@everywhere
@options.project
@options.server
@options.as_json
def update(
    *,
    slug: str,
    everywhere: bool,
    project: str,
    server: str | None,
    as_json: bool,
    **content: Any,  # noqa: ANN401  the options of _content
) -> None:
    """Change the role SLUG for everybody who holds it; grants are replaced as a whole."""
    from keyturn.wire.roles import UpdateRole

    body = options.checked(UpdateRole, _fields(content))

    async def work() -> None:
        async with connected(server) as api:
            changed = await api.update_role(None if everywhere else project, slug, body)
        _show(changed, as_json=as_json)

    run(work())


@role.command("list")
@everywhere
@options.project
@options.server
@options.as_json
def list_roles(*, everywhere: bool, project: str, server: str | None, as_json: bool) -> None:
    """List the roles that can be held, built-in ones first."""

    async def work() -> None:
        async with connected(server) as api:
            found = await api.list_roles(None if everywhere else project)
        rows = [[one.slug, one.name, _scope(one), str(_count(one))] for one in found]
        lines = output.table(["SLUG", "NAME", "OF", "VERBS"], rows)
        document = {"roles": [one.model_dump(mode="json") for one in found]}
        output.show(document, lines, as_json=as_json)

    run(work())


@role.command("show")
@click.argument("slug")
@everywhere
@options.project
@options.server
@options.as_json
def show(*, slug: str, everywhere: bool, project: str, server: str | None, as_json: bool) -> None:
    """Show what the role SLUG grants, and where."""

    async def work() -> None:
        async with connected(server) as api:
            found = await api.read_role(None if everywhere else project, slug)
        _show(found, as_json=as_json)

    run(work())


@role.command("delete")
@click.argument("slug")
@everywhere
@options.project
@options.server
@options.as_json
def delete(*, slug: str, everywhere: bool, project: str, server: str | None, as_json: bool) -> None:
    """Delete the role SLUG, which nobody may hold any more."""

    async def work() -> None:
        async with connected(server) as api:
            gone = await api.delete_role(None if everywhere else project, slug)
        output.show(gone.model_dump(mode="json"), [f"role {slug} is deleted"], as_json=as_json)

    run(work())


def _fields(content: dict[str, Any]) -> dict[str, object]:
    """Return the fields of a body from the options; what was not given is left out."""
    given = {name: content[name] for name in ("name", "description") if content[name] is not None}
    plain = {name: content[name] for name in ("verbs", "environments", "paths", "connections")}
    if content["grants"]:
        return given | {"grants": _read(content["grants"])}
    return given | ({"grants": [plain]} if any(plain.values()) else {})


def _read(file: Path) -> object:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except ValueError:
        raise click.UsageError(f"{file} is no JSON.") from None


def _show(found: "Role", *, as_json: bool) -> None:
    lines = [f"role {found.slug} ({found.name}), {_scope(found)}"]
    for grant in found.grants:
        lines += [
            f"  verbs         {', '.join(grant.verbs)}",
            f"  environments  {_any(grant.environments)}",
            f"  paths         {_any(grant.paths)}",
            f"  connections   {_any(grant.connections)}",
        ]
    output.show(found.model_dump(mode="json"), lines, as_json=as_json)


def _any(patterns: Sequence[str]) -> str:
    return ", ".join(patterns) or "any"


def _scope(found: "Role") -> str:
    if found.built_in:
        return "built in"
    return f"project {found.project_id}" if found.project_id else "every project"


def _count(found: "Role") -> int:
    return len({verb for grant in found.grants for verb in grant.verbs})
