"""Leak reports: client secrets that somebody has seen where they must not be.

A value is read from stdin alone, because other users of the machine can read arguments.
"""

from typing import TYPE_CHECKING, Any

import click

from keyturn.cli import options, output
from keyturn.cli.credential import read_stdin
from keyturn.cli.emergency import How, close, hurrying
from keyturn.cli.running import connected, run

if TYPE_CHECKING:
    from keyturn.client import KeyturnApi
    from keyturn.wire.emergencies import Emergency, PlanEmergency
    from keyturn.wire.leaks import Leak, ReceivedAnswer

leak_id = click.argument("which", metavar="LEAK")
STATES = ("open", "unknown", "closed", "false_alarm")
UNREAD = "It is taken in. You may not read what was found (leaks:read)."


@click.group()
def leak() -> None:
    """Report client secrets that have leaked, see whose they are, and close their apps."""


@leak.command("report")
@click.option("--value-stdin", is_flag=True, help="Read the value from stdin; it is kept nowhere.")
@click.option("--prefix-stdin", is_flag=True, help="Read how it begins from stdin: 12 characters.")
@click.option("--hash", "hash_", metavar="HASH", help="Okta's secret_hash of it.")
@click.option("--where", default="", help="Where it was seen: a URL, a file, a chat.")
@click.option("--note", default="", help="What else is to be known.")
@options.server
@options.as_json
def report(
    *,
    value_stdin: bool,
    prefix_stdin: bool,
    hash_: str | None,
    where: str,
    note: str,
    server: str | None,
    as_json: bool,
) -> None:
    """Report a secret that was seen: by its value, how that begins, or its hash.

    What is reported of one place twice is one report. Whoever may only report is not told what was
    found.
    """
    if value_stdin + prefix_stdin + (hash_ is not None) != 1:
        raise click.UsageError("Say one of --value-stdin, --prefix-stdin and --hash.")
    from keyturn.wire.leaks import ReportLeaks

    given: dict[str, object] = {"where": where, "note": note}
    if hash_ is None:
        asked, name = ("Value", "value") if value_stdin else ("How it begins", "prefix")
        given[name] = read_stdin(asked).strip()
    else:
        given["hash"] = hash_
    body = options.checked(ReportLeaks, {"reports": [given], "source": "operator"})

    async def work() -> None:
        async with connected(server) as api:
            received = await api.report_leaks(body)
        output.show(received.model_dump(mode="json"), _received(received), as_json=as_json)

    run(work())


@leak.command("list")
@click.option("--state", type=click.Choice(STATES), help="Only those that stand so.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="Lines.")
@options.server
@options.as_json
def list_leaks(*, state: str | None, limit: int, server: str | None, as_json: bool) -> None:
    """List the newest leak reports, the newest first."""

    async def work() -> None:
        wanted = {"limit": str(limit)} | ({"state": state} if state else {})
        async with connected(server) as api:
            found = await api.list_leaks(wanted)
        rows = [[output.moment(x.at), x.state, x.which or "", x.app, x.where, x.id] for x in found]
        lines = output.table(["reported", "state", "secret", "app", "where", "id"], rows)
        document = {"leaks": [one.model_dump(mode="json") for one in found]}
        output.show(document, lines, as_json=as_json)

    run(work())


@leak.command("show")
@leak_id
@options.server
@options.as_json
def show(*, which: str, server: str | None, as_json: bool) -> None:
    """Show whose secret LEAK is about, and what to do."""

    async def work() -> None:
        async with connected(server) as api:
            found = await api.read_leak(which)
        _show(found, as_json=as_json)

    run(work())


@leak.command("end")
@leak_id
@click.option("--reason", required=True, help="Why; it is kept with the report.")
@click.option("--false-alarm", is_flag=True, help="It has not leaked.")
@options.server
@options.as_json
def end(*, which: str, reason: str, false_alarm: bool, server: str | None, as_json: bool) -> None:
    """End LEAK: the secret was closed by hand, or it has not leaked.

    A report whose app an emergency closes, and one whose secret is deleted, is ended by itself.
    """
    from keyturn.wire.leaks import EndLeak

    body = options.checked(EndLeak, {"reason": reason, "falseAlarm": false_alarm})

    async def work() -> None:
        async with connected(server) as api:
            ended = await api.end_leak(which, body)
        _show(ended, as_json=as_json)

    run(work())


@leak.command("emergency")
@leak_id
@click.option("--reason", default="", help="Why.  [default: that it was reported, and where]")
@hurrying
def emergency(*, which: str, reason: str, **wanted: Any) -> None:  # noqa: ANN401  the options
    """Show the plan, ask, and close the app of LEAK at once.

    It gets a new secret, and the old one is deactivated as soon as the new one is served, as
    `keyturn emergency begin` does it. Exits with 3 where it could not be closed.
    """
    from keyturn.wire.emergencies import PlanEmergency
    from keyturn.wire.leaks import CloseLeak

    within, revoke = wanted.pop("within_seconds"), wanted.pop("revoke_tokens")
    terms = {"withinSeconds": within, "revokeTokens": revoke}

    async def plan(api: "KeyturnApi") -> "PlanEmergency":
        found = await api.read_leak(which)
        if found.app_id is None:
            raise click.ClickException("The report names no app: `keyturn leak show` tells why.")
        apps = [found.app_id]
        document = {"reason": reason or _reason(found), "apps": apps, "leaked": apps, **terms}
        return options.checked(PlanEmergency, document)

    async def start(api: "KeyturnApi", plan_hash: str) -> "Emergency":
        told = reason or _reason(await api.read_leak(which))
        document = {"reason": told, "planHash": plan_hash, **terms}
        return await api.close_leak(which, options.checked(CloseLeak, document))

    close(How(**wanted), plan, start)


def _reason(found: "Leak") -> str:
    from keyturn.domain.leaks import reason_of
    from keyturn.wire.emergencies import REASON_MAX

    return reason_of(found.reporter, found.where)[:REASON_MAX]


def _received(received: "ReceivedAnswer") -> list[str]:
    if received.reports is None:
        return [UNREAD]
    return [line for one in received.reports for line in _lines(one)]


def _show(found: "Leak", *, as_json: bool) -> None:
    output.show(found.model_dump(mode="json"), _lines(found), as_json=as_json)


def _lines(one: "Leak") -> list[str]:
    """Render a report."""
    facts = {
        "reported": f"{output.moment(one.at)} by {one.reporter} ({one.source})",
        "seen in": one.where,
        "note": one.note,
        "secret": f"{one.which} of {one.app}" if one.which else "nothing here has it",
        "hash": one.hash or "not known",
        "app": f"{one.app_id} (client {one.client_id})" if one.app_id else "",
        "rotation": one.rotation_id or "",
        "emergency": one.emergency_id or "",
        "ended": f"{output.moment(one.ended_at)} {one.ended_by}" if one.ended_at else "",
        "because": one.ended_why,
    }
    told = [f"{name:9} {text}".rstrip() for name, text in facts.items() if text]
    return [*map(output.printable, (f"{one.state}  leak {one.id}", *told)), *_to_do(one)]


def _to_do(one: "Leak") -> list[str]:
    if one.state != "open" or one.emergency_id:
        return []
    if one.rotation_id is None:
        by_hand = "in Okta's Admin Console; then `keyturn leak end`."
        return [f"No rotation keeps the app: replace the secret {by_hand}"]
    return [f"To close it: keyturn leak emergency {one.id}"]
