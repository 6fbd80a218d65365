"""Every app of the connected orgs, and its client secrets."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keyturn.cli import inventory_lines, options, output
from keyturn.cli.running import connected, run

if TYPE_CHECKING:
    from keyturn.wire.inventory import InventoryAppsAnswer, InventoryState, OwnerRule


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
    used for it, so that thousands of apps take hours; a full reading that is under way goes on.
    Later only what Okta's System Log tells of is read again, and what could not be read before,
    which the server does by itself from then on. Nothing at Okta is changed.

    Ctrl-C ends the waiting: the server goes on.
    """
    from keyturn.cli.inventory_progress import follow

    async def work() -> None:
        async with connected(server) as api:
            before = {s.connection_id: s for s in (await api.list_inventories()).inventories}
            begun = await api.begin_inventory(connection, whole=whole)
            states: Sequence[InventoryState] = [
                each
                for each in begun.inventories
                if connection in (None, each.connection, each.connection_id)
            ]
            for told in inventory_lines.under_way(states, before) if whole else ():
                click.echo(told, err=True)
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
@click.argument("selector", nargs=-1)
@click.option("--managed/--unmanaged", default=None, help="Only what a rotation keeps, or none.")
@click.option("--foreign", is_flag=True, help="Only with client secrets that no rotation knows.")
@click.option(
    "--age",
    type=click.Choice(["0-30", "30-90", "90-180", "180-365", "365+"]),
    help="Only with an active client secret that was made so many days ago.",
)
@click.option(
    "--status",
    type=click.Choice(["ACTIVE", "INACTIVE"], case_sensitive=False),
    help="Only apps with this status at Okta.",
)
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
    managed: bool | None,
    foreign: bool,
    age: str | None,
    status: str | None,
    limit: int,
    as_csv: bool,
    html: Path | None,
    server: str | None,
    as_json: bool,
) -> None:
    """Show the apps that SELECTOR picks, as they are on record, with totals and ages.

    A selector is terms like label=pay-* owner=payments auth=none, in one argument or in several; an
    app has to fit each name.
    """
    if as_csv and (as_json or html):
        raise click.UsageError("--csv stands alone: leave out --json or --html.")

    kept = None if managed is None else str(managed).lower()
    asked = {"managed": kept, "foreign": foreign and "true", "age": age, "status": status}
    narrowed = {name: value for name, value in asked.items() if value}

    async def work() -> None:
        wanted = _quoted(selector)
        async with connected(server) as api:
            brief = not (as_csv or html or as_json)
            found = (
                await api.list_inventory(wanted, narrowed, limit=max(1, min(limit, 1000)))
                if brief and limit <= 1000
                else await api.list_whole_inventory(wanted, narrowed)
            )
        _show(found, limit, html, as_csv=as_csv, as_json=as_json)

    run(work())


def _quoted(terms: tuple[str, ...]) -> str:
    """Put together what the shell took apart: a value with blanks in it is quoted again.

    An argument that holds several terms stays as it is.
    """
    from keyturn.domain.selector import NAMES, Selector

    several = re.compile(rf"\s({'|'.join(NAMES)})=")

    def quoted(term: str) -> str:
        value = term.partition("=")[2].strip()
        plain = not re.search(r"\s", value) or value.startswith('"') or several.search(value)
        return term if plain else str(Selector((term,)))

    return " ".join(map(quoted, terms))


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
@click.option("--clear", is_flag=True, help="Take every rule away; without FILE.")
@options.server
@options.as_json
def owners(*, file: Path | None, clear: bool, server: str | None, as_json: bool) -> None:
    """Show by which labels apps are whose, or have FILE say so from now on.

    FILE is CSV in UTF-8, at most 10,000 rules: a pattern of labels, in which * stands for any
    characters, and an owner; the first line that fits counts. A first line "pattern,owner" is
    passed over, and a file without any rule is refused. Where no line fits, the setting
    KEYTURN_OWNER_PATTERN of the server tells.
    """
    if file and clear:
        raise click.UsageError("--clear stands alone: leave out FILE.")

    async def work() -> None:
        rules = _read_rules(file) if file else [] if clear else None
        async with connected(server) as api:
            found = await (api.list_owners() if rules is None else api.replace_owners(rules))
        rows = [[rule.pattern, rule.owner] for rule in found.rules]
        lines = output.table(["label", "owner"], rows)
        output.show(found.model_dump(mode="json"), lines, as_json=as_json)

    run(work())


def _read_rules(file: Path) -> "list[OwnerRule]":
    """Read a file of rules. Raises UsageError for one that is none, or has none."""
    from keyturn.domain.errors import InvalidInput
    from keyturn.domain.owners import read_rules
    from keyturn.wire.inventory import OwnerRule

    try:
        pairs = read_rules(file.read_text("utf-8-sig"))
    except UnicodeDecodeError:
        raise click.UsageError(f"{file}: must be in UTF-8: save it as CSV UTF-8.") from None
    except InvalidInput as error:
        raise click.UsageError(f"{file}: {error.problems[0].rule}.") from None
    if not pairs:
        raise click.UsageError(f"{file} has no rule. To have none at all, use --clear.")
    return [OwnerRule(pattern=pattern, owner=owner) for pattern, owner in pairs]


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
