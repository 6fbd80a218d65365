"""What hangs on a client secret, as a tree: what a turn of it touches."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from keyturn.cli import options, output
from keyturn.cli.connection_lines import health_of
from keyturn.cli.oauth_connection import find_connection, which_connection
from keyturn.cli.running import connected, run

if TYPE_CHECKING:
    from keyturn.wire.registrations import Consumer
    from keyturn.wire.usage import UsageAnswer, UsedConnection, UsedFlow, UsedRegistration

Branch = tuple[str, "list[Branch]"]
"""A line, and what hangs on it."""


@click.command("usage")
@which_connection
@options.project
@options.server
@options.as_json
def connection_usage(*, which: str, project: str, server: str | None, as_json: bool) -> None:
    """Show what a connection hangs on, and what hangs on it."""

    async def work() -> None:
        async with connected(server) as api:
            found = await find_connection(api, project, which)
            used = await api.read_connection_usage(found.id)
        output.show(used.model_dump(mode="json"), tree_of(used), as_json=as_json)

    run(work())


@click.command("usage")
@click.argument("which", metavar="ROTATION")
@options.project
@options.server
@options.as_json
def rotation_usage(*, which: str, project: str, server: str | None, as_json: bool) -> None:
    """Show what a turn of a rotation touches: all that hangs on its client secret."""
    from keyturn.cli.rotation import find_rotation

    async def work() -> None:
        async with connected(server) as api:
            found = await find_rotation(api, project, which)
            used = await api.read_rotation_usage(found)
        output.show(used.model_dump(mode="json"), tree_of(used), as_json=as_json)

    run(work())


def tree_of(used: "UsageAnswer") -> list[str]:
    """Render what hangs on a client secret."""
    root = f"rotation {used.rotation.name}" if used.rotation else "no rotation keeps the secret"
    branches = [_registration(each) for each in used.registrations]
    branches += [(f"reader {name}", []) for name in used.readers]
    branches += [(f"destination {name}", []) for name in used.destinations]
    return [root, *_drawn(branches or [("nothing that Keyturn knows of", [])])]


def _registration(one: "UsedRegistration") -> Branch:
    proved = f", of which {one.proved_version} is proved" * (one.proved_version != one.version)
    where = f"{one.environment}{one.secret_path}"
    line = f"client registration {one.name} in {where}: {one.standing}, version {one.version}"
    below = [*map(_connection, one.connections), *map(_consumer, one.consumers)]
    return line + proved, below


def _connection(one: "UsedConnection") -> Branch:
    below: list[Branch] = [(reason, []) for reason in one.reasons]
    below += [(f"alias {name}", []) for name in one.aliases]
    below += [(_flow(each), []) for each in one.flows]
    return f"connection {one.name}: {health_of(one)}", below


def _flow(one: "UsedFlow") -> str:
    """Tell how a flow starts, by what it uses the connection, and how it ran last."""
    starts = one.start.replace("_", " ")
    starts += f", next {one.next_at:%Y-%m-%d %H:%M} UTC" if one.next_at else ""
    by = f" by {', '.join(one.through)}" if one.through else ""
    ran = f"ran {one.ran_at:%Y-%m-%d %H:%M} UTC, {one.ended}" if one.ran_at else "has not run"
    return f"flow {one.name}{by} ({starts}{'' if one.enabled else ', switched off'}): {ran}"


def _consumer(one: "Consumer") -> Branch:
    optional = "" if one.required else ", optional"
    uses = f"uses version {one.confirmed_version}" if one.confirmed_version else "uses none yet"
    adopts = f'Okta Workflows: "{inside}"' if (inside := one.workflows_connection) else one.adoption
    return f"consumer {one.name} ({adopts}): {uses}{optional}", []


def _drawn(branches: "list[Branch]") -> Iterable[str]:
    for number, (line, below) in enumerate(branches, 1):
        last = number == len(branches)
        yield ("└─ " if last else "├─ ") + output.printable(line)
        yield from (("   " if last else "│  ") + each for each in _drawn(below))
