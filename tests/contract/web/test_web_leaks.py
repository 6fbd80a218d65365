"""Leak reports in the browser: reported, found, led to an emergency, and ended."""

from dataclasses import replace
from datetime import timedelta

import pytest
from api_kit import ROTATIONS
from rotation_pages_kit import buttons, somebody
from web_fleet_kit import HOSTILE, admin, called_optional
from web_kit import WebHouse

from keyturn.domain.access import Verb
from keyturn.domain.leaks import KEPT_UNKNOWN
from keyturn.domain.notice import Kind
from keyturn.domain.okta import secret_hash
from keyturn.domain.roles import CustomRole, RoleGrant
from keyturn.domain.secret import Version
from keyturn.domain.sensitive import Sensitive
from keyturn.services.leaks import AGAIN, LeakDraft, report_leaks
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
    after = await web.visitor.open(page.path)
    assert "An emergency closes it" in after.text
    assert "What closes it" in after.text
    assert "Close the app" not in buttons(after)


async def test_where_no_channel_hears_of_leaks_that_is_said(web: WebHouse) -> None:
    """Before and after it is reported; who may not see all channels would not know."""
    await web.house.rotate_by_order()
    form = await web.visitor.open(f"{LIST}/new")
    assert "at once" in form.text
    value = await web.house.served()
    page = await web.visitor.press(form, "Report it", value=value)
    unheard = "No channel hears of leaks: nobody is told."
    for shown in (form, page):
        assert unheard in shown.text
        assert ("/settings/channels", "Channels") in shown.links
    draft = {"name": "people", "set-host": "mail.example.com", "set-from": "k@example.com"}
    draft |= {"set-to": "a@example.com", "kinds": Kind.BLOCKED.value}
    channel = await web.visitor.open("/settings/channels/new?kind=email")
    made = await web.visitor.press(channel, "Make the channel", **draft)
    assert unheard in (await web.visitor.open(page.path)).text
    change = await web.visitor.follow(made, "Change")
    await web.visitor.press(change, "Save", kinds=Kind.LEAKED.value)
    for path in (f"{LIST}/new", page.path):
        assert "nobody is told" not in (await web.visitor.open(path)).text
    await web.visitor.press(made, "Pause")
    assert unheard in (await web.visitor.open(page.path)).text
    now = web.house.clock.now()
    async with web.world.store.writing() as tx:
        role = CustomRole("reporter", None, "reporter", "Reporter", "", now, now)
        await tx.add(role)
        await tx.add(RoleGrant(role.id, 1, (Verb.REPORT_LEAKS,)))
    reporter = await (await somebody(web, "reporter")).open(f"{LIST}/new")
    assert reporter.status == 200
    assert "nobody is told" not in reporter.text


async def test_what_follows_for_a_secret_that_nothing_here_has_is_said(web: WebHouse) -> None:
    """As long as it is looked for, or that it is not."""
    assert (timedelta(hours=1), timedelta(days=30)) == (AGAIN, KEPT_UNKNOWN)
    form = await web.visitor.open(f"{LIST}/new")
    page = await web.visitor.press(form, "Report it", value=ELSEWHERE)
    assert "it is looked for each hour, 30 days long" in page.text
    assert "Okta's Admin Console" in page.text
    beginning = await web.visitor.press(form, "Report it", beginning=ELSEWHERE[:16])
    assert "It is not looked for again" in beginning.text
    assert "each hour" not in beginning.text


async def test_one_of_three_is_needed_and_none_is_called_optional(web: WebHouse) -> None:
    """What is refused when all are empty is not optional; where it was seen is."""
    form = await web.visitor.open(f"{LIST}/new")
    assert "Give one of the first three." in form.text
    labels = {each: called_optional(form, each) for each in ("value", "beginning", "hash", "where")}
    assert labels == {"value": False, "beginning": False, "hash": False, "where": True}
    close = await web.visitor.open("/emergencies/new")
    labels = {each: called_optional(close, each) for each in ("apps", "selector", "leaked")}
    assert labels == {"apps": False, "selector": False, "leaked": True}
    owners = await web.visitor.open("/inventory/owners")
    assert not called_optional(owners, "rules")


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
