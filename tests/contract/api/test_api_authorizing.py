"""Somebody authorizes a connection: by a command that listens, by a link, at another device."""

import html
import re
from dataclasses import replace

import httpx2
import pytest
from api_kit import PUBLIC_URL, House, issues, problem
from browser_kit import query
from identity_kit import ask
from oauth_house_kit import (
    ACTIVATE,
    CALLBACK,
    COMPLETE,
    CONNECTIONS,
    LISTENING,
    PERSONS,
    authorize,
    browsing,
    connect,
    decide,
    inner,
    nobody,
    register,
)
from structlog.testing import capture_logs

from keyturn.api.app import build_api
from keyturn.sandbox.state.records import App
from keyturn.testing import FakeServers

AUTHORIZE = "https://org.example.com/oauth2/v1/authorize"


async def ready(house: House, **changes: object) -> str:
    """Make a connection that nobody has authorized, and return its address."""
    one = await connect(house, await register(house), **changes)
    return f"{CONNECTIONS}/{one['id']}"


# --- by a command that listens --------------------------------------------------------------------


async def test_a_command_brings_what_a_browser_brought(house: House) -> None:
    """No token is asked of it: it holds the binding. The grant says by whom, and of what."""
    one = await authorize(house, await connect(house, await register(house)))
    assert (one["state"], one["light"]) == ("ready", "healthy")
    assert one["granted"] == ["openid", "offline_access"]
    assert one["subject"] == house.org.seeded.user_id


async def test_what_nobody_can_give_is_told_before_anybody_is_asked(house: House) -> None:
    """Where Keyturn has access to the org: a scope that the app lacks is named, with the link too.

    Okta leaves it out of the grant without a word.
    """
    await house.connect()
    at = await ready(house, scopes=["openid", "okta.users.manage"])
    begun = await ask(house, "POST", f"{at}/authorize", {"redirectUri": LISTENING})
    made = await ask(house, "POST", f"{at}/authorize/link")
    assert begun["ungranted"] == made["ungranted"] == ["okta.users.manage"]


async def test_an_answer_counts_once_and_for_its_asker_alone(house: House) -> None:
    """Neither a wrong binding nor a second answer is taken, and the first one is by right."""
    begun = await ask(house, "POST", f"{await ready(house)}/authorize", {"redirectUri": LISTENING})
    async with browsing(house) as browser:
        back = await browser.visit(str(begun["address"]), until=LISTENING)
    told = {"binding": begun["binding"], "parameters": query(back)}
    stranger = await nobody(house).http.post(COMPLETE, json=told | {"binding": "somebody else"})
    assert "begun by somebody else" in stranger.json()["message"]
    assert (await nobody(house).http.post(COMPLETE, json=told)).status_code == 200
    again = await nobody(house).http.post(COMPLETE, json=told)
    assert problem(again) == (400, "BadRequest")
    assert "answered already" in again.json()["message"]


async def test_an_answer_that_nobody_asked_for_is_refused(house: House) -> None:
    """It is not told whether anybody was asked anything."""
    told = {"binding": "x", "parameters": {"state": "x", "code": "x"}}
    answer = await nobody(house).http.post(COMPLETE, json=told)
    assert answer.json()["message"].startswith("Nobody was asked this")
    assert issues(await house.http.post(COMPLETE, json={"parameters": {}})) == [
        "binding",
        "parameters.state",
    ]


async def test_a_denial_is_told_and_the_connection_stays_as_it_was(house: House) -> None:
    """RFC 6749, 4.1.2.1."""
    at = await ready(house)
    begun = await ask(house, "POST", f"{at}/authorize", {"redirectUri": LISTENING})
    state = query(str(begun["address"]))["state"]
    issuer = {"iss": "https://org.example.com"}
    told = {"state": state, "error": "access_denied", **issuer}
    answer = await house.http.post(COMPLETE, json={"binding": begun["binding"], "parameters": told})
    assert answer.json()["message"] == "The authorization was denied."
    assert inner(await ask(house, "GET", at), "connection")["state"] == "new"


@pytest.mark.parametrize("uri", ["http://localhost:7/x", "https://evil.example.com", ""])
async def test_browsers_come_back_to_this_machine_alone(house: House, uri: str) -> None:
    """RFC 8252, 7.3 and 8.3; whoever asks listens there."""
    answer = await house.http.post(f"{await ready(house)}/authorize", json={"redirectUri": uri})
    assert issues(answer) == ["redirectUri"]


async def test_another_grant_type_is_not_authorized_in_a_browser(house: House) -> None:
    """The refusal names it."""
    at = await ready(house, grantType="device_code")
    for end in ("/authorize", "/authorize/link"):
        answer = await house.http.post(at + end, json={"redirectUri": LISTENING})
        assert issues(answer) == ["grantType"]


# --- by a link ------------------------------------------------------------------------------------


