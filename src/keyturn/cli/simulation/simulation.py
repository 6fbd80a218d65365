"""One simulated world: everything in it follows from its seed.

Some days in which everything goes wrong, then a time without faults in which every turn has to
come to its end.
"""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from random import Random
from traceback import format_exception

import structlog

from keyturn.cli.simulation.agenda import Agenda
from keyturn.cli.simulation.connections import Service, connect
from keyturn.cli.simulation.consumers import SCOPE, Consumer
from keyturn.cli.simulation.fates import RandomFates, Rates
from keyturn.cli.simulation.judge import Judge, Violation
from keyturn.cli.simulation.kinds import PROPS, READ
from keyturn.cli.simulation.newcomers import Newcomer
from keyturn.cli.simulation.own_key import NAME, OwnKey
from keyturn.cli.simulation.parts import Client, Onboarding, Part
from keyturn.cli.simulation.people import Operators
from keyturn.cli.simulation.stage import (
    AS_IT_IS,
    Cast,
    Sabotage,
    Scenery,
    Stage,
    cast,
    set_up,
)
from keyturn.cli.simulation.watch import StoodStill, WatchedClock
from keyturn.cli.simulation.weather import Weather
from keyturn.cli.simulation.workers import Worker
from keyturn.domain.drift import Finding
from keyturn.domain.errors import KeyturnError
from keyturn.domain.okta import CredentialKind
from keyturn.domain.rotation import Rotation
from keyturn.domain.schedule import Schedule
from keyturn.domain.turn import Overlap, Phase, Policy, Turn, Word
from keyturn.services.orders import resume_turn
from keyturn.services.ports import Limits
from keyturn.testing import ManualClock, run_virtually

STARTS = (
    datetime(2026, 3, 28, 9, 30, tzinfo=UTC),  # summer time begins in Europe the next night
    datetime(2026, 3, 7, 9, 30, tzinfo=UTC),  # and in America
    datetime(2026, 4, 4, 9, 30, tzinfo=UTC),  # it ends on Lord Howe Island, by half an hour
    datetime(2026, 10, 24, 9, 30, tzinfo=UTC),  # and in Europe
)
"""Each world sees the clocks of one zone being changed."""
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe")
MINUTE_S, HOUR_S, DAY_S = 60.0, 3600.0, 86_400.0
STORM_S = 1.06 * DAY_S
NEWCOMERS_S = 0.9 * DAY_S
"""Until when somebody may ask for another rotation."""
COMPARED_H = (1, 3, 3, 8)
"""How often a world compares with Okta; each look costs it as much as a step of a turn."""
MIXED = 0.3
DELIVERED = 0.25
CONNECTED = 0.25
PLAIN = (CredentialKind.CLIENT_SECRET,)
OWN = 0.8
ONBOARDINGS = (*[Onboarding.ADOPT] * 4, Onboarding.BESIDE, Onboarding.RETIRE, Onboarding.RETIRE)
LAST_FRAMES = 5
"""So many lines of a failure of the simulation's own are told."""
SETTLING_S = 8 * DAY_S
"""Longer than any overlap, backstop, patience and soak of a simulated policy together."""


@dataclass
class Outcome:
    """What came of one seed."""

    seed: int
    turns: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    orders: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    sites: set[str] = field(default_factory=set)
    violations: list[Violation] = field(default_factory=list)
    trace: list[str] = field(default_factory=list)

    @property
    def digest(self) -> str:
        """Return a hash of the trace: the same seed gives the same."""
        return hashlib.sha256("\n".join(self.trace).encode()).hexdigest()


@dataclass(frozen=True)
class Mood:
    """How bad a world is; a seed chooses one."""

    rates: Rates
    weather_s: float
    orders_s: float


