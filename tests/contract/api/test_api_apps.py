"""The apps of an Okta org over HTTP."""

from api_kit import CONNECTIONS, NO_ID, House, issues, problem

from keyturn.sandbox.state.directory import AppDraft


async def test_apps_are_listed_with_what_is_in_the_way(house: House) -> None:
    """Labels, ages and what keeps an app; no value, whatever Okta shows."""
    app_id = house.org.create_app(AppDraft("Payroll")).id
    house.org.create_secret(app_id)
    path = f"{CONNECTIONS}/{await house.connect()}/apps"
    answer = await house.http.get(path, params={"label": "pay"})
    assert answer.status_code == 200
    (found,) = answer.json()["apps"]
    assert (found["id"], found["clientId"], found["label"]) == (app_id, app_id, "Payroll")
    assert (found["status"], found["authMethod"]) == ("ACTIVE", "client_secret_basic")
    assert [(one["status"], one["known"]) for one in found["secrets"]] == [("ACTIVE", False)] * 2
    assert (found["foreign"], found["crowded"], found["unread"]) == (2, True, False)
    assert (found["rotation"], found["types"]) == (None, ["okta-client-secret"])
    values = [secret.value for secret in house.org.read_app(app_id).live_secrets]
    assert not any(value in answer.text for value in values)
    assert answer.json()["more"] is False


async def test_an_app_that_is_kept_says_by_what(house: House) -> None:
    """Nobody begins a second rotation of it in good faith."""
    rotation = await house.rotate_by_order()
    path = f"{CONNECTIONS}/{rotation['connectionId']}/apps"
    (found,) = (await house.http.get(path, params={"label": house.app_id})).json()["apps"]
    assert found["rotation"] == {
        "id": rotation["id"],
        "name": "my-okta-rotation",
        "place": "example/dev/",
    }
    assert [one["known"] for one in found["secrets"]] == [True]


async def test_more_than_a_page_is_told(house: House) -> None:
    """Whoever types more of a label finds the rest."""
    path = f"{CONNECTIONS}/{await house.connect()}/apps"
    found = (await house.http.get(path, params={"limit": "1"})).json()
    assert (len(found["apps"]), found["more"]) == (1, True)


async def test_bad_input_is_told_by_its_field(house: House) -> None:
    """And a connection that is not there is missed."""
    path = f"{CONNECTIONS}/{await house.connect()}/apps"
    assert issues(await house.http.get(path, params={"limit": "51"})) == ["limit"]
    assert issues(await house.http.get(path, params={"label": "x" * 256})) == ["label"]
    assert issues(await house.http.get(f"{CONNECTIONS}/none/apps")) == ["connection_id"]
    assert problem(await house.http.get(f"{CONNECTIONS}/{NO_ID}/apps")) == (404, "NotFound")


async def test_what_okta_refuses_is_oktas(house: House) -> None:
    """The answer says that Okta did not list them, and why."""
    path = f"{CONNECTIONS}/{await house.connect()}/apps"
    house.org.api_tokens.clear()
    answer = await house.http.get(path)
    assert problem(answer)[0] == 400
    assert "Okta refused to search apps" in answer.json()["message"]
