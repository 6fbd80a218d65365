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