async def test_a_link_ends_on_a_page_that_says_what_was_granted(house: House) -> None:
    """Its browser goes to the authorization server and comes back here; the cookie is gone then."""
    at = await ready(house, scopes=["openid", "email", "okta.users.manage"])
    made = await ask(house, "POST", f"{at}/authorize/link")
    async with browsing(house) as browser:
        back = await browser.visit(str(made["link"]), until=CALLBACK)
        assert [cookie.name for cookie in browser.http.cookies.jar if "keyturn" in cookie.name]
        page = await browser.http.get(back)
        assert not [cookie for cookie in browser.http.cookies.jar if "keyturn" in cookie.name]
    assert page.status_code == 200
    assert "<h1>Authorized</h1>" in page.text
    assert "The connection people in example/dev/ is authorized." in page.text
    assert "Granted: openid, email." in page.text
    assert "Not granted: okta.users.manage." in page.text
    assert inner(await ask(house, "GET", at), "connection")["state"] == "ready"


async def opened(house: House) -> httpx2.Response:
    """Open a link, and go no further."""
    made = await ask(house, "POST", f"{await ready(house)}/authorize/link")
    return await nobody(house).http.post(str(made["link"]))


async def test_who_only_looks_at_a_link_uses_nothing_up(house: House) -> None:
    """What a chat shows of a link is a page with a button, as often as it is asked for."""
    made = await ask(house, "POST", f"{await ready(house)}/authorize/link")
    for _ in range(3):
        page = await nobody(house).http.get(str(made["link"]))
        assert (page.status_code, '<form method="post"' in page.text) == (200, True)
        assert "set-cookie" not in page.headers
    assert (await nobody(house).http.post(str(made["link"]))).status_code == 303


async def test_nonsense_does_not_take_the_cookie(house: House) -> None:
    """Anybody can send a browser to the callback; what it has begun goes on all the same."""
    made = await ask(house, "POST", f"{await ready(house)}/authorize/link")
    async with browsing(house) as browser:
        back = await browser.visit(str(made["link"]), until=CALLBACK)
        assert (await browser.http.get(f"{CALLBACK}?state=x&code=x")).status_code == 400
        assert (await browser.http.get(back)).status_code == 200


async def test_a_link_binds_the_browser_that_opens_it(house: House) -> None:
    """The cookie is for these two addresses, for ten minutes, and no script or other site."""
    answer = await opened(house)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(AUTHORIZE)
    assert query(answer.headers["location"])["redirect_uri"] == CALLBACK
    cookie = answer.headers["set-cookie"]
    assert re.fullmatch(
        "keyturn_oauth=[A-Za-z0-9_-]{43}; HttpOnly; Max-Age=600; Path=/api/v1/oauth; "
        "SameSite=lax; Secure",
        cookie,
    )
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"


async def test_a_link_opens_once(house: House) -> None:
    """Whoever comes second, by the same link, gets a page that says no, and no cookie."""
    made = await ask(house, "POST", f"{await ready(house)}/authorize/link")
    for status in (303, 400):
        answer = await nobody(house).http.post(str(made["link"]))
        assert answer.status_code == status
    assert "begun by somebody else" in answer.text
    assert "set-cookie" not in answer.headers


async def test_a_link_runs_out(house: House) -> None:
    """After ten minutes nobody is asked any more."""
    made = await ask(house, "POST", f"{await ready(house)}/authorize/link")
    house.clock.advance(601)
    answer = await nobody(house).http.post(str(made["link"]))
    assert (answer.status_code, "<h1>Not authorized</h1>" in answer.text) == (400, True)


async def test_another_browser_cannot_bring_the_answer(house: House) -> None:
    """Without its cookie, an answer is refused, and still counts for the browser that has it."""
    made = await ask(house, "POST", f"{await ready(house)}/authorize/link")
    async with browsing(house) as browser:
        back = await browser.visit(str(made["link"]), until=CALLBACK)
        stolen = await nobody(house).http.get(back)
        assert stolen.status_code == 400
        assert "begun by somebody else" in stolen.text
        assert (await browser.http.get(back)).status_code == 200


async def test_without_a_public_address_there_is_no_link(house: House) -> None:
    """The refusal says what to set; commands that listen go on."""
    at = await ready(house)
    transport = httpx2.ASGITransport(build_api(house.world, version="0"))
    async with httpx2.AsyncClient(
        transport=transport, base_url=PUBLIC_URL, headers=house.http.headers
    ) as http:
        answer = await http.post(f"{at}/authorize/link")
        assert problem(answer) == (400, "BadRequest")
        assert "KEYTURN_PUBLIC_URL" in answer.json()["message"]
        begun = await http.post(f"{at}/authorize", json={"redirectUri": LISTENING})
    assert begun.status_code == 200


# --- the page, and the log ------------------------------------------------------------------------

MARKUP = "<script>alert(1)</script>"


async def test_a_page_repeats_nothing_and_loads_nothing(house: House) -> None:
    """Whatever stands in the query: no markup of it, no script, no frame, no referrer."""
    told = {"state": MARKUP, "code": MARKUP, "iss": MARKUP, "error": MARKUP}
    answer = await nobody(house).http.get(CALLBACK, params=told)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'; ")
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert "alert" not in answer.text
    assert "script" not in answer.text


