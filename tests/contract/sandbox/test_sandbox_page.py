"""The status page: who may see it, what it shows and never shows, what its forms do."""

import re
from collections.abc import AsyncIterator

import httpx2
import pytest
from sandbox_kit import World

from keyturn.sandbox import Fault, build_control
from keyturn.sandbox.faults import KINDS

pytestmark = pytest.mark.anyio

HOME = "http://127.0.0.1:8712"


@pytest.fixture
async def stranger(world: World) -> AsyncIterator[httpx2.AsyncClient]:
    """Open a browser that has not been let in."""
    transport = httpx2.ASGITransport(build_control(world.org, "control-token"))
    async with httpx2.AsyncClient(transport=transport, base_url=HOME) as client:
        yield client


@pytest.fixture
async def browser(stranger: httpx2.AsyncClient) -> httpx2.AsyncClient:
    """Let the browser in, once, by the token in the address."""
    await stranger.get("/?token=control-token")
    return stranger


async def submit(browser: httpx2.AsyncClient, path: str, **fields: str) -> httpx2.Response:
    """Send a form of the page as the page would."""
    page = (await browser.get("/")).text
    token = re.findall(r'name=form_token value="(\w+)"', page)[0]
    return await browser.post(f"/orgs/main/page{path}", data={"form_token": token, **fields})


async def test_token_once_then_a_cookie(stranger: httpx2.AsyncClient) -> None:
    """The address with the token leads to one without it; the cookie is out of scripts' reach."""
    assert (await stranger.get("/")).status_code == 403
    let_in = await stranger.get("/?token=control-token")
    assert (let_in.status_code, let_in.headers["location"]) == (303, "/")
    cookie = let_in.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "control-token" not in cookie
    assert (await stranger.get("/")).status_code == 200


async def test_cookie_opens_nothing_else(browser: httpx2.AsyncClient) -> None:
    """What the page's cookie proves is not enough for the control operations."""
    value = next(iter(browser.cookies.values()))
    for headers in ({}, {"authorization": f"Bearer {value}"}):
        assert (await browser.get("/truth", headers=headers)).status_code == 401


@pytest.mark.parametrize(
    "host", ["attacker.example.com", "127.0.0.1.example.com:8712", "localhost.evil:80"]
)
async def test_other_names_are_refused(browser: httpx2.AsyncClient, host: str) -> None:
    """A name that somebody else may point here is refused, token or not."""
    answer = await browser.get("/?token=control-token", headers={"host": host})
    assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)


async def test_other_machines_are_refused(world: World) -> None:
    """Only this machine is answered."""
    app = build_control(world.org, "control-token")
    transport = httpx2.ASGITransport(app, client=("192.0.2.7", 1234))
    async with httpx2.AsyncClient(transport=transport, base_url=HOME) as client:
        assert (await client.get("/?token=control-token")).status_code == 403


async def test_no_value_is_shown(world: World, browser: httpx2.AsyncClient) -> None:
    """Secrets are there by id, hash and status; no value, token or password is."""
    made = await world.make_secret()
    await world.redeem((await world.log_in())["code"])
    page = (await browser.get("/")).text
    assert {made["id"], made["secret_hash"]} <= set(re.findall(r"[\w-]+", page))
    users = [user.password for user in world.org.users.values()]
    for value in (made["client_secret"], world.secret, world.org.seeded.api_token, *users):
        assert value not in page


async def test_everything_is_escaped(world: World, browser: httpx2.AsyncClient) -> None:
    """What callers choose stays text."""
    await world.admin("PUT", "/<script>alert(1)</script>")
    world.org.create_user("a@example.com", "<b>Bold", "User")
    page = (await browser.get("/")).text
    assert "<script>" not in page
    assert "<b>Bold" not in page
    policy = (await browser.get("/")).headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")


async def test_faults_are_put_in_force_and_lifted(
    world: World, browser: httpx2.AsyncClient
) -> None:
    """The form makes a fault that strikes; its button lifts it."""
    fields = {"kind": "html", "route": "/api/v1/apps", "method": "GET", "count": "2"}
    answer = await submit(browser, "/faults", probability="1", seconds="0", **fields)
    assert answer.status_code == 303
    assert (await world.admin("GET", "/api/v1/apps")).status_code == 502
    assert "struck 1 of 2" in (await browser.get("/")).text
    await submit(browser, "/faults/flt1/lift")
    assert world.org.list_faults() == []


