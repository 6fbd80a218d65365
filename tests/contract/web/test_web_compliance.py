"""Compliance in the browser: how all apps do, policies, exceptions, findings, reports, evidence."""

import json
import re
from dataclasses import replace

import pytest
from rig import SECRETS
from web_fleet_kit import HOSTILE, admin, keep, read_inventory
from web_kit import Page, WebHouse, make_person, visitor_of

from keyturn.domain.access import Grant, Holding, Role, Verb
from keyturn.domain.channel_kinds import ChannelKind
from keyturn.domain.channels import Channel
from keyturn.domain.compliance_reports import canonical, digest
from keyturn.domain.ids import ChannelId
from keyturn.domain.notice import Kind, Notice
from keyturn.sandbox.faults import Fault
from keyturn.services.compliance_reports import report_due
from keyturn.services.notices import list_notices

LIST, NEW = "/compliance", "/compliance/policies/new"
FINDINGS, EXCEPT = "/compliance/findings", "/compliance/exceptions/new"


async def make_policy(web: WebHouse, name: str = "all", **typed: str) -> Page:
    """Make a policy that every app of the sample breaks, or another one."""
    page = await web.visitor.open(NEW)
    given = {"name": name, "max_age": "10"} | typed
    return await web.visitor.press(page, "Make the policy", **given)


async def report(web: WebHouse) -> None:
    """Let the workers make the report of another day."""
    await report_due(web.world)
    web.house.clock.advance(86_400)
    await keep(web)


async def test_without_a_policy_the_page_says_what_one_is_for(web: WebHouse) -> None:
    """And leads to the first; no org is judged that is not known."""
    await web.house.connect()
    page = await web.visitor.open(LIST)
    assert "Nothing is asked of any app yet." in page.text
    assert "its apps were never read as a whole" in page.text
    form = await web.visitor.follow(page, "Make the first policy")
    assert "Age at most" in form.text


async def test_how_many_apps_could_not_be_read_is_told(web: WebHouse) -> None:
    """What they have is not judged."""
    await read_inventory(web, "pay-ledger", "pay-till")
    await make_policy(web)
    web.house.org.add_fault(Fault("error-before-effect", route=SECRETS, status=403))
    await web.house.http.post("/api/v1/inventory", json={"whole": True})
    await keep(web)
    page = await web.visitor.open(LIST)
    assert re.search(r": \d of its apps do not show their client secrets", page.text)


async def test_what_falls_short_is_summed_up(web: WebHouse) -> None:
    """By kind, owner and policy; each number leads to its findings."""
    await read_inventory(web, "pay-ledger", "pay-till")
    page = await make_policy(web)
    assert "Policy all counts from now on." in page.text
    assert "no older than 10 days" in page.text
    shown = await web.visitor.follow(page, "Too old")
    assert "pay-ledger" in shown.text
    assert "It was made on" in shown.text
    assert "keyturn compliance findings --kind too-old" in shown.text
    mine = await web.visitor.follow(page, "unknown")
    assert "pay-ledger" in mine.text
    assert "Owner: unknown" in mine.text


async def test_findings_are_narrowed_and_acted_on(web: WebHouse) -> None:
    """By kind, policy and selector; a finding leads to what mends it."""
    await read_inventory(web, "pay-ledger", "shop-till")
    await make_policy(web, managed="on", selector="label=*-*")
    page = await web.visitor.open(FINDINGS)
    assert "Kept by no rotation" in page.text
    found = await web.visitor.press(page, "Show", kind="too-old", selector="label=pay-*")
    assert "pay-ledger" in found.text
    assert "shop-till" not in found.text
    wizard = await web.visitor.follow(found, "Make a rotation")
    assert wizard.title.startswith("Configuration")
    none = await web.visitor.press(page, "Show", kind="unused", breach="no")
    assert "No finding is like that." in none.text
    empty = await web.visitor.press(page, "Show", selector="label=pya-*")
    assert "No app that a policy fits is like that." in empty.text
    gone = await web.visitor.open(f"{FINDINGS}?policy=nope")
    assert (gone.status, 'id="f-policy-error"' in gone.html) == (422, True)
    wrong = await web.visitor.press(page, "Show", selector="colour=red")
    assert wrong.status == 422
    assert wrong.value("selector") == "colour=red"


