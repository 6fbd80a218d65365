"""Flows that another Keyturn saved and this one cannot read: seen, replaced, removed, never run."""

from dataclasses import replace

import pytest
from api_kit import Body, House, problem
from endpoint_kit import FLOWS, save
from identity_kit import ask, at

from keyturn.domain.flows.run import FlowVersion

OPEN = """\
flow: open
description: Say yes.
start: {kind: api_endpoint, security: public}
cards:
- card: flow.return
  with: {yes: true}
"""
NEWER = OPEN.replace("flow.return", "flow.of_tomorrow")
WHY = "cannot read the flow any more"


@pytest.fixture
async def flow(house: House) -> Body:
    """Have a flow whose text this Keyturn cannot read."""
    saved = await save(house, OPEN)
    async with house.world.store.writing() as tx:
        stored = await tx.find(FlowVersion, flow_id=saved["id"], number=1)
        assert stored
        await tx.replace(replace(stored, source=NEWER))
    return saved


async def test_it_is_listed_and_shown_with_its_problem(house: House, flow: Body) -> None:
    """Beside others, and with its file as it is."""
    await save(house, OPEN.replace("flow: open", "flow: other"))
    listed = at(await ask(house, "GET", f"{FLOWS}?projectId=example"), "flows")
    assert {each["name"]: WHY in each["problem"] for each in listed} == {
        "open": True,
        "other": False,
    }
    one = at(await ask(house, "GET", f"{FLOWS}/{flow['id']}"), "flow")
    assert (one["source"], one["start"], one["invokeUrl"]) == (NEWER, None, None)
    assert (one["description"], one["enabled"]) == ("Say yes.", True)
    assert "flow.of_tomorrow" in one["problem"]
    assert len(at(await ask(house, "GET", f"{FLOWS}/{flow['id']}/versions"), "versions")) == 1


async def test_nobody_runs_it(house: House, flow: Body) -> None:
    """Its endpoint is as that of none, and by hand it is refused, and told why."""
    assert problem(await house.http.get(flow["invokeUrl"])) == (404, "NotFound")
    assert problem(await house.http.post(f"{FLOWS}/{flow['id']}/run")) == (400, "BadRequest")
    assert at(await ask(house, "GET", f"{FLOWS}/{flow['id']}/runs"), "runs") == []


async def test_it_is_switched_off_and_not_on(house: House, flow: Body) -> None:
    """What it would do cannot be known, so nobody can be let."""
    one = f"{FLOWS}/{flow['id']}"
    off = await ask(house, "PATCH", one, {"enabled": False})
    assert at(off, "flow", "enabled") is False
    on = await house.http.patch(one, json={"enabled": True})
    assert problem(on) == (400, "BadRequest")
    assert WHY in on.json()["message"]


async def test_it_is_replaced_by_a_next_version(house: House, flow: Body) -> None:
    """Which is read and run; the one before stays as it is."""
    after = await save(house, OPEN, base=1)
    assert (after["id"], after["version"], after["problem"]) == (flow["id"], 2, "")
    assert (await house.http.get(flow["invokeUrl"])).json() == {"yes": True}
    before = at(await ask(house, "GET", f"{FLOWS}/{flow['id']}?version=1"), "flow")
    assert WHY in before["problem"]


async def test_it_is_removed(house: House, flow: Body) -> None:
    """With its runs."""
    gone = at(await ask(house, "DELETE", f"{FLOWS}/{flow['id']}"), "flow")
    assert gone["name"] == "open"
    assert problem(await house.http.get(f"{FLOWS}/{flow['id']}")) == (404, "NotFound")
