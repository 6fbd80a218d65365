"""Whether this process can do its work now, and which part of that it cannot.

Asked by probes that show no credential: the answers are fixed words and tell nothing of what is
stored. What was found is told for a second, however often it is asked.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from keyturn.domain.errors import KeyturnError
from keyturn.services.ports import Check, Footing, Pulse, World
from keyturn.services.root_key import fits

FRESH_S: Final = 1.0
SILENT_S: Final = 30.0
"""So long after a runner found its database last it is not taken for alive."""


async def read_readiness(world: World) -> Sequence[Check]:
    """Look at all that has to be so; one that depends on a failed one is not looked at."""
    known, now_s = world.vitals.ready, world.clock.uptime_s()
    if known and known[0] <= now_s < known[0] + FRESH_S:
        return known[1]
    checks = list[Check]()
    for name, look in _CHECKS.items():
        why = await look(world)
        checks.append(Check(name, why))
        if why and name in _FIRST:
            break
    world.vitals.ready = (now_s, tuple(checks))
    return checks


async def _database(world: World) -> str:
    try:
        async with world.store.reading() as tx:
            await tx.revision()
    except KeyturnError:
        return "The database does not answer."
    return ""


async def _schema(world: World) -> str:
    try:
        async with world.store.reading() as tx:
            fits_us = await tx.schema_fits()
    except KeyturnError:
        return "The database does not answer."
    return "" if fits_us else "The data are of another version of Keyturn than this process."


async def _root_key(world: World) -> str:
    try:
        opens = await fits(world.store, world.vault)
    except KeyturnError:
        opens = False
    return "" if opens else "The root key of this process does not open the data keys."


async def _runner(world: World) -> str:
    vitals = world.vitals
    if vitals.pulse is Pulse.STOPPING:
        return "The process is being stopped."
    if vitals.footing is Footing.CLOCK_OFF:
        # Secrets are served all the same, and where the database's clock is the wrong one this is
        # so of every process: taken out for it, all would be at once.
        return ""
    silent = vitals.found_at_s is None or world.clock.uptime_s() - vitals.found_at_s > SILENT_S
    if vitals.pulse is Pulse.RUNNING and silent:
        return "The runner has not looked for due turns for half a minute."
    return ""


_CHECKS: Final[Mapping[str, Callable[[World], Awaitable[str]]]] = {
    "database": _database,
    "schema": _schema,
    "rootKey": _root_key,
    "runner": _runner,
}
_FIRST: Final = frozenset({"database", "schema"})
"""Without these nothing else can be looked at."""
