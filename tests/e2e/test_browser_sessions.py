"""In a real browser: many tabs that follow what happens, and a log-in that ends meanwhile."""

from contextlib import AsyncExitStack

import httpx2
import pytest
from chrome_kit import context, findings, photograph
from playwright.async_api import Browser, BrowserContext, Page, expect
from site_kit import EMAIL, PASSWORD, Site

from keyturn.web.live import EACH

pytestmark = pytest.mark.slow
expect.set_options(timeout=20_000)

TABS = 8
"""More than the connections that a browser opens to a server by HTTP/1.1."""

SEEN = """
let seen = true;
Object.defineProperty(document, "hidden", { get: () => !seen });
window.see = (now) => { seen = now; document.dispatchEvent(new Event("visibilitychange")); };
"""
"""A browser without a screen shows all its tabs; so these are told when somebody sees them."""

SOURCE = "flow: late\nstart: {kind: helper}\ncards:\n- card: flow.return\n  with: {}\n"


async def test_eight_tabs_follow_and_the_one_that_is_seen_is_current(
    site: Site, chrome: Browser
) -> None:
    """A tab that nobody sees holds no connection; it has caught up as soon as it is seen."""
    rotation = await site.rotate(await site.connect())
    path = f"/api/v2/secret-rotations/okta-client-secret/{rotation}/rotate-secrets"
    async with context(chrome, site.url) as window:
        await window.add_init_script(SEEN)
        first = await window.new_page()
        await site.log_in(first)
        tabs = [first, *[await window.new_page() for _ in range(TABS - 1)]]
        for tab in tabs:
            async with tab.expect_request("**/live"):
                await tab.goto(f"/rotations/{rotation}")
            await tab.evaluate("see(false)")
        await first.evaluate("window.same = true")
        assert (await site.http.post(path)).status_code == 200
        await first.wait_for_timeout(1500)
        assert "Overlapping" not in await first.locator(".live").inner_text()
        await first.evaluate("see(true)")
        await expect(first.locator(".live")).to_contain_text("finished", ignore_case=True)
        await expect(first.locator(".not-live")).to_be_hidden()
        assert await first.evaluate("window.same") is True


async def test_one_stream_too_many_is_told_and_the_page_is_there(
    site: Site, chrome: Browser
) -> None:
    """It stays as it was, says so, and is live again when there is room."""
    rotation = await site.rotate(await site.connect())
    path = f"/rotations/{rotation}"
    async with context(chrome, site.url) as window, AsyncExitStack() as streams:
        page = await window.new_page()
        await site.log_in(page)
        http = await streams.enter_async_context(await _as(window, site))
        await page.goto("about:blank")
        opened = [
            await streams.enter_async_context(http.stream("GET", f"{path}/live"))
            for _ in range(EACH + 1)
        ]
        assert opened[-1].status_code == 429
        await page.goto(path)
        await expect(page.locator(".not-live")).to_be_visible()
        await expect(page.locator(".live")).to_contain_text("OKTA_CLIENT_SECRET")
        await _looked_at(page, "not-live")
        await streams.aclose()
        await expect(page.locator(".not-live")).to_be_hidden()


async def _as(window: BrowserContext, site: Site) -> httpx2.AsyncClient:
    """Return a client that is logged in as the browser is."""
    cookies = {each["name"]: each["value"] for each in await window.cookies()}
    return httpx2.AsyncClient(base_url=site.url, cookies=cookies, timeout=30)


async def test_what_is_typed_in_the_editor_outlives_the_log_in(site: Site, chrome: Browser) -> None:
    """No log-in page is drawn into it; after a log-in in another tab it goes on where it was."""
    async with context(chrome, site.url) as window:
        page = await window.new_page()
        await site.log_in(page)
        await page.goto("/flows/new")
        cookies = await window.cookies()
        await window.clear_cookies()
        await page.locator("#f-source").fill(SOURCE)
        notice = page.locator("#logged-out")
        await expect(notice).to_be_visible()
        assert await page.locator("input[type=password]").count() == 0
        await _looked_at(page, "logged-out")
        async with window.expect_page() as opened:
            await notice.get_by_role("link").click()
        await _log_in(await opened.value)
        assert await window.cookies() != cookies
        await page.locator("#f-source").press_sequentially("# more")
        await expect(notice).to_have_count(0)
        await expect(page.locator("#checked")).to_contain_text("Nothing wrong")
        await page.get_by_role("button", name="Save", exact=True).click()
        await page.wait_for_url("**/flows/*-*")
        await expect(page.locator("#f-source")).to_have_value(SOURCE + "# more")


async def _log_in(page: Page) -> None:
    await page.get_by_label("E-mail address").fill(EMAIL)
    await page.get_by_label("Password", exact=True).fill(PASSWORD)
    await page.get_by_role("button", name="Log in", exact=True).click()
    await page.wait_for_url(lambda url: "/log-in" not in url)


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_form_that_comes_too_late_is_kept_in_its_page(
    site: Site, chrome: Browser, scheme: str
) -> None:
    """Log in in another tab, come back, look at it, and send it."""
    async with context(chrome, site.url, color_scheme=scheme) as window:
        page = await window.new_page()
        await site.log_in(page)
        await page.goto("/secrets/new")
        await page.get_by_label("Name", exact=True).fill("KEY")
        await page.get_by_label("Value, in one line").fill("typed before")
        await page.get_by_label("Comment").fill("of the till\nat the door")
        await window.clear_cookies()
        await page.get_by_role("button", name="Store the secret").click()
        await expect(page.locator("h1")).to_have_text("You are not logged in any more")
        await _looked_at(page, f"kept-{scheme}")
        async with window.expect_page() as opened:
            await page.get_by_role("link", name="Log in in another tab").click()
        await _log_in(await opened.value)
        await page.get_by_role("button", name="I am logged in: go on").click()
        await expect(page.locator("h1")).to_have_text("Send it again")
        await page.get_by_label("Value").fill("typed again")
        await _looked_at(page, f"again-{scheme}")
        await page.get_by_role("button", name="Send it").click()
        await expect(page.locator("main")).to_contain_text("KEY")
    place = {"workspaceId": site.installed.project.id, "environment": "dev", "secretPath": "/"}
    read = await site.http.get("/api/v3/secrets/raw/KEY", params=place)
    assert read.json()["secret"]["secretValue"] == "typed again"
    comment = read.json()["secret"]["secretComment"]
    assert comment.splitlines() == ["of the till", "at the door"]


async def _looked_at(page: Page, name: str) -> None:
    """Look for findings, wide and 360 pixels wide."""
    assert await findings(page) == []
    await photograph(page, name)
    await page.set_viewport_size({"width": 360, "height": 740})
    assert await page.evaluate("document.documentElement.scrollWidth") <= 360
    await photograph(page, f"{name}-360")
    await page.set_viewport_size({"width": 1280, "height": 900})
