"""Identities: make them, look at them, remove them."""

from typing import TYPE_CHECKING

import click

from keyturn.cli import holding, options, output
from keyturn.cli.identity_role import role
from keyturn.cli.identity_secret import secret
from keyturn.cli.identity_token import token
from keyturn.cli.naming import identity_named
from keyturn.cli.running import connected, run

if TYPE_CHECKING:
    from keyturn.wire.identities import HeldRole, Identity


@click.group()
def identity() -> None:
    """Decide who may use this server: machines, and what they hold."""


identity.add_command(secret)
identity.add_command(token)
identity.add_command(role)


@identity.command("create")
@click.argument("name")
@holding.roles
@holding.everywhere
@options.project
@options.server
@options.as_json
def create(
    *,
    name: str,
    roles: tuple[str, ...],
    everywhere: bool,
    project: str,
    server: str | None,
    as_json: bool,
) -> None:
    """Make an identity with a client secret, which is printed this once."""
    from keyturn.wire.identities import ConfigureUniversalAuth, CreateClientSecret, CreateIdentity

    role_held = holding.role_everywhere(roles, everywhere=everywhere)
    body = options.checked(CreateIdentity, {"name": name, "role": role_held})

    async def work() -> None:
        async with connected(server) as api:
            made = await api.create_identity(body)
            await holding.hold(api, made.id, roles, project, everywhere=everywhere)
            auth = await api.configure_universal_auth(made.id, ConfigureUniversalAuth(), anew=True)
            new = await api.create_client_secret(made.id, CreateClientSecret())
        told = {
            "id": made.id,
            "name": made.name,
            "clientId": auth.client_id,
            "clientSecret": new.client_secret,
        }
        lines = [
            f"identity {made.name} ({made.id})",
            "The client secret is shown this once:",
            f"  client id      {auth.client_id}",
            f"  client secret  {new.client_secret}",
        ]
        output.show(told, lines, as_json=as_json)

    run(work())


@identity.command("list")
@options.server
@options.as_json
def list_identities(*, server: str | None, as_json: bool) -> None:
    """List identities, and what they hold."""

    async def work() -> None:
        async with connected(server) as api:
            found = await api.list_identities()
        rows = [[one.name, one.id, _kind(one), _told(one.roles)] for one in found]
        document = {"identities": [one.model_dump(mode="json") for one in found]}
        lines = output.table(["NAME", "ID", "KIND", "ROLES"], rows)
        output.show(document, lines, as_json=as_json)

    run(work())


@identity.command("show")
@click.argument("name")
@options.server
@options.as_json
def show(*, name: str, server: str | None, as_json: bool) -> None:
    """Show the identity NAME, by its name or id, and by what it logs in."""

    async def work() -> None:
        async with connected(server) as api:
            one = await identity_named(api, name)
        lines = [
            f"identity {one.name}",
            f"  id       {one.id}",
            f"  kind     {_kind(one)}",
            f"  roles    {_told(one.roles)}",
            f"  logs in  {', '.join(one.auth_methods) or 'not yet'}",
            f"  made     {output.moment(one.created_at)}",
        ]
        output.show(one.model_dump(mode="json"), lines, as_json=as_json)

    run(work())


@identity.command("delete")
@click.argument("name")
@options.server
@options.as_json
def delete(*, name: str, server: str | None, as_json: bool) -> None:
    """Delete the identity NAME; its tokens and client secrets are good for nothing at once."""

    async def work() -> None:
        async with connected(server) as api:
            gone = await api.delete_identity((await identity_named(api, name)).id)
        lines = [f"identity {gone.name} ({gone.id}) is deleted"]
        output.show(gone.model_dump(mode="json"), lines, as_json=as_json)

    run(work())


@identity.command("unlock")
@click.argument("name")
@options.server
@options.as_json
def unlock(*, name: str, server: str | None, as_json: bool) -> None:
    """Let the identity NAME, locked out after wrong client secrets, try again at once."""

    async def work() -> None:
        async with connected(server) as api:
            one = await identity_named(api, name)
            await api.clear_lockout(one.id)
        output.show({"id": one.id}, [f"identity {one.name} is not locked out"], as_json=as_json)

    run(work())


def _kind(one: "Identity") -> str:
    return "person" if one.person else "machine"


def _told(roles: "tuple[HeldRole, ...]") -> str:
    told = [f"{each.role} ({each.project_id or 'every project'})" for each in roles]
    return ", ".join(told) or "none"
