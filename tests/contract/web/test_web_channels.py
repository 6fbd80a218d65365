"""Channels in the browser: made, tried, changed, paused, removed, and what they brought."""

import re

import pytest
from web_fleet_kit import called_optional
from web_kit import Page, WebHouse, make_person, visitor_of

from keyturn.domain.errors import DestinationAway
from keyturn.domain.notice import Kind, NoticeDraft
from keyturn.domain.project import Project
from keyturn.domain.selector import Subject
from keyturn.services.dispatching import bring_due
from keyturn.services.notices import tell
from keyturn.services.records import must
from keyturn.testing import FakeNotifier

LIST, NEW = "/settings/channels", "/settings/channels/new"
HOSTILE = "<script>alert(1)</script>\"'&"
SECRET = "https://hooks.slack.com/services/canary-of-the-address"
MAIL = {"set-host": "mail.example.com", "set-from": "k@example.com", "set-to": "a@example.com"}


@pytest.fixture
def people(web: WebHouse) -> FakeNotifier:
    """Return those who are told, whatever kind the channel is of."""
    fake = FakeNotifier()
    object.__setattr__(web.house.world, "notifier", fake)  # the pages hold this very world
    return fake


async def make(web: WebHouse, kind: str = "slack", **typed: str) -> Page:
    """Make a channel, and return the page that comes of it."""
    page = await web.visitor.open(f"{NEW}?kind={kind}")
    given = {"name": "people"} | ({"key-url": SECRET} if kind == "slack" else {}) | typed
    return await web.visitor.press(page, "Make the channel", **given)


async def happen(web: WebHouse, name: str = "pay", kind: Kind = Kind.BLOCKED) -> None:
    """Have something happen that people are told of, and be brought."""
    world = web.house.world
    async with world.store.writing() as tx:
        project = await must(tx.find(Project, slug="example"))
        draft = NoticeDraft(
            kind=kind,
            organization_id=project.organization_id,
            project_id=project.id,
            subject_id="r-1",
            subject=name,
            told=f"Something is wrong with {name}.",
            of=Subject(project="example", environment="dev", path="/", label=name),
            page="/rotations",
        )
        await tell(tx, world, draft)
    await bring_due(world)


async def test_without_channels_the_page_says_what_they_are_for(web: WebHouse) -> None:
    """And leads to the first; each kind says what it is."""
    page = await web.visitor.open(LIST)
    assert "Nobody is told of anything yet" in page.text
    kinds = await web.visitor.follow(page, "Make the first channel")
    for title in ("E-mail", "Slack", "Teams", "Webhook"):
        form = await web.visitor.follow(kinds, title)
        assert "Only these apps" in form.text


async def test_a_channel_is_made_tried_paused_and_removed(
    web: WebHouse, people: FakeNotifier
) -> None:
    """Each step says what came of it; the secret is on no page."""
    page = await make(web, selector="label=pay-*")
    assert "Send a test to see whether it arrives." in page.text
    assert "label=pay-*" in page.text
    tried = await web.visitor.press(page, "Send a test")
    assert "The test has arrived" in tried.text
    assert people.letters[0].credential["url"].reveal() == SECRET
    paused = await web.visitor.press(tried, "Pause")
    assert "It hears of nothing" in paused.text
    resumed = await web.visitor.press(paused, "Resume")
    assert "It hears of what happens from now on." in resumed.text
    asked = await web.visitor.follow(resumed, "Remove")
    gone = await web.visitor.press(asked, "Remove the channel")
    assert "people is removed." in gone.text
    for each in (page, tried, paused, resumed, asked, gone):
        assert "canary" not in each.html


async def test_a_test_that_does_not_arrive_says_why(web: WebHouse, people: FakeNotifier) -> None:
    """On the page of the channel, which stands as it stood."""
    people.away = DestinationAway("It is away.")
    page = await make(web)
    tried = await web.visitor.press(page, "Send a test")
    assert tried.status == 502
    assert "The test has not arrived It is away." in tried.text
    assert "working" in tried.text


BAD = [
    ("email", {"set-host": "no host"}, "set-host", "Mail server must be a host name"),
    ("email", {"set-to": "nobody"}, "set-to", "To must be e-mail addresses"),
    ("email", {"set-user": "k"}, "set-user", "goes together with a password"),
    ("email", {"selector": "colour=red"}, "selector", "must be terms like"),
    ("email", {"zone": "Mars"}, "zone", "must be a time zone"),
    ("email", {"rhythm": "daily"}, "digest_at", "goes together with a daily digest"),
    ("email", {"quiet_from": "22:00"}, "quiet_to", "goes together with"),
    ("email", {"quiet_from": "now", "quiet_to": "07:00"}, "quiet_from", "HH:MM"),
    ("email", {"ahead": "soon"}, "ahead", "must be a number of hours"),
    (
        "slack",
        {"key-url": "canary"},
        "key-url",
        "must be https://HOST/PATH, or http:// for a private",
    ),
    ("webhook", {"set-url": "http://x.example.com"}, "key-secret", "must be given"),
]


