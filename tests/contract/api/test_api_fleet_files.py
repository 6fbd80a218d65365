"""Fleet files over HTTP: planned, applied in parts, exported, and what is wrong told by line."""

from typing import Any

from api_kit import ORG_URL, House, issues, problem
from fleet_file_kit import WHOLE

from keyturn.domain.fleetfile.items import Kind
from keyturn.domain.fleetfile.schema import FLEET as SCHEMA

FLEET = "/api/v1/fleet"
FILE = f"""
version: 1
connections:
  - {{name: okta, instanceUrl: "{ORG_URL}", method: api-token, credential: "env:TOKEN"}}
rotations:
  - name: web
    project: example
    environment: dev
    connection: okta
    app: APP
    mapping: {{clientId: WEB_ID, clientSecret: WEB_SECRET}}
compliancePolicies:
  - {{name: all, maxAgeDays: 90}}
"""


async def post(house: House, path: str, **body: object) -> Any:  # noqa: ANN401  JSON
    """Ask, and return the answer."""
    answer = await house.http.post(f"{FLEET}/{path}", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_file_is_applied_in_parts(house: House) -> None:
    """Each part is bound to the plan of what is left; at the end there is nothing to do."""
    text = FILE.replace("APP", house.app_id)
    plan = await post(house, "plan", text=text)
    assert [(each["action"], each["kind"], each["line"]) for each in plan["changes"]] == [
        ("create", "connection", 4),
        ("create", "compliance policy", 13),
        ("adopt", "rotation", 6),
    ]
    assert (plan["references"], plan["calls"], plan["notes"]) == (["env:TOKEN"], 8, [])
    assert [len(each["calls"]) for each in plan["changes"]] == [2, 0, 6]
    assert plan["changes"][2] | {"fields": [], "calls": []} == {
        "action": "adopt",
        "kind": "rotation",
        "name": "example/dev/:web",
        "line": 6,
        "fields": [],
        "org": ORG_URL,
        "app": house.app_id,
        "label": "",
        "calls": [],
        "second": plan["seconds"],
    }
    assert plan["changes"][2]["calls"][-1] == {
        "method": "POST",
        "path": "/oauth2/v1/introspect",
        "told": "ask about a junk token with it, until Okta accepts it",
        "second": plan["seconds"],
    }
    token = house.org.seeded.api_token
    order = {"text": text, "credential": {"env:TOKEN": token}, "most": 2}
    part = await post(house, "apply", planHash=plan["planHash"], **order)
    assert (len(part["done"]), part["failed"], part["left"]) == (2, [], 1)
    stale = await house.http.post(f"{FLEET}/apply", json=order | {"planHash": plan["planHash"]})
    assert problem(stale)[0] == 400
    last = await post(house, "apply", planHash=part["planHash"], **order)
    assert (len(last["done"]), last["left"]) == (1, 0)
    assert (await post(house, "plan", text=text))["changes"] == []
    assert await house.served("WEB_ID")
    exported = (await house.http.get(f"{FLEET}/export")).json()["text"]
    assert token not in exported
    assert (await post(house, "plan", text=exported))["changes"] == []


async def test_every_kind_of_thing_is_told(house: House) -> None:
    """With what is said of it, before and after, as JSON."""
    text = WHOLE.replace("APP}", f"{house.app_id}}}").replace("kept", '"env:TOKEN"')
    plan = await post(house, "plan", text=text)
    assert {each["kind"] for each in plan["changes"]} == {*Kind}
    told = {each["name"]: each["fields"] for each in plan["changes"] if each["kind"] == "channel"}
    [kinds] = [each for each in told["pager"] if each["name"] == "kinds"]
    assert kinds == {"name": "kinds", "before": None, "after": ["turn.blocked", "turn.finished"]}


async def test_what_is_wrong_is_told_by_line(house: House) -> None:
    """All of it at once; what fails while it is applied is told with the change."""
    answer = await house.http.post(f"{FLEET}/plan", json={"text": "version: 3\nother: 1\n"})
    assert problem(answer)[0] == 422
    assert issues(answer)
    assert "(line 2)" in answer.text
    text = FILE.replace("APP", "0oaNobody")
    plan = await post(house, "plan", text=text)
    credential = {"env:TOKEN": house.org.seeded.api_token}
    part = await post(
        house, "apply", text=text, planHash=plan["planHash"], credential=credential, keepGoing=True
    )
    [failed] = part["failed"]
    assert (failed["change"]["name"], failed["retryAfterSeconds"]) == ("example/dev/:web", None)
    assert "has no OAuth app" in failed["why"]
    assert part["left"] == 1
    again = {"text": text, "planHash": part["planHash"], "passOver": 1, "keepGoing": True}
    assert await post(house, "apply", **again) == part | {"done": [], "failed": []}


async def test_the_schema_is_served(house: House) -> None:
    """It is the one that files are checked by."""
    assert (await house.http.get(f"{FLEET}/schema")).json() == SCHEMA
