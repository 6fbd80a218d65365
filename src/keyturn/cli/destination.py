"""Destinations: other stores that secrets are brought to."""

import asyncio
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from keyturn.cli import options, output
from keyturn.cli.running import connected, run

if TYPE_CHECKING:
    from keyturn.client import KeyturnApi
    from keyturn.wire.destinations import Delivery, Destination

KINDS = (
    "aws-secrets-manager",
    "github-actions",
    "hashicorp-vault",
    "kubernetes",
    "webhook",
    "file",
)

IN_HAND_S = 90.0
"""Longer than a worker's lease: one that was fenced may still be writing until that ends."""
LOOK_EVERY_S = 0.2

plan = click.option(
    "--plan", is_flag=True, help="Only say what would be brought where; change nothing."
)
which_destination = click.argument("which", metavar="DESTINATION")


@click.group()
def destination() -> None:
    """Bring secrets to other stores, and keep them current there."""


def _leading(command: Any) -> Any:  # noqa: ANN401  click's decorators
    """Add the options that say where a destination is, and what is brought there."""
    for option in (
        click.option("--prefix", help="What is put before every name there."),
        click.option("--map", "mapping", multiple=True, help="Another name there: NAME=THERE."),
        click.option("--secret", "secrets", multiple=True, help="Bring this one, not all."),
        click.option(
            "--credential-file",
            "files",
            multiple=True,
            help="A part of the credential, read from a file: NAME=FILE.",
        ),
        click.option(
            "--credential-env",
            "variables",
            multiple=True,
            help="A part of the credential, read from the environment: NAME=VARIABLE.",
        ),
        click.option("--set-file", "set_files", multiple=True, help="A setting: NAME=FILE."),
        click.option("--set", "settings", multiple=True, help="A setting: NAME=TEXT."),
    ):
        command = option(command)
    return command


@destination.command("add")
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("name")
@_leading
@click.option("--optional", is_flag=True, help="Let turns go on though it has not confirmed.")
@options.environment
@options.path
@plan
@options.project
@options.server
@options.as_json
def add(
    *,
    kind: str,
    name: str,
    optional: bool,
    environment: str,
    path: str,
    plan: bool,
    project: str,
    server: str | None,
    as_json: bool,
    **leading: Any,  # noqa: ANN401  the options of _leading
) -> None:
    """Bring the secrets of a folder to the store NAME, now and whenever they change.

    Credentials come from files or the environment and never as arguments, because other users of
    the machine can read those. docs/delivery.md has the settings of each kind.
    """
    from keyturn.wire.destinations import CreateDestination

    where = {"projectId": project, "environment": environment, "secretPath": path}
    told = {"name": name, "kind": kind, "required": not optional}
    body = options.checked(CreateDestination, where | told | _fields(leading))
    if plan:
        what = ", ".join(body.secrets) or "every secret"
        lines = [f"{what} of {project}/{environment}{path} would be brought to {name} ({kind}):"]
        lines += [f"  {key}  {text}" for key, text in body.settings.items()]
        output.show({"plan": lines}, lines, as_json=as_json)
        return

    async def work() -> None:
        async with connected(server) as api:
            made = await api.create_destination(body)
        _show(made, as_json=as_json)

    run(work())


@destination.command("update")
@which_destination
@click.option("--name", help="What to call it from now on.")
@_leading
@click.option("--required/--optional", default=None, help="Whether turns wait for it.")
@options.project
@options.server
@options.as_json
def update(
    *,
    which: str,
    name: str | None,
    required: bool | None,
    project: str,
    server: str | None,
    as_json: bool,
    **leading: Any,  # noqa: ANN401  the options of _leading
) -> None:
    """Change a destination; settings are replaced as a whole, and need the credential again."""
    from keyturn.wire.destinations import UpdateDestination

    own = {"name": name, "required": required}
    given = {key: told for key, told in own.items() if told is not None} | _fields(leading)
    if not given:
        raise click.UsageError("Say what to change.")
    body = options.checked(UpdateDestination, given)

    async def work() -> None:
        async with connected(server) as api:
            found = await _find(api, project, which)
            _show(await api.update_destination(found.id, body), as_json=as_json)

    run(work())


@destination.command("list")
@options.project
@options.server
@options.as_json
def list_destinations(*, project: str, server: str | None, as_json: bool) -> None:
    """List the destinations of a project, and how each stands."""

    async def work() -> None:
        async with connected(server) as api:
            found = await api.list_destinations(project)
        document = {"destinations": [one.model_dump(mode="json") for one in found]}
        header = ["name", "kind", "folder", "required", "state", "id"]
        output.show(document, output.table(header, [_row(one) for one in found]), as_json=as_json)

    run(work())


@destination.command("show")
@which_destination
@options.project
@options.server
@options.as_json
def show(*, which: str, project: str, server: str | None, as_json: bool) -> None:
    """Show a destination, and which versions of which secrets it has confirmed."""

    async def work() -> None:
        async with connected(server) as api:
            found = await _find(api, project, which)
            covered = await api.list_deliveries(found.id)
        _show(found, covered, as_json=as_json)

    run(work())


