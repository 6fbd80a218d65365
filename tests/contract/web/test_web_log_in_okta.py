"""Logging in with Okta at a browser: there, back, and in; and once more where it is asked for."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from html import unescape

import httpx2
import pytest
from browser_kit import Browser
from okta_login_kit import CALLBACK, ORG_URL, PASSWORD, Desk, desk_at
from rig import rigged
from web_kit import Page, Visitor, visitor_of

from keyturn.sandbox.state.records import User

ADA = "ada@example.com"


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    """Give an installation at which people log in with Okta."""
    async with rigged() as rig, desk_at(rig) as desk:
        yield desk


def led_to(page: Page) -> str:
    """Return where a page sends its browser on to."""
    told = page.answer.headers["refresh"]
    assert told.startswith("0; url=")
    assert unescape(told[7:]) in [unescape(href) for href, _ in page.links]
    return told[7:]


async def come_back(desk: Desk, visitor: Visitor, page: Page, user: User) -> Page:
    """Log in at Okta, and let the browser come back with the answer."""
    told = {"login": user.login, "password": PASSWORD}
    async with httpx2.AsyncClient(transport=desk.way, base_url=ORG_URL) as http:
        back = await Browser(http, told).visit(led_to(page), CALLBACK)
    return await visitor.open(back.removeprefix("https://keyturn.example.com"))


async def test_somebody_logs_in_with_okta_and_comes_to_the_page_they_wanted(desk: Desk) -> None:
    """Their groups at Okta give them their roles."""
    ada = desk.person(ADA, "Admins")
    visitor = visitor_of(desk.world)
    away = await visitor.press(await visitor.open("/access/you"), "Log in with Okta")
    shown = await come_back(desk, visitor, away, ada)
    assert shown.path == "/access/you"
    assert ADA in shown.text
    assert "Admin" in shown.text


async def test_who_is_in_no_group_is_told_so(desk: Desk) -> None:
    """On the log-in page, and nothing is kept of the way there."""
    visitor = visitor_of(desk.world)
    away = await visitor.press(await visitor.open("/log-in"), "Log in with Okta")
    shown = await come_back(desk, visitor, away, desk.person(ADA, "Friends"))
    assert shown.status == 400
    assert "Log in with Okta" in shown.text
    assert re.search("group", shown.text)


async def test_an_answer_that_another_browser_brings_lets_nobody_in(desk: Desk) -> None:
    """The browser that began holds what the answer has to fit."""
    ada, visitor, other = desk.person(ADA, "Admins"), visitor_of(desk.world), visitor_of(desk.world)
    away = await visitor.press(await visitor.open("/log-in"), "Log in with Okta")
    assert (await come_back(desk, other, away, ada)).status == 400
    assert (await other.open("/")).path.startswith("/log-in")


async def test_somebody_is_asked_anew_before_something_is_shown(desk: Desk) -> None:
    """The session goes on under another token, and the one before is good for nothing."""
    ada, visitor = desk.person(ADA, "Admins"), visitor_of(desk.world)
    away = await visitor.press(await visitor.open("/log-in"), "Log in with Okta")
    home = await come_back(desk, visitor, away, ada)
    before = visitor.http.cookies["__Host-keyturn"]
    form = {"form_token": home.value("form_token"), "after": "/access/you"}
    headers = {"origin": "https://keyturn.example.com"}
    again = Page(await visitor.http.post("/log-in/okta/again", data=form, headers=headers))
    assert "prompt=login" in led_to(again)
    shown = await come_back(desk, visitor, again, ada)
    assert shown.path == "/access/you"
    assert visitor.http.cookies["__Host-keyturn"] != before
    stale = visitor_of(desk.world)
    stale.http.cookies.set("__Host-keyturn", before)
    assert (await stale.open("/")).path.startswith("/log-in")


async def test_it_is_not_offered_where_nobody_has_set_it_up(desk: Desk) -> None:
    """Neither on the page nor by its address."""
    limits = replace(desk.world.limits, okta_log_in=None)
    desk.rig.world = replace(desk.world, limits=limits)
    visitor = visitor_of(desk.world)
    page = await visitor.open("/log-in")
    assert "Log in with Okta" not in page.text
    answer = await visitor.http.post("/log-in/okta", data={})
    assert answer.status_code == 400
