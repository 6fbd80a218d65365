"""Somebody consents by hand: in this browser, by a link, at another device; tokens are renewed."""

import html
import re
from dataclasses import replace

import httpx2
import pytest
from api_kit import PUBLIC_URL, Body
from browser_kit import query
from identity_kit import ask
from oauth_house_kit import (
    CONNECTIONS,
    authorize,
    connect,
    decide,
    register,
)
from structlog.testing import capture_logs
from web_connections_kit import HOSTILE, LIST, bearer_of, commands_of, consent, one, parse, somebody
from web_kit import Page, Visitor, WebHouse, visitor_of

from keyturn.api.app import build_api
from keyturn.testing import FakeServers
from keyturn.web.app import build_pages

SCOPES = ["openid", "offline_access"]


async def page_of(web: WebHouse, connection: Body) -> Page:
    """Open the page of a connection."""
    return await web.visitor.open(f"{LIST}/{connection['id']}")


async def unasked(web: WebHouse, **changes: object) -> Body:
    """Make a connection that nobody has authorized."""
    return await connect(web.house, await register(web.house), **changes)


# --- in this browser -----------------------------------------------------------------------------


async def test_other_scopes_are_consented_to_and_the_page_says_what_was_granted(
    web: WebHouse,
) -> None:
    """The whole way: scopes are changed, the person agrees at the org, and is back at the page."""
    made = await authorize(web.house, await unasked(web))
    before = await bearer_of(web.house, made)
    page = await web.visitor.follow(await page_of(web, made), "Change")
    page = await web.visitor.press(page, "Save", scopes="openid offline_access email")
    assert "email yes not granted" in page.text
    assert "Authorize it again" in page.text
    away = await web.visitor.press(page, "Authorize again")
    assert away.answer.headers["refresh"].startswith("0; url=https://org.example.com/oauth2/v1/")
    back = await consent(web, away)
    assert back.path == f"{LIST}/{made['id']}"
    assert "people is authorized. Everything that it asks for was granted" in back.text
    assert "email yes granted" in back.text
    assert "Authorize it again" not in back.text
    told = await one(web.house, made)
    assert (told["granted"], told["light"]) == ([*SCOPES, "email"], "healthy")
    assert await bearer_of(web.house, made) != before
    assert before not in back.html


async def test_the_browser_that_was_sent_away_is_the_one_that_counts(web: WebHouse) -> None:
    """Its cookie is for these addresses, for ten minutes, and gone with the answer."""
    made = await unasked(web)
    away = await web.visitor.press(await page_of(web, made), "Authorize")
    assert re.fullmatch(
        "keyturn_oauth=[A-Za-z0-9_-]{43}; HttpOnly; Max-Age=600; Path=/api/v1/oauth; "
        "SameSite=lax; Secure",
        away.answer.headers["set-cookie"],
    )
    assert away.answer.headers["referrer-policy"] == "no-referrer"
    other = await somebody(web, "admin")
    stolen = await consent(web, away, other)
    assert stolen.status == 400
    assert "begun by somebody else" in stolen.text
    assert (await one(web.house, made))["state"] == "new"


async def test_a_denial_is_told_with_the_way_back(web: WebHouse) -> None:
    """The connection stays as it was."""
    made = await unasked(web)
    away = await web.visitor.press(await page_of(web, made), "Authorize")
    address = next(href for href, text in away.links if text == "Go on")
    told = {"state": query(address)["state"], "error": "access_denied"}
    denied = await web.visitor.open("/api/v1/oauth/callback", **told, iss="https://org.example.com")
    assert denied.status == 400
    assert "Not authorized" in denied.text
    assert "The authorization was denied" in denied.text
    assert (await web.visitor.follow(denied, "To the connections")).path == LIST
    assert (await one(web.house, made))["state"] == "new"


async def test_what_nobody_can_give_now_is_told_before_anybody_is_asked(web: WebHouse) -> None:
    """Where the app lacks a scope; whoever goes on all the same comes back with the rest."""
    await web.house.connect()
    made = await unasked(web, scopes=["openid", "okta.users.manage"])
    told = await web.visitor.press(await page_of(web, made), "Authorize")
    assert "Not everything can be granted now" in told.text
    assert "okta.users.manage" in told.text
    back = await consent(web, told)
    assert "Not granted: okta.users.manage" in back.text


async def test_without_a_public_address_the_page_shows_the_command(web: WebHouse) -> None:
    """Nobody is sent where they could not come back from; the command listens itself."""
    made = await unasked(web)
    app = build_api(web.world, version="0", pages=build_pages(web.world, version="0"))
    transport = httpx2.ASGITransport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
        visitor = Visitor(http)
        await visitor.log_in()
        page = await visitor.open(f"{LIST}/{made['id']}")
        assert "KEYTURN_PUBLIC_URL" in page.text
        assert f"keyturn connection authorize {made['id']} --open" in page.text
        assert "Authorize" not in {button.text for form in page.forms for button in form.buttons}
        token = page.value("form_token")
        at = f"{LIST}/{made['id']}/authorize"
        answer = await http.post(at, data={"form_token": token})
    assert answer.status_code == 400


