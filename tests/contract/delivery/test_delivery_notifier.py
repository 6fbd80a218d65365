"""Notices by HTTP: what is in them for people and programs, where they go, what an answer means."""

from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx2
import pytest
from mail_kit import HttpSink, notifier_of
from standardwebhooks import Webhook

from keyturn.adapters.delivery import ChannelNotifier
from keyturn.adapters.delivery.chats import for_slack, for_teams
from keyturn.domain.channel_kinds import ChannelKind
from keyturn.domain.errors import AddressRefused, DestinationAway
from keyturn.domain.ids import NoticeId, OrganizationId, ProjectId
from keyturn.domain.notice import Kind, Notice
from keyturn.domain.notice_words import Message, digest_of, message_of, trial_of
from keyturn.domain.oauth.lights import Light
from keyturn.domain.selector import Subject
from keyturn.domain.sensitive import Sensitive
from keyturn.network.guard import GuardedBackend, GuardedTransport, trusting
from keyturn.services.ports import Letter

SECRET = "whsec_" + b64encode(bytes(range(32))).decode()
URL = "https://notices.example.com/keyturn"
CHAT = {"url": Sensitive("https://chat.example.com/services/canary-of-the-address")}
PUBLIC = "https://keyturn.example.com"
AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
NOTICE = Notice(
    kind=Kind.CONNECTION_HEALTH,
    organization_id=OrganizationId("o"),
    project_id=ProjectId("p-1"),
    subject_id="c-1",
    subject="people",
    told="It ends soon.",
    of=Subject(project="example", environment="prod", path="/apps"),
    before=Light.HEALTHY,
    after=Light.AT_RISK,
    comes_at=AT + timedelta(hours=1),
    page="/connections/c-1",
    command="keyturn connection show c-1",
    id=NoticeId("n-1"),
    created_at=AT,
    forget_at=AT + timedelta(days=30),
)


def letter(*notices: Notice) -> Letter:
    """Return a letter with these notices."""
    match notices:
        case ():
            message = trial_of("people", PUBLIC)
        case (one,):
            message = message_of(one, PUBLIC)
        case _:
            message = digest_of(notices, PUBLIC)
    links = [PUBLIC + each.page for each in notices]
    key = {"secret": Sensitive(SECRET)}
    return Letter("n-1", datetime.now(UTC), message, notices, links, {"url": URL}, key)


async def deliver(
    sink: HttpSink, one: Letter, kind: ChannelKind = ChannelKind.WEBHOOK
) -> httpx2.Request:
    """Have a letter brought to a sink, and return the request."""
    notifier = notifier_of(sink)
    try:
        await notifier.deliver(kind, one)
    finally:
        await notifier.aclose()
    (request,) = sink.requests
    return request


async def test_a_program_gets_a_signed_message_that_says_it_all() -> None:
    """Its library accepts it; the id is the notice's, the time in it that of the change."""
    request = await deliver(HttpSink(204), letter(NOTICE))
    told = Webhook(SECRET).verify(request.content, dict(request.headers))
    assert (request.headers["webhook-id"], str(request.url)) == ("n-1", URL)
    assert (told["type"], told["timestamp"]) == ("connection.health", "2026-11-21T12:00:00Z")
    assert told["data"] == {
        "id": "n-1",
        "projectId": "p-1",
        "project": "example",
        "environment": "prod",
        "secretPath": "/apps",
        "subject": {"id": "c-1", "name": "people"},
        "app": None,
        "owner": None,
        "oktaConnection": None,
        "before": "healthy",
        "after": "at_risk",
        "message": "It ends soon.",
        "connections": 1,
        "comesAt": "2026-11-21T13:00:00Z",
        "link": f"{PUBLIC}/connections/c-1",
        "command": "keyturn connection show c-1",
    }


async def test_a_program_gets_a_digest_with_every_notice_in_it() -> None:
    """Each is what it would have been alone."""
    request = await deliver(HttpSink(), letter(NOTICE, replace(NOTICE, id=NoticeId("n-2"))))
    told = Webhook(SECRET).verify(request.content, dict(request.headers))
    assert told["type"] == "notices.digest"
    each = told["data"]["notices"]
    assert [(one["type"], one["data"]["id"]) for one in each] == [
        ("connection.health", "n-1"),
        ("connection.health", "n-2"),
    ]


async def test_a_program_can_tell_a_test() -> None:
    """It is of a type of its own, and tells of nothing."""
    request = await deliver(HttpSink(), letter())
    told = Webhook(SECRET).verify(request.content, dict(request.headers))
    assert told["type"] == "channel.test"


