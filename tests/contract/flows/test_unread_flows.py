"""Flows that this Keyturn cannot read fail by name where others run, and keep nobody waiting."""

from dataclasses import replace

import pytest
from flow_kit import FlowRig, flow_rig

from keyturn.domain.flows.run import FlowVersion
from keyturn.services.flows import FlowView
from keyturn.services.run_history import list_runs, read_run, replay_run

pytestmark = pytest.mark.anyio

HELPER = "flow: helper\nstart: {kind: helper}\n"
TELLS = "cards:\n- {card: flow.return, with: {n: 7}}\n"
RUNS = "cards:\n- {card: flow.call, with: {flow: helper}}\n"


async def spoil(rig: FlowRig, view: FlowView) -> None:
    """Let the text of a flow be one that no Keyturn reads."""
    async with rig.world.store.writing() as tx:
        stored = await tx.find(FlowVersion, flow_id=view.saved.id, number=1)
        assert stored
        await tx.replace(replace(stored, source="no flow"))


async def test_a_run_of_it_is_a_defect() -> None:
    """Its history is read, and a replay of it fails as well."""
    async with flow_rig() as rig:
        view = await rig.save(TELLS)
        run = await rig.start(view)
        await spoil(rig, view)
        await rig.work()
        (found,) = await list_runs(rig.world, rig.admin, view.saved.id)
        assert (found.run.id, found.run.failure) == (run.id, "defect")
        assert "save it anew" in found.run.told
        again = await replay_run(rig.world, rig.admin, run.id)
        await rig.work()
        assert (await read_run(rig.world, rig.admin, again.run.id)).run.failure == "defect"


async def test_a_flow_that_runs_it_fails_at_its_card() -> None:
    """As where there is none: the card can be caught."""
    async with flow_rig() as rig:
        await spoil(rig, await rig.save(TELLS, HELPER))
        run = await rig.start(await rig.save(RUNS))
        ended = (await rig.end(run)).run
        assert (ended.failure, "The flow helper" in ended.told) == ("defect", True)
