"""Consumers elsewhere: who uses a registration's secret on its own."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from keyturn.cli import options, output
from keyturn.cli.naming import identity_named, one_named
from keyturn.cli.running import connected, run

if TYPE_CHECKING:
    from keyturn.client import KeyturnApi
    from keyturn.wire.registrations import Consumer

ADOPTIONS = ("live", "reload", "restart")

which_registration = click.argument("which", metavar="REGISTRATION")


@click.group()
def consumer() -> None:
    """Tell who uses a client secret on its own, so that a turn waits for it."""


@consumer.command("add")
@which_registration
@click.argument("name")
@click.option(
    "--adoption",
    type=click.Choice(ADOPTIONS),
    help="How it comes to a new secret: reads it on each use, is told to reload, or restarts.",
)
@click.option(
    "--workflows",
    metavar="CONNECTION",
    help="It is the connection of this name inside Okta Workflows; Okta's System Log proves it.",
)
@click.option("--identity", help="Whom it reads the secret as, where it reads it here.")
@click.option("--optional", is_flag=True, help="Let turns go on though it has not confirmed.")
@click.option("--note", help="Where it is, and whom to ask.")
@options.project
@options.server
@options.as_json
def add(
    *,
    which: str,
    name: str,
    adoption: str | None,
    workflows: str | None,
    identity: str | None,
    optional: bool,
    note: str | None,
    project: str,
    server: str | None,
    as_json: bool,
) -> None:
    """Tell of the consumer NAME; it counts as using what is served now."""
    from keyturn.wire.registrations import CreateConsumer

    if not (adoption or workflows):
        raise click.UsageError("Say --adoption, or --workflows.")
    told = {"name": name, "adoption": adoption or "restart", "required": not optional, "note": note}
    told |= {"workflowsConnection": workflows}
    fields: dict[str, object] = {key: value for key, value in told.items() if value is not None}

    async def work() -> None:
        async with connected(server) as api:
            registration_id = await _registration_id(api, project, which)
            reader = {}
            if identity:
                reader = {"identityId": (await identity_named(api, identity)).id}
            body = options.checked(CreateConsumer, fields | reader)
            _show(await api.create_consumer(registration_id, body), as_json=as_json)

    run(work())


@consumer.command("list")
@which_registration
@options.project
@options.server
@options.as_json
def list_consumers(*, which: str, project: str, server: str | None, as_json: bool) -> None:
    """List who else uses a registration's secret, and by now which version."""

    async def work() -> None:
        async with connected(server) as api:
            found = await api.list_consumers(await _registration_id(api, project, which))
        document = {"consumers": [one.model_dump(mode="json") for one in found]}
        output.show(document, consumer_rows(found), as_json=as_json)

    run(work())


@consumer.command("confirm")
@which_registration
@click.argument("name")
@click.option("--version", type=int, help="Which one.  [default: the one that is served]")
@options.project
@options.server
@options.as_json
def confirm(
    *,
    which: str,
    name: str,
    version: int | None,
    project: str,
    server: str | None,
    as_json: bool,
) -> None:
    """Note that the consumer NAME uses a version by now; a turn may wait for that."""

    async def work() -> None:
        async with connected(server) as api:
            registration_id = await _registration_id(api, project, which)
            found = await api.confirm_consumer(registration_id, name, version)
        _show(found, as_json=as_json)

    run(work())


@consumer.command("remove")
@which_registration
@click.argument("name")
@options.project
@options.server
@options.as_json
def remove(*, which: str, name: str, project: str, server: str | None, as_json: bool) -> None:
    """Forget the consumer NAME; no turn waits for it any more."""

    async def work() -> None:
        async with connected(server) as api:
            registration_id = await _registration_id(api, project, which)
            gone = await api.delete_consumer(registration_id, name)
        output.show(
            gone.model_dump(mode="json"), [f"Removed consumer {gone.name}."], as_json=as_json
        )

    run(work())


def consumer_rows(found: "Sequence[Consumer]") -> list[str]:
    """Render consumers as a table."""
    header = ["consumer", "adopts by", "uses version", "since", "required", "note"]
    return output.table(header, [_row(one) for one in found])


async def _registration_id(api: "KeyturnApi", project: str, which: str) -> str:
    every = await api.list_registrations(project)
    noun, listed_by = "client registration", "keyturn registration list"
    return one_named(every, which, noun=noun, listed_by=listed_by).id


def _show(one: "Consumer", *, as_json: bool) -> None:
    output.show(one.model_dump(mode="json"), consumer_rows([one]), as_json=as_json)


def _row(one: "Consumer") -> list[str]:
    return [
        one.name,
        f'Workflows: "{one.workflows_connection}"' if one.workflows_connection else one.adoption,
        str(one.confirmed_version) if one.confirmed_version else "none",
        output.moment(one.confirmed_at),
        "yes" if one.required else "no",
        one.note or "",
    ]
