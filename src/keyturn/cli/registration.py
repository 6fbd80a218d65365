"""Client registrations: clients at authorization servers, and what they authenticate with."""

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

import click

from keyturn.cli import options, output
from keyturn.cli.credential import (
    FILE,
    CredentialWords,
    credential_fields,
    credential_options,
    given,
)
from keyturn.cli.naming import one_named
from keyturn.cli.provider_file import read_provider
from keyturn.cli.registration_consumer import consumer, consumer_rows
from keyturn.cli.running import connected, run
from keyturn.cli.workflows import checklist

if TYPE_CHECKING:
    from keyturn.client import KeyturnApi
    from keyturn.wire.registrations import Registration

CONNECTORS = ("api", "okta", "okta-devices")
SCHEMES = ("oauth", "basic", "header", "none")

which_registration = click.argument("which", metavar="REGISTRATION")
provider_file = click.option(
    "--provider",
    "file",
    type=FILE,
    help="How the server is spoken to, in YAML or JSON: see docs/connections.md.",
)


@click.group()
def registration() -> None:
    """Tell Keyturn of OAuth clients: where they are registered, and by which secret."""


registration.add_command(consumer)


@registration.command("add")
@click.argument("name")
@click.option(
    "--connector",
    type=click.Choice(CONNECTORS),
    default="api",
    show_default=True,
    help="A service that is known, or any other.",
)
@click.option("--domain", help="For Okta: the org's domain, example.okta.com.")
@click.option("--preset", help="A service of `keyturn registration presets`.")
@click.option("--tenant", help="For the preset microsoft: the directory, by its id or domain.")
@click.option("--issuer", help="An issuer whose metadata tell how it is spoken to.")
@click.option("--foreign", multiple=True, help="A host its endpoints may be at as well.")
@provider_file
@click.option(
    "--scheme",
    type=click.Choice(SCHEMES),
    default="oauth",
    show_default=True,
    help="How requests are authorized.",
)
@credential_options
@click.option("--description", help="What it is for.")
@options.environment
@options.path
@options.project
@options.server
@options.as_json
def add(
    *,
    name: str,
    connector: str,
    domain: str | None,
    preset: str | None,
    tenant: str | None,
    issuer: str | None,
    foreign: tuple[str, ...],
    file: Path | None,
    scheme: str,
    description: str | None,
    environment: str,
    path: str,
    project: str,
    server: str | None,
    as_json: bool,
    **words: Unpack[CredentialWords],
) -> None:
    """Store the client registration NAME; its server is asked at once whether it accepts it.

    Best name a rotation of the same folder: whatever it turns to is used from then on. A secret is
    never an argument, because other users of the machine can read those.
    """
    from keyturn.wire.registrations import CreateRegistration

    told = {
        "connector": connector,
        "domain": domain,
        "preset": preset,
        "tenant": tenant,
        "issuer": issuer,
        "foreignHosts": foreign,
        "provider": read_provider(file) if file else None,
        "scheme": scheme,
        "description": description,
    }
    where = {"name": name, "projectId": project, "environment": environment, "secretPath": path}
    fields = where | {key: value for key, value in told.items() if value}
    body = options.checked(CreateRegistration, fields | credential_fields(words))

    async def work() -> None:
        async with connected(server) as api:
            made = await api.create_registration(body)
        output.show(made.model_dump(mode="json"), lines_of(made), as_json=as_json)

    run(work())


@registration.command("presets")
@options.as_json
def presets(*, as_json: bool) -> None:
    """List the services whose endpoints are known: as documented, and not tried by us.

    For `keyturn registration add --preset`; what --issuer and --provider say comes before it.
    """
    from keyturn.domain.oauth.presets import PRESETS

    known = {name: asdict(preset) for name, preset in PRESETS.items()}
    header = ["preset", "for tokens that last it takes", "documentation"]
    rows = [[name, preset.lasting, preset.source] for name, preset in PRESETS.items()]
    output.show({"presets": known}, output.table(header, rows), as_json=as_json)


@registration.command("list")
@options.project
@options.server
@options.as_json
def list_registrations(*, project: str, server: str | None, as_json: bool) -> None:
    """List the client registrations of a project, and how their secrets stand."""

    async def work() -> None:
        async with connected(server) as api:
            found = await api.list_registrations(project)
        document = {"registrations": [one.model_dump(mode="json") for one in found]}
        header = ["name", "connector", "folder", "client id", "version", "secret", "used", "id"]
        output.show(document, output.table(header, [_row(one) for one in found]), as_json=as_json)

    run(work())


