"""The wizard in a real browser: what scripts add to it, and how its steps look to machines."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from chrome_kit import context, findings, photograph
from playwright.async_api import Browser, Page, expect
from site_kit import Site, open_site

from keyturn.sandbox.state.directory import AppDraft

pytestmark = pytest.mark.slow
expect.set_options(timeout=20_000)
NARROW = 360

WATCH_DATES = """
window.painted = new Set();
(function look() {
  const dates = document.querySelector("#dates table");
  if (dates && getComputedStyle(dates).visibility === "visible")
    window.painted.add(dates.querySelector("th").textContent);
  requestAnimationFrame(look);
})();
"""


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    """Serve a new installation beside an org with an app that has no room for another secret."""
    async with open_site(tmp_path) as site:
        back = ("http://127.0.0.1/callback",)
        site.org.org.create_app(AppDraft("Crowded", redirect_uris=back, secrets=(None, None)))
        yield site


async def press(page: Page, button: str) -> None:
    """Press a button by its name."""
    await page.get_by_role("button", name=button, exact=True).click()


async def at_step(page: Page, number: int) -> None:
    """Wait for a step."""
    await expect(page).to_have_title(re.compile(f"step {number} of"))


async def begin(site: Site, page: Page) -> None:
    """Log in, and begin."""
    await site.log_in(page)
    await page.goto("/rotations/new")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_no_step_has_a_grave_finding(site: Site, chrome: Browser, scheme: str) -> None:
    """Nor is one wider than a small window; what is wrong and what is folded out counts too."""
    wrong: list[str] = []

    async def judge(page: Page, name: str) -> None:
        nonlocal wrong
        for width in (1280, NARROW):
            await page.set_viewport_size({"width": width, "height": 800})
            wrong += [f"{name} {each}" for each in await findings(page)]
            wide = await page.evaluate("document.documentElement.scrollWidth")
            wrong += [f"{name} is {wide} pixels wide"] * (wide > width)
            await photograph(page, f"wizard-{name}-{scheme}-{width}")

    async with context(chrome, site.url, color_scheme=scheme) as window:
        page = await window.new_page()
        await begin(site, page)
        await judge(page, "type")
        await press(page, "Next")
        await press(page, "Next")  # without a token
        await expect(page.locator(".error-summary")).to_be_focused()
        await page.get_by_text("How long both secrets work").click()
        await page.get_by_label("Until nobody uses").check()
        await judge(page, "configuration")
        await page.get_by_label("Address of the org").fill(site.org.http_url)
        await page.get_by_label("API token", exact=True).fill(site.org.org.seeded.api_token)
        await press(page, "Next")
        await at_step(page, 3)
        await page.get_by_role("radio", name="Crowded").check()
        await judge(page, "crowded")
        await page.get_by_role("radio", name="Example web app").check()
        await judge(page, "app")
        await press(page, "Next")
        await judge(page, "mappings")
        await press(page, "Next")
        await judge(page, "details")
        await press(page, "Next")
        await page.get_by_text("What each turn will do at Okta").click()
        await page.get_by_text("Do this from the command line").click()
        await judge(page, "review")
        await press(page, "Create rotation")
        await expect(page.get_by_role("link", name="See the rotation")).to_be_visible()
        await judge(page, "created")
    assert wrong == []


async def test_the_time_zone_is_that_of_the_browser(site: Site, chrome: Browser) -> None:
    """Until somebody chooses another; the dates follow both, and what is typed.

    Dates of no zone of theirs are never painted.
    """
    await site.connect()
    async with context(chrome, site.url, timezone_id="Asia/Calcutta") as window:
        page = await window.new_page()
        await page.add_init_script(WATCH_DATES)
        await begin(site, page)
        await press(page, "Next")
        zone, dates = page.get_by_label("Time zone"), page.locator("#dates")
        await expect(zone).to_have_value("Asia/Calcutta")
        await expect(dates).to_contain_text("Asia/Calcutta")
        await expect(dates).to_be_visible()
        painted = await page.evaluate("[...window.painted]")
        assert painted
        assert all("Asia/Calcutta" in each for each in painted)
        await page.get_by_label("Rotate at").fill("04:00")
        await expect(dates).to_contain_text("04:00")
        await expect(dates).to_contain_text("22:30")
        await zone.select_option("Europe/Berlin")
        await expect(dates).to_contain_text("Europe/Berlin")
        await press(page, "Next")
        await at_step(page, 3)
        await press(page, "Back")
        await expect(zone).to_have_value("Europe/Berlin")


async def test_what_is_typed_is_searched_and_judged_at_once(site: Site, chrome: Browser) -> None:
    """Nothing is pressed for it, and what has the focus keeps it."""
    await site.connect()
    async with context(chrome, site.url) as window:
        page = await window.new_page()
        await begin(site, page)
        await press(page, "Next")
        await press(page, "Next")
        search = page.get_by_role("searchbox")
        await expect(search).to_be_focused()
        await expect(page.get_by_role("radio", name="Crowded")).to_be_visible()
        await page.keyboard.type("exam")
        await expect(page.get_by_role("radio", name="Crowded")).to_have_count(0)
        await expect(search).to_be_focused()
        await page.get_by_role("radio", name="Example web app").check()
        await press(page, "Next")
        await page.get_by_label("Client ID").fill("A B")
        await expect(page.locator("#names")).to_contain_text("without colon, slash or space")
        await page.get_by_label("Client ID").fill("A_B")
        await expect(page.locator("#names")).to_contain_text("A_B is free")


async def test_the_ways_of_the_browser_lose_nothing(site: Site, chrome: Browser) -> None:
    """Back, forward and loading anew, without a question whether to send anything again."""
    await site.connect()
    async with context(chrome, site.url) as window:
        page = await window.new_page()
        await begin(site, page)
        await press(page, "Next")
        await page.get_by_label("Days between two turns").fill("45")
        await press(page, "Next")
        await page.get_by_role("radio", name="Example web app").check()
        await press(page, "Next")
        await page.get_by_label("Client ID").fill("MY_ID")
        await press(page, "Next")
        await at_step(page, 5)
        await page.reload()
        await at_step(page, 5)
        await page.go_back()
        await at_step(page, 4)
        await page.go_back()
        await at_step(page, 3)
        await page.go_forward()
        await page.go_forward()
        await at_step(page, 5)
        await press(page, "Next")
        await expect(page.locator("main")).to_contain_text("Every 45 days")
        await expect(page.locator("main")).to_contain_text("MY_ID")
        create = page.get_by_role("button", name="Create rotation")
        await create.dblclick()
        await expect(page.get_by_role("link", name="See the rotation")).to_be_visible()
        await page.reload()
        await expect(page.locator("main")).to_contain_text("It is served")
