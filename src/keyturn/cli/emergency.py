"""Emergencies: many apps closed at once because their client secrets have leaked."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

import click

from keyturn.cli import emergency_lines, options, output
from keyturn.cli.naming import one_named
from keyturn.cli.running import connected, run

if TYPE_CHECKING:
    from keyturn.client import KeyturnApi
    from keyturn.wire.emergencies import Emergency, EmergencyPlan, PlanEmergency

Command = Callable[..., None]
NOT_CLOSED: Final = 3
"""The exit code where an app could not be closed; 1 is that nothing was begun."""
_TIME = re.compile(r"(\d{1,9})([smhd]?)")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}

which_emergency = click.argument("which", metavar="EMERGENCY")
yes = click.option("--yes", is_flag=True, help="Do not ask.")
lines = click.option(
    "--limit", type=click.IntRange(0), default=20, show_default=True, help="Lines."
)


def _time(context: click.Context, parameter: click.Parameter, text: str) -> int:
    """Read a length of time such as 90, 90s, 5m, 1h or 1d. Raises BadParameter."""
    from keyturn.wire.emergencies import WITHIN_MAX_S

    found = _TIME.fullmatch(text)
    seconds = int(found[1]) * _SECONDS[found[2]] if found else None
    if seconds is None or seconds > WITHIN_MAX_S:
        most = WITHIN_MAX_S // _SECONDS["h"]
        raise click.BadParameter(f"must be seconds, or like 90s, 5m, 1h; at most {most}h")
    return seconds


@click.group()
def emergency() -> None:
    """Close apps whose client secrets have leaked, the most exposed first, and prove it."""


def hurrying(command: Command) -> Command:
    """Add the options that say how apps are closed, and whether anybody is asked before."""
    for option in (
        options.as_json,
        options.server,
        lines,
        click.option("--no-follow", is_flag=True, help="Do not wait until every app is closed."),
        click.option("--yes", is_flag=True, help="Do not ask; wants --plan-hash."),
        click.option(
            "--plan-hash",
            metavar="HASH",
            help="Begin what this plan says, for the same apps, or nothing. Their order may have "
            "changed since it was shown; it does not expire.",
        ),
        click.option("--plan", "plan_only", is_flag=True, help="Only say what would be done."),
        click.option(
            "--revoke-tokens", is_flag=True, help="Revoke the apps' refresh tokens too, at last."
        ),
        click.option(
            "--within",
            "within_seconds",
            default="0",
            callback=_time,
            metavar="TIME",
            help="Leave consumers so much time to take the new secret up: 90s, 5m; at "
            "most 24h.  [default: none]",
        ),
    ):
        command = option(command)
    return command


@emergency.command("begin")
@click.option("--app", "apps", multiple=True, metavar="ID", help="Close this app; may be repeated.")
@click.option("--selector", default="", help="Close the apps like these: label=pay-*")
@click.option("--all", "every", is_flag=True, help="Close every app that a rotation keeps.")
@click.option("--reason", required=True, help="Why; it is kept with the evidence.")
@click.option(
    "--leaked",
    multiple=True,
    metavar="ID",
    help="This app's secret is known to be public: close it first; may be repeated.",
)
@hurrying
def begin(**wanted: Any) -> None:  # noqa: ANN401  the options
    """Show the plan, ask, and close the apps: the most exposed first.

    Say which: --app, --selector or --all. You are asked to type the number of apps. Each app gets a
    new secret, and the old one is deactivated as soon as the new one is served. Ctrl-C ends the
    watching: the server goes on.

    Exits with 3 where an app could not be closed.
    """
    from keyturn.wire.emergencies import BeginEmergency, PlanEmergency

    how = How(**{each.name: wanted.pop(each.name) for each in fields(How)})
    body = options.checked(PlanEmergency, wanted)

    async def plan(_: "KeyturnApi") -> PlanEmergency:
        return body

    async def start(api: "KeyturnApi", plan_hash: str) -> "Emergency":
        filled = BeginEmergency(**body.model_dump(by_alias=False), plan_hash=plan_hash)
        return await api.begin_emergency(filled)

    close(how, plan, start)


@dataclass(frozen=True)
class How:
    """What the options say of how an emergency is begun."""

    plan_only: bool
    plan_hash: str | None
    yes: bool
    no_follow: bool
    limit: int
    server: str | None
    as_json: bool


def close(
    how: How,
    plan: "Callable[[KeyturnApi], Awaitable[PlanEmergency]]",
    start: "Callable[[KeyturnApi, str], Awaitable[Emergency]]",
) -> None:
    """Show a plan, ask, start what was planned, and follow it until every app is closed.

    Exits with `NOT_CLOSED` where one could not be.
    """
    if how.yes and not how.plan_hash:
        raise click.UsageError("--yes wants --plan-hash: what --plan has shown.")

    async def work() -> int:
        async with connected(how.server) as api:
            found = await api.plan_emergency(await plan(api))
            if how.plan_only:
                told = found.model_dump(mode="json")
                output.show(told, emergency_lines.plan(found, how.limit), as_json=how.as_json)
                return 0
            agreed = how.plan_hash if how.yes else _agreed(found, how.plan_hash, how.limit)
            begun = await start(api, agreed or "")
            after = begun if how.no_follow else await _followed(api, begun, shown=not how.as_json)
        _show(after, as_json=how.as_json)
        return emergency_lines.not_closed(after)

    _exit(run(work()))


def _exit(not_closed: int) -> None:
    """Exit with what tells that so many apps are not closed, and will not be by themselves."""
    if not_closed:
        click.get_current_context().exit(NOT_CLOSED)


def _agreed(found: "EmergencyPlan", plan_hash: str | None, limit: int) -> str:
    """Show a plan, and have the number of its apps typed. Raises ClickException for another."""
    output.tell(emergency_lines.plan(found, limit), err=True)
    count = len(found.members)
    typed = click.prompt(f"Type {count} to close {emergency_lines.counted(count)}", err=True)
    if typed.strip() != str(count):
        raise click.ClickException(f"You typed {typed.strip()!r}. Nothing was begun.")
    return plan_hash or found.plan_hash


async def _followed(api: "KeyturnApi", begun: "Emergency", *, shown: bool) -> "Emergency":
    from keyturn.cli.emergency_progress import follow

    return await follow(api, begun, shown=shown)


@emergency.command("list")
@options.server
@options.as_json
def list_emergencies(*, server: str | None, as_json: bool) -> None:
    """List the emergencies, the newest first."""

    async def work() -> None:
        async with connected(server) as api:
            found = await api.list_emergencies()
        document = {"emergencies": [one.model_dump(mode="json") for one in found]}
        output.show(document, emergency_lines.emergencies(found), as_json=as_json)

    run(work())


@emergency.command("show")
@which_emergency
@click.option("--follow", is_flag=True, help="Show how it goes until every app is closed.")
@options.server
@options.as_json
def show(*, which: str, follow: bool, server: str | None, as_json: bool) -> None:
    """Show how far EMERGENCY is, and what somebody has to do.

    With --follow it exits with 3 where an app could not be closed.
    """

    async def work() -> int:
        async with connected(server) as api:
            found = await _find(api, which)
            after = await _followed(api, found, shown=not as_json) if follow else found
        _show(after, as_json=as_json)
        return emergency_lines.not_closed(after) if follow else 0

    _exit(run(work()))


@emergency.command("apps")
@which_emergency
@click.option(
    "--standing",
    type=click.Choice(["waiting", "turning", "closed", "done", "failed", "skipped", "inactive"]),
    help="Only those that stand so.",
)
@lines
@options.server
@options.as_json
def apps(
    *, which: str, standing: str | None, limit: int, server: str | None, as_json: bool
) -> None:
    """List the apps of EMERGENCY in its order: which are closed, and why others are not."""

    async def work() -> None:
        async with connected(server) as api:
            found = await _find(api, which)
            wanted = {"limit": str(max(1, min(limit, 1000)))}
            wanted |= {"standing": standing} if standing else {}
            page = await api.list_closings(found.id, wanted)
        lines = emergency_lines.apps(page, found)
        output.show(page.model_dump(mode="json"), lines, as_json=as_json)

    run(work())


@emergency.command("evidence")
@which_emergency
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of Markdown.")
@options.server
def evidence(*, which: str, as_json: bool, server: str | None) -> None:
    """Print the record of EMERGENCY as a file to keep, with Okta's own answers for each app."""

    async def work() -> None:
        async with connected(server) as api:
            found = await _find(api, which)
            form = "json" if as_json else "markdown"
            text = await api.read_emergency_evidence(found.id, form=form)
        click.echo(text, nl=as_json)

    run(work())


