"""Runs of flows whose history is none, that a schedule or an event has started."""

import pytest
from flow_kit import Died, flow_rig

from keyturn.domain.errors import Refused
from keyturn.domain.flows.run import Phase
from keyturn.services.ports import ResourceAnswer
from keyturn.services.run_history import replay_run

pytestmark = pytest.mark.anyio

HEAD = "flow: test\nstart: {kind: helper}\nhistory: none\n"
POST = """cards:
- {id: a, card: api.post, with: {url: "https://a.example.com/a", body: {}}}
- {card: flow.return, with: {status: "{{ a.status }}"}}
"""


@pytest.mark.parametrize(("status", "phase"), [(200, Phase.FINISHED), (500, Phase.FAILED)])
async def test_it_runs_once_and_leaves_a_row(status: int, phase: Phase) -> None:
    """Nobody takes it up again; the row tells how it ended, and nothing that it was given."""
    async with flow_rig() as rig:
        rig.resources.script.append(ResourceAnswer(status))
        run = await rig.start(await rig.save(POST, HEAD), {"canary": 1})
        await rig.work()
        rig.clock.advance(3600)
        assert await rig.work() == 0
        found = await rig.read(run)
        assert (found.run.phase, found.run.sealed_given, found.steps) == (phase, b"", [])
        assert len(rig.resources.asked) == 1
        with pytest.raises(Refused, match="Nothing was kept"):
            await replay_run(rig.world, rig.admin, run.id)


async def test_one_whose_worker_died_is_not_taken_up() -> None:
    """What it changes is changed once at most, and its row says that nobody knows."""
    async with flow_rig() as rig:
        run = await rig.start(await rig.save(POST, HEAD))
        with pytest.raises(Died):
            await rig.work(rig.mortal(3, "before"))
        rig.clock.advance(3600)
        assert await rig.work() == 0
        found = (await rig.read(run)).run
        assert (found.phase, found.failure) == (Phase.FAILED, "unknown_outcome")
        assert len(rig.resources.asked) == 1
