"""One rehearsal: set the stage, let the consumer work, turn, and let the org judge."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from keyturn.cli.rehearsal import judge
from keyturn.cli.rehearsal.consumer import consuming
from keyturn.cli.rehearsal.scripts import Managed, Naive, Script, Tell
from keyturn.cli.rehearsal.show import Show
from keyturn.cli.rehearsal.stage import SECRET_NAME, Stage, staged
from keyturn.cli.rehearsal.tally import Tally
from keyturn.sandbox import Org

REQUESTS_MIN = 500
TURN_LIMIT_S = 60
MARGIN_S = 2.0
"""The consumer is at work this long before the first turn, and after the last."""


@dataclass(frozen=True)
class Plan:
    """What to rehearse. `keep_data` keeps the log and the database there."""

    turns: int = 3
    naive: bool = False
    seed: int = 0
    keep_data: Path | None = None


@dataclass(frozen=True)
class Report:
    """What happened; counts are the consumer's and the org's, times are the org's."""

    turns: int
    requests: int
    failed: int
    okta_calls: int
    okta_calls_a_turn: float
    overlaps_s: list[float]
    seconds: float
    naive: bool
    failures: dict[str, int]

    def as_json(self) -> dict[str, object]:
        """Return the report as a JSON document."""
        return asdict(self)


@dataclass(frozen=True)
class Outcome:
    """The report, and what is wrong with the end, if anything is."""

    report: Report
    fault: str | None


async def rehearse(
    plan: Plan, tally: Tally, show: Show, *, at_end: Callable[[Org], None] | None = None
) -> Outcome:
    """Rehearse a plan. ``at_end`` is given the org before it goes, to look at what it held.

    Raises KeyturnError and ClientError where the stage does not hold.
    """
    started_s = time.monotonic()
    async with staged(plan.seed, plan.keep_data) as stage:
        show.say(f"An Okta org at {stage.ready.https_url}, Keyturn at {stage.url}")
        script: Script = Naive(stage) if plan.naive else Managed(stage)
        await script.prepare()
        show.say(f"Keyturn serves the client secret of app {stage.org.app.id} by its name")
        before = await judge.count_management_calls(stage)
        done = await _while_consuming(stage, script, plan.turns, tally, show)
        calls = await judge.count_management_calls(stage)
        history = await judge.read_history(stage)
        served = await stage.api.read_secret(stage.place, SECRET_NAME)
        report = Report(
            turns=done,
            requests=tally.made.total(),
            failed=tally.failed.total(),
            okta_calls=calls,
            okta_calls_a_turn=round((calls - before) / max(done, 1), 1),
            overlaps_s=judge.measure_overlaps_s(history),
            seconds=round(time.monotonic() - started_s, 1),
            naive=plan.naive,
            failures=dict(tally.failed),
        )
        if at_end:
            at_end(stage.ready.org)
    return Outcome(report, judge.find_fault(history, served.secret_value))


async def _while_consuming(
    stage: Stage, script: Script, turns: int, tally: Tally, show: Show
) -> int:
    """Return how many turns came to their end while the consumer was at work."""
    done = 0
    async with stage.secrets(tally) as secrets, consuming(stage.registration(), secrets, tally):
        await asyncio.sleep(MARGIN_S)
        for number in range(1, turns + 1):
            show.begin_turn(number, script.phases)
            done += await _turned(script, partial(show.reach, tally, number))
        await asyncio.sleep(MARGIN_S)
        await tally.reach(REQUESTS_MIN)
    return done


async def _turned(script: Script, tell: Tell) -> bool:
    try:
        async with asyncio.timeout(TURN_LIMIT_S):
            return await script.turn(tell)
    except TimeoutError:
        tell(f"not at its end after {TURN_LIMIT_S} s")
        return False
