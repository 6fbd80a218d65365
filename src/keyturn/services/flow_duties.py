"""What workers do for flows again and again: start what a schedule asks for, forget old runs."""

from collections.abc import Sequence
from dataclasses import replace

import structlog

from keyturn.domain.flows.run import Cause, Run, SavedFlow
from keyturn.domain.flows.timing import next_start
from keyturn.domain.flows.values import Value
from keyturn.services.flows import view_of
from keyturn.services.ports import World
from keyturn.services.removal import forget_runs
from keyturn.services.starting import start_run

log = structlog.get_logger(__name__)

DUE_AT_ONCE = 50
FORGOTTEN_AT_ONCE = 200


async def claim_due_runs(world: World, *, owner: str, limit: int) -> Sequence[Run]:
    """Claim so many of the runs that are due, oldest first, to be gone on with by this owner."""
    now = world.clock.now()
    async with world.store.reading() as tx:
        if not await tx.has_due_runs(now):
            return ()
    async with world.store.writing() as tx:
        return await tx.claim_due_runs(now, owner=owner, lease=world.limits.lease, limit=limit)


async def start_due_flows(world: World) -> int:
    """Start the flows whose schedule asks for it; return how many.

    What was missed while no worker was there is started once.
    """
    async with world.store.reading() as tx:
        due = await tx.list_due_flows(world.clock.now(), limit=DUE_AT_ONCE)
    return sum([await _start_scheduled(world, each) for each in due])


async def _start_scheduled(world: World, due: SavedFlow) -> bool:
    now = world.clock.now()
    async with world.store.writing() as tx:
        saved = await tx.find(SavedFlow, id=due.id)
        if saved is None or saved.next_at is None or saved.next_at > now:
            return False
        view = await view_of(tx, saved)
        if view.problem:  # saved by another version; it keeps none of the others waiting
            await tx.replace(replace(saved, next_at=None))
            log.warning("scheduled flow cannot be read", flow=saved.id)
            return False
        given: Value = {"time": saved.next_at.isoformat()}
        await tx.replace(replace(saved, next_at=next_start(view.flow.start, now)))
        await start_run(tx, world, view, given, cause=Cause.SCHEDULED, by="schedule")
    return True


async def forget_old_runs(world: World) -> int:
    """Forget runs that ended longer ago than history is kept; return how many."""
    before = world.clock.now() - world.limits.run_history
    async with world.store.reading() as tx:
        if not await tx.list_ended_runs(before, limit=1):
            return 0
    async with world.store.writing() as tx:
        old = await tx.list_ended_runs(before, limit=FORGOTTEN_AT_ONCE)
        await forget_runs(tx, old)
    return len(old)
