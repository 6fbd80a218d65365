"""Flows that start others and go on: each start happens once, and a chain has an end."""

from collections import Counter
from typing import Literal

import pytest
from flow_kit import Died, FlowRig, flow_rig

from keyturn.domain.flows.run import CHAIN_MAX, Cause, Phase, Run
from keyturn.services.flows import switch_flow
from keyturn.services.run_history import list_runs

pytestmark = pytest.mark.anyio

HELPER = "flow: helper\nstart: {kind: helper, inputs: {n: number}}\n"
TELLS = "cards:\n- {card: flow.return, with: {n: '{{ start.inputs.n }}'}}\n"
STARTS = """cards:
- {id: c, card: flow.call_async, with: {flow: helper, inputs: {n: 7}}}
- {card: flow.return, with: {run: "{{ c.run }}"}}
"""
ENDLESS = """flow: endless
start: {kind: helper}
cards:
- {card: flow.call_async, with: {flow: endless}}
"""


async def runs_of(rig: FlowRig, flow_id: str) -> list[Run]:
    """Return the runs of a flow, the newest first."""
    return [each.run for each in await list_runs(rig.world, rig.admin, flow_id)]


async def work_off(rig: FlowRig) -> None:
    """Work until nothing is due."""
    while await rig.work():
        pass


async def test_a_flow_starts_another_and_goes_on() -> None:
    """It is given the id of the run, which is by that run and gets its inputs."""
    async with flow_rig() as rig:
        helper = await rig.save(TELLS, HELPER)
        run = await rig.start(await rig.save(STARTS))
        told = (await rig.result(run)).body.value
        (started,) = await runs_of(rig, helper.saved.id)
        assert told == {"run": started.id}
        assert (started.cause, started.by, started.depth) == (Cause.BY_FLOW, f"run {run.id}", 1)
        assert (await rig.result(started)).body.value == {"n": 7}


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("at", range(1, 4))
async def test_a_death_at_any_commit_starts_it_once(
    at: int, moment: Literal["before", "after"]
) -> None:
    """The run is added together with the answer of the card."""
    async with flow_rig() as rig:
        helper = await rig.save(TELLS, HELPER)
        run = await rig.start(await rig.save(STARTS))
        try:
            await rig.work(rig.mortal(at, moment))
        except Died:
            rig.clock.advance(61)
        assert (await rig.end(run)).run.phase is Phase.FINISHED
        assert len(await runs_of(rig, helper.saved.id)) == 1


async def test_a_chain_of_flows_has_an_end() -> None:
    """A flow that starts itself runs so often, and the last run says why there is no other."""
    async with flow_rig() as rig:
        view = await rig.save(ENDLESS, "")
        await rig.start(view)
        await work_off(rig)
        phases = Counter(each.phase for each in await runs_of(rig, view.saved.id))
        assert phases == {Phase.FINISHED: CHAIN_MAX, Phase.FAILED: 1}
        (last, *_) = await runs_of(rig, view.saved.id)
        assert (last.failure, last.depth) == ("limit_exceeded", CHAIN_MAX)


async def test_a_flow_that_is_switched_off_is_not_started() -> None:
    """It is missing, which a flow can catch."""
    async with flow_rig() as rig:
        helper, view = await rig.save(TELLS, HELPER), await rig.save(STARTS)
        await switch_flow(rig.world, rig.admin, helper.saved.id, enabled=False)
        assert (await rig.end(await rig.start(view))).run.failure == "not_found"
