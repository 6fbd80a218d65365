"""Rollouts: many rotations turned in waves, planned first."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import click

from keyturn.cli import options, output, rollout_lines
from keyturn.cli.naming import one_named
from keyturn.cli.running import connected, run

if TYPE_CHECKING:
    from keyturn.client import KeyturnApi
    from keyturn.wire.rollouts import Rollout, RolloutPlan

F = TypeVar("F", bound=Callable[..., None])

which_rollout = click.argument("which", metavar="ROLLOUT")
SHOWN = 50
limit = click.option(
    "--limit", type=click.IntRange(0), default=SHOWN, show_default=True, help="Lines."
)
yes = click.option("--yes", is_flag=True, help="Do not ask.")


@click.group()
def rollout() -> None:
    """Turn many client secrets in waves, and stop where something goes wrong."""


def _wanted(command: F) -> F:
    """Add the options of what a rollout is to do."""
    for option in (
        click.option(
            "--go-on-at",
            type=click.Choice(["overlapping", "soaking", "finished"]),
            default="finished",
            show_default=True,
            help="How far the turns of a wave are when the next begins.",
        ),
        click.option("--approvals", is_flag=True, help="Each wave waits for a second person."),
        click.option("--reason", default="", help="What it is for; it is kept."),
        click.option(
            "--wave",
            "waves",
            multiple=True,
            metavar="WAVE",
            help="preview, 10%, 50, a selector, or rest; once for each wave.  [default: rest]",
        ),
        click.option("--selector", default="", help="Which rotations: label=pay-*  [default: all]"),
        click.argument("name"),
    ):
        command = option(command)
    return command


@rollout.command("plan")
@_wanted
@limit
@options.server
@options.as_json
def plan(*, limit: int, server: str | None, as_json: bool, **wanted: object) -> None:
    """Show what the rollout NAME would do, who turns in which wave and why; change nothing."""
    from keyturn.wire.rollouts import PlanRollout

    body = options.checked(PlanRollout, wanted)

    async def work() -> None:
        async with connected(server) as api:
            found = await api.plan_rollout(body)
        output.show(
            found.model_dump(mode="json"), rollout_lines.plan(found, limit), as_json=as_json
        )

    run(work())


@rollout.command("start")
@_wanted
@limit
@click.option("--plan-hash", metavar="HASH", help="Start this plan, as it was shown, or nothing.")
@click.option("--follow", is_flag=True, help="Show how it goes until it ends or halts.")
@yes
@options.server
@options.as_json
def start(
    *,
    limit: int,
    plan_hash: str | None,
    follow: bool,
    yes: bool,
    server: str | None,
    as_json: bool,
    **wanted: object,
) -> None:
    """Show the plan of the rollout NAME, ask, and start it.

    Its turns are started in your name, and only while you may. Ctrl-C ends the following: the
    server goes on.
    """
    from keyturn.cli.rollout_progress import follow as followed
    from keyturn.wire.rollouts import PlanRollout, StartRollout

    body = options.checked(PlanRollout, wanted)

    async def work() -> None:
        async with connected(server) as api:
            agreed = plan_hash
            if agreed is None:
                found = await api.plan_rollout(body)
                _ask(found, limit, yes=yes)
                agreed = found.plan_hash
            begun = await api.start_rollout(StartRollout(**body.model_dump(), plan_hash=agreed))
            after = await followed(api, begun, shown=not as_json) if follow else begun
        _show(after, as_json=as_json)

    run(work())


def _ask(found: "RolloutPlan", limit: int, *, yes: bool) -> None:
    """Have a plan agreed to. Raises Abort."""
    if not yes:
        output.tell(rollout_lines.plan(found, limit), err=True)
        click.confirm(f"Turn these {len(found.members)} client secrets?", abort=True, err=True)


def _agree(found: "Rollout", question: str, *, yes: bool) -> None:
    """Show a rollout, and have an order to it agreed to. Raises Abort."""
    if not yes:
        output.tell(rollout_lines.rollout(found), err=True)
        click.confirm(question, abort=True, err=True)


@rollout.command("list")
@options.server
@options.as_json
def list_rollouts(*, server: str | None, as_json: bool) -> None:
    """List the rollouts, the newest first."""

    async def work() -> None:
        async with connected(server) as api:
            found = await api.list_rollouts()
        document = {"rollouts": [one.model_dump(mode="json") for one in found]}
        output.show(document, rollout_lines.rollouts(found), as_json=as_json)

    run(work())


@rollout.command("show")
@which_rollout
@click.option("--follow", is_flag=True, help="Show how it goes until it ends or halts.")
@options.server
@options.as_json
def show(*, which: str, follow: bool, server: str | None, as_json: bool) -> None:
    """Show ROLLOUT: its waves, how they stand, and what somebody has to do."""
    from keyturn.cli.rollout_progress import follow as followed

    async def work() -> None:
        async with connected(server) as api:
            found = await _find(api, which)
            after = await followed(api, found, shown=not as_json) if follow else found
        _show(after, as_json=as_json)

    run(work())


@rollout.command("members")
@which_rollout
@click.option(
    "--standing",
    type=click.Choice(["waiting", "turning", "closed", "done", "failed", "skipped"]),
    help="Only those that stand so.",
)
@limit
@options.server
@options.as_json
def members(
    *, which: str, standing: str | None, limit: int, server: str | None, as_json: bool
) -> None:
    """List the rotations of ROLLOUT by number, and how each stands."""

    async def work() -> None:
        async with connected(server) as api:
            found = await _find(api, which)
            wanted = {"limit": str(max(1, min(limit, 1000)))}
            wanted |= {"standing": standing} if standing else {}
            page = await api.list_rollout_members(found.id, wanted)
        lines = rollout_lines.members(page, found)
        output.show(page.model_dump(mode="json"), lines, as_json=as_json)

    run(work())


@rollout.command("approve")
@which_rollout
@click.option("--wave", type=click.IntRange(1), help="Which wave.  [default: the one that waits]")
@click.option("--plan-hash", metavar="HASH", help="Approve this plan, as it was shown, or nothing.")
@yes
@options.server
@options.as_json
def approve(
    *,
    which: str,
    wave: int | None,
    plan_hash: str | None,
    yes: bool,
    server: str | None,
    as_json: bool,
) -> None:
    """Let a wave of ROLLOUT go, for a day; a person may who has not started it.

    KEYTURN_TOKEN has to be the token that `keyturn person log-in` gave you. Whoever logs in with
    Okta approves in the browser.
    """
    from keyturn.wire.rollouts import ApproveRollout

    async def work() -> None:
        async with connected(server) as api:
            found = await _find(api, which)
            number = wave or found.wave
            agreed = yes or plan_hash is not None
            if not agreed:
                await _show_wave(api, found, number)
            question = f"Who has started it, {found.creator}, may not. Let wave {number} go?"
            _agree(found, output.printable(question), yes=agreed)
            body = ApproveRollout(wave=number, plan_hash=plan_hash or found.plan_hash)
            after = await api.approve_rollout(found.id, body)
        _show(after, as_json=as_json)

    run(work())


async def _show_wave(api: "KeyturnApi", found: "Rollout", number: int) -> None:
    """Show whom a wave is about, and what may stop them."""
    wanted = {"wave": str(number), "limit": str(SHOWN)}
    page = await api.list_rollout_members(found.id, wanted)
    output.tell([*rollout_lines.members(page, found), ""], err=True)


@rollout.command("continue")
@which_rollout
@click.option("--skip", multiple=True, type=click.IntRange(1), metavar="NO", help="Leave this out.")
@yes
@options.server
@options.as_json
def continue_(
    *, which: str, skip: tuple[int, ...], yes: bool, server: str | None, as_json: bool
) -> None:
    """Let a halted ROLLOUT go on: who failed gets another turn, or is left out."""
    from keyturn.wire.rollouts import ContinueRollout

    async def work() -> None:
        async with connected(server) as api:
            found = await _find(api, which)
            _agree(found, "Let it go on?", yes=yes)
            after = await api.continue_rollout(found.id, ContinueRollout(skip=skip))
        _show(after, as_json=as_json)

    run(work())


@rollout.command("abort")
@which_rollout
@click.option("--abort-turns", is_flag=True, help="Take back what nobody has been served yet.")
@yes
@options.server
@options.as_json
def abort(*, which: str, abort_turns: bool, yes: bool, server: str | None, as_json: bool) -> None:
    """End ROLLOUT: nothing more starts. Turns under way go on, so that nothing is half done."""
    from keyturn.wire.rollouts import AbortRollout

    async def work() -> None:
        async with connected(server) as api:
            found = await _find(api, which)
            _agree(found, "End it? It cannot be taken up again.", yes=yes)
            after = await api.abort_rollout(found.id, AbortRollout(abort_turns=abort_turns))
        _show(after, as_json=as_json)

    run(work())


async def _find(api: "KeyturnApi", which: str) -> "Rollout":
    """Return the rollout of this name or id. Raises ClickException for none."""
    every = await api.list_rollouts()
    found = one_named(every, which, noun="rollout", listed_by="keyturn rollout list")
    return await api.read_rollout(found.id)


def _show(found: "Rollout", *, as_json: bool) -> None:
    output.show(found.model_dump(mode="json"), rollout_lines.rollout(found), as_json=as_json)
