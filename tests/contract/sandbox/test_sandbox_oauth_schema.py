"""The OAuth endpoints answer within Okta's own document of them."""

import json
from collections.abc import Awaitable, Callable

import httpx2
import pytest
from okta_spec import oauth
from sandbox_kit import CALLBACK, World

pytestmark = pytest.mark.anyio
Ask = Callable[[World], Awaitable[httpx2.Response]]
CUSTOM = "/oauth2/default"
ASKED = {"redirect_uri": CALLBACK, "response_type": "code", "scope": "openid", "state": "s"}


def get(path: str) -> Ask:
    """Fetch what anybody may read."""
    return lambda world: world.http.get(path)


def introspect(name: str) -> Ask:
    """Introspect one of the tokens of a log-in, or what is none."""

    async def ask(world: World) -> httpx2.Response:
        return await world.post("introspect", {"token": (await tokens(world)).get(name, name)})

    return ask


async def tokens(world: World) -> dict[str, str]:
    """Log the user in."""
    found: dict[str, str] = (await redeem(world)).json()
    return found


async def redeem(world: World) -> httpx2.Response:
    """Log the user in and redeem the code."""
    return await world.redeem((await world.log_in())["code"])


async def userinfo(world: World) -> httpx2.Response:
    """Ask who the user is."""
    headers = {"authorization": f"Bearer {(await tokens(world))['access_token']}"}
    return await world.http.get("/oauth2/v1/userinfo", headers=headers)


async def pushed(world: World) -> httpx2.Response:
    """Push an authorization request."""
    return await world.post("par", ASKED | {"client_id": world.client_id})


CASES: list[tuple[str, int, Ask]] = [
    ("getWellKnownOpenIDConfiguration", 200, get("/.well-known/openid-configuration")),
    (
        "getWellKnownOpenIDConfigurationCustomAS",
        200,
        get(f"{CUSTOM}/.well-known/openid-configuration"),
    ),
    (
        "getWellKnownOAuthConfigurationCustomAS",
        200,
        get(f"{CUSTOM}/.well-known/oauth-authorization-server"),
    ),
    ("oauthKeys", 200, get("/oauth2/v1/keys")),
    ("oauthKeysCustomAS", 200, get(f"{CUSTOM}/v1/keys")),
    ("token", 200, redeem),
    ("token", 400, lambda world: world.redeem("junk")),
    ("token", 401, lambda world: world.redeem("junk", "wrong")),
    ("introspect", 200, introspect("access_token")),
    ("introspect", 200, introspect("refresh_token")),
    ("introspect", 200, introspect("id_token")),
    ("introspect", 200, introspect("junk")),
    ("introspect", 401, lambda world: world.post("introspect", {"token": "junk"}, "wrong")),
    ("userinfo", 200, userinfo),
    ("revoke", 200, lambda world: world.post("revoke", {"token": "junk"})),
    ("par", 200, pushed),
]


@pytest.mark.parametrize(("operation", "status", "ask"), CASES)
async def test_answer_is_as_the_document_says(
    world: World, operation: str, status: int, ask: Ask
) -> None:
    """The status expected, and a body that keeps the schema promised for it."""
    answer = await ask(world)
    assert answer.status_code == status
    assert oauth().faults(operation, status, answer.content) == []


async def test_a_wrong_answer_is_caught(world: World) -> None:
    """A lifetime in words, and an error of no known kind, are faults."""
    whole = (await redeem(world)).json()
    wrong = json.dumps(whole | {"expires_in": "an hour"}).encode()
    assert oauth().faults("token", 200, wrong) != []
    assert oauth().faults("token", 400, b'{"error": 7}') != []