MOODS = (
    Mood(Rates(), 4 * HOUR_S, 24 * HOUR_S),
    Mood(Rates(die=0.002, freeze=0.0005, commit=0.004, call=0.01), 8 * HOUR_S, 12 * HOUR_S),
    Mood(Rates(die=0.005, freeze=0.002, commit=0.01, call=0.03), 3 * HOUR_S, 6 * HOUR_S),
    Mood(Rates(die=0.02, freeze=0.008, commit=0.03, call=0.08), 2 * HOUR_S, 6 * HOUR_S),
)


def simulate(seed: int, *, tracing: bool = False, sabotage: Sabotage = AS_IT_IS) -> Outcome:
    """Simulate the world of a seed and tell what came of it, be it that the world broke down."""
    clock = WatchedClock(STARTS[seed % len(STARTS)])
    with kept_logs() as lines:
        world = _World(seed, clock, tracing=tracing, sabotage=sabotage)
        try:
            return run_virtually(clock, world.run(lines))
        except (Exception, StoodStill) as error:  # noqa: BLE001  whatever it is, its seed is told
            return world.broken_down(error)


class _World:
    def __init__(self, seed: int, clock: ManualClock, *, tracing: bool, sabotage: Sabotage) -> None:
        self._seed = seed
        self._clock = clock
        self._tracing = tracing
        self._sabotage = sabotage
        self._chance = Random(seed)
        self._mood = self._chance.choice(MOODS)
        self._later: list[Part] = []
        self._connections: list[tuple[Cast, str]] = []
        self._judge: Judge | None = None

    def broken_down(self, error: BaseException) -> Outcome:
        """Tell of a world that did not come to its end."""
        judge, at_s = self._judge, self._clock.uptime_s()
        name = "time_passes" if isinstance(error, StoodStill) else "the_simulation_itself_works"
        told = "".join(format_exception(error)[-LAST_FRAMES:])
        found = [*(judge.violations if judge else ()), Violation(name, at_s, told)]
        trace = judge.trace if judge else []
        return Outcome(self._seed, violations=found, trace=trace)

    async def run(self, lines: list[str]) -> Outcome:
        stage = await self._set_up()
        fates = stage.fates
        if not isinstance(fates, RandomFates):
            raise TypeError("a seed's fates are random")
        agenda = Agenda(stage)
        workers = [Worker(stage, agenda, f"worker{n}", self._branch()) for n in (1, 2)]
        server = stage.station("server")
        operators = Operators(stage, server, self._branch())
        processes = [worker.process for worker in workers] + [server.process]
        weather = Weather(stage, fates, processes, self._branch())
        tasks = [asyncio.create_task(worker.run()) for worker in workers]

        def serve(each: Cast) -> None:
            for number in range(self._chance.choice((1, 1, 1, 2))):
                consumer = Consumer(stage, server, each, self._branch())
                tasks.append(asyncio.create_task(consumer.run(f"{each.name}-{number}")))

        for each in stage.casts:
            if each is not stage.own:
                serve(each)
        services = [Service(stage, server, *its, self._branch()) for its in self._connections]
        tasks += [asyncio.create_task(service.run()) for service in services]
        for part in self._later:
            newcomer = Newcomer(stage, operators, part, self._branch())
            tasks.append(asyncio.create_task(newcomer.run(NEWCOMERS_S, serve)))
        storm = [
            asyncio.create_task(weather.run(self._mood.weather_s)),
            asyncio.create_task(operators.run(self._mood.orders_s)),
            asyncio.create_task(_look_at_the_clock(stage.judge)),
        ]
        await asyncio.sleep(STORM_S)
        for task in storm:
            task.cancel()
        await asyncio.gather(*storm, return_exceptions=True)
        weather.end()
        await operators.get_in_again()
        await operators.call_off()
        stage.judge.note("weather", "calm")
        await self._settle(stage, operators)
        await asyncio.gather(*(service.require_token() for service in services))
        await self._wait_for_ends(stage, operators)  # meanwhile what has drifted began to turn
        stage.judge.search(iter(lines))
        stage.judge.hear_end()
        _require_alive(tasks)
        return self._outcome(stage, fates, weather, operators)

    async def _set_up(self) -> Stage:
        chance = self._chance
        scenery = Scenery(
            seed=self._seed,
            profile=chance.choice(("off", "workforce", "free")),
            service_app=chance.random() < 0.25,
            limits=Limits(
                Policy(overlap_s=300, soak_s=3600),
                reconcile=timedelta(hours=chance.choice(COMPARED_H)),
            ),
        )

        def fates(judge: Judge) -> RandomFates:
            self._judge = judge
            return RandomFates(self._branch(), self._mood.rates, judge)

        stage = await set_up(
            scenery, self._clock, fates, sabotage=self._sabotage, tracing=self._tracing
        )
        stage.org.servers.add_scope("default", SCOPE)
        if scenery.service_app and chance.random() < OWN:
            await OwnKey(stage, self._part(NAME, (CredentialKind.CONNECTION_KEY,))).cast()
        mixed = chance.random() < MIXED
        for number in range(chance.choice((2, 3, 4))):
            part = self._part(f"app{number}", PLAIN if not (mixed and number) else READ)
            if number and part.onboarding is not Onboarding.ADOPT:
                self._later.append(part)
                continue
            delivered = chance.random() < DELIVERED
            client = self._client() if part.kind is CredentialKind.CLIENT_SECRET else None
            part = replace(part, onboarding=Onboarding.ADOPT, delivered=delivered, client=client)
            made = await cast(stage, part)
            self._connections += [(made, each) for each in await connect(stage, part, made)]
            stage.judge.note("cast", made.app_id, part.kind, part.policy, client)
            await asyncio.sleep(MINUTE_S)  # a free org's rate limit takes no more at once
        return stage

    def _client(self) -> Client | None:
        chance = self._branch()
        if chance.random() >= CONNECTED:
            return None
        mints, leeway_s = chance.random() < 0.5, chance.choice((None, 0, 30))
        return Client(chance.choice((1, 2)), mints, leeway_s)

    def _part(self, name: str, kinds: Sequence[CredentialKind]) -> Part:
        chance = self._chance
        overlap_s = chance.choice((300, 300, 900, 3600))
        policy = Policy(
            overlap_s=overlap_s,
            soak_s=chance.choice((0, 60, 3600, 7200)),
            overlap=chance.choice(
                (Overlap.FIXED, Overlap.FIXED, Overlap.UNTIL_NEXT, Overlap.EVIDENCE)
            ),
            backstop_s=chance.choice((7200, 14_400)),
            quiet_s=chance.choice((600, 3600)),
            log=chance.random() < 0.5,
            repair=chance.random() < 0.5,
        )
        kind = chance.choice(kinds)
        method = chance.choice(PROPS[kind].methods)
        at = time(chance.randrange(24), chance.choice((0, 30)))
        every, zone = chance.choice(("3h", "4h", "6h", "")), chance.choice(ZONES)
        if policy.overlap is Overlap.UNTIL_NEXT:
            every = "4h"  # while it waits it is looked at every five minutes
        schedule = Schedule(1, at, every=every) if every else Schedule(1, at, at=at, zone=zone)
        by_client_id = chance.random() < 0.2
        onboarding = chance.choice(ONBOARDINGS)
        return Part(name, policy, schedule, method, by_client_id, kind, onboarding)

    async def _settle(self, stage: Stage, operators: Operators) -> None:
        """Let time pass without faults; whoever paused a turn lets it go on, no new ones begin."""
        for each in stage.casts:
            try:
                await resume_turn(stage.bare, stage.admin, each.rotation_id)
            except KeyturnError as error:
                stage.judge.note("nothing to resume:", error.message)
        await self._stop_schedules(stage)
        await self._wait_for_ends(stage, operators)

    async def _wait_for_ends(self, stage: Stage, operators: Operators) -> None:
        until_s = self._clock.uptime_s() + SETTLING_S
        while self._clock.uptime_s() < until_s and (going := _going(stage)):
            for turn in going:
                await self._finish_until_next(stage, operators, turn)
                if turn.phase is Phase.PROMOTED:
                    await operators.order("deliver", _cast_of(stage, turn))
            await asyncio.sleep(HOUR_S)

    async def _finish_until_next(self, stage: Stage, operators: Operators, turn: Turn) -> None:
        """Say the word where a turn waits for the next one, since none will be.

        Once the old secret had to be reinstated it no longer waits for that: whoever says the word
        again and again starts its backstop anew each time, and it can never end.
        """
        each = _cast_of(stage, turn)
        until_next = each.kept.orders[-1][1].policy.overlap is Overlap.UNTIL_NEXT
        waits = turn.phase is Phase.OVERLAPPING and not turn.reinstated
        if until_next and waits and turn.word not in (Word.FINISH, Word.AT_ONCE):
            await operators.order("finish now", each)

    async def _stop_schedules(self, stage: Stage) -> None:
        async with stage.store.writing() as tx:
            for rotation in await tx.list(Rotation):
                schedule = replace(rotation.schedule, automatic=False)
                await tx.replace(replace(rotation, schedule=schedule, next_rotation_at=None))

    def _branch(self) -> Random:
        """Return chance of its own that follows from the seed."""
        return Random(self._chance.getrandbits(64))

    def _outcome(
        self, stage: Stage, fates: RandomFates, weather: Weather, operators: Operators
    ) -> Outcome:
        judge = stage.judge
        faults = Counter(
            {k.removeprefix("fault "): n for k, n in judge.counts.items() if k.startswith("fault ")}
        )
        faults.update(fates.counts)
        faults.update(weather.counts)
        events = Counter({k: n for k, n in judge.counts.items() if not k.startswith("fault ")})
        events.update(_told(stage))
        return Outcome(
            self._seed,
            Counter(_end(stage, turn) for turn in stage.ledger.all_turns()),
            faults,
            operators.counts,
            events,
            fates.sites,
            judge.violations,
            judge.trace,
        )


