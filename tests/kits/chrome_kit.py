"""A real browser: Debian's Chromium, led by Playwright, for what only a browser can tell.

Where there is none the tests say so, or fail where KEYTURN_REQUIRE_CHROMIUM is set, as in CI.
Photographs go to the folder that KEYTURN_SCREENSHOTS names, or else to one that is thrown away.
"""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

REQUIRED: Final = "KEYTURN_REQUIRE_CHROMIUM"
SCREENSHOTS: Final = "KEYTURN_SCREENSHOTS"
AXE: Final = Path(__file__).parents[1] / "peers/node_modules/axe-core/axe.min.js"
ARGUMENTS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SAYING_NO: Final = ("status of 4", "Status Error Code 4")
GRAVE: Final = frozenset({"serious", "critical"})


def chromium() -> str:
    """Return where Chromium is, or skip the test where there is none."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None or not AXE.exists():
        wanting = "Chromium" if found is None else "axe-core (make peers)"
        if os.environ.get(REQUIRED):
            pytest.fail(f"{wanting} is missing, and {REQUIRED} is set")
        pytest.skip(f"needs {wanting}")
    return found


@asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    """Start a browser with a profile of its own."""
    path = chromium()
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=path, args=[*ARGUMENTS])
        try:
            yield started
        finally:
            await started.close()


@asynccontextmanager
async def context(opened: Browser, base_url: str, **wanted: Any) -> AsyncIterator[BrowserContext]:  # noqa: ANN401  Playwright's own options
    """Open a window whose pages may complain of nothing: neither in a script nor of the policy."""
    complaints: list[str] = []
    made = await opened.new_context(base_url=base_url, **wanted)
    made.set_default_timeout(20_000)
    made.on("weberror", lambda error: complaints.append(str(error.error)))
    made.on("console", lambda told: _note(complaints, told.type, told.text))
    try:
        yield made
    finally:
        await made.close()
    assert not complaints, complaints


def _note(complaints: list[str], kind: str, text: str) -> None:
    """Note an error; an answer that says no is not one of the page's."""
    if kind == "error" and not any(each in text for each in SAYING_NO):
        complaints.append(text)


async def photograph(page: Page, name: str) -> None:
    """Keep a photograph of the whole page as build output."""
    folder = os.environ.get(SCREENSHOTS)
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        await page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


async def findings(page: Page) -> list[str]:
    """Return axe-core's serious and critical findings, each with the first place of it."""
    await page.evaluate(AXE.read_text(encoding="utf-8"))
    found = await page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{each['id']} ({each['impact']}): {each['help']}: {each['nodes'][0]['html'][:200]}"
        for each in found["violations"]
        if each["impact"] in GRAVE
    ]
