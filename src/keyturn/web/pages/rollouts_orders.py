"""Orders to a rollout: continue, approve and abort, each of which says first what it will do."""

import shlex
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from starlette.responses import Response

from keyturn.domain.access import Verb
from keyturn.domain.errors import CallerError, Forbidden, KeyturnError, NotFound
from keyturn.domain.rollout import Rollout, Standing
from keyturn.services import rollouts
from keyturn.services.rollout_plans import MEMBERS_MAX
from keyturn.services.rollout_watching import Part, RolloutSight, watch_rollout
from keyturn.web.faults import told_of
from keyturn.web.menu import ABOVE
from keyturn.web.pages.rollouts import LIST, ONE, barred_of, row_of
from keyturn.web.problems import status_of
from keyturn.web.rollouts_told import state_of
from keyturn.web.routing import action, page
from keyturn.web.visiting import Visit

ASKED_MAX: Final = 200
"""As many of those that failed can be left out on the page."""
WAVE_SHOWN: Final = 100
"""As many of a wave are named where it is approved."""

Ask = Callable[[Visit, KeyturnError | None], Awaitable[Response]]


async def ask_continue(visit: Visit, error: KeyturnError | None = None) -> Response:
    """Say who gets another turn, and ask whom to leave out."""
    sight = await _look(visit, Verb.EDIT_ROLLOUTS)
    failed = [row_of(visit, each) for each in sight.failed[:ASKED_MAX]]
    return _render(visit, "continue", sight.of.rollout, error, failed=failed)


async def continue_(visit: Visit) -> Response:
    """Let a halted rollout go on."""
    told = [text for text in _texts(visit, "skip") if text.isascii() and text.isdigit()]
    skip = [int(text) for text in told if len(text) < 16]

    async def do() -> str:
        failed = {each.number for each in (await _look(visit, Verb.EDIT_ROLLOUTS)).failed}
        await rollouts.continue_rollout(visit.world, visit.caller, _id(visit), skip=skip)
        left = f" Left out: {len({*skip}):,}." if skip else ""
        again = " Who failed gets another turn." if not left else " Who else failed gets another."
        return f"It goes on.{left}{again if failed - {*skip} else ''}"

    return await _given(visit, ask_continue, do)


async def ask_approve(visit: Visit, error: KeyturnError | None = None) -> Response:
    """Say what is let go: a wave of the plan that was shown, by its hash."""
    sight = await _look(visit, Verb.APPROVE_ROLLOUTS)
    one, world = sight.of.rollout, visit.world
    wanted = rollouts.Wanted(wave=one.wave)
    wave = await rollouts.list_members(world, visit.caller, one.id, wanted, limit=MEMBERS_MAX)
    rows = [row_of(visit, each) for each, _ in wave.members]
    return _render(
        visit,
        "approve",
        one,
        error,
        cut=one.waves[one.wave - 1],
        count=wave.total,
        rows=rows[:WAVE_SHOWN],
        warned=[
            (each.of.name, each.href, each.orders, warnings)
            for each in rows
            if (warnings := wave.warnings.get(each.of.rotation_id))
        ],
        barred=barred_of(visit, one),
    )


async def approve(visit: Visit) -> Response:
    """Let a wave go; a person may who has not started the rollout."""
    wave = visit.said("wave")

    async def do() -> str:
        number = int(wave) if wave.isascii() and wave.isdigit() and len(wave) < 4 else 0
        plan_hash = visit.said("plan_hash")
        await rollouts.approve_rollout(
            visit.world, visit.caller, _id(visit), wave=number, plan_hash=plan_hash
        )
        return f"Wave {number} may go, for a day."

    return await _given(visit, ask_approve, do)


async def ask_abort(visit: Visit, error: KeyturnError | None = None) -> Response:
    """Say what stays when a rollout is ended."""
    sight = await _look(visit, Verb.EDIT_ROLLOUTS)
    of = sight.of
    counts = {
        each: sum(wave.get(each, 0) for wave in of.counts.values())
        for each in (Standing.WAITING, Standing.TURNING, Standing.CLOSED)
    }
    under_way = counts[Standing.TURNING] + counts[Standing.CLOSED]
    waiting = counts[Standing.WAITING]
    return _render(visit, "abort", of.rollout, error, waiting=waiting, under_way=under_way)


async def abort(visit: Visit) -> Response:
    """End a rollout."""
    with_turns = bool(visit.said("abort_turns"))

    async def do() -> str:
        await rollouts.abort_rollout(visit.world, visit.caller, _id(visit), abort_turns=with_turns)
        return "Nothing more is started."

    return await _given(visit, ask_abort, do)


def _id(visit: Visit) -> str:
    return visit.given("rollout_id")


def _texts(visit: Visit, name: str) -> Sequence[str]:
    return [each for each in visit.form.getlist(name) if isinstance(each, str)]


async def _look(visit: Visit, verb: Verb) -> RolloutSight:
    watch = await watch_rollout(visit.world, visit.caller, _id(visit), Part(limit=0))
    sight = await watch.look(visit.caller)
    visit.require(sight.of.rollout.name, ABOVE, verb)
    return sight


async def _given(visit: Visit, ask: Ask, do: Callable[[], Awaitable[str]]) -> Response:
    """Do what was asked about; a refusal is told where it was asked."""
    try:
        told = await do()
    except (Forbidden, NotFound):
        raise
    except CallerError as error:
        return await ask(visit, error)
    return visit.redirect(f"{LIST}/{_id(visit)}", told)


def _render(
    visit: Visit,
    order: str,
    one: Rollout,
    error: KeyturnError | None,
    **more: object,
) -> Response:
    context = {"one": one, "href": f"{LIST}/{one.id}", "state": state_of(one), **more}
    return visit.render(
        f"rollouts/{order}.html",
        context,
        status=status_of(error) if error else 200,
        problems=told_of(error),
        command=shlex.join(["keyturn", "rollout", order, one.name]),
    )


ROUTES: Final = (
    page(f"{ONE}/continue", ask_continue),
    action(f"{ONE}/continue", continue_),
    page(f"{ONE}/approve", ask_approve),
    action(f"{ONE}/approve", approve),
    page(f"{ONE}/abort", ask_abort),
    action(f"{ONE}/abort", abort),
)
