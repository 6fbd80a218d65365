"""What is left of Okta's rate limits: a route of Keyturn's own."""

from api_kit import House


async def test_budgets_are_told_as_they_are_known(house: House) -> None:
    """Calls that were just made are taken off, and what is kept for reinstating is named."""
    await house.rotate_by_order()
    found = (await house.http.get("/api/v1/budgets")).json()["budgets"]
    apps = next(budget for budget in found if budget["bucket"] == "api/v1/apps")
    assert apps.keys() == {
        "org", "principal", "bucket", "limit", "remaining", "reserve", "resetsAt",
    }  # fmt: skip
    assert (apps["limit"], apps["reserve"]) == (50, 2)
    assert 0 < apps["remaining"] < 50
    assert house.org.seeded.api_token not in str(found)


async def test_an_org_without_a_connection_is_not_told_of(house: House) -> None:
    """Whoever may not see the connection does not learn of its org."""
    await house.rotate_by_order()
    listed = (await house.http.get("/api/v1/app-connections/okta")).json()["appConnections"]
    orgs = {one["credentials"]["instanceUrl"] for one in listed}
    found = (await house.http.get("/api/v1/budgets")).json()["budgets"]
    assert {budget["org"] for budget in found} == orgs
