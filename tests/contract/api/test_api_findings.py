"""Drift over HTTP."""

from api_kit import NO_ID, House, issues, problem

from keyturn.services.drift import reconcile_due

FINDINGS = "/api/v1/findings"


async def drifted(house: House) -> list[dict[str, object]]:
    """Add a foreign secret behind the rotation's back; return what is found."""
    await house.rotate_by_order()
    house.clock.advance(86_400)
    await reconcile_due(house.world)
    house.org.create_secret(house.app_id)
    house.clock.advance(86_400)
    await reconcile_due(house.world)
    query = {"projectId": house.installed.project.id}
    found: list[dict[str, object]] = (await house.http.get(FINDINGS, params=query)).json()[
        "findings"
    ]
    return found


async def test_finding_says_what_it_means_and_what_would_mend_it(house: House) -> None:
    """Programs get a kind and a repair, people a sentence that says who must act."""
    (found,) = await drifted(house)
    assert (found["kind"], found["repair"]) == ("secret_added", "by hand")
    assert "Its owner must" in str(found["meaning"])
    assert str(found["subject"]).startswith("ocs")


async def test_what_only_people_can_mend_is_refused(house: House) -> None:
    """A foreign secret is not touched by a repair; the refusal says who must act."""
    (found,) = await drifted(house)
    answer = await house.http.post(f"{FINDINGS}/{found['id']}/repair")
    assert problem(answer) == (400, "BadRequest")
    assert "consent" in answer.json()["message"]


async def test_unknown_finding_and_missing_project(house: House) -> None:
    """Nothing is repaired that was not found, and a list needs its project."""
    assert problem(await house.http.post(f"{FINDINGS}/{NO_ID}/repair")) == (404, "NotFound")
    assert issues(await house.http.get(FINDINGS)) == ["projectId"]
