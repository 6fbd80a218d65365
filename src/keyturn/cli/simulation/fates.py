"""What befalls our own processes: death, standstill, a store that fails, a network that loses.

Decides by seeded chance; in calm weather nothing happens. How each looks is the rim's business.
"""

from collections import Counter
from dataclasses import dataclass
from random import Random

from keyturn.cli.simulation.calls import Sent
from keyturn.cli.simulation.judge import Judge
from keyturn.cli.simulation.processes import Process, Work, find_site
from keyturn.cli.simulation.rim import Strike


@dataclass(frozen=True)
class Rates:
    """How likely each thing is where it can happen."""

    die: float = 0.0
    freeze: float = 0.0
    commit: float = 0.0
    call: float = 0.0


CALM = Rates()
AT_A_COMMIT = (Strike.DIE_BEFORE, Strike.DIE_AFTER, Strike.FAIL, Strike.LOSE)
AT_A_CALL = (Strike.DIE_BEFORE, Strike.DIE_AFTER, Strike.LOSE, Strike.LATE)


class RandomFates:
    """Let chance decide; ``sites`` and ``commits`` tell where somebody died."""

    def __init__(self, chance: Random, rates: Rates, judge: Judge) -> None:
        self._chance = chance
        self._rates = rates
        self._judge = judge
        self.counts: Counter[str] = Counter()
        self.sites: set[str] = set()
        self.unreachable: str = ""

    def calm_down(self) -> None:
        """Let nothing happen any more."""
        self._rates, self.unreachable = CALM, ""

    def where_it_waits(self, process: Process, work: Work, coroutine: object) -> None:
        """Let the process die or freeze, or do nothing."""
        drawn = self._chance.random()
        if drawn < self._rates.die:
            site = find_site(coroutine)
            self.sites.add(site)
            self._die(process, "crash at an await", site)
        elif drawn < self._rates.die + self._rates.freeze:
            for_s = self._chance.choice((5.0, 30.0, 45.0, 59.0, 61.0, 90.0, 600.0, 7200.0))
            self._count("zombie", process.name, find_site(coroutine), f"for {for_s} s")
            process.freeze(self._judge.ledger.now_s() + for_s)
            self._judge.hear_harm(process.name, for_s)

    def at_a_commit(self, process: Process, work: Work | None) -> Strike | None:
        """Say what befalls a transaction that is about to become durable."""
        if self._chance.random() >= self._rates.commit:
            return None
        strike = self._chance.choice(AT_A_COMMIT)
        if strike in (Strike.DIE_BEFORE, Strike.DIE_AFTER):
            self.sites.add(f"commit of {work.what if work else ''} {strike.value}")
            self._die(process, f"commit: {strike.value}", work)
        else:
            self._count(f"commit: {strike.value}", work)
        return strike

    def at_a_call(self, process: Process, sent: Sent) -> Strike | None:
        """Say what befalls a call that is about to leave for Okta."""
        if self._chance.random() >= self._rates.call:
            return None
        strike = self._chance.choice(AT_A_CALL)
        if strike is Strike.DIE_BEFORE:
            self.sites.add(f"call {sent.kind} {strike.value}")
            self._die(process, f"call: {strike.value}", sent.work)
        else:
            self.sites.add(f"call {sent.kind} {strike.value}")
            self._count(f"call: {strike.value}", sent.work)
        return strike

    def dies_now(self, process: Process) -> None:
        """Let a process die whose end was decided before."""
        self._judge.note("died", process.name)
        self._judge.hear_death(process.name)
        process.die()

    def store_pause_s(self) -> float:
        """Return how long the store takes; most looks take no time, which costs a world less."""
        return self._chance.choice((0.0, 0.0, 0.002, 0.01))

    def network_pause_s(self) -> float:
        """Return how long the network takes, one way."""
        return self._chance.choice((0.02, 0.1, 0.4))

    def refuse_store(self, process: Process) -> str:
        """Tell why the store cannot be reached now, or nothing."""
        if self.unreachable:
            self.counts[f"store {self.unreachable}"] += 1
        return self.unreachable

    def _die(self, process: Process, kind: str, *told: object) -> None:
        self._count(kind, *told)
        self.dies_now(process)

    def _count(self, kind: str, *told: object) -> None:
        self.counts[kind] += 1
        self._judge.note("local", kind, *told)
