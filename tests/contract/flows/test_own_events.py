"""Keyturn's own events start flows, in the transaction in which they happen."""

import json
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from connections_kit import authorized, servers
from rig import PLACE, Rig, rigged

from keyturn.domain.access import Caller, Grant, Holding, Role, Verb
from keyturn.domain.errors import Forbidden, TurnFailed
from keyturn.domain.flows.run import CHAIN_MAX, Cause, FlowVersion, Run
from keyturn.domain.ids import FlowId
from keyturn.domain.rotation import Rotation
from keyturn.domain.turn import ByFlow, Phase, Turn
from keyturn.services.flow_duties import claim_due_runs
from keyturn.services.flows import FlowView, save_flow, switch_flow
from keyturn.services.folders import create_folder
from keyturn.services.orders import reinstate_old
from keyturn.services.projects import Where
from keyturn.services.records import must
from keyturn.services.run_history import read_result
from keyturn.services.runs import go_on
from keyturn.services.turns import rotate, start_due

pytestmark = pytest.mark.anyio

HEARS = """flow: hears
start: {{kind: event, source: keyturn, events: [{}]}}
cards:
- {{card: flow.return, with: {{event: "{{{{ start.event }}}}"}}}}
"""
AGAIN = """flow: again
start: {{kind: event, source: keyturn, events: [keyturn.turn.finished]}}
cards:
- {{card: keyturn.start_turn, with: {{rotation: {}}}}}
"""
TURNS = "keyturn.turn.served, keyturn.turn.reinstated, keyturn.turn.finished, keyturn.turn.blocked"
ALL = f"{TURNS}, keyturn.turn.rolled_back, keyturn.connection.lapsed"


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    """Have an installation that turns a client secret of an org."""
    async with rigged() as made:
        yield made


async def hears(rig: Rig, events: str = ALL, where: Where = PLACE) -> FlowView:
    """Save a flow that listens for these events."""
    return await save_flow(rig.world, rig.admin, where, HEARS.format(events))


async def work_off(rig: Rig) -> None:
    """Let all runs end."""
    while claims := await claim_due_runs(rig.world, owner="w", limit=10):
        for each in claims:
            await go_on(rig.world, each)


async def heard(rig: Rig) -> list[Any]:
    """Let all runs end, and return the events that started them."""
    await work_off(rig)
    async with rig.world.store.reading() as tx:
        runs = await tx.list(Run)
    assert {each.cause for each in runs} <= {Cause.BY_EVENT}
    found = [(await read_result(rig.world, rig.admin, each.id))[1] for each in runs]
    return [each.body.value["event"] for each in found if each]  # the flow returns it


async def test_what_becomes_of_a_turn_starts_flows(rig: Rig) -> None:
    """Served and finished, each once, with the names and ids of what it is about."""
    await hears(rig)
    rotation = (await rig.rotation()).rotation
    await rotate(rig.world, rig.admin, rotation.id)
    turn = await rig.run(rotation.id)
    served, finished = await heard(rig)
    assert [each["eventType"] for each in (served, finished)] == [
        "keyturn.turn.served",
        "keyturn.turn.finished",
    ]
    assert finished["rotation"] == {"id": rotation.id, "name": rotation.name}
    assert (finished["turn"]["id"], finished["turn"]["phase"]) == (turn.id, "finished")
    assert (finished["environment"], finished["path"]) == ("dev", "/")
    assert "hash" not in json.dumps(finished)


async def test_a_secret_that_is_reinstated_starts_flows(rig: Rig) -> None:
    """By hand as by itself."""
    await hears(rig, "keyturn.turn.reinstated")
    rotation = (await rig.rotation()).rotation
    await rotate(rig.world, rig.admin, rotation.id)
    await rig.live(301)
    await reinstate_old(rig.world, rig.admin, rotation.id)
    await rig.live(1)
    (only,) = await heard(rig)
    assert only["eventType"] == "keyturn.turn.reinstated"


async def test_a_turn_that_is_blocked_starts_flows(rig: Rig) -> None:
    """It says why, and who has to act."""
    await hears(rig, "keyturn.turn.blocked")
    rotation = (await rig.rotation()).rotation
    rig.org.create_secret(rig.app_id, None)
    with pytest.raises(TurnFailed):
        await rotate(rig.world, rig.admin, rotation.id)
    assert (await rig.run(rotation.id)).phase is Phase.BLOCKED
    (only,) = await heard(rig)
    assert only["turn"]["blocked"]


