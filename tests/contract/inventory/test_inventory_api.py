"""The inventory over HTTP: begun, told of, searched, and whose the apps are."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from api_kit import House, open_house, problem
from identity_kit import bearer, newcomer
from inventory_kit import populate

from keyturn.sandbox.faults import Fault
from keyturn.sandbox.state.directory import AppDraft
from keyturn.services.inventory_keeping import keep_due

INVENTORY = "/api/v1/inventory"
APPS = f"{INVENTORY}/apps"
OWNERS = f"{INVENTORY}/owners"
SECRETS = "/api/v1/apps/{appId}/credentials/secrets"


@pytest.fixture
async def house() -> AsyncIterator[House]:
    """Give a house that is connected to its org."""
    async with open_house() as it:
        await it.connect()
        yield it


async def taken(house: House) -> None:
    """Have the inventory taken."""
    assert (await house.http.post(INVENTORY, json={})).status_code == 200
    for _ in range(100):
        [state] = (await house.http.get(INVENTORY)).json()["inventories"]
        if state["stage"] == "fresh" and state["knownUntil"]:
            return
        house.clock.advance(65)
        await keep_due(house.world)
    raise AssertionError("it is never taken")


async def apps(house: House, selector: str = "", **query: str) -> Any:  # noqa: ANN401  JSON
    """Return an answer."""
    answer = await house.http.get(APPS, params={"selector": selector, **query})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def keep_by_rotation(house: House) -> None:
    """Have a rotation keep the app, whose client secret it adopts."""
    [one] = (await house.http.get("/api/v1/app-connections/okta")).json()["appConnections"]
    order = house.order(one["id"])
    made = await house.http.post("/api/v2/secret-rotations/okta-client-secret", json=order)
    assert made.status_code == 200, made.text


async def test_an_inventory_is_taken_and_told_of(house: House) -> None:
    """Who asks for it learns how far it is, and once it is there, every app."""
    populate(house.org, 30)
    begun = (await house.http.post(INVENTORY, json={})).json()["inventories"]
    assert [(one["connection"], one["stage"]) for one in begun] == [("my-okta", "listing")]
    await keep_due(house.world)
    [state] = (await house.http.get(INVENTORY)).json()["inventories"]
    assert (state["stage"], state["listed"], state["wanted"]) == ("reading", 32, 31)
    assert 0 < state["read"] < 31
    assert state["perMinute"] == 25
    assert state["leftSeconds"] == -(-(31 - state["read"]) * 60 // 25)
    await taken(house)
    told = await apps(house)
    assert told["totals"]["apps"] == len(told["apps"]) == 32
    assert (told["totals"]["secrets"], told["totals"]["withKeys"]) == (31, 1)
    assert sum(told["totals"]["ages"].values()) == 31


async def test_how_many_apps_are_known_is_counted(house: House) -> None:
    """By what is on record now, whatever the last full reading came to, or the next one has yet."""
    await taken(house)
    populate(house.org, 3)
    await begin_and_follow(house)
    [state] = (await house.http.get(INVENTORY)).json()["inventories"]
    assert (state["stage"], state["apps"], state["unread"], state["listed"]) == ("fresh", 5, 0, 2)
    await house.http.post(INVENTORY, json={"whole": True})
    [state] = (await house.http.get(INVENTORY)).json()["inventories"]
    assert (state["stage"], state["apps"], state["listed"]) == ("listing", 5, 0)


async def test_an_app_that_is_not_read_has_no_time_of_reading(house: House) -> None:
    """Why not is told, and how many there are."""
    refusal = Fault("error-before-effect", route=SECRETS, status=403)
    house.org.add_fault(refusal)
    await taken(house)
    [one] = [each for each in (await apps(house))["apps"] if each["told"]]
    assert (one["readAt"], "403" in one["told"]) == (None, True)
    [state] = (await house.http.get(INVENTORY)).json()["inventories"]
    assert (state["wanted"], state["read"], state["refused"], state["unread"]) == (1, 0, 1, 1)


async def test_apps_are_narrowed_by_more_than_a_selector(house: House) -> None:
    """By what keeps them, by their age and by their status; what is none of these is refused."""
    await keep_by_rotation(house)
    house.org.create_app(AppDraft("asleep", active=False))
    await taken(house)

    async def found(**query: str) -> list[str]:
        return [each["label"] for each in (await apps(house, **query))["apps"]]

    every = await found()
    assert await found(status="INACTIVE") == ["asleep"]
    assert {*await found(managed="false")} == {*every} - {"Example web app"}
    assert await found(managed="true") == ["Example web app"]
    assert await found(foreign="true") == ["asleep"]
    assert await found(foreign="true", managed="true") == []
    assert await found(age="365+") == []
    assert "asleep" in await found(age="0-30")
    wrong = await house.http.get(APPS, params={"age": "old"})
    assert problem(wrong)[0] == 422


async def begin_and_follow(house: House) -> None:
    """Have what has changed read."""
    house.clock.advance(3600)
    await house.http.post(INVENTORY, json={})
    await keep_due(house.world)


async def test_a_selector_picks_apps_page_by_page(house: House) -> None:
    """Totals are of all that fit, whichever page is shown."""
    populate(house.org, 12, "pay-{}")
    await taken(house)
    told = await apps(house, "label=pay-*", offset="10", limit="5")
    assert (len(told["apps"]), told["totals"]["apps"]) == (2, 12)
    assert (await apps(house, "auth=private_key_jwt"))["totals"]["apps"] == 1
    refused = await house.http.get(APPS, params={"selector": "labels=x"})
    assert problem(refused)[0] in (400, 422)
    assert "'labels=x' is none" in refused.text


async def test_what_a_rotation_keeps_is_known(house: House) -> None:
    """A client secret that was adopted is known; one that somebody adds beside it is foreign."""
    await keep_by_rotation(house)
    house.org.create_secret(house.app_id)
    await taken(house)
    [one] = (await apps(house, f"app={house.app_id}"))["apps"]
    assert (one["managed"], one["rotation"]["name"]) == (True, "my-okta-rotation")
    assert [each["known"] for each in one["secrets"]] == [True, False]
    assert (await apps(house, "rotation=my-okta*"))["totals"]["apps"] == 1


async def test_no_value_is_in_any_answer(house: House) -> None:
    """Of a client secret everything is told but what it is."""
    populate(house.org, 5)
    await taken(house)
    text = (await house.http.get(APPS)).text
    values = [each.value for app in house.org.list_apps() for each in app.live_secrets]
    assert len(values) == 6
    assert not [value for value in values if value in text]


async def test_owners_are_told_by_labels(house: House) -> None:
    """The first rule that fits counts; who asks for an owner finds the apps."""
    house.org.create_app(AppDraft("pay-web"))
    house.org.create_app(AppDraft("pay-batch"))
    await taken(house)
    rules = [{"pattern": "*-batch", "owner": "ops"}, {"pattern": "PAY-*", "owner": "payments"}]
    assert (await house.http.put(OWNERS, json={"rules": rules})).json()["rules"] == rules
    assert (await house.http.get(OWNERS)).json()["rules"] == rules
    told = (await apps(house, "label=pay-*"))["apps"]
    assert {one["label"]: one["owner"] for one in told} == {
        "pay-web": "payments",
        "pay-batch": "ops",
    }
    assert (await apps(house, "owner=ops"))["totals"]["apps"] == 1


async def test_a_rule_without_an_owner_changes_nothing(house: House) -> None:
    """It is refused as a whole, and the field is named."""
    good = [{"pattern": "a", "owner": "b"}]
    await house.http.put(OWNERS, json={"rules": good})
    answer = await house.http.put(OWNERS, json={"rules": [*good, {"pattern": "x", "owner": " "}]})
    assert problem(answer)[0] == 422
    assert (await house.http.get(OWNERS)).json()["rules"] == good


async def test_a_forgotten_inventory_is_kept_no_longer(house: House) -> None:
    """Nothing of it is left, and nothing at Okta has changed."""
    await taken(house)
    assert (await house.http.delete(f"{INVENTORY}/my-okta")).json() == {"connection": "my-okta"}
    assert (await apps(house))["totals"]["apps"] == 0
    [state] = (await house.http.get(INVENTORY)).json()["inventories"]
    assert state["stage"] is None
    again = await house.http.delete(f"{INVENTORY}/my-okta")
    assert problem(again) == (404, "NotFound")


async def test_with_its_connection_an_inventory_goes(house: House) -> None:
    """What was listed through it is off the record."""
    await taken(house)
    [one] = (await house.http.get("/api/v1/app-connections/okta")).json()["appConnections"]
    gone = await house.http.delete(f"/api/v1/app-connections/okta/{one['id']}")
    assert gone.status_code == 200, gone.text
    assert (await apps(house))["totals"]["apps"] == 0


async def test_who_sees_one_project_sees_no_inventory(house: House) -> None:
    """It is of whole orgs; a viewer of everything may see it, and may not have it taken."""
    await taken(house)
    _, near = await newcomer(house, ("admin", house.installed.project.id), name="near")
    _, wide = await newcomer(house, ("viewer", None), name="wide")
    assert (await house.http.get(APPS, headers=bearer(near))).status_code == 403
    assert (await house.http.get(APPS, headers=bearer(wide))).status_code == 200
    begun = await house.http.post(INVENTORY, json={}, headers=bearer(wide))
    assert problem(begun)[0] == 403


async def test_an_unknown_connection_is_not_found(house: House) -> None:
    """Nothing is begun then."""
    answer = await house.http.post(INVENTORY, json={"connection": "nobody"})
    assert problem(answer) == (404, "NotFound")
    [state] = (await house.http.get(INVENTORY)).json()["inventories"]
    assert state["stage"] is None
