"""App connections to Okta orgs."""

import json

import pytest
from api_kit import CONNECTIONS, NO_ID, ORG_URL, House, issues, problem

from keyturn.sandbox import Fault

FIELDS = {
    "id",
    "name",
    "description",
    "version",
    "orgId",
    "projectId",
    "createdAt",
    "updatedAt",
    "isPlatformManagedCredentials",
    "gatewayId",
    "app",
    "method",
    "credentials",
}


async def test_connection_is_created_and_read_without_its_token(house: House) -> None:
    """A created connection has every field of Infisical's and shows no token."""
    created = await house.http.post(CONNECTIONS, json=house.connection(description="d"))
    connection = created.json()["appConnection"]
    read = await house.http.get(f"{CONNECTIONS}/{connection['id']}")
    assert connection.keys() == FIELDS
    assert connection["credentials"] == {"instanceUrl": ORG_URL}
    assert read.json() == created.json()
    assert house.org.seeded.api_token not in created.text


async def test_service_app_connection_is_created(house: House) -> None:
    """A connection may speak as a service app with its own key instead of an API token."""
    app = house.org.read_app(house.org.seeded.service_app_id)
    credentials = {
        "instanceUrl": ORG_URL,
        "clientId": app.client_id,
        "privateKey": json.dumps(house.org.keys.service.as_dict(private=True)),
    }
    body = house.connection(method="oauth-service-app", credentials=credentials)
    answer = await house.http.post(CONNECTIONS, json=body)
    assert answer.json()["appConnection"]["method"] == "oauth-service-app"


async def test_connections_are_listed_whole_and_by_name(house: House) -> None:
    """The list gives connections, the list of available ones their names."""
    made = await house.connect()
    listed = await house.http.get(CONNECTIONS)
    available = await house.http.get(CONNECTIONS + "/available")
    assert [one["id"] for one in listed.json()["appConnections"]] == [made]
    assert available.json() == {"appConnections": [{"app": "okta", "name": "my-okta", "id": made}]}


WRONG: dict[str, tuple[object, str]] = {
    "name": ("My Okta", "name"),
    "method": ("password", "method"),
    "gatewayId": (NO_ID, "gatewayId"),
    "rotation": ({}, "rotation"),
    "isPlatformManagedCredentials": (True, "isPlatformManagedCredentials"),
    "isAutoRotationEnabled": (True, "isAutoRotationEnabled"),
    "description": ("d" * 257, "description"),
}


@pytest.mark.parametrize("field", WRONG)
async def test_wrong_field_is_named(house: House, field: str) -> None:
    """A field that breaks its rule, or that Okta connections cannot have, is named."""
    value, path = WRONG[field]
    answer = await house.http.post(CONNECTIONS, json=house.connection(**{field: value}))
    assert issues(answer) == [path]


@pytest.mark.parametrize("token", [None, "00short", "canary" + "a" * 36])
async def test_malformed_token_is_named_and_not_repeated(house: House, token: str | None) -> None:
    """A token that is none of Okta's is refused before Okta is asked, without an echo."""
    credentials = {"instanceUrl": ORG_URL, "apiToken": token}
    answer = await house.http.post(CONNECTIONS, json=house.connection(credentials=credentials))
    assert issues(answer) == ["credentials.apiToken"]
    assert "canary" not in answer.text


async def test_credentials_that_okta_refuses_are_401(house: House) -> None:
    """A token that Okta does not know ends in 401, as Infisical answers it."""
    credentials = {"instanceUrl": ORG_URL, "apiToken": "00" + "x" * 40}
    answer = await house.http.post(CONNECTIONS, json=house.connection(credentials=credentials))
    assert problem(answer) == (401, "UnauthorizedError")


async def test_throttled_okta_is_told_with_retry_after(house: House) -> None:
    """Okta's rate limit is passed on as the seconds to wait."""
    house.org.faults.add(Fault("rate-limit"))
    answer = await house.http.post(CONNECTIONS, json=house.connection())
    assert problem(answer) == (401, "UnauthorizedError")
    assert int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize("url", ["http://org.example.com", "https://org.example.com/x", "org"])
async def test_address_that_is_refused_is_400(house: House, url: str) -> None:
    """An address that Keyturn does not go to is a bad request."""
    credentials = {"instanceUrl": url, "apiToken": house.org.seeded.api_token}
    answer = await house.http.post(CONNECTIONS, json=house.connection(credentials=credentials))
    assert problem(answer) == (400, "BadRequest")


async def test_taken_name_is_400(house: House) -> None:
    """A second connection of the same name is refused."""
    await house.connect()
    answer = await house.http.post(CONNECTIONS, json=house.connection())
    assert problem(answer) == (400, "BadRequest")


async def test_unknown_connection_is_404_and_no_uuid_is_422(house: House) -> None:
    """An id that names nothing is not found; what is no id breaks the rule."""
    assert problem(await house.http.get(f"{CONNECTIONS}/{NO_ID}")) == (404, "NotFound")
    assert issues(await house.http.get(f"{CONNECTIONS}/canary")) == ["connection_id"]