async def test_a_connection_that_lapses_starts_flows(rig: Rig) -> None:
    """Once, with its cause."""
    await hears(rig, "keyturn.connection.lapsed")
    servers(rig).refreshing = False
    one = await authorized(rig)
    rig.clock.advance(300)
    await rig.tick()
    await rig.tick()
    (only,) = await heard(rig)
    assert (only["connection"]["id"], only["connection"]["cause"]) == (one.id, "no_refresh")


async def test_a_flow_hears_its_own_folder(rig: Rig) -> None:
    """Another folder's, one that is switched off, and one that listens for others start nothing."""
    await create_folder(rig.world, rig.admin, PLACE, "below")
    await hears(rig, where=Where("example", "dev", "/below"))
    await hears(rig, "keyturn.connection.lapsed")
    off = await save_flow(rig.world, rig.admin, PLACE, HEARS.format(ALL).replace("hears", "off"))
    await switch_flow(rig.world, rig.admin, off.saved.id, enabled=False)
    rotation = (await rig.rotation()).rotation
    await rotate(rig.world, rig.admin, rotation.id)
    await rig.run(rotation.id)
    assert await heard(rig) == []


async def test_a_flow_that_cannot_be_read_is_in_no_turns_way(rig: Rig) -> None:
    """Its run is added all the same: nobody reads its text in the transaction of the turn."""
    view = await hears(rig)
    async with rig.world.store.writing() as tx:
        stored = await tx.find(FlowVersion, flow_id=view.saved.id, number=1)
        assert stored
        await tx.replace(replace(stored, source="no flow"))
    rotation = (await rig.rotation()).rotation
    await rotate(rig.world, rig.admin, rotation.id)
    assert (await rig.run(rotation.id)).phase is Phase.FINISHED
    async with rig.world.store.reading() as tx:
        assert len(await tx.list(Run)) == 2


async def test_a_flow_hears_nothing_of_a_turn_that_it_started(rig: Rig) -> None:
    """What turns again whenever a turn has finished, turns once more; others hear of both."""
    rotation = (await rig.rotation()).rotation
    text = AGAIN.format(rotation.name)
    again = await save_flow(rig.world, rig.admin, PLACE, text)
    other = await hears(rig, "keyturn.turn.finished")
    await rotate(rig.world, rig.admin, rotation.id)
    await rig.run(rotation.id)
    await work_off(rig)
    turn = await rig.run(rotation.id)
    await work_off(rig)
    assert turn.asked == ByFlow(again.saved.id, 0)
    async with rig.world.store.reading() as tx:
        runs = await tx.list(Run)
    found = Counter((each.flow_id, each.depth) for each in runs)
    assert found == {(again.saved.id, 0): 1, (other.saved.id, 0): 1, (other.saved.id, 1): 1}


@pytest.mark.parametrize(("depth", "depths"), [(CHAIN_MAX - 1, [CHAIN_MAX]), (CHAIN_MAX, [])])
async def test_flows_that_start_each_other_by_turns_come_to_an_end(
    rig: Rig, depth: int, depths: list[int]
) -> None:
    """As those do that start each other by cards."""
    await hears(rig, "keyturn.turn.finished")
    rotation, by = (await rig.rotation()).rotation, ByFlow(FlowId("another"), depth)
    await rotate(rig.world, rig.admin, rotation.id, asked=by)
    await rig.run(rotation.id)
    async with rig.world.store.reading() as tx:
        assert [each.depth for each in await tx.list(Run)] == depths


async def test_a_turn_that_starts_later_is_still_the_flows(rig: Rig) -> None:
    """Where another had to make room for it first."""
    rotation, by = (await rig.rotation()).rotation, ByFlow(FlowId("another"), 3)
    async with rig.world.store.writing() as tx:
        stored, now = await must(tx.find(Rotation, id=rotation.id)), rig.clock.now()
        await tx.replace(replace(stored, asked_at=now, asked=by, next_rotation_at=now))
    assert await start_due(rig.world) == 1
    async with rig.world.store.reading() as tx:
        (turn,) = await tx.list(Turn)
        assert (turn.asked, (await must(tx.find(Rotation))).asked) == (by, None)


@pytest.mark.parametrize("events", [TURNS, "keyturn.connection.lapsed"])
async def test_who_saves_it_may_see_what_it_hears(rig: Rig, events: str) -> None:
    """To save flows is not to see rotations, nor connections."""
    role = Role("writer", "Writer", (Grant(frozenset({Verb.EDIT_FLOWS}), ("dev",), ("/",)),))
    organization = rig.admin.organization_id
    writer = Caller("i", "writer", organization, (Holding(role, rig.connection.project_id),))
    with pytest.raises(Forbidden):
        await save_flow(rig.world, writer, PLACE, HEARS.format(events))
