"""Every app of the connected orgs, and its client secrets."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keyturn.cli import inventory_lines, options, output
from keyturn.cli.running import connected, run

if TYPE_CHECKING:
    from keyturn.wire.inventory import InventoryAppsAnswer, InventoryState, OwnerRule

selector = click.argument("selector", nargs=-1)


@click.group()
def inventory() -> None:
    """Know every app of the connected orgs, and how old its client secrets are."""


@inventory.command("read")
@click.argument("connection", required=False)
@click.option("--whole", is_flag=True, help="Read all again, not only what has changed.")
@click.option("--no-wait", is_flag=True, help="Do not wait until it is read.")
@options.server
@options.as_json
def read(
    *, connection: str | None, whole: bool, no_wait: bool, server: str | None, as_json: bool
) -> None:
    """Bring the inventory of CONNECTION's org up to date, or that of every org.

    The first time, and with --whole, Okta is asked for the list of apps and for the client secrets
    of each; it puts on its own record that they were looked at. At most half of the rate limit is
    used for it, so that thousands of apps take hours. Later only what Okta's System Log tells of is
    read again, which the server does by itself from then on. Nothing at Okta is changed.

    Ctrl-C ends the waiting: the server goes on.
    """
    from keyturn.cli.inventory_progress import follow

    async def work() -> None:
        async with connected(server) as api:
            before = {s.connection_id: s for s in (await api.list_inventories()).inventories}
            begun = await api.begin_inventory(connection, whole=whole)
            states: Sequence[InventoryState] = begun.inventories
            if not no_wait:
                states = await follow(api, states, before, shown=not as_json)
        document = [state.model_dump(mode="json") for state in states]
        output.show(document, inventory_lines.states(states), as_json=as_json)
        failed = [state for state in states if state.failure]
        if failed and not no_wait:
            raise click.ClickException(f"{failed[0].connection}: {failed[0].failure}")

    run(work())


@inventory.command("status")
@options.server
@options.as_json
def status(*, server: str | None, as_json: bool) -> None:
    """Tell of each connection how far the inventory of its org is, and until when it is known."""

    async def work() -> None:
        async with connected(server) as api:
            found = await api.list_inventories()
        lines = inventory_lines.states(found.inventories)
        output.show(found.model_dump(mode="json"), lines, as_json=as_json)

    run(work())


@inventory.command("show")
@selector
@click.option("--limit", type=click.IntRange(0), default=50, show_default=True, help="Lines.")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV, a line for each client secret.")
@click.option(
    "--html",
    type=click.Path(path_type=Path, dir_okay=False, writable=True),
    help="Write a page that stands alone, with the ages as a picture.",
)
@options.server
@options.as_json
def show(
    *,
    selector: tuple[str, ...],
    limit: int,
    as_csv: bool,
    html: Path | None,
    server: str | None,
    as_json: bool,
) -> None:
    """Show the apps that SELECTOR picks, as they are on record, with totals and ages.

    A selector is terms like label=pay-* owner=payments auth=none; an app has to fit each name.
    """
    if as_csv and (as_json or html):
        raise click.UsageError("--csv stands alone: leave out --json or --html.")

    async def work() -> None:
        wanted = _quoted(selector)
        async with connected(server) as api:
            brief = not (as_csv or html or as_json)
            found = (
                await api.list_inventory(wanted, limit=max(1, min(limit, 1000)))
                if brief and limit <= 1000
                else await api.list_whole_inventory(wanted)
            )
        _show(found, limit, html, as_csv=as_csv, as_json=as_json)

    run(work())


def _quoted(terms: tuple[str, ...]) -> str:
    """Put together what the shell took apart: a value with blanks in it is quoted again."""
    parts = (term.partition("=") for term in terms)
    return " ".join(
        f'{name}="{value}"' if " " in value and not value.startswith('"') else name + is_ + value
        for name, is_, value in parts
    )


def _show(
    found: "InventoryAppsAnswer", limit: int, html: Path | None, *, as_csv: bool, as_json: bool
) -> None:
    if html:
        from keyturn.cli.inventory_html import page

        html.write_text(page(found), encoding="utf-8")
        output.show({"written": str(html)}, [f"Written: {html}"], as_json=as_json)
    elif as_csv:
        click.echo(inventory_lines.as_csv(found), nl=False)
    else:
        document, lines = found.model_dump(mode="json"), inventory_lines.lines(found, limit)
        output.show(document, lines, as_json=as_json)


@inventory.command("owners")
@click.argument(
    "file", required=False, type=click.Path(path_type=Path, exists=True, dir_okay=False)
)
@options.server
@options.as_json
def owners(*, file: Path | None, server: str | None, as_json: bool) -> None:
    """Show by which labels apps are whose, or have FILE say so from now on.

    FILE is CSV: a pattern of labels, in which * stands for any characters, and an owner; the first
    line that fits counts. A first line "pattern,owner" is passed over. Where no line fits, the
    setting KEYTURN_OWNER_PATTERN of the server tells.
    """

    async def work() -> None:
        rules = _read_rules(file) if file else None
        async with connected(server) as api:
            found = await (api.list_owners() if rules is None else api.replace_owners(rules))
        rows = [[rule.pattern, rule.owner] for rule in found.rules]
        lines = output.table(["label", "owner"], rows)
        output.show(found.model_dump(mode="json"), lines, as_json=as_json)

    run(work())


def _read_rules(file: Path) -> "list[OwnerRule]":
    """Read a file of rules. Raises UsageError for a line that is none."""
    import csv

    from keyturn.wire.inventory import OwnerRule

    with file.open(encoding="utf-8-sig", newline="") as lines:
        rows = [row for row in csv.reader(lines) if any(cell.strip() for cell in row)]
    if rows and [cell.strip().lower() for cell in rows[0]] == ["pattern", "owner"]:
        rows = rows[1:]
    for number, row in enumerate(rows, 1):
        if len(row) != 2:
            raise click.UsageError(f"{file}: rule {number} must be a pattern and an owner.")
    return [
        options.checked(OwnerRule, {"pattern": pattern, "owner": owner}) for pattern, owner in rows
    ]


@inventory.command("forget")
@click.argument("connection")
@options.server
@options.as_json
def forget(*, connection: str, server: str | None, as_json: bool) -> None:
    """Forget the inventory of CONNECTION's org, and keep it no longer; Okta is left as it is."""

    async def work() -> None:
        async with connected(server) as api:
            gone = await api.forget_inventory(connection)
        lines = [f"The inventory of {gone.connection} is forgotten."]
        output.show(gone.model_dump(mode="json"), lines, as_json=as_json)

    run(work())
