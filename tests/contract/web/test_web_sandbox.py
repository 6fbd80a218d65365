"""The page of a sandbox beside the server: what it breaks is broken, and its time is Keyturn's."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import pytest
from web_kit import Visitor, WebHouse, make_person, visitor_of

from keyturn.bootstrap.sandboxed import OrgClock, OrgControls
from keyturn.sandbox import Ready, SandboxConfig
from keyturn.sandbox import serving as sandbox_serving


@dataclass
class Boxed:
    """A browser at pages that run beside an org in a box, and the org."""

    web: WebHouse
    visitor: Visitor
    ready: Ready
    box: OrgControls


@pytest.fixture
async def boxed(web: WebHouse) -> AsyncIterator[Boxed]:
    """Give pages beside an org whose clock is theirs."""
    ports = SandboxConfig(http_port=0, https_port=0, control_port=0, profile="off")
    async with sandbox_serving(ports) as ready:
        box = OrgControls(ready)
        clocked = replace(web.world, clock=OrgClock(ready.org))
        house = replace(web.house, world=clocked)
        await make_person(house, "root@example.com")
        await make_person(house, "viewer@example.com", role="viewer")
        visitor = visitor_of(clocked, box=box)
        await visitor.log_in("root@example.com")
        yield Boxed(web, visitor, ready, box)


async def test_a_fault_is_planted_and_lifted(boxed: Boxed) -> None:
    """It is in force at the org, and is not any more."""
    page = await boxed.visitor.open("/sandbox")
    assert "Nothing is broken" in page.text
    page = await boxed.visitor.press(
        page, "Break it", kind="rate-limit", struck="* *", count="3", probability="50"
    )
    (fault,) = boxed.box.list_faults()
    assert (fault.draft.kind, fault.draft.count, fault.draft.probability) == ("rate-limit", 3, 0.5)
    assert "rate-limit" in page.text
    await boxed.visitor.press(page, "Lift")
    assert boxed.box.list_faults() == []


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"count": "-1"}, "The count must be a whole number from 0 to 1000000."),
        ({"count": "9" * 20}, "The count must be a whole number from 0 to 1000000."),
        ({"count": "three"}, "The count must be a whole number."),
        ({"probability": "250"}, "The probability must be a number from 0 to 100."),
        ({"probability": "nan"}, "The probability must be a number from 0 to 100."),
        ({"seconds": "inf"}, "The seconds must be a number from -"),
        ({"status": "x"}, "The status must be a whole number."),
        ({"kind": "none-such"}, "unknown fault kind"),
        ({"struck": "GET /none"}, "there is no /none"),
    ],
)
async def test_a_fault_that_cannot_be_changes_nothing(
    boxed: Boxed, wrong: dict[str, str], told: str
) -> None:
    """It is said at the field what does not fit, and everything typed is kept."""
    page = await boxed.visitor.open("/sandbox")
    shown = await boxed.visitor.press(page, "Break it", **{"kind": "rate-limit", **wrong})
    ((name, typed),) = wrong.items()
    assert shown.status == 422
    assert told in shown.text
    assert f'href="#f-{name}"' in shown.html
    if name not in ("kind", "struck"):
        assert f'value="{typed}"' in shown.html
    assert boxed.box.list_faults() == []


@pytest.mark.parametrize("seconds", ["inf", "nan", "soon", "0"])
async def test_time_that_cannot_pass_does_not(boxed: Boxed, seconds: str) -> None:
    """It is said why, and the page goes on."""
    before = boxed.ready.org.now()
    page = await boxed.visitor.open("/sandbox")
    shown = await boxed.visitor.press(page, "A month", seconds=seconds)
    assert shown.status == 422
    assert "Nothing was changed" in shown.text
    assert (boxed.ready.org.now() - before).days == 0


async def test_time_passes_for_both_and_nobody_is_logged_out(boxed: Boxed) -> None:
    """A month is longer than any session lasts."""
    before = boxed.ready.org.now()
    page = await boxed.visitor.press(await boxed.visitor.open("/sandbox"), "A month")
    assert page.path == "/sandbox"
    assert (boxed.ready.org.now() - before).days == 30


async def test_who_may_not_break_it_sees_it(boxed: Boxed) -> None:
    """Without a button."""
    viewer = visitor_of(replace(boxed.web.world, clock=OrgClock(boxed.ready.org)), box=boxed.box)
    await viewer.log_in("viewer@example.com")
    page = await viewer.open("/sandbox")
    assert page.status == 200
    assert {each.text for form in page.forms for each in form.buttons} == {"Log out"}


async def test_there_is_no_such_page_without_a_sandbox(web: WebHouse) -> None:
    """Neither in the menu."""
    assert (await web.visitor.open("/sandbox")).status == 404
    assert "/sandbox" not in [href for href, _ in (await web.visitor.open("/access/you")).links]
