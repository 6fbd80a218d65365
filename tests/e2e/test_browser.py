"""The pages in a real browser: what only that can tell."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from chrome_kit import context, findings, photograph
from playwright.async_api import Browser, Page, expect
from site_kit import EMAIL, LOG_IN, PASSWORD, Site, open_site

from keyturn.sandbox.state.claims import GroupsClaim
from keyturn.sandbox.state.directory import AppDraft
from keyturn.sandbox.state.people import UserDraft

pytestmark = pytest.mark.slow
expect.set_options(timeout=20_000)

PAGES = (
    "/",
    "/rotations",
    "/rotations/new",
    "/inventory",
    "/compliance",
    "/rollouts",
    "/rollouts/new",
    "/emergencies",
    "/emergencies/new",
    "/secrets",
    "/connections",
    "/flows",
    "/audit",
    "/access",
    "/access/roles",
    "/access/explain",
    "/access/you",
    "/settings",
    "/settings/server",
    "/sandbox",
    "/gallery",
)


CUT_OFF = """() => [...document.querySelectorAll("main .scroll")]
  .filter((each) => each.scrollWidth > each.clientWidth)
  .map((each) => each.ariaLabel)"""
"""Finds the tables that are wider than their room."""


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_no_page_has_a_grave_finding_or_breaks_its_policy(
    site: Site, chrome: Browser, scheme: str
) -> None:
    """Axe-core, wide and 360 pixels wide; nothing is wider than the window."""
    rotation = await site.rotate(await site.connect())
    wrong: list[str] = []
    async with context(chrome, site.url, color_scheme=scheme) as window:
        page = await window.new_page()
        await page.goto("/log-in")
        wrong += await findings(page)
        await photograph(page, f"log-in-{scheme}")
        await site.log_in(page)
        begun = [await site.begin("rollouts", name="spring", approvals=True)]
        begun.append(await site.begin("emergencies", reason="leaked", all=True))
        for path in (*PAGES, f"/rotations/{rotation}", *begun):
            await page.set_viewport_size({"width": 1280, "height": 900})
            answer = await page.goto(path)
            assert answer is not None
            assert answer.status == 200, path
            wrong += [f"{path} {each}" for each in await findings(page)]
            named = re.sub("[0-9a-f-]{36}", "one", path)
            name = named.strip("/").replace("/", "-") or "overview"
            await photograph(page, f"{name}-{scheme}")
            await page.set_viewport_size({"width": 360, "height": 740})
            wide = await page.evaluate("document.documentElement.scrollWidth")
            wrong += [f"{path} is {wide} pixels wide"] * (wide > 360)
            await photograph(page, f"{name}-{scheme}-360")
    assert wrong == []


async def test_no_table_hides_a_column(site: Site, chrome: Browser) -> None:
    """However much room there is: where that is too little, rows are laid out as cards."""
    rotation = await site.rotate(await site.connect())
    path = f"/api/v2/secret-rotations/okta-client-secret/{rotation}/rotate-secrets"
    assert (await site.http.post(path)).status_code == 200
    wrong: list[str] = []
    async with context(chrome, site.url) as window:
        page = await window.new_page()
        await site.log_in(page)
        begun = [await site.begin("rollouts", name="spring", approvals=True)]
        begun.append(await site.begin("emergencies", reason="leaked", all=True))
        of_rotation = [f"/rotations/{rotation}{end}" for end in ("", "/turns", "/usage", "/okta")]
        for path in (*PAGES, *of_rotation, *begun, "/compliance/findings", "/emergencies"):
            await page.goto(path)
            for width in (360, 800, 1024, 1280):
                await page.set_viewport_size({"width": width, "height": 900})
                wrong += [f"{path} at {width}: {at}" for at in await page.evaluate(CUT_OFF)]
    assert wrong == []


async def test_axe_would_tell(site: Site, chrome: Browser) -> None:
    """Negative control: a picture without a text, and a field without a label, are findings."""
    async with context(chrome, site.url) as window:
        page = await window.new_page()
        await page.goto("/log-in")
        await page.evaluate("document.querySelector('main').innerHTML = '<img src=\"/x\"><input>'")
        found = await findings(page)
    assert {each.partition(" ")[0] for each in found} >= {"image-alt", "label"}


async def test_a_turn_is_watched_to_its_end(site: Site, chrome: Browser) -> None:
    """Nobody loads the page again: each phase comes by itself, within a second of its commit."""
    rotation = await site.rotate(await site.connect())
    async with context(chrome, site.url) as window:
        page = await window.new_page()
        await site.log_in(page)
        await page.goto(f"/rotations/{rotation}")
        marked = "window.same = true"
        await page.evaluate(marked)
        path = f"/api/v2/secret-rotations/okta-client-secret/{rotation}/rotate-secrets"
        answer = await site.http.post(path)
        assert answer.status_code == 200, answer.text
        late_s = await _seconds_until(page, r"Overlapping")
        assert late_s < 3  # a second, and what a busy machine takes
        await expect(page.locator("main")).to_contain_text("finished", ignore_case=True)
        assert await page.evaluate("window.same") is True
        await photograph(page, "turn-finished")


async def test_tabs_are_all_in_sight_on_a_small_screen(site: Site, chrome: Browser) -> None:
    """They wrap: none has to be scrolled to, and the one that one is on is seen."""
    async with context(chrome, site.url, viewport={"width": 360, "height": 800}) as window:
        page = await window.new_page()
        await site.log_in(page)
        await page.goto("/leaks")
        wide = "nav => [nav.scrollWidth, nav.clientWidth]"
        tabs = page.get_by_role("navigation", name="Fleet")
        inner, outer = await tabs.evaluate(wide)
        assert inner == outer
        for tab in await tabs.get_by_role("link").all():
            await expect(tab).to_be_in_viewport(ratio=1)


async def _seconds_until(page: Page, text: str) -> float:
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    await expect(page.locator("main")).to_contain_text(re.compile(text, re.IGNORECASE))
    return loop.time() - began_s


WINDOWS: Mapping[str, dict[str, Any]] = {
    "wide": {},
    "360 pixels": {"viewport": {"width": 360, "height": 740}, "has_touch": True},
    "without scripts": {"java_script_enabled": False},
    "dark": {"color_scheme": "dark"},
}


@pytest.mark.parametrize("window", WINDOWS)
async def test_a_first_rotation_is_made_by_the_wizard(
    site: Site, chrome: Browser, window: str
) -> None:
    """From an empty installation, the connection made on the way: what is served works at Okta."""
    org = site.org.org
    label = org.read_app(org.seeded.web_app_id).label
    async with context(chrome, site.url, **WINDOWS[window]) as opened:
        page = await opened.new_page()
        await site.log_in(page)
        await page.get_by_role("link", name="Make the first rotation").click()
        await press(page, "Next")
        assert await page.get_by_label("Okta connection", exact=True).count() == 0  # there is none
        await page.get_by_label("Address of the org").fill(site.org.http_url)
        await page.get_by_label("Name of the connection").fill("acme")
        await page.get_by_label("API token", exact=True).fill(org.seeded.api_token)
        await press(page, "Next")
        await page.get_by_role("searchbox").fill(label)
        await press(page, "Search")
        await page.get_by_role("radio", name=re.compile(re.escape(label))).check()
        await press(page, "Next")
        await expect(page.get_by_label("Client Secret")).to_have_value("OKTA_CLIENT_SECRET")
        await press(page, "Next")
        await page.get_by_label("Name", exact=True).fill("first")
        await press(page, "Next")
        await photograph(page, f"wizard-review-{window.replace(' ', '-')}")
        await press(page, "Create rotation")
        await expect(page.get_by_role("link", name="See the rotation")).to_be_visible()
        await photograph(page, f"wizard-created-{window.replace(' ', '-')}")
    await _require_served(site)


async def test_a_rotation_is_made_by_keys_alone(site: Site, chrome: Browser) -> None:
    """Nothing is clicked: where the focus goes leads through every step."""
    await site.connect()
    org = site.org.org
    label = org.read_app(org.seeded.web_app_id).label
    async with context(chrome, site.url) as window:
        page = await window.new_page()
        await page.goto("/log-in")
        await tab_to(page, "E-mail address", EMAIL)
        await tab_to(page, "Password", PASSWORD)
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/")
        await tab_to(page, "Make the first rotation")
        await page.keyboard.press("Enter")
        for step in (1, 2):
            await expect(page).to_have_title(re.compile(f"step {step} of"))
            await tab_to(page, "Next")
            await page.keyboard.press("Enter")
        await expect(page).to_have_title(re.compile("step 3 of"))
        await tab_to(page, "Find it by", label)
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("radio").first).to_be_visible()
        await tab_to(page, label)
        await page.keyboard.press("Space")
        await tab_to(page, "Next")
        await page.keyboard.press("Enter")
        await expect(page).to_have_title(re.compile("step 4 of"))
        await tab_to(page, "Next")
        await page.keyboard.press("Enter")
        await expect(page).to_have_title(re.compile("step 5 of"))
        await tab_to(page, "Name", "first")
        await tab_to(page, "Next")
        await page.keyboard.press("Enter")
        await expect(page).to_have_title(re.compile("step 6 of"))
        await tab_to(page, "Create rotation")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("link", name="See the rotation")).to_be_visible()
    await _require_served(site)


async def press(page: Page, button: str) -> None:
    """Press a button by its name."""
    await page.get_by_role("button", name=button, exact=True).click()


NAME_OF_FOCUSED = """() => {
  const one = document.activeElement;
  const label = one.labels && one.labels.length ? one.labels[0].innerText : "";
  return (one.getAttribute("aria-label") || label || one.innerText || "").trim();
}"""


async def tab_to(page: Page, name: str, typed: str = "") -> None:
    """Press Tab until the focus is on what begins with a name, and type into it."""
    await page.wait_for_load_state()
    for _ in range(80):
        await page.keyboard.press("Tab")
        if (await page.evaluate(NAME_OF_FOCUSED)).startswith(name):
            if typed:
                await page.keyboard.press("Control+A")
                await page.keyboard.type(typed)
            return
    raise AssertionError(f"no Tab leads to {name}")


async def _require_served(site: Site) -> None:
    """Require that what readers are given is what Okta takes."""
    place = {"workspaceId": site.installed.project.id, "environment": "dev", "secretPath": "/"}
    read = await site.http.get("/api/v3/secrets/raw/OKTA_CLIENT_SECRET", params=place)
    assert read.status_code == 200, read.text
    served = read.json()["secret"]["secretValue"]
    app = site.org.org.read_app(site.org.org.seeded.web_app_id)
    assert served in [secret.value for secret in app.live_secrets if secret.status == "ACTIVE"]


async def test_whoever_is_in_trouble_brings_the_old_secret_back(
    tmp_path: Path, chrome: Browser
) -> None:
    """A consumer goes on with the old one after it was retired: the page shows it reinstated."""
    async with open_site(tmp_path, KEYTURN_SOAK_S="3600") as site:
        rotation = await site.rotate(await site.connect())
        path = f"/api/v2/secret-rotations/okta-client-secret/{rotation}"
        answer = await site.http.patch(path, json={"readSystemLog": True})
        assert answer.status_code == 200, answer.text
        org = site.org.org
        app = org.read_app(org.seeded.web_app_id)
        old = app.live_secrets[0].value
        async with context(chrome, site.url) as window:
            page = await window.new_page()
            await site.log_in(page)
            await page.goto(f"/rotations/{rotation}")
            await site.http.post(f"{path}/rotate-secrets")
            await _until(site, path, "soaking")
            asked = {"grant_type": "client_credentials", "scope": "read"}
            who = (app.client_id, old)
            url = f"{site.org.http_url}/oauth2/default/v1/token"
            async with httpx2.AsyncClient() as consumer:
                refused = await consumer.post(url, data=asked, auth=who)
            assert refused.status_code == 401
            await page.goto("/sandbox")
            await press(page, "5 minutes")
            await page.goto(f"/rotations/{rotation}")
            await expect(page.locator("main")).to_contain_text(re.compile(r"Reinstated\s*once"))
            await photograph(page, "reinstated")
        assert [s.status for s in org.read_app(app.id).live_secrets] == ["ACTIVE", "ACTIVE"]


async def _until(site: Site, path: str, phase: str) -> None:
    """Wait until the newest turn of a rotation is in a phase."""
    async with asyncio.timeout(30):
        while True:
            told = (await site.http.get(f"{path}/turns")).json()["turns"]
            if told and told[0]["phase"] == phase:
                return
            await asyncio.sleep(0.1)


async def test_somebody_logs_in_with_okta(tmp_path: Path, chrome: Browser) -> None:
    """There by a button, back by Okta's page, and out again."""
    async with open_site(tmp_path, groups="Admins=admin") as site:
        org = site.org.org
        back = f"{site.url}/log-in/okta/callback"
        app = org.create_app(AppDraft("Keyturn", redirect_uris=(back,)))
        org.store_app(replace(app, groups_claim=GroupsClaim()))
        user = org.people.create(
            UserDraft("grace@example.com", "Grace", "H", "grace@example.com", PASSWORD)
        )
        org.groups.add(org.groups.create({"name": "Admins"}).id, user)
        registration = {
            "name": LOG_IN,
            "projectId": site.installed.project.id,
            "environment": "dev",
            "secretPath": "/",
            "connector": "okta",
            "domain": site.org.http_url.removeprefix("http://"),
            "clientId": app.client_id,
            "clientSecret": app.live_secrets[0].value,
        }
        answer = await site.http.post("/api/v1/client-registrations", json=registration)
        assert answer.status_code == 200, answer.text
        async with context(chrome, site.url) as window:
            page = await window.new_page()
            await page.goto("/access/you")
            await press(page, "Log in with Okta")
            await page.locator("input[name=login], input[name=username]").fill("grace@example.com")
            await page.locator("input[type=password]").fill(PASSWORD)
            await page.keyboard.press("Enter")
            await page.wait_for_url("**/access/you")
            await expect(page.locator("main")).to_contain_text("grace@example.com")
            await expect(page.locator("main")).to_contain_text("Admin")
            await photograph(page, "logged-in-with-okta")
            await page.get_by_role("button", name="Log out").first.click()
            await page.wait_for_url("**/log-in")


