"""Rollouts over HTTP: planned, started by the plan's hash, approved, continued and aborted."""

from typing import Any

import pytest
from api_kit import CONNECTIONS, NO_ID, ROTATIONS, House, issues, problem
from identity_kit import bearer, newcomer

from keyturn.domain.identity import AuthMethod
from keyturn.sandbox.state.directory import AppDraft
from keyturn.services.duties import claim_due
from keyturn.services.journey import advance
from keyturn.services.rollouts_under_way import carry_due

ROLLOUTS = "/api/v1/rollouts"


async def tell(house: House, path: str, **fields: object) -> Any:  # noqa: ANN401  JSON
    """Ask for something that is to be done, and return what came of it."""
    answer = await house.http.post(f"{ROLLOUTS}{path}", json=fields)
    assert answer.status_code == 200, answer.text
    [made] = answer.json().values()
    return made


async def read(house: House, path: str = "", **query: Any) -> Any:  # noqa: ANN401  JSON
    """Read something."""
    answer = await house.http.get(f"{ROLLOUTS}{path}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def add_rotations(house: House, count: int) -> None:
    """Make so many rotations that turn by hand."""
    connection_id = (await house.http.post(CONNECTIONS, json=house.connection())).json()
    for n in range(count):
        app = house.org.create_app(AppDraft(f"app-{n}"))
        order = house.order(
            connection_id["appConnection"]["id"],
            name=f"app-{n}",
            isAutoRotationEnabled=False,
            parameters={"clientId": app.id},
            secretsMapping={"clientId": f"ID_{n}", "clientSecret": f"SECRET_{n}"},
        )
        answer = await house.http.post(ROTATIONS, json=order)
        assert answer.status_code == 200, answer.text


async def live(house: House, seconds: float) -> None:
    """Let time pass, and do what a worker does."""
    for _ in range(int(seconds // 10)):
        house.clock.advance(10)
        await carry_due(house.world)
        for claim in await claim_due(house.world, owner="test", limit=10):
            await advance(house.world, claim.turn, held_since_s=claim.held_since_s)


async def test_a_plan_is_shown_and_started_by_its_hash(house: House) -> None:
    """What is planned is what turns; the answers tell how far it is."""
    await add_rotations(house, 3)
    wanted = {"name": "spring", "reason": "yearly", "waves": ["1", "rest"]}
    plan = await tell(house, "/plan", **wanted)
    assert [(w["number"], w["cut"], w["members"], w["calls"]) for w in plan["waves"]] == [
        (1, "1", 1, 5),
        (2, "rest", 2, 10),
    ]
    assert plan["lastsS"] == sum(each["lastsS"] for each in plan["waves"])
    assert plan["lastBeginsS"] == plan["waves"][0]["lastsS"]
    early = await tell(house, "/plan", **wanted, goOnAt="overlapping")
    assert early["lastBeginsS"] < plan["lastBeginsS"] < early["lastsS"] < plan["lastsS"]
    first = plan["members"][0]
    assert (first["name"], first["why"]) == ("example/dev/:app-0", "the next 1 by name")
    assert first["warnings"] == []
    assert (await read(house))["rollouts"] == []
    begun = await tell(house, "", **wanted, planHash=plan["planHash"])
    assert (begun["state"], begun["wave"], begun["told"]) == ("running", 1, "")
    await live(house, 30)
    seen = (await read(house, f"/{begun['id']}"))["rollout"]
    assert [each["standings"] for each in seen["waves"]] == [{"turning": 1}, {"waiting": 2}]
    page = await read(house, f"/{begun['id']}/members", standing="turning")
    assert (page["total"], page["members"][0]["phase"]) == (1, "overlapping")
    page = await read(house, f"/{begun['id']}/members", wave="2")
    assert [(each["number"], each["warnings"]) for each in page["members"]] == [(2, []), (3, [])]
    await live(house, 2000)
    seen = (await read(house, f"/{begun['id']}"))["rollout"]
    assert (seen["state"], seen["creator"]) == ("finished", "administrator")
    [listed] = (await read(house))["rollouts"]
    assert listed.pop("waves") == 2
    assert listed.items() <= seen.items()


async def test_another_plan_is_not_started(house: House) -> None:
    """The error says that the plan has changed, and nothing is begun."""
    await add_rotations(house, 1)
    answer = await house.http.post(ROLLOUTS, json={"name": "spring", "planHash": "0" * 64})
    assert problem(answer) == (400, "BadRequest")
    assert "plan has changed" in answer.json()["message"]
    assert (await read(house))["rollouts"] == []


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"name": ""}, "name"),
        ({"waves": ["half"]}, "waves"),
        ({"waves": ["1"] * 51}, "waves"),
        ({"selector": "nobody=x"}, "selector"),
        ({"selector": "rotation=nobody"}, "selector"),
        ({"goOnAt": "planned"}, "goOnAt"),
    ],
)
async def test_what_does_not_fit_is_named(
    house: House, wrong: dict[str, object], path: str
) -> None:
    """A wave or a selector that is none, and a selector that picks nothing."""
    await add_rotations(house, 1)
    answer = await house.http.post(f"{ROLLOUTS}/plan", json={"name": "spring"} | wrong)
    assert issues(answer) == [path]


