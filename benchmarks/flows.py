"""What runs of flows cost: with history and without, beside the cards alone; and runs that wait.

In one process on one core: SQLite on this machine's disk, ten cards that compute, as many runs at
once as a busy server has. Then at their endpoints over loopback of `keyturn serve`, beside the bare
handler of the same web server. `--json` prints JSON.
"""

import asyncio
import json
import logging
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from statistics import median

import structlog
import uvloop
from reads import BARE, ask, raw, started, yardstick_ms

from keyturn.bootstrap.opening import initialise, opened
from keyturn.domain.access import ADMIN, Caller, Holding
from keyturn.domain.flows.run import Cause, Phase
from keyturn.domain.flows.values import Value, seen
from keyturn.domain.flows.walk import Allowance, Walk
from keyturn.domain.identity import Identity
from keyturn.services.flow_duties import claim_due_runs
from keyturn.services.flows import FlowView, save_flow
from keyturn.services.ports import World
from keyturn.services.projects import Where
from keyturn.services.runs import run_here
from keyturn.services.starting import new_run
from keyturn.settings import Settings

AT_ONCE = 50
SECONDS = 3.0
ROUNDS = 200
WAITING = (0, 10_000)
CARDS = "".join(
    f'- {{id: c{n}, card: text.compose, with: {{text: "{n} {{{{ start.inputs.name }}}}"}}}}\n'
    for n in range(9)
)
PUBLIC = {
    history: (
        f"flow: at-once-{history}\nhistory: {history}\n"
        "start: {kind: api_endpoint, security: public, query: {name: text}}\n"
        f"cards:\n{CARDS.replace('start.inputs.name', 'start.query.name')}"
        '- {card: flow.return, with: {said: "{{ c8.text }}"}}\n'
    )
    for history in ("none", "full")
}
TEN = (
    "flow: ten-{history}\nstart: {{kind: helper, inputs: {{name: text}}}}\n"
    "history: {history}\ncards:\n{cards}"
    '- {{card: flow.return, with: {{said: "{{{{ c8.text }}}}"}}}}\n'
)


