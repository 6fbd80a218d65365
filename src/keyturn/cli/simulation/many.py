"""Many seeds, in as many processes as wanted, and what came of them in all.

What a seed gives does not depend on how many processes there are.
"""

import gc
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context

from keyturn.adapters.system.memory import keep_what_is_loaded
from keyturn.cli.simulation.judge import Violation
from keyturn.cli.simulation.simulation import Outcome, simulate

AT_ONCE = 8


@dataclass
class Totals:
    """What came of all seeds so far."""

    seeds: int = 0
    turns: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    orders: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    sites: set[str] = field(default_factory=set)
    violations: list[tuple[int, Violation]] = field(default_factory=list)
    seconds: float = 0.0

    def add(self, outcome: Outcome) -> None:
        """Count one seed."""
        self.seeds += 1
        self.turns += outcome.turns
        self.faults += outcome.faults
        self.orders += outcome.orders
        self.events += outcome.events
        self.sites |= outcome.sites
        self.violations += [(outcome.seed, violation) for violation in outcome.violations]

    def as_json(self) -> dict[str, object]:
        """Return the totals as one JSON document."""
        return {
            "seeds": self.seeds,
            "turns": sum(self.turns.values()),
            "ends": _sorted(self.turns),
            "faults": sum(self.faults.values()),
            "fault_kinds": len(self.faults),
            "faults_by_kind": _sorted(self.faults),
            "crash_points": len(self.sites),
            "crash_sites": sorted(self.sites),
            "orders": _sorted(self.orders),
            "events": _sorted(self.events),
            "violations": [
                {"seed": seed, "invariant": v.invariant, "at_s": v.at_s, "told": v.told}
                for seed, v in self.violations
            ],
            "seconds": round(self.seconds, 1),
        }


def simulate_many(
    seeds: Sequence[int],
    *,
    jobs: int,
    at_least_s: float = 0.0,
    tell: Callable[[Totals], None] = lambda totals: None,
) -> Totals:
    """Simulate the world of each seed, and of those that follow for as long as time is given.

    ``tell`` hears the totals after each one.
    """
    totals, began_s = Totals(), time.monotonic()
    with _mapping(jobs) as over:
        while True:
            for outcome in over(seeds):
                totals.add(outcome)
                totals.seconds = time.monotonic() - began_s
                tell(totals)
            if totals.seconds >= at_least_s:
                return totals
            seeds = range(seeds[-1] + 1, seeds[-1] + 1 + jobs * AT_ONCE)


Over = Callable[[Sequence[int]], Iterator[Outcome]]


@contextmanager
def _mapping(jobs: int) -> Iterator[Over]:
    if jobs == 1:
        often = gc.get_threshold()
        _collect_seldom()
        try:
            yield partial(map, simulate)
        finally:
            gc.set_threshold(*often)
        return
    spawning = get_context("spawn")
    with ProcessPoolExecutor(jobs, spawning, initializer=_collect_seldom) as pool:
        yield partial(pool.map, simulate, chunksize=AT_ONCE)


def _collect_seldom() -> None:
    """Leave what is loaded out of garbage collection: a fifth of a world's time went there."""
    keep_what_is_loaded()
    gc.set_threshold(200_000, 20, 20)


def _sorted(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda each: (-each[1], each[0])))