@emergency.command("retry")
@which_emergency
@options.server
@options.as_json
def retry(*, which: str, server: str | None, as_json: bool) -> None:
    """Let every app of EMERGENCY that was not closed have another try."""

    async def work() -> None:
        async with connected(server) as api:
            after = await api.retry_emergency((await _find(api, which)).id)
        _show(after, as_json=as_json)

    run(work())


@emergency.command("leave-out")
@which_emergency
@click.argument("app", metavar="APP")
@yes
@options.server
@options.as_json
def leave_out(*, which: str, app: str, yes: bool, server: str | None, as_json: bool) -> None:
    """Leave APP, which is not closed or deactivated at Okta, out of EMERGENCY, as it is."""
    from keyturn.wire.emergencies import LeaveOutOfEmergency

    async def work() -> None:
        async with connected(server) as api:
            found = await _find(api, which)
            question = f"Leave app {output.printable(app)} out? What has leaked stays as it is."
            _agree(found, question, yes=yes)
            after = await api.leave_out_of_emergency(found.id, LeaveOutOfEmergency(app=app))
        _show(after, as_json=as_json)

    run(work())


@emergency.command("abort")
@which_emergency
@yes
@options.server
@options.as_json
def abort(*, which: str, yes: bool, server: str | None, as_json: bool) -> None:
    """End EMERGENCY: no further app is begun. Those that have been are closed all the same."""

    async def work() -> None:
        async with connected(server) as api:
            found = await _find(api, which)
            _agree(found, "End it? It cannot be taken up again.", yes=yes)
            after = await api.abort_emergency(found.id)
        _show(after, as_json=as_json)

    run(work())


def _agree(found: "Emergency", question: str, *, yes: bool) -> None:
    """Show an emergency, and have an order to it agreed to. Raises Abort."""
    if not yes:
        output.tell(emergency_lines.emergency(found), err=True)
        click.confirm(question, abort=True, err=True)


async def _find(api: "KeyturnApi", which: str) -> "Emergency":
    """Return the emergency of this name or id. Raises ClickException for none."""
    every = await api.list_emergencies()
    return one_named(every, which, noun="emergency", listed_by="keyturn emergency list")


def _show(found: "Emergency", *, as_json: bool) -> None:
    output.show(found.model_dump(mode="json"), emergency_lines.emergency(found), as_json=as_json)
