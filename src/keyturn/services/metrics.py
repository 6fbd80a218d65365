"""What there is to be watched: how the installation stands, and what this process has done.

Decides who may see it and how often the store is looked at for it. Nothing that it tells names an
app, a secret or a person. Knows nothing of how it is written.
"""

from typing import Final

from keyturn.domain.access import Caller, Target, Verb
from keyturn.domain.attention import LATE
from keyturn.domain.compliance_reports import ComplianceReport, ReportSchedule
from keyturn.domain.errors import KeyturnError
from keyturn.domain.inventory import Inventory
from keyturn.services import gate
from keyturn.services.ports import Observed, World

FRESH_S: Final = 5.0
"""How long what was counted is told for what there is: scrapers come more than one at a time."""
RECORDED_S: Final = 3600.0
"""A caller that is let in again and again is put on record this often."""


async def read_metrics(world: World, caller: Caller) -> Observed:
    """Observe, for a caller who may. Raises Forbidden.

    Somebody who looks every few seconds has one audit entry an hour, and one for each refusal.
    """
    verb, now_s = Verb.READ_METRICS, world.clock.uptime_s()
    told_s = world.vitals.told.get(caller.id)
    recent = told_s is not None and told_s <= now_s < told_s + RECORDED_S
    if not (recent and gate.may(caller, verb, Target())):
        await gate.require(world, caller, verb, Target(), subject="metrics")
        world.vitals.told[caller.id] = now_s
    return await observe(world)


async def observe(world: World) -> Observed:
    """Observe, for whoever was let in by where they stand; a store that is away is told of."""
    now_s = world.clock.uptime_s()
    seen = world.vitals.seen
    if seen and seen[0] <= now_s < seen[0] + FRESH_S:
        return seen[1]
    try:
        observed = await _look(world)
    except KeyturnError:
        observed = Observed(world.clock.now(), None)
    world.vitals.seen = (now_s, observed)
    return observed


async def _look(world: World) -> Observed:
    now = world.clock.now()
    async with world.store.reading() as tx:
        figures = await tx.figures(now, late_before=now - LATE)
        inventories = await tx.list(Inventory)
        reports = [
            newest
            for each in await tx.list(ReportSchedule)
            for newest in await tx.list_newest(
                ComplianceReport, limit=1, organization_id=each.organization_id
            )
        ]
    return Observed(now, figures, await world.okta.list_windows(), inventories, reports)
