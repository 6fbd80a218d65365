"""The overview of a fleet and the search in it over HTTP."""

import pytest
from api_kit import ROTATIONS, House, issues
from identity_kit import bearer, newcomer

FLEET = "/api/v1/fleet"


async def test_a_fleet_is_told_at_a_glance(house: House) -> None:
    """Every state and band is counted, and what starts next is there with its age."""
    rotation = await house.rotate_by_order()
    answer = await house.http.get(FLEET)
    assert answer.status_code == 200
    seen = answer.json()
    assert (seen["rotations"], seen["attention"]) == (1, [])
    assert {state for state, count in seen["states"].items() if count} == {"scheduled"}
    assert len(seen["states"]) == 8
    assert {band for band, count in seen["bands"].items() if count} == {"0-25"}
    assert len(seen["bands"]) == 7
    (line,) = seen["dueNext"]
    assert (line["id"], line["band"], line["phase"]) == (rotation["id"], "0-25", None)
    assert line["nextRotationAt"] == rotation["nextRotationAt"]
    assert line["intervalSeconds"] == 30 * 86_400
    assert line["issuedAt"] == seen["at"]
    assert (seen["oldestSeconds"], seen["medianSeconds"]) == (0, 0)
    assert {each["org"] for each in seen["budgets"]} == {"https://org.example.com"}


async def test_what_needs_somebody_says_who(house: House) -> None:
    """Programs get kinds, people a sentence; both get where to look."""
    rotation = await house.rotate_by_order()
    house.org.create_secret(house.app_id)
    await house.http.post(f"{ROTATIONS}/{rotation['id']}/rotate-secrets")
    (found,) = (await house.http.get(FLEET, params={"projectId": "example"})).json()["attention"]
    assert (found["severity"], found["kind"], found["about"]) == ("act", "blocked", "rotation")
    assert (found["id"], found["name"]) == (rotation["id"], "my-okta-rotation")
    assert "The app's owner must choose" in found["told"]


async def test_a_secret_that_has_leaked_is_told_to_who_may_read_of_it(house: House) -> None:
    """With the report by which it is closed; who may not read reports is told nothing of it."""
    await house.rotate_by_order()
    leak = {"value": await house.served(), "where": "a chat"}
    [one] = (await house.http.post("/api/v1/leaks", json={"reports": [leak]})).json()["reports"]
    [found] = (await house.http.get(FLEET)).json()["attention"]
    assert (found["severity"], found["kind"], found["about"]) == ("urgent", "leaked", "leak")
    assert (found["id"], found["name"], found["since"]) == (one["id"], one["app"], one["at"])
    assert "is reported as leaked: close the app" in found["told"]
    _, token = await newcomer(house, ("viewer", house.installed.project.id))
    answer = await house.http.get(FLEET, headers=bearer(token))
    assert (answer.json()["rotations"], answer.json()["attention"]) == (1, [])


async def test_no_fleet_is_told_as_well(house: House) -> None:
    """Before the first rotation there is nothing to count, and no age."""
    seen = (await house.http.get(FLEET)).json()
    assert (seen["rotations"], seen["dueNext"], seen["oldestSeconds"]) == (0, [], None)


async def test_rotations_are_searched_page_by_page(house: House) -> None:
    """Text, states and bands narrow the list; what is counted leaves the state open."""
    rotation = await house.rotate_by_order()
    await house.http.post(f"{ROTATIONS}/{rotation['id']}/rotate-secrets")
    path = f"{FLEET}/rotations"
    for query, total in (
        ({}, 1),
        ({"text": "MY-OKTA", "state": ["turning", "off"], "band": "0-25"}, 1),
        ({"state": "off"}, 0),
        ({"band": "overdue"}, 0),
        ({"text": "nothing"}, 0),
        ({"projectId": "example", "offset": "1"}, 1),
    ):
        found = (await house.http.get(path, params=query)).json()
        assert found["total"] == total
        assert len(found["rotations"]) == (0 if "offset" in query else total)
    found = (await house.http.get(path, params={"state": "off"})).json()
    assert found["states"]["turning"] == 1
    (line,) = (await house.http.get(path)).json()["rotations"]
    assert (line["state"], line["phase"]) == ("turning", "overlapping")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"state": "angry"}, "state.0"),
        ({"band": "old"}, "band"),
        ({"limit": "0"}, "limit"),
        ({"offset": "-1"}, "offset"),
        ({"projectId": " "}, "projectId"),
        ({"text": "x" * 256}, "text"),
    ],
)
async def test_what_does_not_fit_is_told_by_its_field(
    house: House, query: dict[str, str], field: str
) -> None:
    """A word that is none is not taken for any."""
    assert issues(await house.http.get(f"{FLEET}/rotations", params=query)) == [field]


async def test_who_is_in_several_projects_sees_them_together(house: House) -> None:
    """Without a project it is what the caller may see, wherever that is."""
    await house.rotate_by_order()
    made = await house.http.post("/api/v1/projects", json={"projectName": "Second"})
    second = made.json()["project"]["id"]
    _, token = await newcomer(
        house, ("viewer", house.installed.project.id), ("viewer", second), name="both"
    )
    seen = await house.http.get(FLEET, headers=bearer(token))
    assert (seen.status_code, seen.json()["rotations"]) == (200, 1)
    assert seen.json()["budgets"]
