"""Logging out of the browser's session."""

import pytest
from sandbox_kit import World
from sandbox_oauth_kit import Client, make_client

pytestmark = pytest.mark.anyio

BYE = "https://app.example.com/bye"


def make_leaver(world: World, server: str | None = None) -> Client:
    """Make an app with a logout redirect URI."""
    return make_client(world, server, extras={"post_logout_redirect_uris": [BYE]})


async def test_logging_out_ends_the_session(world: World) -> None:
    """Afterwards the browser is asked to log in again."""
    client = make_leaver(world)
    tokens = await client.tokens()
    assert (await client.look()).status_code == 302
    query = {"id_token_hint": tokens["id_token"]}
    answer = await world.http.get("/oauth2/v1/logout", params=query)
    assert (answer.status_code, "Signed out" in answer.text) == (200, True)
    assert (await client.look()).status_code == 200


@pytest.mark.parametrize("server", [None, "default"])
async def test_logging_out_returns_to_the_app(world: World, server: str | None) -> None:
    """With a registered address the browser goes there, with the state; old ID tokens serve."""
    client = make_leaver(world, server)
    tokens = await client.tokens()
    world.clock.advance(7200)
    form = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": BYE, "state": "s2"}
    answer = await world.http.post(f"{client.root}/logout", data=form)
    assert (answer.status_code, answer.headers["location"]) == (302, f"{BYE}?state=s2")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"id_token_hint": "junk"}, "The id token is invalid."),
        ({"id_token_hint": ""}, "The id token is invalid."),
        (
            {"post_logout_redirect_uri": BYE + "/"},
            "The &#x27;post_logout_redirect_uri&#x27; parameter must be a Logout redirect URI in",
        ),
    ],
)
async def test_logouts_refused(world: World, change: dict[str, str], text: str) -> None:
    """A bad hint or an unregistered address gets a page, and the session stays."""
    client = make_leaver(world)
    tokens = await client.tokens()
    form = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": BYE} | change
    answer = await world.http.post("/oauth2/v1/logout", data=form)
    assert (answer.status_code, text in answer.text) == (400, True)
    assert (await client.look()).status_code == 302


async def test_an_id_token_of_another_server(world: World) -> None:
    """A hint is good only where it was issued."""
    tokens = await make_leaver(world, "default").tokens()
    query = {"id_token_hint": tokens["id_token"]}
    answer = await world.http.get("/oauth2/v1/logout", params=query)
    assert "The id token is invalid." in answer.text


async def test_somebody_elses_id_token(world: World) -> None:
    """The hint must be about the person whose session it is."""
    client = make_leaver(world)
    tokens = await client.tokens()
    admin = next(user for user in world.org.users.values() if user.admin)
    await client.look(sessionToken=world.org.sessions.issue(admin.id), prompt="login")
    query = {"id_token_hint": tokens["id_token"]}
    answer = await world.http.get("/oauth2/v1/logout", params=query)
    assert "does not match the current session" in answer.text
