"""Client secrets of identities."""

import click

from keyturn.cli import options, output
from keyturn.cli.naming import identity_named
from keyturn.cli.running import connected, run


@click.group()
def secret() -> None:
    """Make and end the client secrets by which identities log in."""


@secret.command("create")
@click.argument("name")
@click.option("--description", default="", help="What it is for.")
@click.option("--ttl", type=int, default=0, help="Seconds that it lives; 0 is without an end.")
@click.option("--uses", type=int, default=0, help="How many log-ins it is good for; 0 is any.")
@options.server
@options.as_json
def create(
    *, name: str, description: str, ttl: int, uses: int, server: str | None, as_json: bool
) -> None:
    """Make a client secret for the identity NAME, and print it this once."""
    from keyturn.wire.identities import CreateClientSecret

    fields = {"description": description, "ttl": ttl, "numUsesLimit": uses}
    body = options.checked(CreateClientSecret, dict(fields))

    async def work() -> None:
        async with connected(server) as api:
            one = await identity_named(api, name)
            auth = await api.read_universal_auth(one.id)
            made = await api.create_client_secret(one.id, body)
        told = {
            "id": made.client_secret_data.id,
            "clientId": auth.client_id,
            "clientSecret": made.client_secret,
        }
        lines = [
            f"client secret {made.client_secret_data.id}, shown this once:",
            f"  client id      {auth.client_id}",
            f"  client secret  {made.client_secret}",
        ]
        output.show(told, lines, as_json=as_json)

    run(work())


@secret.command("list")
@click.argument("name")
@options.server
@options.as_json
def list_secrets(*, name: str, server: str | None, as_json: bool) -> None:
    """List the client secrets of the identity NAME, without their values."""

    async def work() -> None:
        async with connected(server) as api:
            found = await api.list_client_secrets((await identity_named(api, name)).id)
        rows = [
            [
                one.id,
                one.client_secret_prefix,
                "revoked" if one.is_client_secret_revoked else output.moment(one.expires_at),
                str(one.client_secret_num_uses),
                output.moment(one.last_used_at),
                one.description,
            ]
            for one in found
        ]
        header = ["ID", "BEGINS", "ENDS", "USES", "USED LAST", "DESCRIPTION"]
        document = {"clientSecrets": [one.model_dump(mode="json") for one in found]}
        output.show(document, output.table(header, rows), as_json=as_json)

    run(work())


@secret.command("revoke")
@click.argument("name")
@click.argument("secret_id")
@options.server
@options.as_json
def revoke(*, name: str, secret_id: str, server: str | None, as_json: bool) -> None:
    """End the client secret SECRET_ID of the identity NAME, and every token that came of it."""

    async def work() -> None:
        async with connected(server) as api:
            gone = await api.revoke_client_secret((await identity_named(api, name)).id, secret_id)
        lines = [f"client secret {gone.id} is revoked"]
        output.show(gone.model_dump(mode="json"), lines, as_json=as_json)

    run(work())
