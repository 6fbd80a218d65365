"""Rotating refresh tokens: successors, the leeway, and what reuse after it ends."""

import pytest
from sandbox_kit import CALLBACK, World
from sandbox_oauth_kit import Client, events, make_client, oauth_error, query

pytestmark = pytest.mark.anyio

BAD = (400, "invalid_grant", "The refresh token is invalid or expired.")
ROTATE = {"rotation_type": "ROTATE", "leeway": 30}


def rotating(world: World, server: str | None = None, **settings: object) -> Client:
    """Make an app whose refresh tokens rotate."""
    return make_client(world, server, extras={"refresh_token": ROTATE | settings})


async def renew(client: Client, token: str) -> str:
    """Refresh and return the refresh token that comes back."""
    answer = await client.refresh(token)
    assert answer.status_code == 200
    renewed: str = answer.json()["refresh_token"]
    return renewed


async def test_each_refresh_gives_a_successor(world: World) -> None:
    """A rotating refresh token comes back as another one, which works in its turn."""
    client = rotating(world)
    first = (await client.tokens())["refresh_token"]
    second = await renew(client, first)
    third = await renew(client, second)
    assert len({first, second, third}) == 3


async def test_a_successor_keeps_the_expiry(world: World) -> None:
    """Ninety days after the log-in the newest token ends, however often it was renewed."""
    client = rotating(world)
    token = (await client.tokens())["refresh_token"]
    for _ in range(3):
        world.clock.advance(29 * 86400)
        token = await renew(client, token)
    world.clock.advance(3 * 86400)
    assert oauth_error(await client.refresh(token)) == BAD


async def test_within_the_leeway_a_lost_answer_can_be_asked_for_again(world: World) -> None:
    """For as long as the leeway lasts, the old token earns the same successor."""
    client = rotating(world)
    first = (await client.tokens())["refresh_token"]
    second = await renew(client, first)
    world.clock.advance(30)
    assert await renew(client, first) == second
    assert await renew(client, second)


@pytest.mark.parametrize(
    ("server", "kind"),
    [(None, "app.oauth2.token.detect_reuse"), ("default", "app.oauth2.as.token.detect_reuse")],
)
async def test_reuse_ends_everything_since_the_log_in(
    world: World, server: str | None, kind: str
) -> None:
    """After the leeway a second use ends the newest refresh token and all access tokens."""
    client = rotating(world, server)
    tokens = await client.tokens()
    renewed = (await client.refresh(tokens["refresh_token"])).json()
    world.clock.advance(31)
    assert oauth_error(await client.refresh(tokens["refresh_token"])) == BAD
    assert oauth_error(await client.refresh(renewed["refresh_token"])) == BAD
    for token in (tokens["access_token"], renewed["access_token"]):
        assert not await client.is_active(token)
    (event,) = events(world, kind)
    assert (event["result"], event["clientId"]) == ("FAILURE", client.app.client_id)


async def test_another_log_in_is_untouched_by_reuse(world: World) -> None:
    """Reuse ends one sign-in, not the next one of the same person."""
    client = rotating(world)
    stolen, other = await client.tokens(), await client.tokens()
    await renew(client, stolen["refresh_token"])
    world.clock.advance(31)
    await client.refresh(stolen["refresh_token"])
    assert await client.is_active(other["access_token"])
    assert await renew(client, other["refresh_token"])


async def test_no_leeway(world: World) -> None:
    """With a leeway of 0 the old token is over once a moment has passed."""
    client = rotating(world, leeway=0)
    first = (await client.tokens())["refresh_token"]
    await renew(client, first)
    world.clock.advance(1)
    assert oauth_error(await client.refresh(first)) == BAD


@pytest.mark.parametrize(
    ("application_type", "rotates"), [("web", False), ("native", False), ("browser", True)]
)
async def test_who_rotates_unless_told(
    world: World, application_type: str, *, rotates: bool
) -> None:
    """Only single-page apps rotate by default."""
    client = make_client(world, application_type=application_type)
    token = (await client.tokens())["refresh_token"]
    assert (await renew(client, token) != token) is rotates


async def test_a_superseded_token_is_inactive(world: World) -> None:
    """Introspection knows the newest refresh token only, and tells no other client of it."""
    client = rotating(world)
    first = (await client.tokens())["refresh_token"]
    second = await renew(client, first)
    assert (await client.is_active(first), await client.is_active(second)) == (False, True)
    assert not await make_client(world).is_active(second)


async def test_revoking_the_newest_ends_the_family(world: World) -> None:
    """Revocation takes the access tokens and the superseded refresh tokens along."""
    client = rotating(world)
    tokens = await client.tokens()
    second = await renew(client, tokens["refresh_token"])
    assert (await client.post("revoke", token=second)).status_code == 200
    assert not await client.is_active(tokens["access_token"])
    assert oauth_error(await client.refresh(tokens["refresh_token"])) == BAD


async def test_refresh_asks_for_no_more(world: World) -> None:
    """Fewer scopes may be asked for; one that was not granted is denied by name."""
    client = make_client(world)
    token = (await client.tokens())["refresh_token"]
    less = await client.grant("refresh_token", refresh_token=token, scope="openid")
    assert less.json()["scope"] == "openid"
    more = await client.grant("refresh_token", refresh_token=token, scope="openid email")
    assert oauth_error(more) == (
        400,
        "access_denied",
        (
            "Some of the scopes requested for the refresh request were not granted in the original "
            "authorize request. Denied scopes: email."
        ),
    )


async def test_a_code_used_twice_ends_its_tokens(world: World) -> None:
    """A second use of a code revokes what the first one earned."""
    client = make_client(world)
    code = query(await client.sign_in())["code"]
    form = {"code": code, "redirect_uri": CALLBACK}
    tokens = (await client.grant("authorization_code", **form)).json()
    assert (await client.grant("authorization_code", **form)).status_code == 400
    assert not await client.is_active(tokens["access_token"])
    assert oauth_error(await client.refresh(tokens["refresh_token"])) == BAD
