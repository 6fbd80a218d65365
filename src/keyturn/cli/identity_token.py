"""Tokens of identities."""

import click

from keyturn.cli import options, output
from keyturn.cli.naming import identity_named
from keyturn.cli.running import connected, run


@click.group()
def token() -> None:
    """Make tokens for identities by hand, and end those that they have."""


@token.command("create")
@click.argument("name")
@click.option("--label", default="", help="What the token is called in lists.")
@click.option(
    "--ttl", type=int, default=2_592_000, show_default=True, help="Seconds that it lives."
)
@click.option("--uses", type=int, default=0, help="How many requests it is good for; 0 is any.")
@click.option("--from", "networks", multiple=True, help="A network it may come from; repeatable.")
@options.server
@options.as_json
def create(
    *,
    name: str,
    label: str,
    ttl: int,
    uses: int,
    networks: tuple[str, ...],
    server: str | None,
    as_json: bool,
) -> None:
    """Make a token for the identity NAME, and print it this once."""
    from keyturn.wire.identities import CreateToken

    fields: dict[str, object] = {
        "name": label,
        "accessTokenTTL": ttl,
        "accessTokenMaxTTL": ttl,
        "accessTokenNumUsesLimit": uses,
        "accessTokenTrustedIps": [{"ipAddress": each} for each in networks],
    }
    body = options.checked(CreateToken, fields)

    async def work() -> None:
        async with connected(server) as api:
            made = await api.create_token((await identity_named(api, name)).id, body)
        told = {"id": made.token_data.id, "accessToken": made.access_token}
        output.show(told, [made.access_token], as_json=as_json)

    run(work())


@token.command("list")
@click.argument("name")
@options.server
@options.as_json
def list_tokens(*, name: str, server: str | None, as_json: bool) -> None:
    """List the tokens of the identity NAME, made by hand or by logging in."""

    async def work() -> None:
        async with connected(server) as api:
            found = await api.list_tokens((await identity_named(api, name)).id)
        rows = [
            [
                one.id,
                one.auth_method,
                output.moment(one.expires_at),
                f"{one.access_token_num_uses} of {one.access_token_num_uses_limit or 'any'}",
                one.name,
            ]
            for one in found
        ]
        lines = output.table(["ID", "CAME BY", "ENDS", "USES", "LABEL"], rows)
        document = {"tokens": [one.model_dump(mode="json") for one in found]}
        output.show(document, lines, as_json=as_json)

    run(work())


@token.command("revoke")
@click.argument("token_id")
@options.server
@options.as_json
def revoke(*, token_id: str, server: str | None, as_json: bool) -> None:
    """End the token TOKEN_ID."""

    async def work() -> None:
        async with connected(server) as api:
            gone = await api.revoke_token(token_id)
        output.show(gone.model_dump(mode="json"), [f"token {gone.id} is revoked"], as_json=as_json)

    run(work())
