"""Leak reports in the browser: reported, found, led to an emergency, and ended."""

from dataclasses import replace

import pytest
from api_kit import ROTATIONS
from rotation_pages_kit import buttons, somebody
from web_fleet_kit import HOSTILE, admin
from web_kit import WebHouse

from keyturn.domain.okta import secret_hash
from keyturn.domain.secret import Version
from keyturn.domain.sensitive import Sensitive
from keyturn.services.leaks import LeakDraft, report_leaks
from keyturn.services.leaks_under_way import follow_leaks
from keyturn.services.sealing import seal_version

LIST = "/leaks"
ELSEWHERE = "nothing-here-reads-like-this"


async def test_a_leak_is_reported_found_and_closed_from_its_page(web: WebHouse) -> None:
    """The value is on no page; the app's emergency is planned from there."""
    await web.house.rotate_by_order()
    value = await web.house.served()
    empty = await web.visitor.open(LIST)
    assert "Nobody has reported such a leak" in empty.text
    form = await web.visitor.follow(empty, "Report a leak")
    page = await web.visitor.press(form, "Report it", value=value, where="a chat", note="by Ada")
    assert "It is taken in." in page.text
    assert "It is the one that readers are given now." in page.text
    assert value not in page.html
    assert secret_hash(Sensitive(value)) in page.text
    listed = await web.visitor.open(LIST)
    assert "a chat" in listed.text
    assert f'href="{page.path}"' in listed.html
    assert "a chat" not in (await web.visitor.open(f"{LIST}?state=closed")).text
    plan = await web.visitor.follow(page, "Close the app")
    assert plan.value("apps") == plan.value("leaked") == web.house.app_id
    assert "a chat" in plan.value("reason")
    shown = await web.visitor.press(plan, "Show the plan")
    await web.visitor.press(shown, "Close it", confirm="1")
    web.house.clock.advance(60)
    await follow_leaks(web.world)
    after = await web.visitor.open(page.path)
    assert "An emergency closes it" in after.text
    assert "What closes it" in after.text


async def test_a_report_is_ended_with_a_reason(web: WebHouse) -> None:
    """Without one it is not; what was typed is kept, and what has ended is not ended again."""
    form = await web.visitor.open(f"{LIST}/new")
    page = await web.visitor.press(form, "Report it", value=ELSEWHERE)
    assert "Not known here" in page.text
    end = await web.visitor.follow(page, "End the report")
    again = await web.visitor.press(end, "End the report", reason=" ", false_alarm="on")
    assert again.status == 422
    assert "The reason must have 1 to 500 characters." in again.text
    ended = await web.visitor.press(again, "End the report", reason="It is a sample.")
    assert "The report is ended." in ended.text
    assert "False alarm" in ended.text
    assert "It is a sample." in ended.text
    assert "End the report" not in buttons(ended)
    assert "It has ended." in (await web.visitor.open(f"{ended.path}/end")).text
    late = await web.visitor.press(end, "End the report", reason="again")
    assert late.status == 400


async def test_a_leak_is_reported_by_how_its_value_begins(web: WebHouse) -> None:
    """Neither the beginning nor what follows it is on a page; who guesses has to wait."""
    await web.house.rotate_by_order()
    value = await web.house.served()
    form = await web.visitor.open(f"{LIST}/new")
    page = await web.visitor.press(form, "Report it", beginning=f" {value[:16]} ", note=value)
    assert "It is the one that readers are given now." in page.text
    late = await web.visitor.press(form, "Report it", beginning=value[:16], where=value)
    assert late.status == 429
    assert "asked for too often" in late.text
    assert "keyturn leak report --prefix-stdin" in late.text
    for shown in (page, late):
        assert value[:12] not in shown.html


async def test_a_beginning_that_several_values_have_leads_to_all_reports(web: WebHouse) -> None:
    """Values that people chose may be alike: there is a report of each."""
    made = await web.house.rotate_by_order()
    await web.house.http.post(f"{ROTATIONS}/{made['id']}/rotate-secrets")
    async with web.world.store.writing() as tx:
        for version in [each for each in await tx.list(Version) if each.hash]:
            value = Sensitive(f"same-beginning-{version.id}")
            sealed = seal_version(web.world, web.house.installed.project, version.id, value)
            await tx.replace(replace(version, sealed=sealed, hash=secret_hash(value)))
    form = await web.visitor.open(f"{LIST}/new")
    page = await web.visitor.press(form, "Report it", beginning="same-beginning-", where="a chat")
    assert page.path == LIST
    assert "It is taken in: 2 values begin so." in page.text
    assert page.text.count("a chat") == 2


@pytest.mark.parametrize(
    ("typed", "field", "told"),
    [
        ({}, "value", "say one of"),
        ({"value": ELSEWHERE, "hash": "x" * 22}, "value", "say one of"),
        ({"value": ELSEWHERE, "beginning": ELSEWHERE[:16]}, "value", "say one of"),
        ({"hash": ELSEWHERE}, "hash", "Okta's hash of a client secret"),
        ({"beginning": ELSEWHERE[:11]}, "beginning", "The beginning must have 12 to 10000"),
        ({"value": ELSEWHERE, "note": ELSEWHERE + "x " * 500}, "note", "at most 500 characters"),
    ],
)
async def test_what_does_not_fit_is_told_at_its_field(
    web: WebHouse, typed: dict[str, str], field: str, told: str
) -> None:
    """The value is not shown again, in whatever field it was typed; the rest is as it was typed."""
    form = await web.visitor.open(f"{LIST}/new")
    again = await web.visitor.press(form, "Report it", where="a chat", **typed)
    assert again.status == 422
    assert again.value("where") == "a chat"
    assert told in again.text
    assert f'id="f-{field}-error"' in again.html
    assert ELSEWHERE[:11] not in again.html


async def test_texts_are_shown_as_text(web: WebHouse) -> None:
    """Whoever reports is anybody; an address of theirs is no link."""
    await web.house.rotate_by_order()
    value = Sensitive(await web.house.served())
    script = f"javascript:alert(1){HOSTILE}"
    draft = LeakDraft(value=value, seen_in=script, told=HOSTILE)
    received = await report_leaks(web.world, await admin(web), [draft])
    assert received.reports
    one = received.reports[0].id
    for path in (LIST, f"{LIST}/{one}", f"{LIST}/{one}/end"):
        page = await web.visitor.open(path)
        assert "<script>alert" not in page.html
        assert not any(href.startswith("javascript") for href, _ in page.links)
        assert value.reveal() not in page.html
    close = await web.visitor.follow(await web.visitor.open(f"{LIST}/{one}"), "Close the app")
    assert "<script>alert" not in close.html


async def test_who_may_only_look_is_offered_nothing(web: WebHouse) -> None:
    """A viewer sees reports, and no button that leads nowhere."""
    received = await report_leaks(web.world, await admin(web), [LeakDraft(hash="x" * 22)])
    assert received.reports
    path = f"{LIST}/{received.reports[0].id}"
    viewer = await somebody(web, "viewer")
    page = await viewer.open(path)
    assert page.status == 200
    assert not {"End the report", "Close the app"} & {*buttons(page)}
    assert "Report a leak" not in (await viewer.open(LIST)).text
    for forbidden in (f"{LIST}/new", f"{path}/end"):
        assert (await viewer.open(forbidden)).status == 403