async def test_scopes_are_escaped(house: House) -> None:
    """What a server says it granted is text, whatever it looks like."""
    servers = FakeServers(house.clock)
    servers.granted = lambda _: MARKUP
    app = build_api(replace(house.world, servers=servers), version="0", public_url=PUBLIC_URL)
    headers, transport = {**house.http.headers}, httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(
        transport=transport, base_url=PUBLIC_URL, headers=headers
    ) as http:
        there = replace(house, http=http)
        at = await ready(there, scopes=["read"])
        servers.secrets = {each.client_id: {each.live_secrets[0].value} for each in apps(house)}
        made = await ask(there, "POST", f"{at}/authorize/link")
        asked = query((await http.post(str(made["link"]))).headers["location"])
        told = {"state": asked["state"], "code": servers.grant_code(asked)}
        page = await http.get(CALLBACK, params=told)
    assert (page.status_code, html.escape(MARKUP) in page.text) == (200, True)
    assert MARKUP not in page.text


def apps(house: House) -> list[App]:
    """Return the apps of the org that have a client secret."""
    return [each for each in house.org.apps.values() if each.live_secrets]


async def test_code_and_state_reach_no_log(house: House) -> None:
    """Neither by the page nor by the command: the log has the route's pattern."""
    canary = "canary-4f1d"
    told = {"state": canary, "code": canary, "error": canary}
    with capture_logs() as lines:
        await nobody(house).http.get(CALLBACK, params=told, headers={"cookie": f"x={canary}"})
        for method in ("GET", "POST"):
            told_by_link = {"request": canary, "key": canary}
            await nobody(house).http.request(method, "/api/v1/oauth/begin", params=told_by_link)
        await house.http.post(COMPLETE, json={"binding": canary, "parameters": told})
    assert [line["route"] for line in lines] == [
        "/api/v1/oauth/callback",
        "/api/v1/oauth/begin",
        "/api/v1/oauth/begin",
        COMPLETE,
    ]
    assert canary not in str(lines)


async def test_a_grant_leaves_nothing_in_the_log(house: House) -> None:
    """A whole authorization, its code, state, binding and tokens included."""
    at = await ready(house)
    with capture_logs() as lines:
        made = await ask(house, "POST", f"{at}/authorize/link")
        async with browsing(house) as browser:
            back = await browser.visit(str(made["link"]), until=CALLBACK)
            cookie = browser.http.cookies["keyturn_oauth"]
            await browser.http.get(back)
        given = await ask(house, "POST", f"{at}/token")
    told = query(back)
    bearer = str(inner(given, "headers")["Authorization"]).removeprefix("Bearer ")
    secrets = [told["code"], told["state"], cookie, query(str(made["link"]))["key"], bearer]
    assert [each for each in secrets if each in str(lines)] == []


# --- at another device ----------------------------------------------------------------------------


async def test_somebody_at_another_device_is_waited_for(house: House) -> None:
    """Asked too soon nobody is asked; once somebody has agreed the connection is answered."""
    at = await ready(house, grantType="device_code")
    begun = await ask(house, "POST", f"{at}/device")
    assert (begun["address"], begun["intervalS"]) == (ACTIVATE, 5)
    assert str(begun["complete"]).endswith(str(begun["userCode"]))
    one = f"{at}/device/{begun['requestId']}"
    waiting = {"waiting": True, "intervalS": 5, "connection": None}
    assert await ask(house, "POST", one) == waiting
    house.clock.advance(6)
    assert await ask(house, "POST", one) == waiting
    await decide(house, begun)
    house.clock.advance(6)
    after = await ask(house, "POST", one)
    assert (after["waiting"], after["intervalS"]) == (False, None)
    assert inner(after, "connection")["state"] == "ready"
    assert problem(await house.http.post(one)) == (404, "NotFound")


async def test_who_denies_at_another_device_is_heard(house: House) -> None:
    """The connection stays as it was."""
    at = await ready(house, grantType="device_code")
    begun = await ask(house, "POST", f"{at}/device")
    await decide(house, begun, "deny")
    house.clock.advance(6)
    answer = await house.http.post(f"{at}/device/{begun['requestId']}")
    assert problem(answer) == (400, "BadRequest")
    assert "denied" in answer.json()["message"]


async def test_a_code_for_a_device_takes_a_connection_of_that_kind(house: House) -> None:
    """Another grant type is refused, and so is a server that gives no codes, by 502."""
    at = await ready(house)
    assert issues(await house.http.post(f"{at}/device")) == ["grantType"]
    codeless = replace(PERSONS, label="Codeless", grant_types=("authorization_code",))
    registration = await register(house, codeless, name="codeless")
    one = await connect(house, registration, name="device", grantType="device_code")
    answer = await house.http.post(f"{CONNECTIONS}/{one['id']}/device")
    assert problem(answer) == (502, "BadGateway")
