"""The page of an emergency in a real browser: its table can be read."""

import pytest
from chrome_kit import context
from playwright.async_api import Browser, expect
from site_kit import Site

pytestmark = pytest.mark.slow
STANDS_MIN_PX = 256


async def test_how_apps_stand_can_be_read_beside_okta_s_answers(
    site: Site, chrome: Browser
) -> None:
    """Request ids stay within their card, and what is told of an app has room."""
    await site.rotate(await site.connect())
    async with context(chrome, site.url, viewport={"width": 1280, "height": 800}) as window:
        page = await window.new_page()
        await site.log_in(page)
        await page.goto(await site.begin("emergencies", reason="leaked", all=True))
        await expect(page.locator(".members .request")).to_have_count(2, timeout=60_000)
        ids = page.locator(".members .request")
        await ids.first.evaluate("id => { id.textContent = 'x'.repeat(80) }")
        table = page.locator(".members").first
        inner, outer = await table.evaluate("it => [it.scrollWidth, it.parentElement.clientWidth]")
        assert inner <= outer
        stands = await page.locator(".members .stands").first.bounding_box()
        assert stands
        assert stands["width"] >= STANDS_MIN_PX
