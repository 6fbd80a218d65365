"""The authorization endpoint: sessions, prompts, consent, pushed requests and ways back."""

import pytest
from sandbox_kit import CALLBACK, World
from sandbox_oauth_kit import (
    Client,
    action,
    hidden,
    make_client,
    oauth_error,
    person,
    query,
)

pytestmark = pytest.mark.anyio


def refusal(error: str, text: str) -> dict[str, str]:
    """Return what a refusal carries back to the client."""
    return {"error": error, "error_description": text, "state": "s1"}


NOT_LOGGED_IN = refusal(
    "login_required", "The client specified not to prompt, but the user is not logged in."
)


# --- sessions -----------------------------------------------------------------------------------


async def test_a_session_spares_the_form(world: World) -> None:
    """After a log-in the browser gets a code at once, also with prompt=none; login asks again."""
    client = make_client(world)
    assert "code" in query(await client.sign_in())
    assert "code" in query(await client.look())
    assert "code" in query(await client.look(prompt="none"))
    assert (await client.look(prompt="login")).status_code == 200


async def test_a_session_is_over_after_two_hours(world: World) -> None:
    """Without a session prompt=none is refused."""
    client = make_client(world)
    await client.sign_in()
    world.clock.advance(7200)
    assert query(await client.look(prompt="none")) == NOT_LOGGED_IN


async def test_max_age_wants_a_newer_log_in(world: World) -> None:
    """A session older than max_age is not enough."""
    client = make_client(world)
    await client.sign_in()
    world.clock.advance(60)
    assert "code" in query(await client.look(max_age="61"))
    assert (await client.look(max_age="60")).status_code == 200
    assert query(await client.look(max_age="60", prompt="none")) == NOT_LOGGED_IN


async def test_a_session_token_logs_in_once(world: World) -> None:
    """A session token takes the place of the form, once; a bad one shows the form."""
    client = make_client(world)
    token = world.org.sessions.issue(world.org.seeded.user_id)
    assert "code" in query(await client.look(sessionToken=token))
    world.http.cookies.clear()
    page = await client.look(sessionToken=token)
    assert (page.status_code, action(page)) == (200, "/oauth2/v1/authorize")
    assert query(await client.look(sessionToken=token, prompt="none")) == NOT_LOGGED_IN


async def test_the_form_remembers_the_request(world: World) -> None:
    """The form names the person hinted at, and keeps the request but no proof."""
    page = await make_client(world).look(login_hint="<una>", sessionToken="x", nonce='"n"')
    assert "&lt;una&gt;" in page.text
    assert "sessionToken" not in hidden(page)
    assert hidden(page)["nonce"] == '"n"'


# --- refusals -----------------------------------------------------------------------------------

MODES = "Valid response modes: [query, fragment, form_post, okta_post_message]."


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        (
            {"response_mode": "smoke"},
            "unsupported_response_mode",
            f"The response mode is not supported by the authorization server. {MODES}",
        ),
        (
            {"response_mode": "okta_post_message"},
            "unsupported_response_mode",
            "'okta_post_message' response mode cannot be used with the 'code' response type.",
        ),
        (
            {"prompt": "shout"},
            "invalid_request",
            "Invalid value for 'prompt' parameter. Supported values: [none, login, consent]",
        ),
        (
            {"prompt": "none login"},
            "invalid_request",
            "Invalid value for 'prompt' parameter. Supported values: [none, login, consent]",
        ),
        (
            {"max_age": "-1"},
            "invalid_request",
            "Invalid value for 'max_age' parameter. It should be within range 0 - 2^31-1.",
        ),
        (
            {"max_age": "0", "prompt": "none"},
            "invalid_request",
            "'prompt' parameter must not have the value 'none' for request with 'zero' as max_age.",
        ),
        (
            {"code_challenge": "a+b", "code_challenge_method": "S256"},
            "invalid_request",
            "PKCE code challenge contains illegal characters.",
        ),
        (
            {"code_challenge": "abc"},
            "invalid_request",
            "PKCE code challenge method is not supported. Valid values: [S256]",
        ),
        (
            {"scope": "profile"},
            "access_denied",
            (
                "Requests for ID tokens or access tokens with OpenID scopes require the 'openid' "
                "scope."
            ),
        ),
    ],
)
async def test_refusals_carried_back(
    world: World, change: dict[str, str], error: str, text: str
) -> None:
    """What the client did wrong goes back to it, with the exact text."""
    answer = await make_client(world).look(**change)
    assert (answer.status_code, query(answer)) == (302, refusal(error, text))


async def test_a_repeated_parameter_is_shown(world: World) -> None:
    """A request that names a parameter twice goes nowhere, be it in the query or in the form."""
    client, text = make_client(world), "The request contained multiple parameters with the same"
    twice = [*client.asked().items(), ("state", "s2")]
    asked = await world.http.get("/oauth2/v1/authorize", params=twice)
    body = "&".join(f"{name}={value}" for name, value in twice)
    headers = {"content-type": "application/x-www-form-urlencoded"}
    posted = await world.http.post("/oauth2/v1/authorize", content=body, headers=headers)
    for answer in (asked, posted):
        assert (answer.status_code, text in answer.text) == (400, True)


# --- ways back ----------------------------------------------------------------------------------


async def test_fragment(world: World) -> None:
    """response_mode=fragment carries the code behind the #, and nothing in the query."""
    location = (await make_client(world).sign_in(response_mode="fragment")).headers["location"]
    assert location.startswith(f"{CALLBACK}#code=")


