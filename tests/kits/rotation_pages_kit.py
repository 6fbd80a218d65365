"""What the tests of the rotations' pages share: people, time that passes, pages that follow."""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import httpx2
from api_kit import PUBLIC_URL, ROTATIONS, Body
from stream_kit import StreamTransport
from web_kit import Page, Visitor, WebHouse, make_person, visitor_of

from keyturn.api.app import build_api
from keyturn.domain.audit import AuditEntry
from keyturn.domain.turn import Turn
from keyturn.sandbox import AppDraft
from keyturn.services.duties import DUTIES, claim_due
from keyturn.services.journey import advance
from keyturn.services.rotations import view
from keyturn.web.app import build_pages
from keyturn.web.house import STATE
from keyturn.web.live import Watchers

HOSTILE = "<script>alert(1)</script>\"'&"
LIMIT_S = 20
"""After this time nothing comes any more; what works takes milliseconds."""


async def rotation(web: WebHouse, **changes: object) -> str:
    """Create a rotation of the org's web app, and return its id."""
    made = await web.house.rotate_by_order(**changes)
    return str(made["id"])


async def another(web: WebHouse, connection_id: object, name: str, **changes: object) -> Body:
    """Create a rotation of another app, and return it."""
    app = web.house.org.create_app(AppDraft(name))
    names = {"clientId": f"{name}_ID".upper(), "clientSecret": f"{name}_SECRET".upper()}
    plain: Body = {"name": name, "parameters": {"clientId": app.id}, "secretsMapping": names}
    order = web.house.order(str(connection_id), **plain | changes)
    answer = await web.house.http.post(ROTATIONS, json=order)
    assert answer.status_code == 200, answer.text
    made: Body = answer.json()["secretRotation"]
    return made


async def ask(web: WebHouse, rotation_id: str, what: str, body: Body | None = None) -> None:
    """Order something through the API."""
    answer = await web.house.http.post(f"{ROTATIONS}/{rotation_id}/{what}", json=body)
    assert answer.status_code == 200, answer.text


async def tick(web: WebHouse) -> None:
    """Do once what the runner does at every tick."""
    for duty in DUTIES:
        await duty.discharge(web.world)
    for claim in await claim_due(web.world, owner="test", limit=10):
        await advance(web.world, claim.turn, held_since_s=claim.held_since_s)


async def live(web: WebHouse, seconds: float) -> None:
    """Let time pass, and have done what is due then."""
    web.house.clock.advance(seconds)
    await tick(web)


async def turn_of(web: WebHouse, rotation_id: str) -> Turn:
    """Return the open or last turn of a rotation."""
    found = (await view(web.world, rotation_id)).turn
    assert found
    return found


async def run(web: WebHouse, rotation_id: str) -> Turn:
    """Let time pass until the turn of a rotation has ended or is blocked."""
    for _ in range(100):
        turn = await turn_of(web, rotation_id)
        if not turn.running:
            return turn
        now = web.house.clock.now()
        await live(web, max(0.0, (turn.wake_at - now).total_seconds()) if turn.wake_at else 0.0)
    raise AssertionError("the turn came to no end")


async def somebody(web: WebHouse, role: str) -> Visitor:
    """Log another person in, who holds a role everywhere, or none."""
    email = f"{role or 'nobody'}@example.com"
    await make_person(web.house, email, role=role)
    other = visitor_of(web.world)
    await other.log_in(email)
    return other


async def entries(web: WebHouse) -> Sequence[AuditEntry]:
    """Return the whole audit log."""
    async with web.world.store.reading() as tx:
        return await tx.list_audit(limit=10_000)


def phases(page: Page | str) -> list[tuple[str, str]]:
    """Return the phases of a timeline, each with its state."""
    html = page if isinstance(page, str) else page.html
    found = re.findall(r'class="phase (\w+)"[^>]*>.*?<h3>(.*?)</h3>', html, re.DOTALL)
    return [(name, state) for state, name in found]


def now_at(page: Page | str) -> str:
    """Return the phase that a timeline shows as the current one, or nothing."""
    return next((name for name, state in phases(page) if state == "current"), "")


def buttons(page: Page) -> set[str]:
    """Return what can be pressed on a page, links in the shape of buttons included."""
    pressed = {each.text for form in page.forms for each in form.buttons}
    linked = re.findall(r'<a class="button[^>]*>(.*?)</a>', page.html, re.DOTALL)
    return pressed | {re.sub("<[^>]*>", "", each).strip() for each in linked}


@dataclass
class Followed:
    """A page that is kept current: what came of it, part by part."""

    answer: httpx2.Response
    lines: AsyncIterator[str]

    async def part(self) -> str | None:
        """Return the next part, or None where the stream ends."""
        while told := await self.event():
            if told[0] != "now":
                return None if told[0] == "end" else told[1]
        return None

    async def event(self) -> tuple[str, str] | None:
        """Return the next event, its name and what it says, or None where nothing comes."""
        event, data = "", list[str]()
        async with asyncio.timeout(LIMIT_S):
            async for line in self.lines:
                if line.startswith("event: "):
                    event = line.removeprefix("event: ")
                elif line.startswith("data: "):
                    data.append(line.removeprefix("data: "))
                elif not line and event:
                    return event, "\n".join(data)
        return None

    async def until(self, phase: str) -> str:
        """Return the first part in which the turn is in a phase."""
        while part := await self.part():
            if now_at(part) == phase:
                return part
        raise AssertionError(f"the stream ended before {phase}")


@asynccontextmanager
async def following(web: WebHouse, path: str) -> AsyncIterator[Followed]:
    """Follow a page as its administrator's browser does, with looks that are quick."""
    pages = build_pages(web.world, version="0", public_url=PUBLIC_URL)
    house = getattr(pages.state, STATE)
    setattr(pages.state, STATE, replace(house, watchers=Watchers(pause_s=0.001)))

    app = build_api(web.world, version="0", public_url=PUBLIC_URL, pages=pages)
    cookies = dict(web.visitor.http.cookies)
    async with (
        httpx2.AsyncClient(
            transport=StreamTransport(app), base_url=PUBLIC_URL, cookies=cookies
        ) as http,
        http.stream("GET", path) as answer,
    ):
        yield Followed(answer, answer.aiter_lines())
