"""Runs looked at again and again, and the latest of several flows."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
from flow_kit import FlowRig, flow_rig
from rig import PLACE

from keyturn.domain.access import Caller, Grant, Holding, Role, Verb
from keyturn.domain.errors import Forbidden, NotFound
from keyturn.services.flows import delete_flow
from keyturn.services.run_history import list_latest_runs
from keyturn.services.run_watching import watch_run

WAIT = """\
cards:
- id: one
  card: text.compose
  with: {text: "1"}
- id: many
  card: branch.if_else_if
  cases:
  - when: false
    then: [{card: flow.comment, with: {text: no}}]
  - when: true
    then: [{card: flow.wait_for, with: {duration: 1, unit: hours}}]
- id: two
  card: text.compose
  with: {text: "2"}
"""
NOBODY = Role("none", "None", (Grant(frozenset({Verb.READ_FLOWS})),))


@pytest.fixture
async def rig() -> AsyncIterator[FlowRig]:
    """Give an installation whose flows ask services in memory."""
    async with flow_rig() as rig:
        yield rig


def holding(rig: FlowRig, role: Role) -> Caller:
    """Return somebody who holds a role everywhere."""
    return replace(rig.admin, holdings=(Holding(role),))


async def audited(rig: FlowRig) -> int:
    """Return how many entries the audit log has."""
    async with rig.world.store.reading() as tx:
        return len(await tx.list_audit(limit=10_000))


async def test_a_look_shows_the_run_as_it_is_and_passes_the_gate_once(rig: FlowRig) -> None:
    """What has not changed is not read again; where it sleeps is told by its positions."""
    run = await rig.start(await rig.save(WAIT))
    watch = await watch_run(rig.world, rig.admin, run.id)
    entries = await audited(rig)
    begun = await watch.look(rig.admin)
    assert begun is await watch.look(rig.admin)
    await rig.work()
    asleep = await watch.look(rig.admin)
    assert [step["card_id"] for step in asleep.steps] == ["one"]
    assert asleep.waits == ["2.case[2].1"]
    assert await audited(rig) == entries
    await rig.end(run)
    ended = await watch.look(rig.admin)
    assert ended.run.ended_at
    assert ended.waits == []


async def test_who_may_not_look_any_more_is_shown_nothing(rig: FlowRig) -> None:
    """Nor is anybody whose run is gone."""
    view = await rig.save(WAIT)
    run = await rig.start(view)
    watch = await watch_run(rig.world, rig.admin, run.id)
    with pytest.raises(NotFound):
        await watch.look(holding(rig, NOBODY))
    with pytest.raises(Forbidden):
        await watch_run(rig.world, holding(rig, NOBODY), run.id)
    await delete_flow(rig.world, rig.admin, view.saved.id)
    with pytest.raises(NotFound):
        await watch.look(rig.admin)


async def test_the_latest_runs_of_several_flows_are_listed_together(rig: FlowRig) -> None:
    """The newest first, so many of each; not for who may not see runs."""
    view = await rig.save(WAIT)
    runs = [await rig.start(view) for _ in range(3)]
    listed = await list_latest_runs(rig.world, rig.admin, [view], project=PLACE.project, each=2)
    assert [each.id for each in listed[view.saved.id]] == [runs[2].id, runs[1].id]
    with pytest.raises(Forbidden):
        await list_latest_runs(
            rig.world, holding(rig, NOBODY), [view], project=PLACE.project, each=2
        )
