"""Turns: started, watched, and ordered about."""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from keyturn.cli import options, output
from keyturn.cli.rotation import document_of, find_rotation, standing_of
from keyturn.cli.running import connected, run

if TYPE_CHECKING:
    from keyturn.client import KeyturnApi
    from keyturn.wire.rotations import Rotation
    from keyturn.wire.turns import Turn

    Order = Callable[[KeyturnApi, Rotation], Awaitable[Rotation]]

ORDERS: "Mapping[str, tuple[Order, str]]" = {
    "pause": (
        lambda api, one: api.pause_turn(one),
        "Let the open turn stand still; what is served and what Okta holds stay as they are.",
    ),
    "resume": (
        lambda api, one: api.resume_turn(one),
        (
            "Let a paused or blocked turn go on.\n\n"
            "An emergency that was paused while the old secret worked goes on calmly: `finish-now "
            "--at-once` says so again. One that was blocked goes on as an emergency."
        ),
    ),
    "abort": (
        lambda api, one: api.abort_turn(one),
        (
            "Take the new secret back; refused once readers were given one that works.\n\n"
            "Where Okta has lost the one that they were given, the old one is served again."
        ),
    ),
    "reinstate": (
        lambda api, one: api.reinstate_old(one),
        (
            "Activate the retired secret at Okta again; the turn goes back to its overlap.\n\n"
            "From then on only `finish-now`, or a quiet System Log, retires it again."
        ),
    ),
}
"""The orders that need no more than the rotation: what each asks for, and its help."""

which_rotation = click.argument("which", metavar="ROTATION")


@click.group()
def turn() -> None:
    """Give orders to the open turn of a rotation, and look at the turns there were.

    `keyturn rotation turn` starts one.
    """


@turn.command("finish-now")
@which_rotation
@click.option(
    "--at-once",
    is_flag=True,
    help="Leave out the shortest overlap and the soak: the old secret has leaked.",
)
@options.project
@options.server
@options.as_json
def finish_now(
    *, which: str, at_once: bool, project: str, server: str | None, as_json: bool
) -> None:
    """Cut the overlap or the soak of the open turn short.

    Whoever still uses the old secret is refused by Okta from then on. Destinations that have not
    confirmed the new one are not waited for.
    """

    def order(api: "KeyturnApi", one: "Rotation") -> "Awaitable[Rotation]":
        return api.finish_now(one, at_once=at_once)

    _order(order, which, project, server, as_json=as_json)


@turn.command("list")
@which_rotation
@click.option(
    "--limit", type=click.IntRange(1, 100), default=20, show_default=True, help="At most so many."
)
@click.option(
    "--offset", type=click.IntRange(0, 2**53), default=0, help="Leave out so many of the newest."
)
@options.project
@options.server
@options.as_json
def list_turns(
    *, which: str, limit: int, offset: int, project: str, server: str | None, as_json: bool
) -> None:
    """List the turns of a rotation, the newest first."""

    async def work() -> None:
        async with connected(server) as api:
            found = await find_rotation(api, project, which)
            turns = await api.list_turns(found, offset=offset, limit=limit)
        document = {"turns": [one.model_dump(mode="json") for one in turns]}
        header = ["began", "ended", "started by", "phase", "gate", "reinstated", "id"]
        output.show(document, output.table(header, [_row(one) for one in turns]), as_json=as_json)

    run(work())


@turn.command("evidence")
@which_rotation
@click.option("--turn", "turn_id", help="The turn's id.  [default: the newest]")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file instead."
)
@options.project
@options.server
@options.as_json
def evidence(
    *,
    which: str,
    turn_id: str | None,
    out: Path | None,
    project: str,
    server: str | None,
    as_json: bool,
) -> None:
    """Export the record of one turn, as Markdown or as JSON: hashes and ids, never a value."""

    async def work() -> str:
        async with connected(server) as api:
            found = await find_rotation(api, project, which)
            one = turn_id or await _newest(api, found)
            if as_json:
                text = (await api.read_evidence(found, one)).model_dump_json(indent=2) + "\n"
            else:
                text = await api.read_evidence_page(found, one)
        if out:
            _write(out, text)
        return text

    text = run(work())
    click.echo(f"Written to {out}." if out else text, nl=out is not None)


def _write(out: Path, text: str) -> None:
    out.write_text(text, encoding="utf-8")


def _order(order: "Order", which: str, project: str, server: str | None, *, as_json: bool) -> None:
    """Give an order and show the turn as it then stands."""

    async def work() -> None:
        async with connected(server) as api:
            found = await order(api, await find_rotation(api, project, which))
            (newest,) = await api.list_turns(found, limit=1)
        more = f"`keyturn rotation show {found.name}` shows all that was recorded."
        output.show(document_of(found, newest), [*standing_of(newest), more], as_json=as_json)

    run(work())


def _add_order(name: str, order: "Order", told: str) -> None:
    @turn.command(name, help=told)
    @which_rotation
    @options.project
    @options.server
    @options.as_json
    def give(*, which: str, project: str, server: str | None, as_json: bool) -> None:
        _order(order, which, project, server, as_json=as_json)


for _name, (_given, _told) in ORDERS.items():
    _add_order(_name, _given, _told)


async def _newest(api: "KeyturnApi", found: "Rotation") -> str:
    newest = await api.find_newest_turn(found)
    if newest is None:
        raise click.ClickException(f"Rotation {found.name} has not turned yet.")
    return newest.id


def _row(one: "Turn") -> list[str]:
    return [
        output.moment(one.created_at),
        output.moment(one.ended_at) if one.ended_at else "open",
        one.trigger,
        "paused" if one.paused_at else one.phase,
        one.opened or "",
        str(one.reinstated or ""),
        one.id,
    ]