async def test_whoever_is_at_another_address_is_told_where_to_go(web: WebHouse) -> None:
    """The answer would come back without the cookie."""
    made = await unasked(web)
    app = build_api(
        web.world,
        version="0",
        pages=build_pages(web.world, version="0", public_url="https://other.example.com"),
    )
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url=PUBLIC_URL) as http:
        visitor = Visitor(http)
        await visitor.log_in()
        page = await visitor.press(await visitor.open(f"{LIST}/{made['id']}"), "Authorize")
    assert page.status == 400
    assert "Browsers come back to https://other.example.com" in page.text
    assert "keyturn_oauth" not in page.answer.headers.get("set-cookie", "")


async def test_a_client_secret_that_cannot_be_read_is_told_on_the_page(web: WebHouse) -> None:
    """Nobody is sent away."""
    await ask(
        web.house,
        "POST",
        "/api/v3/secrets/raw/SECRET",
        {**web.house.place, "secretValue": "canary-value"},
    )
    registration = await register(web.house, clientSecret=None, secretName="SECRET")
    made = await connect(web.house, registration)
    await ask(web.house, "DELETE", "/api/v3/secrets/raw/SECRET", web.house.place)
    page = await web.visitor.press(await page_of(web, made), "Authorize")
    assert page.status == 502
    assert "is gone: give the registration another one" in page.text


# --- by a link, or by a notice -------------------------------------------------------------------


async def test_a_link_opens_for_somebody_who_is_not_known_here(web: WebHouse) -> None:
    """Who looks uses nothing up; who goes on is told what was granted, and led nowhere else."""
    made = await unasked(web, scopes=["openid", "email", "okta.users.manage"])
    told = await ask(web.house, "POST", f"{CONNECTIONS}/{made['id']}/authorize/link")
    link = str(told["link"]).removeprefix(PUBLIC_URL)
    visitor = visitor_of(web.world)
    looked = await visitor.open(link)
    page = await visitor.open(link)
    assert "set-cookie" not in {*looked.answer.headers, *page.answer.headers}
    away = await visitor.press(page, "Go on")
    done = await consent(web, away, visitor)
    assert done.status == 200
    assert "The connection people in example/dev/ is authorized" in done.text
    assert "Granted: openid, email." in done.text
    assert "Not granted: okta.users.manage." in done.text
    assert "Log out" not in done.text
    again = await visitor.press(page, "Go on")
    assert again.status == 400
    assert "set-cookie" not in again.answer.headers


async def test_a_notice_leads_to_the_connection(web: WebHouse) -> None:
    """Whoever follows it logs in first, and then finds the button."""
    made = await unasked(web)
    told = f"/api/v1/oauth/reauthorize?connection={made['id']}"
    assert (await web.visitor.open(told)).path == f"{LIST}/{made['id']}"
    assert (await visitor_of(web.world).open(told)).path.startswith("/log-in?after=/connections/")
    assert (await web.visitor.open("/api/v1/oauth/reauthorize?connection=//evil")).status == 404


async def test_nonsense_is_repeated_nowhere_and_takes_no_cookie(web: WebHouse) -> None:
    """Anybody can send a browser here: neither a page nor the log has what it brought."""
    made = await unasked(web)
    away = await web.visitor.press(await page_of(web, made), "Authorize")
    canary = "canary<b>-4f1d"
    told = dict.fromkeys(("state", "code", "iss", "error"), canary)
    with capture_logs() as lines:
        page = await web.visitor.open("/api/v1/oauth/callback", **told)
        await web.visitor.open("/api/v1/oauth/begin", request="x", key=canary)
    assert page.status == 400
    assert "Nobody was asked this" in page.text
    assert "canary" not in page.html
    assert "canary" not in str(lines)
    assert (await consent(web, away)).path == f"{LIST}/{made['id']}"


async def test_scopes_that_a_server_makes_up_are_text(web: WebHouse) -> None:
    """What it says that it granted may look like anything."""
    servers = FakeServers(web.house.clock)
    servers.granted = lambda _: "<script>alert(1)</script>"
    world = replace(web.world, servers=servers)
    apps = [each for each in web.house.org.apps.values() if each.live_secrets]
    made = await unasked(web)
    servers.secrets = {
        each.client_id: {each.live_secrets[0].value}
        for each in [*apps, *web.house.org.apps.values()]
        if each.live_secrets
    }
    visitor = visitor_of(world)
    await visitor.log_in()
    away = await visitor.press(await visitor.open(f"{LIST}/{made['id']}"), "Authorize")
    asked = query(next(href for href, text in away.links if text == "Go on"))
    told = {"state": asked["state"], "code": servers.grant_code(asked)}
    page = await visitor.open("/api/v1/oauth/callback", **told)
    assert page.path == f"{LIST}/{made['id']}"
    assert html.escape("<script>alert(1)</script>") in page.html
    assert "<script>alert" not in page.html


# --- at another device ---------------------------------------------------------------------------


