"""Emergencies over HTTP: planned, begun by the plan's hash, looked at, and their evidence."""

from typing import Any

from api_kit import NO_ID, House, problem

from keyturn.services.duties import claim_due
from keyturn.services.emergencies_under_way import carry_emergencies
from keyturn.services.journey import advance

EMERGENCIES = "/api/v1/emergencies"
EVERY = {"reason": "leaked", "all": True}


async def plan(house: House) -> Any:  # noqa: ANN401  JSON
    """Make a rotation, and plan an emergency of it."""
    await house.rotate_by_order()
    answer = await house.http.post(f"{EMERGENCIES}/plan", json=EVERY)
    assert answer.status_code == 200, answer.text
    return answer.json()["plan"]


async def plan_again(house: House) -> Any:  # noqa: ANN401  JSON
    """Plan an emergency of what there is."""
    return (await house.http.post(f"{EMERGENCIES}/plan", json=EVERY)).json()["plan"]


async def begin(house: House) -> Any:  # noqa: ANN401  JSON
    """Begin it."""
    found = await plan(house)
    body = EVERY | {"planHash": found["planHash"]}
    answer = await house.http.post(EMERGENCIES, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()["emergency"]


async def carry(house: House) -> None:
    """Let the workers carry it to its end."""
    for _ in range(10):
        await carry_emergencies(house.world)
        for claim in await claim_due(house.world, owner="test", limit=10):
            await advance(house.world, claim.turn, held_since_s=claim.held_since_s)
        house.clock.advance(60)


async def test_a_plan_tells_who_is_closed_when_and_why(house: House) -> None:
    """Two calls for an app, what it is judged by, and by what hash it is begun."""
    found = await plan(house)
    [app] = found["members"]
    assert (app["number"], app["calls"], app["closesInSeconds"]) == (1, 2, 60)
    assert "Production org" in app["why"]
    assert (found["calls"], found["unmanaged"], found["byHand"]) == (2, [], "")
    assert len(found["planHash"]) == 64
    assert (await house.http.get(EMERGENCIES)).json() == {"emergencies": []}


async def test_an_emergency_is_begun_followed_and_proved(house: House) -> None:
    """Its one app is closed, and Okta's answers are in the file for programs and for people."""
    made = await begin(house)
    assert (made["state"], made["apps"], made["open"]) == ("running", 1, 1)
    await carry(house)
    at = f"{EMERGENCIES}/{made['id']}"
    seen = (await house.http.get(at)).json()["emergency"]
    assert (seen["state"], seen["open"], seen["standings"]) == ("finished", 0, {"done": 1})
    [app] = (await house.http.get(f"{at}/apps", params={"standing": "done"})).json()["apps"]
    assert app["closedAt"]
    assert (await house.http.get(f"{at}/apps", params={"standing": "failed"})).json()["total"] == 0
    [proof] = (await house.http.get(f"{at}/evidence")).json()["apps"]
    assert (proof["deactivated"]["told"], proof["refused"]["told"]) == ("HTTP 200", "HTTP 401")
    page = await house.http.get(f"{at}/evidence", params={"format": "markdown"})
    assert page.headers["content-type"].startswith("text/markdown")
    assert proof["refused"]["requestId"] in page.text
    assert "not asked for" in page.text
    assert [each["id"] for each in (await house.http.get(EMERGENCIES)).json()["emergencies"]] == [
        made["id"]
    ]


async def test_what_cannot_be_done_is_told(house: House) -> None:
    """Another plan, one that says not which apps, an emergency that is over, and none."""
    made = await begin(house)
    other = await house.http.post(EMERGENCIES, json=EVERY | {"planHash": "x"})
    assert problem(other)[0] == 400
    vague = await house.http.post(f"{EMERGENCIES}/plan", json={"reason": "leaked"})
    assert problem(vague)[0] == 422
    at = f"{EMERGENCIES}/{made['id']}"
    assert problem(await house.http.post(f"{at}/retry"))[0] == 400
    aborted = (await house.http.post(f"{at}/abort")).json()["emergency"]
    assert aborted["state"] == "abandoned"
    assert problem(await house.http.post(f"{at}/abort"))[0] == 400
    assert problem(await house.http.get(f"{EMERGENCIES}/{NO_ID}"))[0] == 404


async def test_an_app_that_cannot_be_closed_is_told_and_left_out(house: House) -> None:
    """The plan names what is in the way; a deactivated app is no failure, and may be left."""
    [app] = (await plan(house))["members"]
    assert app["obstacles"] == []
    app_id = app["appId"]
    house.org.deactivate_app(app_id)
    made = await house.http.post(
        EMERGENCIES, json=EVERY | {"planHash": (await plan_again(house))["planHash"]}
    )
    at = f"{EMERGENCIES}/{made.json()['emergency']['id']}"
    await carry(house)
    seen = (await house.http.get(at)).json()["emergency"]
    assert (seen["open"], seen["standings"]) == (0, {"inactive": 1})
    [stopped] = (await plan_again(house))["members"]
    assert stopped["obstacles"][0].startswith("Its turn is blocked: The app is deactivated")
    assert problem(await house.http.post(f"{at}/leave-out", json={"app": "other"}))[0] == 400
    left = await house.http.post(f"{at}/leave-out", json={"app": app_id})
    assert left.json()["emergency"]["standings"] == {"skipped": 1}
    await carry(house)
    assert (await house.http.get(at)).json()["emergency"]["state"] == "finished"