async def test_a_connection_is_authorized_again_after_its_scopes_have_changed(
    site: Site, chrome: Browser
) -> None:
    """The page says what is missing, leads to consent and back, and then that all is granted."""
    org = site.org.org
    back = f"{site.url}/api/v1/oauth/callback"
    app = org.create_app(AppDraft("Users", redirect_uris=(back,)))
    person = UserDraft("grace@example.com", "Grace", "H", "grace@example.com", PASSWORD)
    org.people.create(person)
    registration = {
        "name": "users",
        "projectId": site.installed.project.id,
        "environment": "dev",
        "secretPath": "/",
        "issuer": f"{site.org.http_url}/oauth2/default",
        "clientId": app.client_id,
        "clientSecret": app.live_secrets[0].value,
    }
    made = await site.http.post("/api/v1/client-registrations", json=registration)
    assert made.status_code == 200, made.text
    connection = {
        "name": "users",
        "registrationId": made.json()["registration"]["id"],
        "grantType": "authorization_code",
        "scopes": ["openid", "offline_access"],
    }
    made = await site.http.post("/api/v1/connections", json=connection)
    assert made.status_code == 200, made.text
    path = f"/connections/{made.json()['connection']['id']}"
    async with context(chrome, site.url) as window:
        page = await window.new_page()
        await site.log_in(page)
        await page.goto(path)
        await press(page, "Authorize")
        await page.locator("input[name=login], input[name=username]").fill("grace@example.com")
        await page.locator("input[type=password]").fill(PASSWORD)
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"**{path}")
        await page.get_by_role("link", name="Change").click()
        await page.get_by_label("Scopes").fill("openid\noffline_access\nprofile")
        await press(page, "Save")
        await expect(page.locator("main")).to_contain_text("Authorize it again")
        await photograph(page, "connection-to-reauthorize")
        await press(page, "Authorize again")
        await page.wait_for_url(f"**{path}")
        await expect(page.get_by_role("button", name="Authorize again")).to_be_visible()
        await expect(page.locator("main")).not_to_contain_text("Authorize it again")
        await photograph(page, "connection-reauthorized")
    told = (await site.http.get(f"/api/v1{path}")).json()["connection"]
    assert sorted(told["granted"]) == ["offline_access", "openid", "profile"]
