"""Flows over HTTP: saved, switched, removed, run by hand, and their runs."""

from typing import Any

import jsonschema_rs
import pytest
import yaml
from api_kit import NO_ID, Body, House, issues, problem
from endpoint_kit import FLOWS, PLACE, save
from identity_kit import ask, at, holding

RUNS = "/api/v1/flow-runs"
HELPER = """\
flow: double
description: Count twice.
start: {kind: helper, inputs: {count: number}}
cards:
- id: sum
  card: number.add
  with: {a: "{{ start.inputs.count }}", b: "{{ start.inputs.count }}"}
- card: flow.return
  with: {sum: "{{ sum.number }}"}
"""
CALL = """\
flow: call
start: {kind: helper}
cards:
- card: api.get
  connection: nowhere
  with: {url: "https://a.example"}
"""
CALLS = """\
flow: calls
start: {kind: helper}
cards:
- {card: flow.call, with: {flow: double, inputs: {count: 1}}}
"""
SECRET = """\
flow: tell
start: {kind: helper}
secrets: {key: KEY}
cards:
- card: flow.return
  with: {key: "{{ secrets.key }}"}
"""


async def run(house: House, flow: Body, **given: object) -> Any:  # noqa: ANN401  JSON
    """Run a flow by hand and wait for its answer."""
    asked = {"given": given, "waitS": 60}
    return await ask(house, "POST", f"{FLOWS}/{flow['id']}/run", asked)


async def test_a_flow_is_saved_version_by_version(house: House) -> None:
    """Each is kept as it was sent; what it was made from can be said."""
    first = await save(house, HELPER, base=0)
    assert (first["name"], first["description"], first["start"]) == (
        "double",
        "Count twice.",
        "helper",
    )
    assert (first["version"], first["enabled"], first["invokeUrl"]) == (1, True, None)
    second = await save(house, HELPER + "# more\n", base=1)
    assert (second["id"], second["version"], second["newest"]) == (first["id"], 2, 2)
    late = PLACE | {"source": HELPER, "base": 1}
    assert problem(await house.http.post(FLOWS, json=late)) == (400, "BadRequest")
    one = f"{FLOWS}/{first['id']}"
    assert at(await ask(house, "GET", one), "flow", "source") == HELPER + "# more\n"
    assert at(await ask(house, "GET", f"{one}?version=1"), "flow", "source") == HELPER
    assert problem(await house.http.get(f"{one}?version=3")) == (404, "NotFound")
    versions = at(await ask(house, "GET", f"{one}/versions"), "versions")
    assert [(each["version"], each["source"]) for each in versions] == [
        (1, HELPER),
        (2, HELPER + "# more\n"),
    ]
    (listed,) = at(await ask(house, "GET", f"{FLOWS}?projectId=example"), "flows")
    assert (listed["version"], listed["source"]) == (2, None)


async def test_everything_that_is_wrong_is_an_issue_with_its_line(house: House) -> None:
    """Of the file, and of what is around it; nothing is saved."""
    wrong = HELPER.replace("number.add", "number.ad").replace("helper,", "helpless,")
    answer = await house.http.post(FLOWS, json=PLACE | {"source": wrong})
    found = issues(answer)
    assert [where.split(".")[:2] for where in found] == [["flow", "line 3"], ["flow", "line 6"]]
    assert "is it number.add?" in answer.text
    answer = await house.http.post(FLOWS, json=PLACE | {"source": CALL})
    assert issues(answer) == ["cards.nowhere"]
    assert at(await ask(house, "GET", f"{FLOWS}?projectId=example"), "flows") == []


async def test_who_saves_a_flow_holds_what_it_does(house: House) -> None:
    """One that reads a secret takes somebody who may, one that runs another who may run it."""
    await ask(
        house, "POST", "/api/v1/roles", {"slug": "writer", "grants": [{"verbs": ["flows:edit"]}]}
    )
    async with holding(house, ("writer", None)) as writer:
        assert (await writer.http.post(FLOWS, json=PLACE | {"source": HELPER})).status_code == 200
        for source in (SECRET, CALLS):
            answer = await writer.http.post(FLOWS, json=PLACE | {"source": source})
            assert problem(answer) == (403, "PermissionDenied"), source


async def test_a_flow_is_switched_off_and_removed(house: House) -> None:
    """Off, it is not run; removed, there is nothing left of it."""
    flow = await save(house, HELPER)
    one, ran = f"{FLOWS}/{flow['id']}", await run(house, flow, count=1)
    off = await ask(house, "PATCH", one, {"enabled": False})
    assert at(off, "flow", "enabled") is False
    refused = await house.http.post(f"{one}/run", json={"given": {"count": 1}})
    assert problem(refused) == (400, "BadRequest")
    await ask(house, "DELETE", one)
    for path in (one, f"{one}/versions", f"{one}/runs", f"{RUNS}/{ran['run']['id']}"):
        assert problem(await house.http.get(path)) == (404, "NotFound")


async def test_what_nobody_outside_starts_has_no_client_token(house: House) -> None:
    """It would open nothing."""
    flow = await save(house, HELPER)
    answer = await house.http.post(f"{FLOWS}/{flow['id']}/client-token")
    assert problem(answer) == (400, "BadRequest")
    assert "starts by helper" in answer.text