async def test_a_policy_is_changed_and_removed(web: WebHouse) -> None:
    """What is left empty is asked no more."""
    page = await make_policy(web, description="Why", unused="30")
    form = await web.visitor.follow(page, "Change")
    assert (form.value("max_age"), form.value("unused")) == ("10", "30")
    saved = await web.visitor.press(form, "Save", max_age="", max_overlap="1", managed="on")
    assert "two accepted for at most a day; idle for at most 30 days; kept by" in saved.text
    assert "no older than" not in saved.text
    remove = await web.visitor.follow(saved, "Remove")
    assert "no more reports are made" in remove.text
    gone = await web.visitor.press(remove, "Remove the policy")
    assert "Policy all is removed." in gone.text
    assert (await web.visitor.open(form.path)).status == 404


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"name": "two words"}, "The name must be a slug"),
        ({"max_age": "ten"}, "The max age must be a whole number of days"),
        ({"unused": "9999"}, "The unused must be 1 to 3650 days"),
        ({"max_overlap": "0"}, "The max overlap must be 1 to 3650 days"),
        ({"selector": "colour=red"}, "must be terms like"),
    ],
)
async def test_a_bad_policy_is_told_of_at_the_field(
    web: WebHouse, typed: dict[str, str], told: str
) -> None:
    """And everything that was typed is kept."""
    page = await make_policy(web, **typed)
    assert page.status == 422
    assert told in page.text
    [(name, value)] = typed.items()
    assert page.value(name) == value
    assert f'id="f-{name}-error"' in page.html


async def test_a_name_is_given_once(web: WebHouse) -> None:
    """The second is refused."""
    await make_policy(web)
    page = await make_policy(web)
    assert page.status == 400
    assert "choose another name" in page.text


async def test_an_exception_excuses_until_it_is_withdrawn(web: WebHouse) -> None:
    """It is made from a finding, and stands with its reason and its maker."""
    await read_inventory(web, "pay-ledger")
    await make_policy(web, selector="label=pay-*")
    found = await web.visitor.open(FINDINGS)
    form = await web.visitor.follow(found, "Excuse")
    assert form.value("selector").startswith("app=0oa")
    assert ("kinds", "too-old") in form.forms[-1].fields
    said = {"reason": "The vendor is slow.", "until": "2026-06-01"}
    page = await web.visitor.press(form, "Excuse them", **said)
    assert "You stand for it by name." in page.text
    assert "The vendor is slow." in page.text
    assert "ada@example.com" in page.text
    listed = await web.visitor.open(FINDINGS)
    assert "excused" in listed.text
    assert re.search(r"Excused until\s+<time datetime=\"[^\"]*\">", listed.html)
    withdraw = await web.visitor.follow(page, "Withdraw")
    assert "The vendor is slow." in withdraw.text
    gone = await web.visitor.press(withdraw, "Withdraw it")
    assert "No app is let off." in gone.text


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"selector": "*"}, "selector"),
        ({"selector": "owner=*"}, "selector"),
        ({"reason": " "}, "reason"),
        ({"until": "soon"}, "until"),
        ({"until": "2020-01-01"}, "until"),
    ],
)
async def test_a_bad_exception_is_told_of_at_the_field(
    web: WebHouse, typed: dict[str, str], field: str
) -> None:
    """And everything that was typed is kept."""
    await make_policy(web)
    said = {"selector": "app=x", "reason": "why", "until": "2026-06-01", "kinds": "unused"}
    form = await web.visitor.open(EXCEPT)
    page = await web.visitor.press(form, "Excuse them", **said | typed)
    assert page.status == 422
    assert f'id="f-{field}-error"' in page.html
    assert ("kinds", "unused") in page.forms[-1].fields
    assert page.value("until") == (said | typed)["until"]


