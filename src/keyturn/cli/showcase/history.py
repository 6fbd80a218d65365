"""Time that passes on a stage: what people do then, and what a worker finds due.

The worker does what the product's runner does at every tick (`services.duties`), one thing after
the other; a day costs as much as what happens in it.
"""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from keyturn.cli.showcase.stage import Stage
from keyturn.domain.compliance_reports import ReportSchedule
from keyturn.domain.connection import OktaConnection
from keyturn.domain.destination import Destination, State
from keyturn.domain.flows.run import Run, SavedFlow
from keyturn.domain.inventory import Inventory
from keyturn.domain.oauth.connection import Connection
from keyturn.domain.oauth.registration import ClientRegistration
from keyturn.domain.rollout import Rollout
from keyturn.domain.rotation import Rotation
from keyturn.domain.turn import Turn
from keyturn.services.duties import DUTIES, claim_due, list_due
from keyturn.services.flow_duties import claim_due_runs
from keyturn.services.journey import advance
from keyturn.services.ports import Due, Record
from keyturn.services.runs import go_on

DATES: Final[Sequence[tuple[type[Record], str]]] = (
    (Turn, "wake_at"),
    (Run, "wake_at"),
    (Rotation, "next_rotation_at"),
    (OktaConnection, "next_reconcile_at"),
    (ClientRegistration, "due_at"),
    (Connection, "due_at"),
    (SavedFlow, "next_at"),
    (Inventory, "due_at"),
    (ReportSchedule, "due_at"),
    (Rollout, "due_at"),
)
"""What the worker wakes up for, by the field that says when; the rest is done along with it."""

TICK: Final = timedelta(milliseconds=300)
VAIN: Final = timedelta(minutes=15)
"""How long it rests after a look that has changed nothing."""

WORKER: Final = "worker"
AT_ONCE: Final = 16


@dataclass(frozen=True)
class Act:
    """What somebody does at a moment."""

    at: datetime
    do: Callable[[Stage], Awaitable[object]]


async def live_through(
    stage: Stage, acts: Iterable[Act], until: datetime, tell: Callable[[datetime], None]
) -> None:
    """Let time pass until a moment; ``tell`` hears of each day that is over."""
    coming = sorted(acts, key=lambda act: act.at)
    while True:
        own, due_at = coming[0].at if coming else until, _next_due(stage)
        at = max(min(own, due_at or until, until), stage.clock.now())
        if at.date() > stage.clock.now().date():
            tell(at)
        _pass(stage, at)
        if at >= until:
            return
        while coming and coming[0].at <= at:
            await coming.pop(0).do(stage)
        await _work(stage)


async def _work(stage: Stage) -> None:
    before = stage.store.backup()
    _pass(stage, stage.clock.now() + TICK)
    due = await list_due(stage.world)
    for duty in DUTIES:
        if duty.of & due:
            await duty.discharge(stage.world)
    for claim in await claim_due(stage.world, owner=WORKER, limit=AT_ONCE):
        await advance(stage.world, claim.turn, held_since_s=claim.held_since_s)
    if Due.RUNS in due:
        for run in await claim_due_runs(stage.world, owner=WORKER, limit=AT_ONCE):
            await go_on(stage.world, run)
    if stage.store.backup() is before:
        _pass(stage, stage.clock.now() + VAIN)


def _pass(stage: Stage, at: datetime) -> None:
    stage.clock.advance(max(0.0, (at - stage.clock.now()).total_seconds()))


def _next_due(stage: Stage) -> datetime | None:
    held = stage.store.backup()
    dates = (getattr(one, field) for kind, field in DATES for one in held.list(kind))
    lacking = (one.due_at for one in held.list(Destination) if one.state is not State.CONFIRMED)
    return min(filter(None, (*dates, *lacking)), default=None)