async def test_a_second_person_lets_a_wave_go(house: House) -> None:
    """Neither who started it may, nor a machine; the approval is of the plan, and is shown."""
    await add_rotations(house, 1)
    wanted = {"name": "spring", "approvals": True}
    plan_hash = (await tell(house, "/plan", **wanted))["planHash"]
    begun = await tell(house, "", **wanted, planHash=plan_hash)
    assert begun["state"] == "awaiting"
    at, given = f"{ROLLOUTS}/{begun['id']}/approve", {"wave": 1, "planHash": plan_hash}
    assert problem(await house.http.post(at, json=given)) == (400, "BadRequest")
    role = ("admin", None)
    _, made = await newcomer(house, role, name="machine")
    refusal = await house.http.post(at, json=given, headers=bearer(made))
    assert problem(refusal) == (400, "BadRequest")
    assert "has not logged in as a person" in refusal.json()["message"]
    _, own = await newcomer(house, role, name="second", by=AuthMethod.PASSWORD)
    other = bearer(own)
    wrong = given | {"planHash": "x"}
    assert problem(await house.http.post(at, json=wrong, headers=other)) == (400, "BadRequest")
    answer = await house.http.post(at, json=given, headers=other)
    [shown] = answer.json()["rollout"]["approvals"]
    assert (shown["wave"], shown["name"]) == (1, "second")
    await live(house, 20)
    assert (await read(house, f"/{begun['id']}"))["rollout"]["state"] == "running"


async def test_a_halted_rollout_is_continued_or_aborted(house: House) -> None:
    """The one in the way is named; left out by number, the rest go on; then it is ended."""
    await add_rotations(house, 3)
    wanted = {"name": "spring", "waves": ["1", "1"]}
    plan = await tell(house, "/plan", **wanted)
    begun = await tell(house, "", **wanted, planHash=plan["planHash"])
    house.org.create_secret(plan["members"][0]["appId"])
    await live(house, 30)
    seen = (await read(house, f"/{begun['id']}"))["rollout"]
    assert seen["state"] == "halted"
    assert "example/dev/:app-0" in seen["told"]
    after = await tell(house, f"/{begun['id']}/continue", skip=[1])
    assert (after["state"], after["waves"][0]["standings"]) == ("running", {"skipped": 1})
    await live(house, 30)
    ended = await tell(house, f"/{begun['id']}/abort")
    assert (ended["state"], ended["told"]) == ("abandoned", "Aborted by administrator.")
    again = await house.http.post(f"{ROLLOUTS}/{begun['id']}/continue", json={})
    assert problem(again) == (400, "BadRequest")


@pytest.mark.parametrize("route", ["", "/members"])
async def test_a_rollout_that_is_not_there_is_not_found(house: House, route: str) -> None:
    """By an id that is nobody's."""
    answer = await house.http.get(f"{ROLLOUTS}/{NO_ID}{route}")
    assert problem(answer) == (404, "NotFound")
