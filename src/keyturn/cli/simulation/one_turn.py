"""One turn in a quiet world, struck exactly where a script says.

For going through every boundary of a turn one by one, and in pairs: each transaction that becomes
durable, and each call to Okta.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import time, timedelta
from random import Random

from keyturn.cli.simulation.agenda import Agenda
from keyturn.cli.simulation.calls import Sent
from keyturn.cli.simulation.connections import Service, connect
from keyturn.cli.simulation.consumers import SCOPE, Consumer, Habit
from keyturn.cli.simulation.judge import Judge, Violation
from keyturn.cli.simulation.kinds import PROPS
from keyturn.cli.simulation.own_key import NAME, OwnKey
from keyturn.cli.simulation.parts import Client, Part
from keyturn.cli.simulation.people import close
from keyturn.cli.simulation.processes import Died, Process, Work
from keyturn.cli.simulation.rim import Strike
from keyturn.cli.simulation.simulation import kept_logs
from keyturn.cli.simulation.stage import (
    AS_IT_IS,
    START,
    Cast,
    Sabotage,
    Scenery,
    Stage,
    cast,
    set_up,
)
from keyturn.cli.simulation.workers import Worker
from keyturn.domain.budget import WINDOW_S
from keyturn.domain.errors import KeyturnError
from keyturn.domain.okta import CredentialKind
from keyturn.domain.rollout import Rollout
from keyturn.domain.schedule import Schedule
from keyturn.domain.turn import Policy, Turn
from keyturn.services.ports import Limits, World
from keyturn.services.turns import rotate
from keyturn.testing import ManualClock, run_virtually

AT_A_COMMIT = (Strike.DIE_BEFORE, Strike.DIE_AFTER, Strike.FAIL, Strike.LOSE, Strike.FREEZE)
AT_A_CALL = (Strike.DIE_BEFORE, Strike.LOSE, Strike.DIE_AFTER, Strike.LATE, Strike.FREEZE)
FROZEN_S = 120.0
AFTER_S = 600.0
"""How long the world goes on after the turn: time for what was frozen, late or forgotten."""
LONGEST_S = 2 * 86_400.0
READ_S = 7200.0
"""Time for a consumer to have read what an emergency is to leave it time for."""
SHORT_LIVED = timedelta(minutes=5)
"""So long a custom server's access tokens last: each has to be renewed within a turn."""
SHORT = Policy(overlap_s=300, soak_s=600)

Script = Mapping[int, Strike]


class ScriptedFates:
    """Strike at the boundaries that the script names, counted as they come."""

    def __init__(self, script: Script, judge: Judge) -> None:
        self._script = script
        self._judge = judge
        self.boundaries: list[str] = []
        self.kinds: list[str] = []

    def where_it_waits(self, process: Process, work: Work, coroutine: object) -> None:
        """Do nothing."""

    def at_a_commit(self, process: Process, work: Work | None) -> Strike | None:
        """Say what befalls a transaction, whoever makes it."""
        return self._strike("commit", work.what if work else "", process)

    def at_a_call(self, process: Process, sent: Sent) -> Strike | None:
        """Say what befalls a call."""
        return self._strike("call", sent.kind, process)

    def dies_now(self, process: Process) -> None:
        """Let a process die whose end was decided before."""
        self._judge.hear_death(process.name)
        process.die()

    def store_pause_s(self) -> float:
        """Return how long the store takes."""
        return 0.001

    def network_pause_s(self) -> float:
        """Return how long the network takes, one way."""
        return 0.05

    def refuse_store(self, process: Process) -> str:
        """Let the store be reached."""
        return ""

    def _strike(self, kind: str, what: str, process: Process) -> Strike | None:
        strike = self._script.get(len(self.boundaries))
        self.boundaries.append(kind)
        self.kinds.append(what)
        if strike:
            self._judge.note("script", kind, len(self.boundaries) - 1, strike.value)
        dies_here = strike is Strike.DIE_BEFORE or (kind == "commit" and strike is Strike.DIE_AFTER)
        if dies_here:
            self.dies_now(process)
        if strike is Strike.FREEZE:
            process.freeze(self._judge.ledger.now_s() + FROZEN_S)
            self._judge.hear_harm(process.name, FROZEN_S)
            return None
        return strike


@dataclass
class OneTurn:
    """What came of one turn, and the boundaries that it passed.

    ``kinds`` tells what each of them was: in what work a commit, a look, or what a call changes.
    ``over`` says that nothing was under way any more, neither a turn nor an emergency.
    """

    ends: Counter[str] = field(default_factory=Counter)
    boundaries: list[str] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    events: Counter[str] = field(default_factory=Counter)
    violations: list[Violation] = field(default_factory=list)
    trace: list[str] = field(default_factory=list)
    living: list[str] = field(default_factory=list)
    over: bool = False

    @property
    def broken(self) -> set[str]:
        """Return the invariants that did not hold."""
        return {violation.invariant for violation in self.violations}

    def before(self, change: str) -> Iterator[int]:
        """Yield the commits between the last look and a change: one of them is its intent."""
        at = self.kinds.index(change) - 1
        while self.boundaries[at] == "commit":
            yield at
            at -= 1


