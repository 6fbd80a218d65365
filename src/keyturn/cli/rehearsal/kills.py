"""A rehearsal of kills: processes die at random moments while secrets turn and consumers log in.

On SQLite the one server is killed, on PostgreSQL a server or one of its workers, now and then two
at once; another process takes the part of each. The moments come of the seed, and what stands at
them of the machine.
"""

import asyncio
import random
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Protocol

from pydantic import BaseModel

from keyturn.cli.rehearsal.kill_stage import KillPlan, KillStage, killable
from keyturn.cli.rehearsal.readers import Reads
from keyturn.cli.rehearsal.tally import Tally
from keyturn.cli.rehearsal.verdict import cases, read_found, wrongs_of
from keyturn.domain.turn import Turn
from keyturn.sandbox import Org

CALLS = 3
"""So many calls of Okta's management API come between two kills, in the mean: counted, not timed,
so that turns get on where processes start slowly."""

WITHIN_S = 0.3
"""How long after such a call a kill strikes at the latest; each call takes about as long."""

ANY_TIME = 0.2
"""This part of kills is timed instead, whether anybody has started or not."""

GAP_S = 0.4
LONGEST_S = 5.0

TWO_AT_ONCE = 0.2
REST_MAX_S = 0.1


@dataclass
class Struck:
    """What was struck so far: turns by their phase, and those that a process held just then."""

    kills: int = 0
    two_at_once: int = 0
    while_starting: int = 0
    open_turns: Counter[str] = field(default_factory=Counter)
    held_turns: Counter[str] = field(default_factory=Counter)
    asked_to_add: int = 0
    added: int = 0
    heard: int = 0


@dataclass(frozen=True)
class KillReport:
    """What happened; requests are the consumers', calls and secrets the org's."""

    database: str
    seed: int
    kills: int
    two_at_once: int
    while_starting: int
    turns: dict[str, int]
    open_when_killed: dict[str, int]
    held_when_killed: dict[str, int]
    okta_calls: int
    asked_to_add: int
    added: int
    recognised: int
    requests: int
    failed: int
    failures: dict[str, int]
    reads_asked_again: int
    longest_read_s: float
    shortest_overlap_s: float | None
    seconds: float
    wrongs: list[str]

    def as_json(self) -> dict[str, object]:
        """Return the report as a JSON document."""
        return asdict(self)


class Tell(Protocol):
    """What hears how it goes."""

    def __call__(self, struck: Struck, tally: Tally) -> None:
        """Hear what was struck so far, and what consumers did."""
        ...


async def kill_at_random(plan: KillPlan, tell: Tell) -> KillReport:
    """Kill until the plan is done, let everything come to rest, and judge.

    Raises Refused where the plan's database is in use, and KeyturnError where the stage does not
    hold.
    """
    began_s = time.monotonic()
    chance = random.Random(plan.seed)  # noqa: S311  seeded
    tally, reads, struck = Tally(), Reads(), Struck()
    async with _staged(plan) as stage:
        await stage.set_up(plan.apps)
        async with stage.consumers(tally, reads):
            async with stage.turning(chance):
                while not _done(plan, struck, time.monotonic() - began_s):
                    await _kill(stage, chance, struck)
                    tell(struck, tally)
            await stage.until_ready()
            await stage.until_quiet()
        served = {k.name: await _read(stage, k.name) for k in stage.kept}
        org_calls = stage.org.org.counts()["management"]
        findings = await stage.api.list_findings(stage.place.project)
        await stage.victims.kill([*stage.victims.alive])
        _hear(stage, struck)
        async with stage.records.reading() as tx:
            found = await read_found(tx)
        each_app = cases(stage.org.org, stage.kept, found, served)
        wrongs = [*wrongs_of(found, each_app), *reads.went_back, *stage.victims.died_alone]
        wrongs += [f"drift that is none: {finding.kind}" for finding in findings]
    overlaps_s = [each for case in each_app for each in case.overlaps_s]
    return KillReport(
        database="PostgreSQL" if plan.database else "SQLite",
        seed=plan.seed,
        kills=struck.kills,
        two_at_once=struck.two_at_once,
        while_starting=struck.while_starting,
        turns=_sorted(Counter(turn.phase.value for turn in found.turns)),
        open_when_killed=_sorted(struck.open_turns),
        held_when_killed=_sorted(struck.held_turns),
        okta_calls=org_calls,
        asked_to_add=struck.asked_to_add,
        added=struck.added,
        recognised=found.count_steps("adopt"),
        requests=tally.made.total(),
        failed=tally.failed.total(),
        failures=dict(tally.failed),
        reads_asked_again=reads.again,
        longest_read_s=round(reads.longest_s, 2),
        shortest_overlap_s=min(overlaps_s, default=None),
        seconds=round(time.monotonic() - began_s, 1),
        wrongs=wrongs,
    )


def _done(plan: KillPlan, struck: Struck, seconds: float) -> bool:
    return struck.kills >= plan.kills and seconds >= plan.minutes * 60


async def _moment(org: Org, chance: random.Random) -> None:
    """Wait for the next moment that chance gives."""
    if chance.random() < ANY_TIME:
        await asyncio.sleep(chance.expovariate(1 / GAP_S))
        return
    calls = org.counts()["management"] + chance.expovariate(1 / CALLS)
    with suppress(TimeoutError):
        async with asyncio.timeout(LONGEST_S):
            while org.counts()["management"] < calls:  # noqa: ASYNC110  others' calls
                await asyncio.sleep(0.01)
    await asyncio.sleep(chance.uniform(0, WITHIN_S))


async def _kill(stage: KillStage, chance: random.Random, struck: Struck) -> None:
    """Kill at the next moment, see what was struck, and start others."""
    await _moment(stage.org.org, chance)
    alive = stage.victims.alive
    chosen = chance.sample(alive, min(2 if chance.random() < TWO_AT_ONCE else 1, len(alive)))
    struck.while_starting += sum(not victim.ready for victim in chosen)
    await stage.victims.kill(chosen)
    struck.kills += len(chosen)
    struck.two_at_once += len(chosen) == 2
    await _look(stage, struck)
    await asyncio.sleep(chance.uniform(0, REST_MAX_S))
    for victim in chosen:
        await stage.victims.start(victim.part)


async def _look(stage: KillStage, struck: Struck) -> None:
    async with stage.records.reading() as tx:
        turns = await tx.list(Turn, ended_at=None)
    struck.open_turns.update(turn.phase.value for turn in turns)
    struck.held_turns.update(turn.phase.value for turn in turns if turn.owner)
    _hear(stage, struck)


class _Asked(BaseModel):
    method: str
    route: str
    status: int | None


class _Journal(BaseModel):
    requests: tuple[_Asked, ...]
    last: int


def _hear(stage: KillStage, struck: Struck) -> None:
    """Count what the org was asked since the last time; it forgets."""
    journal = _Journal.model_validate(stage.org.org.requests(after=struck.heard))
    struck.heard = journal.last
    adds = [r for r in journal.requests if r.method == "POST" and r.route.endswith("/secrets")]
    struck.asked_to_add += len(adds)
    struck.added += sum(request.status == 201 for request in adds)


async def _read(stage: KillStage, name: str) -> str:
    return (await stage.api.read_secret(stage.place, name)).secret_value


@asynccontextmanager
async def _staged(plan: KillPlan) -> AsyncIterator[KillStage]:
    with tempfile.TemporaryDirectory(prefix="keyturn-kills-") as folder:
        async with killable(Path(folder), plan) as stage:
            yield stage


def _sorted(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda each: (-each[1], each[0])))
