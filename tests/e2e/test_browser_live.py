"""Pages that follow what happens, in a real browser: nothing flashes, jumps or loses its place."""

import asyncio

import pytest
from chrome_kit import context
from playwright.async_api import Browser, Page, expect
from site_kit import Site

pytestmark = pytest.mark.slow
expect.set_options(timeout=20_000)

ROTATIONS = "/api/v2/secret-rotations/okta-client-secret"
WATCH_FRAMES = """
window.flashed = [];
(function look() {
  for (const time of document.querySelectorAll(".live time"))
    if (time.textContent.endsWith("UTC")) window.flashed.push(time.textContent);
  requestAnimationFrame(look);
})();
"""


async def focused(page: Page) -> str:
    """Return what has the focus: its element and text."""
    told: str = await page.evaluate(
        "`${document.activeElement.tagName} ${document.activeElement.textContent.trim()}`"
    )
    return told


async def test_the_overview_follows_a_turn(site: Site, chrome: Browser) -> None:
    """Within a second, tiles and all; no time is painted in UTC first, and the focus stays."""
    rotation = await site.rotate(await site.connect())
    async with context(chrome, site.url) as window:
        page = await window.new_page()
        await site.log_in(page)
        await page.wait_for_load_state("load")
        await page.evaluate(WATCH_FRAMES)
        turning = page.locator(".stats").get_by_role("link", name="Turning")
        await expect(turning).to_have_count(0)
        await page.get_by_role("link", name="checkout").first.focus()
        began_s = asyncio.get_running_loop().time()
        answer = await site.http.post(f"{ROTATIONS}/{rotation}/turn", json={"wait": False})
        assert answer.status_code == 200, answer.text
        await expect(turning).to_have_count(1)
        assert asyncio.get_running_loop().time() - began_s < 3  # a second, on a busy machine
        assert await focused(page) == "A checkout"
        await turning.focus()
        await expect(turning).to_have_count(0)
        assert (await focused(page)).startswith("H2 ")
        assert await page.evaluate("window.flashed") == []


async def test_nothing_is_replaced_under_a_press(site: Site, chrome: Browser) -> None:
    """A link that is being pressed when something changes is followed all the same."""
    rotation = await site.rotate(await site.connect())
    async with context(chrome, site.url) as window:
        page = await window.new_page()
        await site.log_in(page)
        await page.wait_for_load_state("load")
        await page.get_by_role("link", name="checkout").first.hover()
        await page.mouse.down()
        answer = await site.http.post(f"{ROTATIONS}/{rotation}/turn", json={"wait": False})
        assert answer.status_code == 200, answer.text
        await asyncio.sleep(2)  # by now it would have been shown
        await expect(page.locator(".stats").get_by_role("link", name="Turning")).to_have_count(0)
        await page.mouse.up()
        await page.wait_for_url(f"**/rotations/{rotation}")