@asynccontextmanager
async def installed() -> AsyncIterator[tuple[World, Caller]]:
    """Open a new installation; give who may do everything, too."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings.model_validate({"data_dir": Path(folder) / "data"})
        await initialise(settings)
        async with opened(settings) as world:
            async with world.store.reading() as tx:
                (found,) = await tx.list(Identity, name="administrator")
            admin = Caller(found.id, found.name, found.organization_id, (Holding(ADMIN),))
            yield world, admin


async def ten(world: World, admin: Caller, history: str) -> FlowView:
    """Save a flow of ten cards that compute."""
    text = TEN.format(history=history, cards=CARDS)
    return await save_flow(world, admin, Where("example", "dev"), text)


@dataclass(frozen=True)
class Rate:
    """How many runs a second, and beside the cards alone."""

    what: str
    a_second: int
    of_cards_alone: float


@dataclass(frozen=True)
class Served:
    """How many answers a second over loopback, and beside the bare handler."""

    what: str
    a_second: int
    of_bare: float


async def rate(work: Callable[[int], Awaitable[object]]) -> float:
    """Return how often a second a work is done that many do at once."""
    done, until_s = 0, time.perf_counter() + SECONDS

    async def go_on() -> None:
        nonlocal done
        while time.perf_counter() < until_s:
            done += 1
            await work(done)

    await asyncio.gather(*(go_on() for _ in range(AT_ONCE)))
    return done / SECONDS


async def rates() -> list[Rate]:
    """Measure the cards alone, then whole runs without history and with it."""
    async with installed() as (world, admin):
        views = {history: await ten(world, admin, history) for history in ("none", "full")}

        async def alone(number: int) -> None:
            walk, given = (
                Walk(Allowance(), world.clock.now),
                seen({"inputs": {"name": str(number)}}),
            )
            try:
                next(walk.course(views["none"].flow, given, run=seen({})))
            except StopIteration:
                await asyncio.sleep(0)

        limit = await rate(alone)
        figures = [Rate("the cards alone", round(limit), 1.0)]
        for history, view in views.items():
            found = await rate(partial(whole, world, view))
            figures.append(Rate(f"history: {history}", round(found), round(found / limit, 2)))
    return figures


async def endpoints(settings: Settings) -> dict[str, bytes]:
    """Set up what `keyturn serve` will open; return the requests that invoke its flows."""
    await initialise(settings)
    async with opened(settings) as world:
        async with world.store.reading() as tx:
            (found,) = await tx.list(Identity, name="administrator")
        admin = Caller(found.id, found.name, found.organization_id, (Holding(ADMIN),))
        return {
            history: raw(f"/api/flo/{view.saved.alias}/invoke?name=Ada", {})
            for history in ("none", "full")
            for view in [await save_flow(world, admin, Where("example", "dev"), PUBLIC[history])]
        }


def served() -> list[Served]:
    """Measure the bare handler, then flows of ten cards at their endpoints."""
    with started([sys.executable, "-c", BARE]) as (url, _):
        limit, _ = uvloop.run(ask(url, raw("/", {})))
    figures = [Served("the bare handler", round(limit), 1.0)]
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings.model_validate({"data_dir": Path(folder) / "data"})
        requests = asyncio.run(endpoints(settings))
        env = {
            "KEYTURN_DATA_DIR": f"{folder}/data",
            "KEYTURN_LOG_FILE": f"{folder}/log",
            "KEYTURN_FLOW_PER_S": "100000",
        }
        with started([sys.executable, "-m", "keyturn", "serve", "--port", "0"], env) as (url, _):
            for history, request in requests.items():
                found, _ = uvloop.run(ask(url, request))
                figures.append(Served(f"history: {history}", round(found), round(found / limit, 3)))
    return figures


async def whole(world: World, view: FlowView, number: int) -> None:
    """Run a flow as whoever invokes it has it run."""
    given: Value = {"inputs": {"name": str(number)}}
    _, reply = await run_here(world, view, given, cause=Cause.INVOKED, by="benchmark")
    if (await reply).body.value != {"said": f"8 {number}"}:
        sys.exit("a run went wrong")


@dataclass(frozen=True)
class Idle:
    """How long a look for due runs takes among so many that wait, in milliseconds."""

    waiting: int
    look_ms: float


async def idle(waiting: int) -> Idle:
    """Time what a worker does at each tick where nothing is due."""
    async with installed() as (world, admin):
        view = await ten(world, admin, "full")
        later = world.clock.now() + timedelta(days=1)
        async with world.store.writing() as tx:
            for _ in range(waiting):
                run = new_run(world, view, {}, cause=Cause.BY_HAND, by="benchmark")
                await tx.add(replace(run, phase=Phase.SLEEPING, wake_at=later))
        took_s = []
        for _ in range(ROUNDS):
            since_s = time.perf_counter()
            if await claim_due_runs(world, owner="benchmark", limit=10):
                sys.exit("a run was due")
            took_s.append(time.perf_counter() - since_s)
    return Idle(waiting, round(median(took_s) * 1000, 2))


async def all_of_it() -> dict[str, list[dict[str, object]]]:
    """Measure everything."""
    return {
        "runs": [asdict(each) for each in await rates()],
        "idle": [asdict(await idle(waiting)) for waiting in WAITING],
    }


def main() -> None:
    """Measure and print."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    before_ms = yardstick_ms()
    told = uvloop.run(all_of_it())
    told["endpoints"] = [asdict(each) for each in served()]
    told["fixed work"] = [{"ms": round(each)} for each in (before_ms, yardstick_ms())]
    if "--json" in sys.argv:
        print(json.dumps(told))
        return
    for name, figures in told.items():
        for each in figures:
            print(name, *(f"{key}={value}" for key, value in each.items()))


if __name__ == "__main__":
    main()