def _told(stage: Stage) -> Iterator[str]:
    """Name what turned and why, what was found, who activated something, and who closed that."""
    backup = stage.store.backup()
    for turn in stage.ledger.all_turns():
        yield f"turns of {turn.kind}"
        yield f"turns begun: {turn.trigger}"
    for attempt in (entry.attempt for entry in backup.audit):
        if attempt.verb.startswith("activate the served"):
            yield f"activated by {attempt.actor}"
    for finding in backup.list(Finding):
        yield f"found: {finding.kind.name.lower()}"
        yield f"findings closed: {finding.closed_by or 'no'}"


def _going(stage: Stage) -> Sequence[Turn]:
    return [turn for turn in stage.store.backup().list(Turn) if turn.running]


def _cast_of(stage: Stage, turn: Turn) -> Cast:
    return next(cast for cast in stage.casts if cast.app_id == turn.app_id)


def _end(stage: Stage, turn: Turn) -> str:
    if turn.id not in stage.ledger.turns:
        return "forgotten by a restored store"
    if turn.blocked:
        return f"blocked: {turn.blocked.reason.name.lower()}"
    return str(turn.phase)


async def _look_at_the_clock(judge: Judge) -> None:
    while True:
        await asyncio.sleep(HOUR_S)
        judge.hear_hour()


def _require_alive(tasks: Sequence["asyncio.Task[None]"]) -> None:
    """Raise what a task of the simulation itself has died of."""
    for task in tasks:
        if task.done() and not task.cancelled():
            task.result()


@contextmanager
def kept_logs() -> Iterator[list[str]]:
    """Keep what the product logs, in place of printing it."""
    before, lines = structlog.get_config(), list[str]()

    def keep(logger: object, method: str, event: structlog.typing.EventDict) -> str:
        lines.append(repr(event))
        raise structlog.DropEvent

    structlog.configure(
        processors=[keep],
        logger_factory=structlog.ReturnLoggerFactory(),
        cache_logger_on_first_use=False,
    )
    try:
        yield lines
    finally:
        structlog.configure(**before)