@dataclass(frozen=True)
class Scene:
    """A turn to try: what is turned, what breaks the product, and what is special in its world.

    ``compared_s`` is the time between two comparisons with Okta. ``left_s`` is how much time an
    emergency leaves consumers, which then begins the turn.
    """

    policy: Policy = SHORT
    sabotage: Sabotage = AS_IT_IS
    prepare: Callable[[Stage], None] = lambda stage: None
    habit: Habit = Habit.EACH_USE
    kind: CredentialKind = CredentialKind.CLIENT_SECRET
    emergency: bool = False
    left_s: int | None = None
    delivered: bool = False
    client: Client | None = None
    compared_s: float = 3600.0
    tracing: bool = False
    lasts_s: float = LONGEST_S


def try_turn(script: Script, scene: Scene | None = None) -> OneTurn:
    """Take one turn to its end under a script, with a second worker and a consumer beside it."""
    clock = ManualClock(START)
    with kept_logs() as lines:
        return run_virtually(clock, _try(clock, script, scene or Scene(), lines))


async def _try(clock: ManualClock, script: Script, scene: Scene, lines: list[str]) -> OneTurn:
    made: list[ScriptedFates] = []

    def fates(judge: Judge) -> ScriptedFates:
        made.append(ScriptedFates(script, judge))
        return made[0]

    limits = Limits(scene.policy, reconcile=timedelta(seconds=scene.compared_s))
    of_ours = scene.kind.rules.of_connection
    scenery = Scenery(1, service_app=of_ours, limits=limits)
    stage = await set_up(scenery, clock, fates, sabotage=scene.sabotage, tracing=scene.tracing)
    method, monthly = PROPS[scene.kind].methods[0], Schedule(30, time(0, 0))
    stage.org.servers.add_scope("default", SCOPE)
    stage.org.servers.change_lifetimes("default", access=SHORT_LIVED)
    name = NAME if of_ours else "app"
    part = Part(name, scene.policy, monthly, method, kind=scene.kind, client=scene.client)
    part = replace(part, delivered=scene.delivered)
    it = await (OwnKey(stage, part).cast() if of_ours else cast(stage, part))
    connections = await connect(stage, part, it)
    await asyncio.sleep(WINDOW_S)  # what the set-up has called is in a rate window of its own
    scene.prepare(stage)
    server, agenda = stage.station("server"), Agenda(stage)
    workers = [Worker(stage, agenda, f"worker{n}", Random(n)) for n in (1, 2)]
    tasks = [asyncio.create_task(worker.run()) for worker in workers]
    if not of_ours:
        consumer = Consumer(stage, server, it, Random(1))
        consumer.habit = scene.habit
        tasks.append(asyncio.create_task(consumer.run("consumer")))
    services = [Service(stage, server, it, each, Random(1)) for each in connections]
    tasks += [asyncio.create_task(service.run()) for service in services]
    try:
        await server.process.run("order turn", _begin(stage, server.world, it, scene))
    except (Died, KeyturnError) as error:
        stage.judge.note("order", type(error).__name__)
    except Exception as error:  # noqa: BLE001  what the API would answer with 500
        stage.judge.hear_unforeseen("order turn", error)
    until_s = clock.uptime_s() + scene.lasts_s
    while clock.uptime_s() < until_s and _goes_on(stage):  # noqa: ASYNC110  virtual time costs nothing
        await asyncio.sleep(60.0)
    await asyncio.sleep(AFTER_S)
    await asyncio.gather(*(service.require_token() for service in services))
    stage.judge.search(iter(lines))
    stage.judge.hear_end()
    return OneTurn(
        Counter(str(turn.phase) for turn in stage.ledger.all_turns()),
        made[0].boundaries,
        made[0].kinds,
        stage.judge.counts,
        stage.judge.violations,
        stage.judge.trace,
        [f"{s.status}" for s in stage.ledger.app(it.app_id).live_secrets],
        over=not _goes_on(stage),
    )


def _goes_on(stage: Stage) -> bool:
    held = stage.store.backup()
    carried = any(rollout.due_at for rollout in held.list(Rollout))
    return carried or any(turn.running for turn in held.list(Turn))


async def _begin(stage: Stage, world: World, it: Cast, scene: Scene) -> None:
    if scene.left_s is None:
        await rotate(world, stage.admin, it.rotation_id, emergency=scene.emergency)
    else:
        await asyncio.sleep(READ_S)  # who reads in ten hours only, comes for news
        for bell in stage.judge.news[it.app_id]:
            bell()
        await asyncio.sleep(READ_S)
        await close(stage, world, it, scene.left_s)


def singles(boundaries: list[str], after: int = -1) -> Iterator[tuple[int, Strike]]:
    """Yield every strike at every boundary past one."""
    for index, kind in enumerate(boundaries):
        if index > after:
            for strike in AT_A_COMMIT if kind == "commit" else AT_A_CALL:
                yield index, strike
