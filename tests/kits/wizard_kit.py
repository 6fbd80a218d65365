"""What the tests of the wizard share: a way through it, and what its steps ask for."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace

import httpx2
from api_kit import ORG_URL
from web_kit import Page, Visitor, WebHouse, visitor_of

from keyturn.adapters.okta import OktaHttpOrgs
from keyturn.domain.rotation import Rotation
from keyturn.sandbox import build_app
from keyturn.sandbox.state.directory import AppDraft
from keyturn.sandbox.state.records import App
from keyturn.web.pages.wizard import PART, STEPS
from keyturn.web.pages.wizard_answers import NEW, PATH

ASKS = {step.name: step.asks for step in STEPS}
LAST = "review"
SECRETS = "/api/v1/apps/{appId}/credentials/secrets"
HOSTILE = "<script>alert(1)</script>\"'&"


def step_of(page: Page) -> str:
    """Return the step that a page shows."""
    return page.value("step")


async def through(visitor: Visitor, until: str = LAST, /, **answers: str) -> Page:
    """Begin, and go from step to step as `onward` does."""
    return await onward(visitor, await visitor.open(PATH), until, **answers)


async def onward(visitor: Visitor, page: Page, until: str = LAST, /, **answers: str) -> Page:
    """Go from step to step, giving the answers that each asks for, until one is shown."""
    while page.status == 200 and step_of(page) != until:
        step = step_of(page)
        asked = page.form_with("Next")[0].names
        mine = [*ASKS[step], "new_token", "new_key", "make_folder"]
        own = {name: text for name, text in answers.items() if name in mine or "existing:" in name}
        page = await visitor.press(page, "Next", **{k: v for k, v in own.items() if k in asked})
        assert page.status != 200 or step_of(page) != step, page.text
    return page


async def reach(web: WebHouse, until: str = LAST, **answers: str) -> Page:
    """Reach a step of a rotation of the org's web app, by a connection that there is already."""
    connection = answers.pop("connection", "") or await web.house.connect()
    usual = {"connection": connection, "app": web.house.app_id}
    return await through(web.visitor, until, **usual | answers)


def connecting(web: WebHouse, **changes: str) -> dict[str, str]:
    """Return the answers that make a connection on the way."""
    token = web.house.org.seeded.api_token
    usual = {"connection": NEW, "new_name": "okta", "new_url": ORG_URL, "new_token": token}
    return usual | changes


def make_app(web: WebHouse, label: str, *secrets: str | None, **draft: object) -> App:
    """Make an app at Okta with so many client secrets; of those of None Okta makes the value."""
    usual = {"redirect_uris": ("http://127.0.0.1/callback",), "secrets": secrets}
    return web.house.org.create_app(AppDraft(label, **usual | draft))  # type: ignore[arg-type]


async def part(web: WebHouse, page: Page, **typed: str) -> Page:
    """Return what a part of a page says while somebody types, as scripts ask for it."""
    form, button = page.form_with("Next")
    asked, form.action, button.name = (form.action, button.name), PART, ""
    shown = await web.visitor.press(page, "Next", **typed)
    form.action, button.name = asked
    return shown


async def wait_days(web: WebHouse, days: int) -> None:
    """Let days pass, after which one has to log in anew."""
    web.house.clock.advance(days * 86_400)
    await web.visitor.log_in()


async def rotations(web: WebHouse) -> list[Rotation]:
    """Return what is stored."""
    async with web.world.store.reading() as tx:
        return [*await tx.list(Rotation)]


async def the_rotation(web: WebHouse) -> Rotation:
    """Return the one rotation that is stored."""
    (one,) = await rotations(web)
    return one


def fields_of(page: Page) -> Mapping[str, str]:
    """Return every field of the wizard's form, as it would be sent."""
    return dict(page.form_with("Go on")[0].fields)


class _Discreet(httpx2.AsyncBaseTransport):
    """Lead to an org whose lists show no value."""

    def __init__(self, inner: httpx2.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Pass on, and take the values out of what comes back."""
        answer = await self._inner.handle_async_request(request)
        if request.method != "GET" or not request.url.path.endswith("/credentials/secrets"):
            return answer
        await answer.aread()
        listed = [{k: v for k, v in one.items() if k != "client_secret"} for one in answer.json()]
        headers = [(k, v) for k, v in answer.headers.raw if k.lower() != b"content-length"]
        return httpx2.Response(answer.status_code, headers=headers, json=listed)


@asynccontextmanager
async def discreet(web: WebHouse) -> AsyncIterator[WebHouse]:
    """Have the org show no value of a client secret from now on."""

    def way() -> httpx2.AsyncBaseTransport:
        return _Discreet(httpx2.ASGITransport(build_app(web.house.org)))

    okta = OktaHttpOrgs(web.world.clock, web.world.chance, transport=way)
    house = replace(web.house, world=replace(web.world, okta=okta))
    visitor = visitor_of(house.world)
    try:
        async with visitor.http:
            await visitor.log_in()
            yield WebHouse(house, visitor)
    finally:
        await okta.aclose()