@pytest.mark.parametrize(("kind", "typed", "field", "told"), BAD)
async def test_what_does_not_fit_is_said_at_its_field(
    web: WebHouse, kind: str, typed: dict[str, str], field: str, told: str
) -> None:
    """With all that was typed but for what is secret; nothing is made."""
    page = await make(web, kind, **(MAIL | typed if kind == "email" else typed))
    assert page.status in {400, 422}
    assert told in page.text
    assert f"#f-{field}" in [href for href, _ in page.links]
    assert page.value("name") == "people"
    for name, text in typed.items():
        if not name.startswith("key-"):
            assert page.value(name) == text
    assert "canary" not in page.html
    assert "Nobody is told of anything yet" in (await web.visitor.open(LIST)).text


async def test_a_channel_is_changed_and_keeps_what_is_secret(
    web: WebHouse, people: FakeNotifier
) -> None:
    """Times and kinds are shown as they are; other receivers need no password again."""
    page = await make(web, "email", **MAIL, **{"set-user": "k", "key-password": "canary"})
    form = await web.visitor.follow(page, "Change")
    assert form.value("set-to") == "a@example.com"
    assert "canary" not in form.html
    typed = {"set-to": "b@example.com", "rhythm": "daily", "digest_at": "09:00"}
    typed |= {"zone": "Europe/Berlin", "quiet_from": "22:00", "quiet_to": "07:00", "ahead": "48"}
    saved = await web.visitor.press(form, "Save", kinds="turn.blocked", **typed)
    assert "Saved." in saved.text
    assert "09:00 Europe/Berlin" in saved.text
    assert "22:00 to 07:00 Europe/Berlin" in saved.text
    assert "turn.blocked" in saved.text
    await web.visitor.press(saved, "Send a test")
    assert people.letters[0].credential["password"].reveal() == "canary"
    again = await web.visitor.follow(saved, "Change")
    elsewhere = await web.visitor.press(again, "Save", **{"set-host": "evil.example.com"})
    assert elsewhere.status == 422
    told = "Password must be given again, because the settings lead elsewhere."
    assert told in elsewhere.text
    assert ("#f-key-password", told) in elsewhere.links
    assert 'id="f-key-password-error"' in elsewhere.html
    assert called_optional(form, "key-password")
    assert not called_optional(elsewhere, "key-password")


async def test_the_log_and_the_notice_say_what_arrived(web: WebHouse, people: FakeNotifier) -> None:
    """A channel lists what it brought; a notice, through which channels it went."""
    page = await make(web)
    await happen(web)
    shown = await web.visitor.open(page.path)
    assert "arrived" in shown.text
    notice = await web.visitor.follow(shown, "pay is blocked: somebody has to act")
    assert "Something is wrong with pay." in notice.text
    assert "arrived" in notice.text
    people.away = DestinationAway("It is away.")
    await happen(web, "shop", Kind.FINISHED)
    failing = await web.visitor.open(page.path)
    assert "Nothing arrives It is away." in failing.text
    told = await web.visitor.open("/settings/notices")
    assert told.text.index("shop has turned") < told.text.index("pay is blocked")
    assert "urgent" in told.text
    one = await web.visitor.open("/settings/notices?kind=turn.finished")
    assert "pay is blocked" not in one.text


async def test_notices_say_whether_anybody_is_told(web: WebHouse, people: FakeNotifier) -> None:
    """Of the kind that is shown, or at all; titles have room where it is narrow."""
    notices = "/settings/notices"
    page = await web.visitor.open(notices)
    assert "What there was to tell" in page.text
    assert "No channel hears of anything: nobody is told." in page.text
    made = await make(web, kinds="turn.blocked")
    await happen(web)
    for path in (notices, made.path):
        told = await web.visitor.open(path)
        assert "nobody is told" not in told.text
        assert re.search(r'<table class="[^"]*\bnotices\b', told.html)
    other = await web.visitor.open(f"{notices}?kind=turn.finished")
    assert "No channel hears of turn.finished: nobody is told." in other.text
    await web.visitor.press(made, "Pause")
    assert "nobody is told" in (await web.visitor.open(notices)).text


async def test_names_are_text_and_nothing_else(web: WebHouse, people: FakeNotifier) -> None:
    """Whatever an app is called."""
    page = await make(web, selector=f'label="{HOSTILE.replace(chr(34), "")}"')
    await happen(web, HOSTILE)
    for path in (LIST, page.path, "/settings/notices"):
        shown = await web.visitor.open(path)
        assert "<script>alert(1)" not in shown.html


async def test_a_viewer_sees_and_changes_nothing(web: WebHouse, people: FakeNotifier) -> None:
    """No button leads to what would be refused."""
    page = await make(web)
    await make_person(web.house, "grace@example.com", role="viewer")
    viewer = visitor_of(web.world)
    await viewer.log_in("grace@example.com")
    listed = await viewer.open(LIST)
    assert "New channel" not in listed.text
    shown = await viewer.follow(listed, "people")
    assert "Send a test" not in shown.text
    ways = (NEW, f"{page.path}/edit", f"{page.path}/delete")
    assert [(await viewer.open(way)).status for way in ways] == [403, 403, 403]