async def waiting(web: WebHouse) -> tuple[Body, Page, str]:
    """Show the code of a connection that is authorized at another device."""
    made = await unasked(web, name="tv", grantType="device_code", scopes=SCOPES)
    page = await web.visitor.press(await page_of(web, made), "Authorize")
    return made, page, page.value("code")


async def test_a_code_is_shown_and_the_page_asks_until_somebody_has_decided(
    web: WebHouse,
) -> None:
    """By a button as well as by itself, as often as the server allows."""
    made, page, code = await waiting(web)
    assert code in page.text
    assert "https://org.example.com/activate" in page.text
    assert 'hx-trigger="submit, every 6s"' in page.html
    page = await web.visitor.press(page, "Has somebody decided?")
    assert "Nobody has decided yet" in page.text
    assert page.value("code") == code
    await decide(web.house, {"userCode": code})
    web.house.clock.advance(6)
    done = await web.visitor.press(page, "Has somebody decided?")
    assert done.path == f"{LIST}/{made['id']}"
    assert "tv is authorized" in done.text
    assert (await one(web.house, made))["state"] == "ready"


async def test_a_script_that_asks_is_told_where_to_go(web: WebHouse) -> None:
    """It follows no redirect by itself."""
    made, page, code = await waiting(web)
    await decide(web.house, {"userCode": code}, "deny")
    web.house.clock.advance(6)
    form, _ = page.form_with("Has somebody decided?")
    answer = await web.visitor.http.post(
        form.action, data=dict(form.fields), headers={"hx-request": "true"}
    )
    assert answer.status_code == 200
    assert answer.headers["hx-redirect"] == f"{LIST}/{made['id']}"
    shown = await page_of(web, made)
    assert "denied" in shown.text
    assert (await one(web.house, made))["state"] == "new"


async def test_what_a_form_says_of_a_code_is_shown_only_where_it_can_be_one(
    web: WebHouse,
) -> None:
    """It comes back from the browser: an address is one that can be followed."""
    _, page, _ = await waiting(web)
    for wrong in ({"address": "javascript:alert(1)"}, {"code": HOSTILE * 30}, {"code": "\x00"}):
        answer = await web.visitor.press(page, "Has somebody decided?", **wrong)
        assert answer.status == 400
        assert "alert(1)" not in answer.html


async def test_a_server_that_gives_no_codes_is_told_on_the_page(web: WebHouse) -> None:
    """Its app is not made for it."""
    made = await unasked(web, name="tv", grantType="device_code", scopes=["not.there"])
    page = await web.visitor.press(await page_of(web, made), "Authorize")
    assert page.status == 502
    assert "gave no code for a device" in page.text


# --- renewed and proved --------------------------------------------------------------------------


async def test_tokens_are_renewed_where_they_are_old_enough(web: WebHouse) -> None:
    """Once for everybody; younger than 30 seconds they are used on."""
    made = await authorize(web.house, await unasked(web))
    page = await web.visitor.press(await page_of(web, made), "Renew now")
    assert "younger than 30 seconds" in page.text
    web.house.clock.advance(31)
    page = await web.visitor.press(page, "Renew now")
    assert "Renewed: token set 2" in page.text
    assert "number 2, Bearer" in page.text
    assert await bearer_of(web.house, made) not in page.html


async def test_a_renewal_that_fails_is_told_on_the_page(web: WebHouse) -> None:
    """With what the authorization server's answer means."""
    made = await authorize(web.house, await unasked(web))
    app = next(each for each in web.house.org.apps.values() if each.label == "Persons")
    web.house.org.create_secret(app.id)
    web.house.org.deactivate_secret(app.id, app.live_secrets[0].id)
    web.house.clock.advance(31)
    page = await web.visitor.press(await page_of(web, made), "Renew now")
    assert page.status == 502
    assert "It came to nothing" in page.text
    proved = await web.visitor.press(page, "Prove the client secret")
    assert "version 1: rejected" in proved.text
    assert app.live_secrets[0].value not in proved.html


async def test_what_needs_no_token_is_tried(web: WebHouse) -> None:
    """A request could be authorized by what the registration holds."""
    header = await register(web.house, None, name="weather")
    made = await connect(web.house, header, name="weather", grantType="none", scopes=[])
    page = await web.visitor.press(await page_of(web, made), "Try it")
    assert "A request could be authorized" in page.text
    assert "Healthy" in page.text
    assert "canary-api-key" not in page.html


@pytest.mark.parametrize("role", ["viewer", "rotator", "auditor"])
async def test_who_may_not_authorize_is_refused(web: WebHouse, role: str) -> None:
    """By its address as well."""
    made = await unasked(web)
    other = await somebody(web, role)
    page = await other.open(f"{LIST}/{made['id']}")
    token = page.value("form_token")
    for order in ("authorize", "renew", "prove", "aliases", "edit", "delete"):
        at = f"{LIST}/{made['id']}/{order}"
        answer = await other.http.post(at, data={"form_token": token, "confirm": "people"})
        assert answer.status_code == 403, order
    assert (await one(web.house, made))["state"] == "new"
    assert commands_of(page)
    for words in commands_of(page):
        parse(words)