async def test_form_post(world: World) -> None:
    """response_mode=form_post answers with a page that posts code and state to the client."""
    page = await make_client(world).sign_in(response_mode="form_post")
    assert (page.status_code, action(page)) == (200, CALLBACK)
    assert list(hidden(page)) == ["code", "state"]


# --- consent ------------------------------------------------------------------------------------

DENIED = refusal("access_denied", "The resource owner or authorization server denied the request.")
ASKS = "The following scopes require user consent: [asks]."


def careful(world: World, consent: str = "REQUIRED", method: str = "REQUIRED") -> Client:
    """Make a scope that asks for consent, and an app that does."""
    world.org.servers.add_scope("default", "asks", consent=consent)
    return make_client(world, "default", extras={"consent_method": method})


async def test_consent_is_asked_once(world: World) -> None:
    """The person is asked after the log-in; the answer is remembered until prompt=consent."""
    client = careful(world)
    page = await client.sign_in(scope="openid asks")
    assert "<li>asks</li>" in page.text
    world.http.cookies.clear()
    assert "code" in query(await client.submit(page, consent="allow"))
    assert "code" in query(await client.look(scope="openid asks", prompt="none"))
    assert "Allow access?" in (await client.look(scope="openid asks", prompt="consent")).text


async def test_consent_is_denied(world: World) -> None:
    """A person who does not agree sends the client back with access_denied."""
    client = careful(world)
    page = await client.sign_in(scope="openid asks")
    assert query(await client.submit(page, consent="deny")) == DENIED


async def test_consent_without_prompting(world: World) -> None:
    """prompt=none cannot ask for consent."""
    client = careful(world)
    await client.sign_in(scope="openid")
    back = query(await client.look(scope="openid asks", prompt="none"))
    assert back == refusal("consent_required", ASKS)


@pytest.mark.parametrize(
    ("consent", "method", "prompt", "asked"),
    [
        ("REQUIRED", "REQUIRED", "", True),
        ("FLEXIBLE", "REQUIRED", "", True),
        ("IMPLICIT", "REQUIRED", "", False),
        ("REQUIRED", "TRUSTED", "", False),
        ("REQUIRED", "TRUSTED", "consent", True),
        ("IMPLICIT", "TRUSTED", "consent", False),
    ],
)
async def test_when_consent_is_asked(
    world: World, consent: str, method: str, prompt: str, *, asked: bool
) -> None:
    """Okta's table: the scope, the app's consent_method and the prompt decide together."""
    client = careful(world, consent, method)
    page = await client.sign_in(scope="openid asks", prompt=prompt)
    assert ("Allow access?" in page.text) is asked


# --- pushed requests ------------------------------------------------------------------------------


async def push(client: Client, **change: str) -> str:
    """Push a request and return its URI."""
    answer = await client.post("par", **client.asked(**change))
    assert (answer.status_code, answer.json()["expires_in"]) == (200, 3600)
    uri: str = answer.json()["request_uri"]
    return uri


@pytest.mark.parametrize("server", [None, "default"])
async def test_a_pushed_request_is_used_once(world: World, server: str | None) -> None:
    """client_id and request_uri stand for the whole request, until a code was given for it."""
    client = make_client(world, server)
    uri = await push(client, nonce="n1", state="s2")
    sent = {"client_id": client.app.client_id, "request_uri": uri}
    path = f"{client.root}/authorize"
    page = await world.http.get(path, params=sent)
    assert hidden(page) == sent
    assert query(await client.submit(page, **person(world)))["state"] == "s2"
    again = await world.http.get(path, params=sent)
    assert (again.status_code, "The authorize request_uri is invalid." in again.text) == (400, True)


async def test_a_pushed_request_is_over_after_an_hour(world: World) -> None:
    """An old request_uri is shown as invalid."""
    client = make_client(world)
    uri = await push(client)
    world.clock.advance(3600)
    sent = {"client_id": client.app.client_id, "request_uri": uri}
    page = await world.http.get("/oauth2/v1/authorize", params=sent)
    assert "The authorize request_uri is invalid." in page.text


async def test_a_pushed_request_belongs_to_its_client_and_server(world: World) -> None:
    """Another client or another server cannot use it."""
    client = make_client(world)
    uri = await push(client)
    other = {"client_id": world.client_id, "request_uri": uri}
    page = await world.http.get("/oauth2/v1/authorize", params=other)
    assert "does not match the expected value for the provided request_uri" in page.text
    mine = {"client_id": client.app.client_id, "request_uri": uri}
    page = await world.http.get("/oauth2/default/v1/authorize", params=mine)
    assert "The request_uri was issued for another authorization server." in page.text


@pytest.mark.parametrize(
    ("change", "status", "error"),
    [
        ({"request_uri": "urn:okta:x"}, 400, "invalid_request"),
        ({"redirect_uri": "https://elsewhere.example.com"}, 400, "invalid_request"),
        ({"response_type": "token"}, 400, "unsupported_response_type"),
        ({"scope": ""}, 400, "invalid_scope"),
        ({"scope": "email"}, 403, "access_denied"),
    ],
)
async def test_pushed_requests_refused(
    world: World, change: dict[str, str], status: int, error: str
) -> None:
    """What the authorization endpoint would refuse is refused at once, in JSON."""
    client = make_client(world)
    answer = await client.post("par", **client.asked(**change))
    assert oauth_error(answer)[:2] == (status, error)


async def test_pushing_needs_the_client_secret(world: World) -> None:
    """A confidential client must authenticate to push."""
    answer = await world.http.post("/oauth2/v1/par", data=make_client(world).asked())
    assert oauth_error(answer)[:2] == (401, "invalid_client")