async def test_clock_is_turned(world: World, browser: httpx2.AsyncClient) -> None:
    """The buttons move and stop the org's clock, and give it back."""
    before = world.org.now()
    await submit(browser, "/clock", advance_s="3600")
    assert (world.org.now() - before).total_seconds() == 3600
    await submit(browser, "/clock", real="1")
    assert world.org.now() == before


ODD_FAULTS = (
    {},
    {"kind": ""},
    {"kind": "explode"},
    {"kind": "html", "count": "many"},
    {"kind": "html", "count": "1.5"},
    {"kind": "html", "count": "-1"},
    {"kind": "html", "count": "9" * 5000},
    {"kind": "html", "skip": "-1"},
    {"kind": "html", "skip": "x"},
    {"kind": "html", "probability": "2"},
    {"kind": "html", "probability": "nan"},
    {"kind": "html", "seconds": "inf"},
    {"kind": "html", "seconds": "\x00"},
    {"kind": "html", "status": "99"},
    {"kind": "html", "status": "200.0"},
    {"kind": "html", "method": "FETCH"},
    {"kind": "html", "route": "/nowhere"},
    {"kind": "html", "when": "after"},
    {"kind": "secret-added", "when": "now"},
    {"kind": "html", "colour": "<b>blue"},
)


@pytest.mark.parametrize("fields", ODD_FAULTS, ids=str)
async def test_an_odd_fault_is_explained(
    world: World, browser: httpx2.AsyncClient, fields: dict[str, str]
) -> None:
    """A field that fits nothing, or none at all, changes nothing, and the page says why."""
    answer = await submit(browser, "/faults", **fields)
    assert answer.status_code == 303
    page = (await browser.get(answer.headers["location"])).text
    assert "role=alert" in page
    assert "<b>blue" not in page
    assert world.org.list_faults() == []


@pytest.mark.parametrize(
    "fields",
    [
        {"advance_s": "-1"},
        {"advance_s": "soon"},
        {"advance_s": "1e300"},
        {"advance_s": "3e11"},
        {"advance_s": "nan"},
        {"rate": "-1"},
        {"rate": "inf"},
        {"set": "2030-01-01"},
    ],
    ids=str,
)
async def test_an_odd_clock_is_explained(
    world: World, browser: httpx2.AsyncClient, fields: dict[str, str]
) -> None:
    """The clock goes on as it did."""
    before = world.org.now()
    answer = await submit(browser, "/clock", **fields)
    assert "role=alert" in (await browser.get(answer.headers["location"])).text
    assert (world.org.now(), world.org.clock.virtual) == (before, False)


async def test_a_fault_lifted_twice_is_explained(browser: httpx2.AsyncClient) -> None:
    """A second browser's button, of a page that is out of date, says so."""
    answer = await submit(browser, "/faults/flt9/lift")
    assert "lifted already" in (await browser.get(answer.headers["location"])).text


async def test_every_kind_can_be_put_in_force(world: World, browser: httpx2.AsyncClient) -> None:
    """The form as it stands, with any of its kinds, is good."""
    for kind in KINDS:
        empty = dict.fromkeys(("count", "skip", "probability", "seconds", "status"), "")
        await submit(browser, "/faults", kind=kind, route="*", method="*", when="before", **empty)
    assert [fault["kind"] for fault in world.org.list_faults()] == [*KINDS]
    await submit(browser, "/faults", kind="app-deleted", when="after", skip="2")
    assert "after the effect, after 2 others" in (await browser.get("/")).text


@pytest.mark.parametrize("form", [{}, {"form_token": "wrong"}])
async def test_forms_of_others_are_refused(
    world: World, browser: httpx2.AsyncClient, form: dict[str, str]
) -> None:
    """A form that another page sends, with the cookie, does nothing."""
    world.org.add_fault(Fault("html"))
    answer = await browser.post("/orgs/main/page/faults/flt1/lift", data=form)
    assert (answer.status_code, len(world.org.list_faults())) == (403, 1)


async def test_stylesheet(stranger: httpx2.AsyncClient) -> None:
    """The stylesheet comes from here, nothing from elsewhere, and knows the dark."""
    answer = await stranger.get("/page.css")
    assert answer.headers["content-type"].startswith("text/css")
    assert "prefers-color-scheme: dark" in answer.text
    assert "http" not in answer.text
