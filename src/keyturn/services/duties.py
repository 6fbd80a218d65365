"""What every worker does again and again, whoever wakes it: the one list of it.

Each duty finds by itself whether there is anything to do, so that it may be done at any time and by
several workers at once. Knows nothing of how often that is.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

import structlog

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
from keyturn.services.ports import Due, Footing, Reading, World
from keyturn.services.proving import prove_due
from keyturn.services.renewing import renew_due
from keyturn.services.rollouts_under_way import carry_due
from keyturn.services.turns import start_due

CLOCK_MAY_BE_OFF: Final = timedelta(seconds=5)
"""So far may a process's clock be from the database's: leases of 60 seconds allow for that."""

log = structlog.get_logger(__name__)


class Doing(StrEnum):
    """What a worker may be doing, as its log and its metrics say; the first are no duties."""

    LOOKING = "looking for what is due"
    TAKING_TURNS = "taking up due turns"
    ADVANCING = "advancing a turn"
    TAKING_RUNS = "taking up due runs"
    GOING_ON = "going on with a run"
    QUEUE = "serving the queue"
    HANDING_ON = "handing on the jobs of dead workers"
    NOTING = "noting the head of the audit log"
    FORGETTING = "forgetting what is old"
    ARCHIVING = "moving old audit entries to files"
    WARNING = "warning of what expires"
    EMERGENCIES = "carrying emergencies on"
    STARTING = "starting scheduled turns"
    COMPARING = "comparing with Okta"
    DELIVERING = "bringing secrets to destinations"
    PROVING = "proving the secrets of clients"
    RENEWING = "renewing tokens"
    HEALTH = "looking at the health of connections"
    TELLING = "bringing notices to people"
    FLOWS = "starting scheduled flows"
    OLD_RUNS = "forgetting old runs"
    INVENTORY = "keeping the inventory"
    COMPLIANCE = "reporting on compliance"
    ROLLOUTS = "carrying rollouts on"
    LEAKS = "following leak reports"


@dataclass(frozen=True)
class Duty:
    """Something that is due now and then.

    ``of`` is what it is due by: where none of that is due, it finds nothing to do.
    """

    doing: Doing
    discharge: Callable[[World], Awaitable[object]]
    of: frozenset[Due]


DUTIES: Sequence[Duty] = (
    Duty(Doing.EMERGENCIES, carry_emergencies, frozenset({Due.ROLLOUTS})),
    Duty(Doing.STARTING, start_due, frozenset({Due.ROTATIONS})),
    Duty(Doing.COMPARING, reconcile_due, frozenset({Due.CONNECTIONS})),
    Duty(Doing.DELIVERING, deliver_due, frozenset({Due.DESTINATIONS})),
    Duty(Doing.PROVING, prove_due, frozenset({Due.PROOFS})),
    Duty(Doing.RENEWING, renew_due, frozenset({Due.RENEWALS})),
    Duty(Doing.HEALTH, look_due, frozenset({Due.LOOKS})),
    Duty(Doing.TELLING, bring_due, frozenset({Due.NOTICES})),
    Duty(Doing.FLOWS, start_due_flows, frozenset({Due.FLOWS})),
    Duty(Doing.OLD_RUNS, forget_old_runs, frozenset({Due.OLD_RUNS})),
    Duty(Doing.INVENTORY, keep_due, frozenset({Due.INVENTORIES})),
    Duty(Doing.COMPLIANCE, report_due, frozenset({Due.REPORTS})),
    Duty(Doing.ROLLOUTS, carry_due, frozenset({Due.ROLLOUTS})),
    Duty(Doing.LEAKS, follow_leaks, frozenset({Due.LEAKS})),
)


async def list_due(world: World) -> frozenset[Due]:
    """Return of what there is anything due now, in one look; nothing is where nothing may be done.

    What is not so then is in `Vitals.footing`: the schema is another, or the clock is off, by which
    this process would take what others hold, or hold what they cannot take over.
    """
    async with world.store.reading() as tx:
        footing = await _look_down(world, tx)
        if footing is not world.vitals.footing:
            log.warning("work stops" if footing else "work goes on", why=footing.value)
        world.vitals.footing = footing
        if footing:
            return frozenset()
        now = world.clock.now()
        return await tx.list_due(now, runs_before=now - world.limits.run_history)


async def _look_down(world: World, tx: Reading) -> Footing:
    """Compare schema and clock with what this process works by; how long that took is allowed."""
    if not await tx.schema_fits():
        return Footing.OTHER_DATA
    before = world.clock.now()
    theirs = await tx.clock()
    if theirs is None:
        return Footing.FIRM
    off = max(before - theirs, theirs - world.clock.now())
    return Footing.CLOCK_OFF if off > CLOCK_MAY_BE_OFF else Footing.FIRM


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
