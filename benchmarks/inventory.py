"""What the inventory of a large org takes: of Okta's rate limit, of time, and of memory.

Everything runs in this process: the sandbox without sockets, SQLite on this machine's disk, and a
clock that is turned by hand. A number is how many apps the org has (10,000); `--json` prints JSON.
What misses its target is named, and the command exits with 1.
The slow test of the inventory runs `take` too, over a store in memory.
"""

import asyncio
import json
import logging
import resource
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta

import structlog
from turns import House, housed, on_disk

from keyturn.domain.inventory import Inventory, ListedApp, ListedSecret, Stage
from keyturn.domain.turn import Policy
from keyturn.sandbox import AppDraft
from keyturn.services.inventory import begin_inventory
from keyturn.services.inventory_keeping import keep_due
from keyturn.services.ports import Store

APPS = "/api/v1/apps"
PER_MINUTE = 25
"""Half of what the workforce profile lets one principal ask of the bucket of apps."""

OVER_BOUND_MAX, AGAIN_S_MAX, PEAK_MB_MAX = 1.1, 60, 300
CHANGED = 10
"""So many apps have changed when the inventory is brought up to date."""


@dataclass(frozen=True)
class Taken:
    """What the first reading took, and what bringing it up to date an hour later took.

    ``calls`` are those of the bucket that the list and the client secrets share; ``bound_s`` is how
    long they take at the rate that the background may use. ``refused_429`` is by the org's journal.
    """

    apps: int
    secrets: int
    calls: int
    took_s: float
    bound_s: float
    over_bound: float
    refused_429: int
    again_s: float
    again_calls: int
    cpu_s: float
    populated_mb: float
    peak_mb: float


async def take(store: Store, apps: int) -> Taken:
    """Take the inventory of an org of so many apps, then once more by what has changed."""
    policy = Policy(overlap_s=300, soak_s=0)
    async with housed(store, policy=policy) as house:
        made = [house.org.create_app(AppDraft(f"app {number}")).id for number in range(apps)]
        house.org.change_settings(profile="workforce")
        house.clock.advance(600)
        populated, cpu = _peak_mb(), time.process_time()
        first = house.org.journal.last
        took = await _keep(house)
        after = house.org.journal.last
        house.clock.advance(3600)
        again = await _bring_up_to_date(house, made[:CHANGED])
        cpu = time.process_time() - cpu
        calls = _calls(house, first, after)
        bound = len([route for route, _ in calls if route.startswith(APPS)]) / PER_MINUTE * 60
        every = [*calls, *_calls(house, after)]
        async with store.reading() as tx:
            listed, secrets = await tx.list(ListedApp), await tx.list(ListedSecret)
        return Taken(
            len(listed),
            len(secrets),
            sum(route.startswith(APPS) for route, _ in calls),
            took.total_seconds(),
            bound,
            round(took.total_seconds() / bound, 3),
            sum(status == 429 for _, status in every),
            again.total_seconds(),
            len(_calls(house, after)),
            round(cpu, 1),
            populated,
            _peak_mb(),
        )


async def _bring_up_to_date(house: House, changed: Sequence[str]) -> timedelta:
    for app_id in changed:
        house.org.create_secret(app_id)
    return await _keep(house)


async def _keep(house: House) -> timedelta:
    """Have the inventory brought up to date, and return how long that took by the clock."""
    began = house.clock.now()
    await begin_inventory(house.world, house.admin)
    while (kept := await _kept(house)).stage is not Stage.FRESH or _is_due(house, kept):
        if kept.due_at and kept.due_at > house.clock.now():
            house.clock.advance((kept.due_at - house.clock.now()).total_seconds())
        await keep_due(house.world)
        if kept.failure:
            raise RuntimeError(kept.failure)
    return house.clock.now() - began


def _is_due(house: House, kept: Inventory) -> bool:
    return kept.due_at is not None and kept.due_at <= house.clock.now()


async def _kept(house: House) -> Inventory:
    async with house.world.store.reading() as tx:
        [kept] = await tx.list(Inventory)
    return kept


def _calls(house: House, after: int, until: int | None = None) -> list[tuple[str, int]]:
    told = house.org.journal.list(after)
    some = told if until is None else told[: until - after]
    return [(str(each["route"]), int(str(each["status"]))) for each in some]


def _peak_mb() -> float:
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)


async def measure(apps: int) -> Taken:
    """Measure over SQLite."""
    async with on_disk() as store:
        return await take(store, apps)


def main() -> None:
    """Measure and print."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    numbers = [int(word) for word in sys.argv[1:] if word.isdigit()]
    taken = asyncio.run(measure(*numbers or [10_000]))
    told = asdict(taken)
    if "--json" in sys.argv:
        print(json.dumps({"inventory": [told]}))
    else:
        print("inventory", *(f"{key}={value}" for key, value in told.items()))
    if missed := [*misses(taken)]:
        sys.exit("\n".join(missed))


def misses(taken: Taken) -> Iterator[str]:
    """Name the targets that were missed."""
    if taken.over_bound > OVER_BOUND_MAX or taken.refused_429:
        yield f"read in {taken.took_s} s of {taken.bound_s} s, {taken.refused_429} x 429"
    if taken.again_s >= AGAIN_S_MAX:
        yield f"brought up to date in {taken.again_s} s"
    if taken.peak_mb >= PEAK_MB_MAX:
        yield f"{taken.peak_mb} MB"


if __name__ == "__main__":
    main()