async def test_a_helper_is_given_the_inputs_that_it_declares(house: House) -> None:
    """In their kinds; its answer is waited for."""
    flow = await save(house, HELPER)
    ran = await run(house, flow, count=21)
    assert (ran["run"]["phase"], ran["run"]["cause"], ran["run"]["status"]) == (
        "finished",
        "by_hand",
        200,
    )
    assert ran["result"] == {"status": 200, "headers": {}, "body": {"sum": 42}, "raw": False}
    for given in ({"count": "one"}, {"other": 1}):
        asked = {"given": given}
        assert issues(await house.http.post(f"{FLOWS}/{flow['id']}/run", json=asked)) == ["given"]


async def test_a_run_that_is_not_waited_for_answers_later(house: House) -> None:
    """Null until it has."""
    source = HELPER.replace("- id: sum", "- card: flow.wait_for\n  with: {duration: 5}\n- id: sum")
    flow = await save(house, source)
    asked = {"given": {"count": 1}, "waitS": 0.05}
    ran: Any = await ask(house, "POST", f"{FLOWS}/{flow['id']}/run", asked)
    assert ran["result"] is None
    one = f"{RUNS}/{ran['run']['id']}"
    assert at(await ask(house, "GET", f"{one}/result"), "result") is None
    assert at(await ask(house, "POST", f"{one}/cancel"), "run", "phase") == "cancelled"
    assert problem(await house.http.post(f"{one}/cancel")) == (400, "BadRequest")


async def test_runs_are_listed_read_searched_and_replayed(house: House) -> None:
    """Card by card; from a card on, what was before stays."""
    flow = await save(house, HELPER)
    first, second = await run(house, flow, count=1), await run(house, flow, count=1000)
    listed = at(await ask(house, "GET", f"{FLOWS}/{flow['id']}/runs"), "runs")
    assert [each["id"] for each in listed] == [second["run"]["id"], first["run"]["id"]]
    found = at(await ask(house, "GET", f"{FLOWS}/{flow['id']}/runs?search=2000"), "runs")
    assert [each["id"] for each in found] == [second["run"]["id"]]
    read: Any = await ask(house, "GET", f"{RUNS}/{first['run']['id']}")
    assert [(each["cardId"], each["outputs"]) for each in read["steps"]] == [
        ("sum", {"number": 2}),
        ("card_2", {"sum": 2}),
    ]
    again = f"{RUNS}/{first['run']['id']}/replay"
    made = at(await ask(house, "POST", again, {"fromCard": "sum"}), "run")
    assert (made["cause"], made["version"]) == ("replayed", 1)
    assert problem(await house.http.post(again, json={"fromCard": "none"})) == (400, "BadRequest")


async def test_what_a_history_hides_takes_more_than_reading_it(house: House) -> None:
    """The answer in full is for whoever may run the flow."""
    secret = {"workspaceId": house.installed.project.id, "environment": "dev"}
    await ask(house, "POST", "/api/v3/secrets/raw/KEY", secret | {"secretValue": "canary-key"})
    ran = await run(house, await save(house, SECRET))
    one = f"{RUNS}/{ran['run']['id']}"
    assert ran["result"]["body"] == {"key": "canary-key"}
    grants = [{"verbs": ["flow-runs:read", "flows:read"]}]
    await ask(house, "POST", "/api/v1/roles", {"slug": "onlooker", "grants": grants})
    async with holding(house, ("onlooker", None)) as onlooker:
        read = await onlooker.http.get(one)
        assert read.status_code == 200
        assert "canary" not in read.text
        assert problem(await onlooker.http.get(f"{one}/result")) == (403, "PermissionDenied")


async def test_a_client_token_is_shown_once(house: House) -> None:
    """Afterwards it is only said that there is one."""
    source = HELPER.replace("{kind: helper, inputs: {count: number}}", "{kind: api_endpoint}")
    flow = await save(house, source.replace("start.inputs.count", "start.raw.body"))
    assert flow["hasToken"] is False
    made = await ask(house, "POST", f"{FLOWS}/{flow['id']}/client-token")
    token = str(made["clientToken"])
    assert len(token) == 64
    read = await house.http.get(f"{FLOWS}/{flow['id']}")
    assert read.json()["flow"]["hasToken"] is True
    assert token not in read.text


@pytest.mark.parametrize("path", [f"{FLOWS}/{NO_ID}", f"{RUNS}/{NO_ID}"])
async def test_what_is_not_there_is_404(house: House, path: str) -> None:
    """To whoever may know."""
    assert problem(await house.http.get(path)) == (404, "NotFound")


async def test_cards_and_schema_are_told_to_everybody_who_logs_in(house: House) -> None:
    """By the schema an editor knows what is a flow."""
    cards = at(await ask(house, "GET", "/api/v1/flow-cards"), "cards")
    assert {"flow.return", "api.post", "jwt.sign"} <= {each["name"] for each in cards}
    answer = await house.http.get("/api/v1/flow-schema")
    assert answer.headers["content-type"] == "application/schema+json"
    jsonschema_rs.validate(answer.json(), yaml.safe_load(HELPER))
