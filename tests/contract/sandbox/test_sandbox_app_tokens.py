"""Refresh tokens of an app as admins see and revoke them."""

import pytest
from sandbox_kit import BASE, World, okta_error, without_id

pytestmark = pytest.mark.anyio


@pytest.fixture
def path(world: World) -> str:
    """Return the path of the web app's tokens."""
    return f"/api/v1/apps/{world.app_id}/tokens"


async def sign_in(world: World) -> dict[str, str]:
    """Log in and return the tokens."""
    tokens: dict[str, str] = (await world.redeem((await world.log_in())["code"])).json()
    return tokens


async def active(world: World, access_token: str) -> bool:
    """Tell what introspection says of an access token."""
    seen: bool = (await world.post("introspect", {"token": access_token})).json()["active"]
    return seen


async def test_listed_token(world: World, path: str) -> None:
    """A refresh token is listed by an id of its own, never by its value."""
    tokens = await sign_in(world)
    answer = await world.admin("GET", path)
    (item,) = answer.json()
    assert tokens["refresh_token"] not in answer.text
    assert (item["id"][:3], len(item["id"]), item["status"]) == ("oar", 20, "ACTIVE")
    assert (item["issuer"], item["clientId"]) == (BASE, world.client_id)
    assert item["userId"] == world.org.seeded.user_id
    assert item["scopes"] == ["openid", "email", "profile", "offline_access"]
    assert item["expiresAt"] == "2026-05-30T12:00:00.000Z"
    assert item["_links"]["revoke"]["hints"] == {"allow": ["DELETE"]}
    assert (await world.admin("GET", f"{path}/{item['id']}")).json() == item


async def test_scopes_are_embedded_when_asked_for(world: World, path: str) -> None:
    """`expand=scope` adds the scopes as objects."""
    await sign_in(world)
    (item,) = (await world.admin("GET", f"{path}?expand=scope")).json()
    names = [scope["name"] for scope in item["_embedded"]["scopes"]]
    assert names == item["scopes"]


async def test_pages(world: World, path: str) -> None:
    """The list is paged by two Link fields; a cursor never given is refused."""
    for _ in range(3):
        await sign_in(world)
    first = await world.admin("GET", f"{path}?limit=2")
    after = first.json()[-1]["id"]
    assert first.headers.get_list("link") == [
        f'<{BASE}{path}?limit=2>; rel="self"',
        f'<{BASE}{path}?after={after}&limit=2>; rel="next"',
    ]
    second = await world.admin("GET", f"{path}?limit=2&after={after}")
    assert (len(second.json()), len(second.headers.get_list("link"))) == (1, 1)
    refused = await world.admin("GET", f"{path}?after=junk")
    assert (refused.status_code, refused.json()["errorCode"]) == (400, "E0000029")


async def test_one_is_revoked(world: World, path: str) -> None:
    """DELETE of one ends it and its access token, and no other's."""
    first, second = await sign_in(world), await sign_in(world)
    one, _ = (await world.admin("GET", path)).json()
    assert (await world.admin("DELETE", f"{path}/{one['id']}")).status_code == 204
    assert (await world.refresh(first["refresh_token"])).status_code == 400
    assert [await active(world, t["access_token"]) for t in (first, second)] == [False, True]
    assert (await world.refresh(second["refresh_token"])).status_code == 200


async def test_all_are_revoked(world: World, path: str) -> None:
    """DELETE of all leaves none; a second one is 204 as well."""
    tokens = [await sign_in(world), await sign_in(world)]
    last = world.org.system_log.last
    assert (await world.admin("DELETE", path)).status_code == 204
    assert [await active(world, each["access_token"]) for each in tokens] == [False, False]
    assert (await world.admin("GET", path)).json() == []
    assert (await world.admin("DELETE", path)).status_code == 204
    kinds = [event.type for event in world.org.system_log.events(last)]
    assert kinds == ["app.oauth2.token.revoke"] * 2


async def test_unknown_token(world: World, path: str) -> None:
    """A token that the app does not have is named with its app."""
    answer = await world.admin("GET", f"{path}/oarNone")
    key = f"{world.app_id}.oarNone"
    assert answer.status_code == 404
    assert without_id(answer) == okta_error(
        "E0000007", f"Not found: Resource not found: {key} (OAuth2RefreshTokenTx)"
    )