async def test_an_update_changes_what_it_names(house: House) -> None:
    """Name and description change, the rest stays, and the new name finds the connection."""
    path = f"{CONNECTIONS}/{await house.connect()}"
    await house.http.patch(path, json={"description": "d"})
    changed = (await house.http.patch(path, json={"name": "New-Name"})).json()["appConnection"]
    assert (changed["name"], changed["description"], changed["version"]) == ("new-name", "d", 3)
    by_name = await house.http.get(f"{CONNECTIONS}/connection-name/new-name")
    assert by_name.json() == {"appConnection": changed}
    cleared = await house.http.patch(path, json={"description": None})
    assert cleared.json()["appConnection"]["description"] is None


async def test_new_credentials_are_proved_at_okta(house: House) -> None:
    """Credentials that Okta refuses end in 401 and change nothing; others set the method."""
    path = f"{CONNECTIONS}/{await house.connect()}"
    wrong = {"instanceUrl": ORG_URL, "apiToken": "00" + "x" * 40}
    answer = await house.http.patch(path, json={"name": "other", "credentials": wrong})
    assert problem(answer) == (401, "UnauthorizedError")
    assert "www-authenticate" not in answer.headers
    assert (await house.http.get(path)).json()["appConnection"]["version"] == 1
    app = house.org.read_app(house.org.seeded.service_app_id)
    key = json.dumps(house.org.keys.service.as_dict(private=True))
    right = {"instanceUrl": ORG_URL, "clientId": app.client_id, "privateKey": key}
    changed = (await house.http.patch(path, json={"credentials": right})).json()["appConnection"]
    assert (changed["method"], changed["version"]) == ("oauth-service-app", 2)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"credentials": {"apiToken": "00" + "x" * 40}}, "credentials.instanceUrl"),
        ({"credentials": {"instanceUrl": ORG_URL}}, "credentials.apiToken"),
        ({"credentials": {"instanceUrl": ORG_URL, "clientId": "x"}}, "credentials.privateKey"),
        ({"credentials": {"instanceUrl": ORG_URL, "privateKey": "x"}}, "credentials.clientId"),
        ({"gatewayId": NO_ID}, "gatewayId"),
        ({"name": "No Slug"}, "name"),
    ],
)
async def test_an_update_that_does_not_fit_is_422(
    house: House, change: dict[str, object], field: str
) -> None:
    """An address comes with credentials and these with an address, whole, or not at all."""
    path = f"{CONNECTIONS}/{await house.connect()}"
    assert issues(await house.http.patch(path, json=change)) == [field]


async def test_a_connection_that_nothing_uses_is_deleted(house: House) -> None:
    """It is answered once more as it was, and then it is gone under every name."""
    path = f"{CONNECTIONS}/{await house.connect()}"
    before = await house.http.get(path)
    assert (await house.http.delete(path)).json() == before.json()
    for gone in (path, f"{CONNECTIONS}/connection-name/my-okta"):
        assert problem(await house.http.get(gone)) == (404, "NotFound")


async def test_a_connection_in_use_is_not_deleted(house: House) -> None:
    """Where a rotation would lose its way to Okta, the rotation is named."""
    rotation = await house.rotate_by_order()
    answer = await house.http.delete(f"{CONNECTIONS}/{rotation['connectionId']}")
    assert problem(answer) == (400, "BadRequest")
    assert "my-okta-rotation" in answer.json()["message"]


@pytest.mark.parametrize("key", ["[" * 9_999, "1" * 5_000, "{}", "[]", "null", '{"kty": 1}'])
async def test_a_key_that_is_none_is_422(house: House, key: str) -> None:
    """Whatever stands in the place of a private key is refused without an echo."""
    credentials = {"instanceUrl": ORG_URL, "clientId": "x", "privateKey": key}
    body = house.connection(method="oauth-service-app", credentials=credentials)
    assert issues(await house.http.post(CONNECTIONS, json=body)) == ["privateKey"]


async def test_a_key_that_is_too_long_is_422(house: House) -> None:
    """A key is bounded before it is parsed."""
    credentials = {"instanceUrl": ORG_URL, "clientId": "x", "privateKey": "[" * 16_385}
    body = house.connection(method="oauth-service-app", credentials=credentials)
    assert issues(await house.http.post(CONNECTIONS, json=body)) == ["credentials.privateKey"]


async def test_a_malformed_token_is_told_in_plain_words(house: House) -> None:
    """What an API token looks like is said in words, not as a pattern."""
    credentials = {"instanceUrl": ORG_URL, "apiToken": "00short"}
    answer = await house.http.post(CONNECTIONS, json=house.connection(credentials=credentials))
    (issue,) = answer.json()["message"]
    assert issue["message"] == "must be an Okta API token: 00 and 40 more characters"
    assert issue["code"] == "invalid_string"