@destination.command("deliver")
@which_destination
@plan
@options.project
@options.server
@options.as_json
def deliver(*, which: str, plan: bool, project: str, server: str | None, as_json: bool) -> None:
    """Bring everything to a destination again now, whatever it has confirmed.

    Where a worker has it in hand already, that is waited for, as long as its lease may last.
    """

    async def work() -> None:
        async with connected(server) as api:
            found = await _find(api, project, which)
            if not plan:
                found = await delivered(api, found.id)
            covered = await api.list_deliveries(found.id)
        if not plan:
            _show(found, covered, as_json=as_json)
            return
        brought = [one for one in covered if one.state != "left out"]
        lines = [f"{one.secret} version {one.version} as {one.target}" for one in brought]
        lines = [f"Would be brought to {found.name} ({found.kind}):", *(lines or ["nothing"])]
        output.show({"plan": lines}, lines, as_json=as_json)

    run(work())


def _switch(name: str, told: str, *, paused: bool) -> None:
    @destination.command(name, help=told)
    @which_destination
    @options.project
    @options.server
    @options.as_json
    def switch(*, which: str, project: str, server: str | None, as_json: bool) -> None:
        from keyturn.wire.destinations import UpdateDestination

        async def work() -> None:
            async with connected(server) as api:
                found = await _find(api, project, which)
                body = UpdateDestination(paused=paused)
                _show(await api.update_destination(found.id, body), as_json=as_json)

        run(work())


_switch("pause", "Bring nothing to a destination for now; turns do not wait for it.", paused=True)
_switch("resume", "Bring secrets to a paused destination again, beginning now.", paused=False)


@destination.command("remove")
@which_destination
@options.project
@options.server
@options.as_json
def remove(*, which: str, project: str, server: str | None, as_json: bool) -> None:
    """Remove a destination; what was brought to it stays there."""

    async def work() -> None:
        async with connected(server) as api:
            gone = await api.delete_destination((await _find(api, project, which)).id)
        line = f"Removed destination {gone.name}; what was brought to it stays there."
        output.show(gone.model_dump(mode="json"), [line], as_json=as_json)

    run(work())


async def delivered(api: "KeyturnApi", destination_id: str) -> "Destination":
    """Deliver, and return how it stands once nobody has it in hand any more, or it has failed."""
    found = await api.deliver(destination_id)
    for _ in range(int(IN_HAND_S / LOOK_EVERY_S)):
        if found.state != "waiting" or found.attempts:
            break
        await asyncio.sleep(LOOK_EVERY_S)
        found = await api.read_destination(destination_id)
    return found


async def _find(api: "KeyturnApi", project: str, which: str) -> "Destination":
    every = await api.list_destinations(project)
    found = [one for one in every if which in (one.id, one.name)]
    if not found:
        raise click.ClickException(
            f"There is no destination {which}: `keyturn destination list` has all."
        )
    if len(found) > 1:
        ids = ", ".join(one.id for one in found)
        raise click.ClickException(f"Several are called {which}: say which by id: {ids}.")
    return found[0]


def _fields(leading: Mapping[str, Any]) -> dict[str, object]:
    """Return the fields of a body from the options; what was not given is left out."""
    settings = _pairs(leading["settings"]) | _read(leading["set_files"])
    credential = _read(leading["files"]) | _from_environment(leading["variables"])
    fields: dict[str, object] = {
        "settings": settings,
        "credential": credential,
        "secrets": leading["secrets"],
        "mapping": _pairs(leading["mapping"]),
    }
    given = {name: told for name, told in fields.items() if told}
    return given | ({} if leading["prefix"] is None else {"prefix": leading["prefix"]})


def _pairs(texts: Iterable[str]) -> dict[str, str]:
    pairs = [text.partition("=") for text in texts]
    if not all(middle for _, middle, _ in pairs):
        raise click.UsageError("Write it as NAME=TEXT.")
    return {name: text for name, _, text in pairs}


def _read(texts: Iterable[str]) -> dict[str, str]:
    try:
        return {name: Path(file).read_text("utf-8").strip() for name, file in _pairs(texts).items()}
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"A file cannot be read ({type(error).__name__}).") from None


def _from_environment(texts: Iterable[str]) -> dict[str, str]:
    named = _pairs(texts)
    empty = [variable for variable in named.values() if not os.environ.get(variable)]
    if empty:
        raise click.UsageError(f"The environment variable {empty[0]} is empty or not set.")
    return {name: os.environ[variable] for name, variable in named.items()}


def _show(
    one: "Destination", covered: "Sequence[Delivery] | None" = None, *, as_json: bool
) -> None:
    document = one.model_dump(mode="json")
    lines = [
        f"destination {one.name} ({one.id}), {one.kind}, of {one.environment}{one.secret_path}",
        f"  state         {one.state}" + ("" if one.required else " (optional)"),
        f"  confirmed by  {one.confirmed_by}",
    ]
    if one.message:
        again = f"; next try {output.moment(one.next_try_at)}" if one.next_try_at else ""
        lines.append(f"  told          {one.message}{again}")
    if covered is not None:
        document["deliveries"] = [each.model_dump(mode="json") for each in covered]
        header = ["secret", "there", "served", "confirmed", "at", "state"]
        lines += ["", *output.table(header, [_covered(each) for each in covered])]
    output.show(document, lines, as_json=as_json)


def _covered(one: "Delivery") -> list[str]:
    had = str(one.confirmed_version) if one.confirmed_version else "-"
    at = output.moment(one.confirmed_at)
    return [one.secret, one.target, str(one.version), had, at, one.state]


def _row(one: "Destination") -> list[str]:
    folder = f"{one.environment}{one.secret_path}"
    return [one.name, one.kind, folder, "yes" if one.required else "no", one.state, one.id]
