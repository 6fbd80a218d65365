"""What people were told, and whether it has arrived."""

from typing import TYPE_CHECKING

import click

from keyturn.cli import options, output
from keyturn.cli.channel import fate
from keyturn.cli.running import connected, run

if TYPE_CHECKING:
    from keyturn.wire.channels import Delivery
    from keyturn.wire.notices import Notice


@click.group()
def notice() -> None:
    """See what people were told: of turns, connections, access, compliance."""


@notice.command("list")
@click.option("--project", help="Of this project alone, by id or slug.")
@click.option("--kind", default="", help="Of this kind alone: turn.blocked.")
@click.option("--limit", default=50, show_default=True, help="How many, the newest first.")
@options.server
@options.as_json
def list_notices(
    *, project: str | None, kind: str, limit: int, server: str | None, as_json: bool
) -> None:
    """List the notices of the last 30 days, the newest first.

    `keyturn channel add` says to whom they are brought; `keyturn notice show` whether they were.
    """

    async def work() -> None:
        async with connected(server) as api:
            found = await api.list_notices(project, kind=kind, limit=limit)
        document = {"notices": [one.model_dump(mode="json") for one in found]}
        lines = [output.printable(line) for one in found for line in lines_of(one)] or ["none"]
        output.show(document, lines, as_json=as_json)

    run(work())


@notice.command("show")
@click.argument("notice_id", metavar="NOTICE")
@options.server
@options.as_json
def show(*, notice_id: str, server: str | None, as_json: bool) -> None:
    """Show a notice, and what has come of it through each channel."""

    async def work() -> None:
        async with connected(server) as api:
            told = await api.read_notice(notice_id)
        lines = [*lines_of(told.notice), *ways_of(told.deliveries)]
        output.show(told.model_dump(mode="json"), map(output.printable, lines), as_json=as_json)

    run(work())


def lines_of(one: "Notice") -> list[str]:
    """Render a notice."""
    where = f" of {one.project}/{one.environment}{one.secret_path}" if one.environment else ""
    app = f"{one.app_label} ({one.app_id})" if one.app_label else one.app_id
    return [
        f"{output.moment(one.created_at)}  {one.title}{where}  [{one.kind}]",
        f"    {one.message}",
        *([f"    app: {app}"] if app else []),
        *([f"    when: {output.moment(one.comes_at)}"] if one.comes_at else []),
        *([f"    connections: {one.connections}"] if one.connections != 1 else []),
        *([f"    {one.link}"] if one.link else []),
        *([f"    {one.command}"] if one.command else []),
        f"    id {one.id}",
    ]


def ways_of(deliveries: "tuple[Delivery, ...]") -> list[str]:
    """Render what has come of a notice through each channel."""
    return [f"    channel {each.channel}: {fate(each)}" for each in deliveries] or [
        "    told nobody: no channel hears of it"
    ]