async def test_slack_is_shown_blocks_in_which_no_name_is_markup() -> None:
    """What people wrote is plain text; the fallback is escaped, and the link is ours."""
    evil = replace(NOTICE, subject="<!channel> *x* & <https://evil.example|y>")
    request = await deliver(
        HttpSink(), replace(letter(evil), settings={}, credential=CHAT), ChannelKind.SLACK
    )
    assert request.url.host == "chat.example.com"
    body = for_slack(letter(evil).message)
    assert body["text"] == (
        "Connection &lt;!channel&gt; *x* &amp; &lt;https://evil.example|y&gt; is at risk"
    )
    texts = [block["text"] for block in body["blocks"] if "text" in block]
    marked = [text["text"] for text in texts if text["type"] == "mrkdwn"]
    assert marked == [f"<{PUBLIC}/connections/c-1|Open in Keyturn>"]
    assert texts[0]["type"] == "plain_text"


async def test_teams_is_shown_a_card_in_which_no_name_is_markup() -> None:
    """Text runs know no Markdown; the one action leads to us."""
    evil = replace(NOTICE, subject="[click](https://evil.example)")
    one = replace(letter(evil), settings={}, credential=CHAT)
    request = await deliver(HttpSink(202), one, ChannelKind.TEAMS)
    assert request.url.host == "chat.example.com"
    (attachment,) = for_teams(one.message)["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    card = attachment["content"]
    assert {each["type"] for each in card["body"]} == {"RichTextBlock"}
    assert {run["type"] for each in card["body"] for run in each["inlines"]} == {"TextRun"}
    assert [each["url"] for each in card["actions"]] == [f"{PUBLIC}/connections/c-1"]
    assert for_teams(Message("x", ()))["attachments"][0]["content"]["actions"] == []


def test_a_long_message_stays_within_what_slack_takes() -> None:
    """Sections are cut, and no more than so many are sent."""
    body = for_slack(Message("x" * 200, ["y" * 4000] * 60, [("z", "z" * 4000)]))
    blocks = body["blocks"]
    assert isinstance(blocks, list)
    assert len(blocks) <= 50
    assert len(blocks[0]["text"]["text"]) == 150
    assert all(len(each["text"]["text"]) <= 3000 for each in blocks)


@pytest.mark.parametrize("kind", [ChannelKind.SLACK, ChannelKind.TEAMS, ChannelKind.WEBHOOK])
@pytest.mark.parametrize("status", [301, 400, 401, 410, 429, 500])
async def test_any_other_answer_is_no_confirmation(kind: ChannelKind, status: int) -> None:
    """It says where to look, and nothing of what came back; a redirect is not followed."""
    sink = HttpSink(status)
    sink.headers = {"retry-after": "77", "location": "https://elsewhere.example"}
    secret = {} if kind is ChannelKind.WEBHOOK else CHAT
    one = replace(letter(NOTICE), credential={**letter(NOTICE).credential, **secret})
    with pytest.raises(DestinationAway, match="channel's settings") as told:
        await deliver(sink, one, kind)
    assert f"HTTP {status}" in told.value.message
    assert "canary" not in told.value.message
    assert told.value.retry_after_s == 77
    assert len(sink.requests) == 1


def way_out(way: httpx2.AsyncBaseTransport, backend: GuardedBackend) -> ChannelNotifier:
    """Return who brings letters along a way."""
    return ChannelNotifier(way, backend, lambda: trusting(None))


async def test_no_answer_is_none() -> None:
    """The message may have arrived: it is sent again under the same id."""

    def lost(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ReadTimeout("canary")

    notifier = way_out(httpx2.MockTransport(lost), GuardedBackend(private_allowed=False))
    with pytest.raises(DestinationAway, match="ReadTimeout") as told:
        await notifier.deliver(ChannelKind.WEBHOOK, letter(NOTICE))
    assert "canary" not in told.value.message


@pytest.mark.parametrize("url", ["http://notices.example.com", "ftp://h", "https://u:p@h", "x"])
def test_an_address_that_cannot_be_one_is_refused(url: str) -> None:
    """It must be https, with a host and without a password in it; a secret one is not repeated."""
    notifier = way_out(httpx2.MockTransport(HttpSink()), GuardedBackend(private_allowed=False))
    with pytest.raises(AddressRefused, match="a channel") as told:
        notifier.check(ChannelKind.SLACK, {}, {"url": Sensitive(url)})
    assert url not in told.value.message
    with pytest.raises(AddressRefused, match="a channel"):
        notifier.check(ChannelKind.WEBHOOK, {"url": url}, {})


async def test_nothing_is_sent_to_private_addresses() -> None:
    """The guard looks at what the name resolves to, as for destinations."""

    async def inside(host: str, port: int) -> list[str]:
        return ["10.0.0.7"]

    backend = GuardedBackend(private_allowed=False, resolve=inside)
    notifier = way_out(GuardedTransport(backend, ca_file=None), backend)
    with pytest.raises(AddressRefused, match=r"10\.0\.0\.7"):
        await notifier.deliver(ChannelKind.WEBHOOK, letter(NOTICE))
    await notifier.aclose()