async def test_reports_come_with_evidence_that_can_be_checked(web: WebHouse) -> None:
    """One a day; the file for programs has the very hash that is shown."""
    await read_inventory(web, "pay-ledger")
    await make_policy(web)
    await report(web)
    await report(web)
    await web.visitor.log_in()
    reports = await web.visitor.follow(await web.visitor.open(LIST), "All 2 reports, with evidence")
    links = [href for href, _ in reports.links if href.startswith("/compliance/reports/")]
    one = await web.visitor.open(links[-1])
    assert "since the report before" in one.text
    [data] = [href for href, told in one.links if told == "Evidence for programs"]
    file = await web.visitor.http.get(data)
    assert "attachment" in file.headers["content-disposition"]
    document = json.loads(file.content)
    assert digest(canonical(document["evidence"])) == document["report"]["sha256"]
    assert document["report"]["sha256"] in one.text
    [text] = [href for href, told in one.links if told == "Evidence for people"]
    assert (await web.visitor.http.get(text)).text.startswith("# Compliance of client secrets")
    assert (await web.visitor.open(f"{one.path}/evidence?format=pdf")).status == 404


async def test_notices_lead_to_what_they_tell_of(web: WebHouse) -> None:
    """A breach to the findings of its app."""
    await read_inventory(web, "pay-ledger")
    await make_policy(web, selector="label=pay-*")
    now, home = web.house.clock.now(), (await admin(web)).organization_id
    channel = Channel(ChannelId("c"), home, None, "people", ChannelKind.WEBHOOK, (), now, now)
    async with web.world.store.writing() as tx:
        await tx.add(channel)
    await report(web)
    await web.visitor.log_in()
    async with web.world.store.reading() as tx:
        [told] = await tx.list(Notice, kind=Kind.BREACH)
    page = await web.visitor.open(told.page)
    assert "pay-ledger" in page.text
    assert "Example web app" not in page.text
    for verbs, shown in ((["channels:read"], 0), (["channels:read", "compliance:read"], 1)):
        grant = Grant(frozenset(map(Verb, verbs)))
        someone = replace(await admin(web), holdings=(Holding(Role("own", "Own", (grant,))),))
        assert len(await list_notices(web.world, someone)) == shown


async def test_names_are_text_and_nothing_else(web: WebHouse) -> None:
    """Of apps, and in reasons."""
    await read_inventory(web, HOSTILE)
    await make_policy(web, description=HOSTILE)
    form = await web.visitor.open(EXCEPT)
    said = {"selector": "label=none", "reason": HOSTILE, "until": "2026-06-01"}
    await web.visitor.press(form, "Excuse them", **said)
    for path in (LIST, FINDINGS, f"{FINDINGS}?owner={HOSTILE}&policy={HOSTILE}"):
        assert "<script>alert(1)" not in (await web.visitor.open(path)).html


async def test_a_viewer_changes_nothing_and_others_see_nothing(web: WebHouse) -> None:
    """It is about every project's apps: a role in one of them is not enough."""
    await read_inventory(web, "pay-ledger")
    page = await make_policy(web)
    ways = [href for href, told in page.links if told in ("Change", "Remove", "New policy")]
    await make_person(web.house, "grace@example.com", role="viewer")
    viewer = visitor_of(web.world)
    await viewer.log_in("grace@example.com")
    shown = await viewer.open(LIST)
    assert "no older than 10 days" in shown.text
    assert not {"Change", "Remove", "New policy", "New exception"} & {t for _, t in shown.links}
    assert "Excuse" not in [told for _, told in (await viewer.open(FINDINGS)).links]
    assert [(await viewer.open(way)).status for way in ways] == [403] * 3