@registration.command("show")
@which_registration
@options.project
@options.server
@options.as_json
def show(*, which: str, project: str, server: str | None, as_json: bool) -> None:
    """Show a client registration, how its secret stands, and who else uses that."""

    async def work() -> None:
        async with connected(server) as api:
            found = await find_registration(api, project, which)
            others = await api.list_consumers(found.id)
        document = found.model_dump(mode="json")
        document["consumers"] = [one.model_dump(mode="json") for one in others]
        lines = [*lines_of(found), *(["", *consumer_rows(others)] if others else [])]
        ticks = checklist(others, found.version)
        lines += ["", *ticks] if ticks else []
        output.show(document, lines, as_json=as_json)

    run(work())


@registration.command("update")
@which_registration
@click.option("--name", help="What to call it from now on.")
@provider_file
@credential_options
@click.option("--description", help="What it is for; empty to remove what is there.")
@options.project
@options.server
@options.as_json
def update(
    *,
    which: str,
    name: str | None,
    file: Path | None,
    description: str | None,
    project: str,
    server: str | None,
    as_json: bool,
    **words: Unpack[CredentialWords],
) -> None:
    """Change a client registration; its connections keep their grants.

    A secret that the server rejects is refused, and nothing is changed. Another server takes the
    secret again, so that nobody has the one that is kept sent elsewhere.
    """
    from keyturn.wire.registrations import UpdateRegistration

    told: dict[str, object] = {"name": name, "description": description}
    fields = {key: value for key, value in told.items() if value is not None}
    fields |= {"provider": read_provider(file)} if file else {}
    fields |= credential_fields(words) if given(words) else {}
    if not fields:
        raise click.UsageError("Say what to change.")
    body = options.checked(UpdateRegistration, fields)

    async def work() -> None:
        async with connected(server) as api:
            found = await find_registration(api, project, which)
            after = await api.update_registration(found.id, body)
        output.show(after.model_dump(mode="json"), lines_of(after), as_json=as_json)

    run(work())


@registration.command("prove")
@which_registration
@options.project
@options.server
@options.as_json
def prove(*, which: str, project: str, server: str | None, as_json: bool) -> None:
    """Have the server asked now whether it accepts the secret; exits with 1 where it does not.

    No grant is spent by it.
    """

    async def work() -> bool:
        async with connected(server) as api:
            found = await find_registration(api, project, which)
            found = await api.prove_registration(found.id)
        output.show(found.model_dump(mode="json"), lines_of(found), as_json=as_json)
        return found.standing != "rejected"

    if not run(work()):
        raise SystemExit(1)


@registration.command("delete")
@which_registration
@options.project
@options.server
@options.as_json
def delete(*, which: str, project: str, server: str | None, as_json: bool) -> None:
    """Delete a client registration that has no connections; nothing changes at its server."""

    async def work() -> None:
        async with connected(server) as api:
            found = await find_registration(api, project, which)
            gone = await api.delete_registration(found.id)
        line = f"Deleted client registration {gone.name}."
        output.show(gone.model_dump(mode="json"), [line], as_json=as_json)

    run(work())


async def find_registration(api: "KeyturnApi", project: str, which: str) -> "Registration":
    """Find a client registration by its id or name. Raises ClickException for none, or several."""
    every = await api.list_registrations(project)
    noun, listed_by = "client registration", "keyturn registration list"
    return one_named(every, which, noun=noun, listed_by=listed_by)


def lines_of(one: "Registration") -> list[str]:
    """Render a client registration."""
    where = f"{one.environment}{one.secret_path}"
    return [
        f"registration {one.name} ({one.id}), {one.connector}, of {where}",
        *([f"  description   {one.description}"] if one.description else []),
        f"  server        {_server(one)}",
        f"  client id     {_client_id(one) or 'none'}",
        f"  secret        {one.secret_name or 'its own'}, version {one.version}",
        *_standing(one),
        f"  connections   {one.connections}",
    ]


def _server(one: "Registration") -> str:
    if one.scheme != "oauth":
        return f"requests are authorized by {one.scheme}"
    endpoints = one.provider.get("endpoints")
    token = endpoints.get("token") if isinstance(endpoints, dict) else ""
    method = one.provider.get("auth", "client_secret_basic")
    return f"{one.provider.get('issuer') or token}, by {method}"


def _client_id(one: "Registration") -> str:
    return f"that of {one.client_id_name}" if one.client_id_name else one.client_id


def _standing(one: "Registration") -> Iterable[str]:
    if one.scheme != "oauth":
        return
    how = f"version {one.tested_version}, by {one.tested_by}, {output.moment(one.tested_at)}"
    yield f"  stands        {one.standing}" + (f" ({how})" if one.tested_at else "")
    if one.message:
        again = f" Next try {output.moment(one.next_test_at)}." if one.next_test_at else ""
        yield f"  told          {one.message}{again}"


def _row(one: "Registration") -> list[str]:
    return [
        one.name,
        one.connector,
        f"{one.environment}{one.secret_path}",
        _client_id(one),
        str(one.version),
        one.standing if one.scheme == "oauth" else one.scheme,
        str(one.connections),
        one.id,
    ]
