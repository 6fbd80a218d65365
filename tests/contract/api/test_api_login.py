"""Universal auth, in every form in which clients ask for it."""

from datetime import timedelta

import pytest
from api_kit import House, issues, problem

LOGIN = "/api/v1/auth/universal-auth/login"
THIRTY_DAYS_S = timedelta(days=30).total_seconds()


def credentials(house: House) -> dict[str, str]:
    """Return what the machine identity of a new installation logs in with."""
    return {
        "clientId": house.installed.client_id,
        "clientSecret": house.installed.client_secret.reveal(),
    }


@pytest.mark.parametrize("path", [LOGIN, LOGIN + "/"])
@pytest.mark.parametrize("form", ["json", "data"])
async def test_login_in_json_and_form_with_and_without_slash(
    house: House, path: str, form: str
) -> None:
    """Every spelling of the login is answered at once, without a redirect."""
    body = {form: credentials(house)}
    answer = await house.http.post(path, headers={"authorization": ""}, **body)
    assert answer.status_code == 200
    assert answer.json() == {
        "accessToken": answer.json()["accessToken"],
        "expiresIn": THIRTY_DAYS_S,
        "accessTokenMaxTTL": THIRTY_DAYS_S,
        "tokenType": "Bearer",
    }


async def test_token_from_login_opens_the_project(house: House) -> None:
    """The token that a login gives proves the identity."""
    token = (await house.http.post(LOGIN, json=credentials(house))).json()["accessToken"]
    answer = await house.http.get(
        "/api/v1/projects/example", headers={"authorization": f"Bearer {token}"}
    )
    assert answer.json()["project"]["slug"] == "example"


async def test_wrong_client_secret_is_unauthorized(house: House) -> None:
    """A wrong client secret is answered with 401 and is not repeated."""
    wrong = credentials(house) | {"clientSecret": "canary-of-a-login"}
    answer = await house.http.post(LOGIN, json=wrong)
    assert problem(answer) == (401, "UnauthorizedError")
    assert "canary" not in answer.text


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"json": {"clientId": "x"}}, ["clientSecret"]),
        ({"data": {"clientSecret": "x"}}, ["clientId"]),
        ({"json": {"clientId": 3, "clientSecret": "x"}}, ["clientId"]),
        ({"json": ["x"]}, [""]),
        ({"content": b"{"}, [""]),
        ({"content": b"[" * 9_999}, [""]),
        ({"content": b"1" * 5_000}, [""]),
        ({"json": {"clientId": "x" * 65, "clientSecret": "x"}}, ["clientId"]),
        ({"json": {"clientId": "x", "clientSecret": "x" * 257}}, ["clientSecret"]),
        ({"data": {"clientId": "x" * 65, "clientSecret": "x"}}, ["clientId"]),
        ({}, [""]),
    ],
)
async def test_incomplete_login_names_the_field(
    house: House, body: dict[str, object], fields: list[str]
) -> None:
    """A login that lacks a field, or is no object at all, says so in Zod's form."""
    answer = await house.http.post(LOGIN, **body)
    assert issues(answer) == fields


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer wrong", "Basic YTpi", "wrong"])
async def test_missing_or_wrong_token_is_401(house: House, header: str) -> None:
    """Whatever is no valid token is answered with 401, never with 403."""
    answer = await house.http.get("/api/v1/projects/example", headers={"authorization": header})
    assert problem(answer) == (401, "UnauthorizedError")
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_expired_token_is_401(house: House) -> None:
    """A token past its time is answered with 401, so that clients log in again."""
    token = (await house.http.post(LOGIN, json=credentials(house))).json()["accessToken"]
    house.clock.advance(THIRTY_DAYS_S)
    headers = {"authorization": f"Bearer {token}"}
    answer = await house.http.get("/api/v1/projects/example", headers=headers)
    assert problem(answer) == (401, "UnauthorizedError")


async def test_a_log_in_that_is_too_long_is_not_put_on_record(house: House) -> None:
    """Nobody who has not logged in can fill the audit log with texts of their own."""
    await house.http.post(LOGIN, json={"clientId": "canary" * 11, "clientSecret": "x"})
    async with house.world.store.reading() as tx:
        assert "canary" not in str(await tx.list_audit())
