"""What creating a rotation would do is told before, by the same checks, and changes nothing."""

from api_kit import ROTATIONS, House, issues

PLAN = f"{ROTATIONS}/plan"


async def stored(house: House) -> list[dict[str, object]]:
    """Return the rotations that there are."""
    project_id = house.installed.project.id
    found = await house.http.get("/api/v2/secret-rotations", params={"projectId": project_id})
    rotations: list[dict[str, object]] = found.json()["secretRotations"]
    return rotations


async def test_a_plan_says_that_the_one_secret_is_adopted(house: House) -> None:
    """By its id, with every call at Okta; no value is in it, and nothing is there afterwards."""
    order = house.order(await house.connect())
    (existing,) = house.org.read_app(house.app_id).live_secrets
    answer = await house.http.post(PLAN, json=order)
    assert answer.status_code == 200, answer.text
    plan = answer.json()["plan"]
    assert plan["adopts"] == existing.id
    assert [each["id"] for each in plan["existing"]] == [existing.id]
    told = [each["told"] for each in plan["steps"]]
    assert told[1].startswith(f"adopt {existing.id}")
    at = f"/api/v1/apps/{house.app_id}/credentials/secrets"
    assert plan["steps"][0]["calls"] == [f"GET /api/v1/apps/{house.app_id}", f"GET {at}"]
    assert plan["stepsOfATurn"][-1]["calls"] == [f"DELETE {at}/ID"]
    assert existing.value not in answer.text
    assert await stored(house) == []
    made = (await house.http.post(ROTATIONS, json=order)).json()["secretRotation"]
    assert made["nextRotationAt"] == plan["nextRotationAt"]


async def test_a_plan_says_that_a_first_one_is_issued(house: House) -> None:
    """Where nothing is to be adopted; Okta still has what it had."""
    order = house.order(await house.connect())
    order["parameters"] = {**order["parameters"], "adoptExisting": False}
    plan = (await house.http.post(PLAN, json=order)).json()["plan"]
    assert plan["adopts"] is None
    assert "add a client secret of Keyturn's own value" in plan["steps"][1]["told"]
    itself = f"/api/v1/apps/{house.app_id}"
    at = f"{itself}/credentials/secrets"
    assert plan["steps"][1]["calls"] == [f"GET {at}", f"GET {itself}", f"POST {at}"]
    assert len(house.org.read_app(house.app_id).live_secrets) == 1


async def test_a_plan_tells_of_the_end_that_was_consented_to(house: House) -> None:
    """After the overlap and the soak, by their lengths."""
    order = house.order(await house.connect())
    (existing,) = house.org.read_app(house.app_id).live_secrets
    made = f"{existing.created_at:%Y-%m-%d}"
    consent = {"retireExisting": existing.id, "retireExistingMade": made, "adoptExisting": False}
    order["parameters"] = {**order["parameters"], **consent}
    plan = (await house.http.post(PLAN, json=order)).json()["plan"]
    assert f"deactivate {existing.id}" in plan["steps"][-2]["told"]
    assert plan["steps"][-1]["calls"][0].startswith("DELETE ")


async def test_what_cannot_be_created_cannot_be_planned(house: House) -> None:
    """The same field is named, and the same refusal given."""
    order = house.order(await house.connect())
    wrong = await house.http.post(PLAN, json=order | {"name": "No Name!"})
    assert issues(wrong) == ["name"]
    await house.http.post(ROTATIONS, json=order)
    again = await house.http.post(PLAN, json=order | {"name": "other"})
    assert again.status_code == 400
    created = await house.http.post(ROTATIONS, json=order | {"name": "other"})
    assert again.json()["message"] == created.json()["message"]
