"""The roles that somebody new is given, in a project or in every one."""

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from keyturn.client import KeyturnApi

roles = click.option(
    "--role", "roles", multiple=True, help="A role to hold in the project; repeatable."
)
everywhere = click.option(
    "--everywhere", is_flag=True, help="Hold the one role in every project instead."
)


def role_everywhere(roles: tuple[str, ...], *, everywhere: bool) -> str:
    """Return the role to hold in every project, or nothing. Raises UsageError for several."""
    if everywhere and len(roles) != 1:
        raise click.UsageError("--everywhere needs one --role.")
    return roles[0] if everywhere else ""


async def hold(
    api: "KeyturnApi", identity_id: str, roles: tuple[str, ...], project: str, *, everywhere: bool
) -> None:
    """Let an identity hold roles in a project, unless its one role is held everywhere."""
    if roles and not everywhere:
        await api.add_member(project, identity_id, *roles)
