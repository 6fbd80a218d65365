"""Workers are killed in the middle of runs: what changes something was asked for once at most."""

import asyncio
import json
import random
from pathlib import Path
from signal import SIGKILL

import pytest
from crew import Crew, crewed
from postgres_kit import Cluster
from server_kit import Server, Site, site
from tally_kit import Tally, tallying

from keyturn.bootstrap.opening import opened
from keyturn.domain.access import ADMIN, Caller, Holding
from keyturn.domain.flows.run import Cause, Phase, Run
from keyturn.domain.identity import Identity
from keyturn.domain.sensitive import Sensitive
from keyturn.services.flows import FlowView, save_flow
from keyturn.services.ports import World
from keyturn.services.projects import Where
from keyturn.services.run_history import open_result, read_run
from keyturn.services.starting import start_run
from keyturn.settings import Settings

pytestmark = pytest.mark.slow

RUNS = 200
HELD = "flow_run WHERE owner IS NOT NULL"
ANSWER_AFTER_S = 0.2
"""How long a request is under way: long enough for many kills to come between it and its answer."""
FLOW = """
flow: notify
start: {{kind: helper, inputs: {{n: number}}}}
cards:
- {{id: a, card: api.post, with: {{url: "{url}/a", body: {{n: "{{{{ start.inputs.n }}}}"}}}},
   on_error: {{give: {{lost: "{{{{ error.kind }}}}"}}}}}}
- {{id: told, card: text.compose, with: {{text: "run {{{{ start.inputs.n }}}}"}}}}
- {{id: b, card: api.post, with: {{url: "{url}/b", body: {{n: "{{{{ start.inputs.n }}}}"}}}},
   on_error: {{give: {{lost: "{{{{ error.kind }}}}"}}}}}}
- {{card: flow.wait_for, with: {{duration: 1}}}}
- {{id: c, card: api.post, with: {{url: "{url}/c", body: {{n: "{{{{ start.inputs.n }}}}"}}}},
   on_error: {{give: {{lost: "{{{{ error.kind }}}}"}}}}}}
- card: flow.return
  with: {{a: "{{{{ a.lost? }}}}", b: "{{{{ b.lost? }}}}", c: "{{{{ c.lost? }}}}"}}
"""


async def administrator(world: World) -> Caller:
    """Return the installation's own identity."""
    async with world.store.reading() as tx:
        found = await tx.find(Identity, name="administrator")
    assert found
    return Caller(found.id, found.name, found.organization_id, (Holding(ADMIN),))


async def start_runs(world: World, tally: Tally) -> FlowView:
    """Save the flow and start its runs; nobody works on them yet."""
    admin, source = await administrator(world), FLOW.format(url=tally.url)
    view = await save_flow(world, admin, Where("example", "dev"), source)
    async with world.store.writing() as tx:
        for n in range(RUNS):
            given = {"inputs": {"n": n}}
            await start_run(tx, world, view, given, cause=Cause.BY_HAND, by="test")
    return view


async def judge(world: World, view: FlowView, tally: Tally) -> str:
    """Hold what the service was asked against what the runs say; return what people may read."""
    admin = await administrator(world)
    async with world.store.reading() as tx:
        runs = await tx.list(Run, flow_id=view.saved.id)
    assert {run.phase for run in runs} == {Phase.FINISHED}
    lost = 0
    for run in runs:
        found = await read_run(world, admin, run.id)
        result = open_result(world, found)
        assert result
        told = json.loads(json.dumps(result.body.value))
        assert set(told.values()) <= {None, "unknown_outcome"}, told
        lost += sum(kind is not None for kind in told.values())
        assert [step["card_id"] for step in found.steps] == [
            "a",
            "told",
            "b",
            "card_4",
            "c",
            "card_6",
        ]
    assert tally.twice == []
    never = 3 * RUNS - len(tally.asked)
    assert never <= lost
    return f"{RUNS} runs, {lost} answers lost, of which {never} were not asked for at all"


async def test_killed_workers_ask_for_nothing_twice(
    cluster: Cluster, database: Sensitive, tmp_path: Path
) -> None:
    """On PostgreSQL: of two workers one is killed again and again; every run ends."""
    chance = random.Random(7)
    async with (
        tallying(ANSWER_AFTER_S) as tally,
        crewed(cluster, database, tmp_path, rotations=0) as crew,
    ):
        async with opened(crew.settings) as world:
            view = await start_runs(world, tally)
        victim = await crew.hire("embedded")
        for kill in range(1, 4):
            heir = await crew.hire("embedded")
            await asked_for(crew, tally, kill * 60)
            await crew.until(lambda: crew.count(HELD) > 0, every_s=0.02)
            await asyncio.sleep(chance.random() / 10)
            victim.strike(SIGKILL)
            victim = heir
        await crew.until(lambda: crew.count("flow_run WHERE ended_at IS NULL") == 0)
        async with opened(crew.settings) as world:
            print(await judge(world, view, tally))  # noqa: T201  pytest -rP shows it


async def test_a_killed_server_asks_for_nothing_twice(tmp_path: Path) -> None:
    """On SQLite: the one process is killed and started again; every run ends."""
    chance = random.Random(8)
    settings = {"KEYTURN_LEASE_S": "6", "KEYTURN_OKTA_CALL_LIMIT_S": "2"}
    async with tallying(ANSWER_AFTER_S) as tally, site(tmp_path, **settings) as place:
        values = {name.removeprefix("KEYTURN_").lower(): v for name, v in place.settings.items()}
        async with opened(Settings.model_validate(values)) as world:
            view = await start_runs(world, tally)
        server = place.server(KEYTURN_CONCURRENCY="50")
        await server.start()
        async with asyncio.timeout(600):
            for kill in range(1, 4):
                while tally.asked.total() < kill * 90:
                    await asyncio.sleep(0.02)
                await asyncio.sleep(chance.random())
                await server.restart(SIGKILL)
            while tally.asked.total() < 3 * RUNS - 150:
                await asyncio.sleep(0.1)
        await ended(place, server, view)
        await server.strike()
        async with opened(Settings.model_validate(values)) as world:
            print(await judge(world, view, tally))  # noqa: T201  pytest -rP shows it


async def ended(place: Site, server: Server, view: FlowView) -> None:
    """Wait until every run has ended."""
    async with place.client(server.url) as http, asyncio.timeout(600):
        while True:
            answer = await http.get(f"/api/v1/flows/{view.saved.id}/runs", params={"limit": 1000})
            runs = answer.json()["runs"]
            if len(runs) == RUNS and all(run["endedAt"] for run in runs):
                return
            await asyncio.sleep(0.5)


async def asked_for(crew: Crew, tally: Tally, count: int) -> None:
    """Wait until the service was asked so often."""
    await crew.until(lambda: tally.asked.total() >= count, every_s=0.02)
