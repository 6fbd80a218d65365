"""Which roles identities hold."""

import click

from keyturn.cli import options, output
from keyturn.cli.naming import identity_named
from keyturn.cli.running import connected, run

everywhere = click.option("--everywhere", is_flag=True, help="In every project instead of one.")


@click.group()
def role() -> None:
    """Give roles to identities, and take them away."""


@role.command("set")
@click.argument("name")
@click.argument("roles", nargs=-1, required=True)
@everywhere
@options.project
@options.server
@options.as_json
def set_roles(
    *,
    name: str,
    roles: tuple[str, ...],
    everywhere: bool,
    project: str,
    server: str | None,
    as_json: bool,
) -> None:
    """Let the identity NAME hold these ROLES in the project, and no others."""
    from keyturn.wire.identities import UpdateIdentity

    if everywhere and len(roles) != 1:
        raise click.UsageError("In every project an identity holds one role.")

    async def work() -> None:
        async with connected(server) as api:
            one = await identity_named(api, name)
            if everywhere:
                await api.update_identity(one.id, UpdateIdentity(role=roles[0]))
            elif one.id in {each.identity_id for each in await api.list_members(project)}:
                await api.change_member(project, one.id, *roles)
            else:
                await api.add_member(project, one.id, *roles)
        _show(name, roles, everywhere=everywhere, project=project, as_json=as_json)

    run(work())


@role.command("remove")
@click.argument("name")
@everywhere
@options.project
@options.server
@options.as_json
def remove_roles(
    *, name: str, everywhere: bool, project: str, server: str | None, as_json: bool
) -> None:
    """Take every role in the project from the identity NAME."""
    from keyturn.wire.identities import UpdateIdentity

    async def work() -> None:
        async with connected(server) as api:
            one = await identity_named(api, name)
            if everywhere:
                await api.update_identity(one.id, UpdateIdentity(role="no-access"))
            else:
                await api.remove_member(project, one.id)
        _show(name, (), everywhere=everywhere, project=project, as_json=as_json)

    run(work())


def _show(
    name: str, roles: tuple[str, ...], *, everywhere: bool, project: str, as_json: bool
) -> None:
    where = "in every project" if everywhere else f"in project {project}"
    held = ", ".join(roles) or "no role"
    told = {"identity": name, "roles": [*roles], "project": None if everywhere else project}
    output.show(told, [f"{name} holds {held} {where}"], as_json=as_json)
