"""Forms that come twice: what they ask for is done once, and both answers say so."""

import asyncio
import re
from collections.abc import Sequence

import pytest
from rotation_pages_kit import ask, rotation, turn_of
from web_kit import Page, Visitor, WebHouse, visitor_of

from keyturn.services.identity_changes import list_identities
from keyturn.services.logins import authenticate
from keyturn.services.universal_auth import list_client_secrets
from keyturn.web import sent

NAME = "deployer"
MAKE = "Make it, and show its client secret"
SHOWN = re.compile(r'class="secret".*?<code>([^<]+)</code>', re.DOTALL)
ALREADY = "This was sent already"


async def twice(visitor: Visitor, page: Page, button: str, **fields: str) -> Sequence[Page]:
    """Press a button twice before any answer has come."""
    return await asyncio.gather(*(visitor.press(page, button, **fields) for _ in "12"))


async def machines(web: WebHouse) -> dict[str, int]:
    """Return how many client secrets each machine has that was made by hand."""
    world = web.world
    admin = await authenticate(world, web.house.installed.admin_token)
    found = [each.identity for each in await list_identities(world, admin)]
    return {
        each.id: len(await list_client_secrets(world, admin, each.id))
        for each in found
        if each.name.startswith(NAME)
    }


def value_on(page: Page) -> str:
    """Return the value that a page shows this once."""
    found = SHOWN.search(page.html)
    assert found, page.text
    return found[1]


async def test_a_double_click_makes_one_machine_and_shows_its_secret(web: WebHouse) -> None:
    """The browser shows the second answer alone: it is that of the first."""
    page = await web.visitor.open("/access")
    first, second = await twice(web.visitor, page, MAKE, name=NAME, role="viewer")
    assert value_on(first) == value_on(second)
    assert list((await machines(web)).values()) == [1]


async def test_a_double_click_makes_one_client_secret(web: WebHouse) -> None:
    """Also where the second click comes when the first is answered already."""
    page = await web.visitor.open("/access")
    await web.visitor.press(page, MAKE, name=NAME, role="viewer")
    one = await web.visitor.follow(await web.visitor.open("/access"), NAME)
    first = await web.visitor.press(one, "Make it", description="another")
    second = await web.visitor.press(one, "Make it", description="another")
    assert value_on(first) == value_on(second)
    assert list((await machines(web)).values()) == [2]


async def test_a_value_shown_once_is_not_kept(
    web: WebHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who loads the answer again later is told that it was done, and makes no second one."""
    monkeypatch.setattr(sent, "SHOWN_S", 0)
    page = await web.visitor.open("/access")
    value = value_on(await web.visitor.press(page, MAKE, name=NAME, role="viewer"))
    for _ in range(3):
        await asyncio.sleep(0)  # the time is over
    late = await web.visitor.press(page, MAKE, name=NAME, role="viewer")
    assert ALREADY in late.text
    assert "cannot be shown again" in late.text
    assert value not in late.html
    assert list((await machines(web)).values()) == [1]


async def test_an_order_sent_twice_is_told_as_one(web: WebHouse) -> None:
    """The second answer does not say that there is nothing to pause."""
    rotation_id = await rotation(web)
    await ask(web, rotation_id, "rotate-secrets")
    page = await web.visitor.open(f"/rotations/{rotation_id}")
    for told in await twice(web.visitor, page, "Pause"):
        assert told.status == 200
    assert (await turn_of(web, rotation_id)).paused_at


async def test_an_order_sent_again_later_is_not_given_and_not_said_to_be(
    web: WebHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Things may stand otherwise by then; the page leads to how they stand."""
    monkeypatch.setattr(sent, "TWICE_S", 0)
    rotation_id = await rotation(web)
    await ask(web, rotation_id, "rotate-secrets")
    page = await web.visitor.open(f"/rotations/{rotation_id}")
    await web.visitor.press(await web.visitor.press(page, "Pause"), "Resume")
    late = await web.visitor.press(page, "Pause")
    assert ALREADY in late.text
    assert (await turn_of(web, rotation_id)).paused_at is None
    there = await web.visitor.follow(late, "See what came of it")
    assert there.path == f"/rotations/{rotation_id}"


async def test_what_was_refused_can_be_sent_again(web: WebHouse) -> None:
    """Nothing came of it: once the reason is gone, the same form does what it asks for."""
    role = {"slug": NAME, "name": "Deployer", "verbs": "secrets:read"}
    first, second = await web.visitor.open("/access/roles"), await web.visitor.open("/access/roles")
    assert "can be given now" in (await web.visitor.press(first, "Make the role", **role)).text
    assert (await web.visitor.press(second, "Make the role", **role)).status == 400
    await web.visitor.press(await web.visitor.open("/access/roles"), "Delete")
    assert "can be given now" in (await web.visitor.press(second, "Make the role", **role)).text


async def test_a_form_filled_in_otherwise_is_another_one(web: WebHouse) -> None:
    """Also where it comes from the same page, as after going back in the browser."""
    page = await web.visitor.open("/access")
    for number in "12":
        await web.visitor.press(page, MAKE, name=f"{NAME}-{number}", role="viewer")
    assert list((await machines(web)).values()) == [1, 1]


async def test_a_double_click_on_logging_out_logs_out(web: WebHouse) -> None:
    """It is not said that nothing was done."""
    page = await web.visitor.open("/access")
    session = dict(web.visitor.http.cookies)
    first = await web.visitor.press(page, "Log out")
    web.visitor.http.cookies.update(session)  # the second click was sent with it
    second = await web.visitor.press(page, "Log out")
    assert (first.path, second.path) == ("/log-in", "/log-in")
    assert "nothing was done" not in second.text


async def test_nobody_elses_form_is_answered(web: WebHouse) -> None:
    """An answer belongs to the log-in that asked for it."""
    page = await web.visitor.open("/access")
    shown = await web.visitor.press(page, MAKE, name=NAME, role="viewer")
    other = visitor_of(web.world)
    await other.log_in()
    stranger = await other.press(page, MAKE, name=NAME, role="viewer")
    assert stranger.status == 403
    assert value_on(shown) not in stranger.html


async def test_what_went_well_is_not_said_on_a_page_of_what_did_not(web: WebHouse) -> None:
    """It is said on the next one that is none."""
    page = await web.visitor.open("/access")
    form, _ = page.form_with("Let them log in")
    fields = dict(form.fields) | {"email": "grace@example.com", "password": "a long password"}
    headers = {"sec-fetch-site": "same-origin"}
    gone = await web.visitor.http.post(form.action, data=fields, headers=headers)
    assert gone.status_code == 303
    assert "can log in now" not in (await web.visitor.open("/nowhere")).text
    assert "can log in now" in (await web.visitor.open("/access")).text


async def test_the_oldest_forms_are_forgotten_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept does not grow with what is sent."""
    monkeypatch.setattr(sent, "MOST", 2)
    forms = sent.SentForms()
    made: list[bytes] = []

    async def make(form: bytes) -> sent.Response:
        made.append(form)
        return sent.Response()

    for form in (b"1", b"2", b"3", b"1", b"3"):
        await forms.once(form, lambda form=form: make(form))  # type: ignore[misc]
    assert made == [b"1", b"2", b"3", b"1"]
