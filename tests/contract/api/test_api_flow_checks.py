"""Flows that are held against what there is in a folder, before anybody saves them."""

from typing import Any

from api_kit import House, problem
from endpoint_kit import FLOWS, PLACE, save
from identity_kit import ask, holding
from oauth_house_kit import ALIASES, connect, register

TABLES = "/api/v1/flow-tables"
HELPER = "flow: helper\nstart: {kind: helper}\ncards: [{card: flow.return, with: {a: 1}}]\n"
FLOW = """\
flow: some
start: {kind: api_endpoint, security: oauth2, oauth: {registration: REGISTRATION}}
secrets: {key: SECRET}
cards:
- {id: row, card: table.read_row, with: {table: TABLE, row: a}}
- {id: got, card: api.get, connection: CONNECTION, with: {url: "https://a.example"}}
- {id: called, card: flow.call, with: {flow: HELPER, inputs: {key: "{{ secrets.key }}"}}}
"""
MISSING = {
    "start.oauth.registration": "there is no client registration REGISTRATION in its folder",
    "secrets.key": "there is no secret SECRET that it may read",
    "cards[1].with.table": "there is no table TABLE in its folder",
    "cards[2].connection": "there is no connection CONNECTION in its folder",
    "cards[3].with.flow": "there is no flow HELPER in its folder",
}

NAMES = {
    "REGISTRATION": "org",
    "SECRET": "/KEY",
    "TABLE": "rows",
    "CONNECTION": "people",
    "HELPER": "helper",
}


async def checked(house: House, source: str, **more: object) -> Any:  # noqa: ANN401  JSON
    """Check a flow."""
    return await ask(house, "POST", f"{FLOWS}/check", PLACE | {"source": source} | more)


async def furnish(house: House) -> str:
    """Have all that the flow names; return it."""
    registration = await register(house, name="org")
    made = await connect(house, registration, name="crm")
    await ask(house, "POST", f"{ALIASES}", {"name": "people", "connectionId": made["id"]})
    await save(house, HELPER)
    await ask(house, "POST", TABLES, PLACE | {"name": "rows", "columns": {"a": "text"}})
    secret = {"workspaceId": "example", "environment": "dev", "secretValue": "canary"}
    await ask(house, "POST", "/api/v3/secrets/raw/KEY", secret)
    flow = FLOW
    for placeholder, name in NAMES.items():
        flow = flow.replace(placeholder, name)
    return flow


async def test_what_is_missing_is_found_with_its_line(house: House) -> None:
    """Each thing that the flow names; nothing is saved."""
    told = await checked(house, FLOW)
    assert {each["where"]: each["rule"] for each in told["findings"]} == MISSING
    assert [each["line"] for each in told["findings"]] == [2, 3, 5, 6, 7]
    assert told["unchecked"] == []
    assert (await ask(house, "GET", f"{FLOWS}?projectId=example"))["flows"] == []


async def test_nothing_is_found_where_all_is_there(house: House) -> None:
    """A connection goes by its alias too; what is going to be beside it counts as there."""
    flow = await furnish(house)
    assert await checked(house, flow) == {"findings": [], "unchecked": []}
    assert await checked(house, flow.replace("people", "crm")) == {"findings": [], "unchecked": []}
    (near,) = (await checked(house, flow.replace("people", "peopel")))["findings"]
    assert near["rule"].endswith("is it people?")
    later = flow.replace("flow: helper", "flow: later")
    assert (await checked(house, later))["findings"]
    assert not (await checked(house, later, beside=["later"]))["findings"]


async def test_who_may_not_know_is_told_nothing(house: House) -> None:
    """Not even that something is not there; what nobody looked at is named by the file alone."""
    flow = await furnish(house)
    grants = [{"verbs": ["flows:read"]}]
    await ask(house, "POST", "/api/v1/roles", {"slug": "reader", "grants": grants})
    async with holding(house, ("reader", None)) as reader:
        for source in (flow, flow.replace("people", "peopel").replace("/KEY", "/KYE")):
            told = await ask(reader, "POST", f"{FLOWS}/check", PLACE | {"source": source})
            assert told["findings"] == []
            kinds = [each.partition(" ")[0] for each in told["unchecked"]]
            assert kinds == ["connections", "secrets", "client"]


async def test_who_may_not_read_flows_checks_none(house: House) -> None:
    """Where they would be is not told either."""
    await ask(
        house, "POST", "/api/v1/roles", {"slug": "other", "grants": [{"verbs": ["project:read"]}]}
    )
    async with holding(house, ("other", None)) as other:
        answer = await other.http.post(f"{FLOWS}/check", json=PLACE | {"source": HELPER})
        assert problem(answer) == (403, "PermissionDenied")
    elsewhere = {**PLACE, "secretPath": "/nowhere", "source": HELPER}
    assert (await house.http.post(f"{FLOWS}/check", json=elsewhere)).status_code == 400


async def test_what_cannot_be_read_is_found_as_well(house: House) -> None:
    """As without a server."""
    (found,) = (await checked(house, "flow: a\nstart: {kind: none}\ncards: []\n"))["findings"][:1]
    assert (found["where"], found["severity"], found["line"]) == ("start.kind", "error", 2)
