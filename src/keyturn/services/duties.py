"""What every worker does again and again, whoever wakes it: the one list of it.

Each duty finds by itself whether there is anything to do, so that it may be done at any time and by
several workers at once. Knows nothing of how often that is.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from keyturn.domain.turn import Turn
from keyturn.services.compliance_reports import report_due
from keyturn.services.connection_news import look_due
from keyturn.services.deliveries import deliver_due
from keyturn.services.dispatching import bring_due
from keyturn.services.drift import reconcile_due
from keyturn.services.emergencies_under_way import carry_emergencies
from keyturn.services.flow_duties import forget_old_runs, start_due_flows
from keyturn.services.inventory_keeping import keep_due
from keyturn.services.leaks_under_way import follow_leaks
from keyturn.services.ports import Due, World
from keyturn.services.proving import prove_due
from keyturn.services.renewing import renew_due
from keyturn.services.rollouts_under_way import carry_due
from keyturn.services.turns import start_due


@dataclass(frozen=True)
class Duty:
    """Something that is due now and then; ``doing`` is what a worker says of it.

    ``of`` is what it is due by: where none of that is due, it finds nothing to do.
    """

    doing: str
    discharge: Callable[[World], Awaitable[object]]
    of: frozenset[Due]


DUTIES: Sequence[Duty] = (
    Duty("carrying emergencies on", carry_emergencies, frozenset({Due.ROLLOUTS})),
    Duty("starting scheduled turns", start_due, frozenset({Due.ROTATIONS})),
    Duty("comparing with Okta", reconcile_due, frozenset({Due.CONNECTIONS})),
    Duty("bringing secrets to destinations", deliver_due, frozenset({Due.DESTINATIONS})),
    Duty("proving the secrets of clients", prove_due, frozenset({Due.PROOFS})),
    Duty("renewing tokens", renew_due, frozenset({Due.RENEWALS})),
    Duty("looking at the health of connections", look_due, frozenset({Due.LOOKS})),
    Duty("bringing notices to people", bring_due, frozenset({Due.NOTICES})),
    Duty("starting scheduled flows", start_due_flows, frozenset({Due.FLOWS})),
    Duty("forgetting old runs", forget_old_runs, frozenset({Due.OLD_RUNS})),
    Duty("keeping the inventory", keep_due, frozenset({Due.INVENTORIES})),
    Duty("reporting on compliance", report_due, frozenset({Due.REPORTS})),
    Duty("carrying rollouts on", carry_due, frozenset({Due.ROLLOUTS})),
    Duty("following leak reports", follow_leaks, frozenset({Due.LEAKS})),
)


async def list_due(world: World) -> frozenset[Due]:
    """Return of what there is anything due now, in one look."""
    now = world.clock.now()
    async with world.store.reading() as tx:
        return await tx.list_due(now, runs_before=now - world.limits.run_history)


@dataclass(frozen=True)
class Claim:
    """A turn that one worker has in hand; ``held_since_s`` is `Clock.uptime_s` from before that."""

    turn: Turn
    held_since_s: float


async def claim_due(world: World, *, owner: str, limit: int) -> Sequence[Claim]:
    """Claim so many of the turns that are due, oldest first, to be advanced by this owner."""
    since_s, now = world.clock.uptime_s(), world.clock.now()
    async with world.store.writing() as tx:
        turns = await tx.claim_due(now, owner=owner, lease=world.limits.lease, limit=limit)
    return [Claim(turn, since_s) for turn in turns]
