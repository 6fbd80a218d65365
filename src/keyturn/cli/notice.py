"""What people were told of connections, and whether it has arrived."""

from typing import TYPE_CHECKING

import click

from keyturn.cli import options, output
from keyturn.cli.running import connected, run

if TYPE_CHECKING:
    from keyturn.wire.notices import Notice


@click.group()
def notice() -> None:
    """See what was told of connections and of their clients' secrets."""


@notice.command("list")
@options.project
@options.server
@options.as_json
def list_notices(*, project: str, server: str | None, as_json: bool) -> None:
    """List the notices of a project, the latest first: what changed, why, and when it was told.

    They are sent to KEYTURN_NOTIFY_URL, where that is set, and kept for a while in any case.
    """

    async def work() -> None:
        async with connected(server) as api:
            found = await api.list_notices(project)
        document = {"notices": [one.model_dump(mode="json") for one in found]}
        lines = [output.printable(line) for one in found for line in lines_of(one)] or ["none"]
        output.show(document, lines, as_json=as_json)

    run(work())


def lines_of(one: "Notice") -> list[str]:
    """Render a notice."""
    noun = "connection" if one.kind == "connection.health" else "client registration"
    where = f"{one.environment}{one.secret_path}"
    change = f"{_words(one.before)} -> {_words(one.after)}"
    return [
        f"{output.moment(one.created_at)}  {noun} {one.subject} of {where}: {change}",
        f"    {one.message}",
        *([f"    connections: {one.connections}"] if noun != "connection" else []),
        *([f"    fails at {output.moment(one.fails_at)}"] if one.fails_at else []),
        *([f"    {one.link}"] if one.link else []),
        f"    {_fate(one)}",
    ]


def _words(light: str) -> str:
    return light.replace("_", " ")


def _fate(one: "Notice") -> str:
    if one.delivered_at:
        return f"told {output.moment(one.delivered_at)}"
    if not one.failure:
        return (
            "to be told now"
            if one.next_attempt_at
            else "told nobody: KEYTURN_NOTIFY_URL is not set"
        )
    again = f"again at {output.moment(one.next_attempt_at)}" if one.next_attempt_at else "given up"
    return f"not told, {again}: {one.failure}"
