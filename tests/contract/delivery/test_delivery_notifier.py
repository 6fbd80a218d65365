"""Notices as signed messages: what is in them, where they go, and what an answer means."""

from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx2
import pytest
from standardwebhooks import Webhook

from keyturn.adapters.delivery import WebhookNotifier
from keyturn.domain.errors import AddressRefused, DestinationAway
from keyturn.domain.ids import NoticeId, ProjectId
from keyturn.domain.notice import Kind, Notice
from keyturn.domain.oauth.lights import Light
from keyturn.domain.sensitive import Sensitive
from keyturn.network.guard import GuardedBackend, GuardedTransport

SECRET = "whsec_" + b64encode(bytes(range(32))).decode()
URL = "https://notices.example.com/keyturn"
PAGE = "https://keyturn.example.com/api/v1/oauth/reauthorize?connection=c"
AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
NOTICE = Notice(
    NoticeId("n-1"),
    Kind.CONNECTION_HEALTH,
    ProjectId("p-1"),
    "prod",
    "/apps",
    "c-1",
    "people",
    Light.HEALTHY,
    Light.AT_RISK,
    "It ends soon.",
    AT,
    fails_at=AT + timedelta(hours=1),
    link=PAGE,
)


class Receiver:
    """Answer as it is told, and keep what came."""

    def __init__(self, status: int = 204, **headers: str) -> None:
        self.requests: list[httpx2.Request] = []
        self._answer = httpx2.Response(status, headers=headers, text="canary of the receiver")

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        """Answer one request."""
        self.requests.append(request)
        return self._answer

    async def receive(self, notice: Notice = NOTICE, url: str = URL) -> None:
        """Have a notice brought here."""
        notifier = WebhookNotifier(url, Sensitive(SECRET), httpx2.MockTransport(self))
        try:
            await notifier.deliver(notice, datetime.now(UTC))
        finally:
            await notifier.aclose()


async def test_the_message_is_signed_and_says_it_all() -> None:
    """Its library accepts it; the id is the notice's, the time in it that of the change."""
    receiver = Receiver()
    await receiver.receive()
    (request,) = receiver.requests
    told = Webhook(SECRET).verify(request.content, dict(request.headers))
    assert (request.headers["webhook-id"], str(request.url)) == ("n-1", URL)
    assert (told["type"], told["timestamp"]) == ("connection.health", "2026-11-21T12:00:00Z")
    assert told["data"] == {
        "projectId": "p-1",
        "environment": "prod",
        "secretPath": "/apps",
        "subject": {"id": "c-1", "name": "people"},
        "before": "healthy",
        "after": "at_risk",
        "message": "It ends soon.",
        "connections": 1,
        "failsAt": "2026-11-21T13:00:00Z",
        "link": PAGE,
    }


async def test_what_there_is_none_of_is_null() -> None:
    """A receiver finds every member in every message."""
    receiver = Receiver()
    await receiver.receive(replace(NOTICE, fails_at=None, link=""))
    told = Webhook(SECRET).verify(receiver.requests[0].content, dict(receiver.requests[0].headers))
    assert (told["data"]["failsAt"], told["data"]["link"]) == (None, None)


@pytest.mark.parametrize("status", [301, 400, 401, 410, 429, 500])
async def test_any_other_answer_is_no_confirmation(status: int) -> None:
    """It says where to look, and nothing of what came back; a redirect is not followed."""
    receiver = Receiver(status, **{"retry-after": "77", "location": "https://elsewhere.example"})
    with pytest.raises(DestinationAway, match="KEYTURN_NOTIFY_URL") as told:
        await receiver.receive()
    assert f"HTTP {status}" in told.value.message
    assert "canary" not in told.value.message
    assert told.value.retry_after_s == 77
    assert len(receiver.requests) == 1


async def test_no_answer_is_none() -> None:
    """The message may have arrived: it is sent again under the same id."""

    def lost(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ReadTimeout("canary")

    notifier = WebhookNotifier(URL, Sensitive(SECRET), httpx2.MockTransport(lost))
    with pytest.raises(DestinationAway, match="ReadTimeout") as told:
        await notifier.deliver(NOTICE, AT)
    assert "canary" not in told.value.message


@pytest.mark.parametrize("url", ["http://notices.example.com", "ftp://h", "https://u:p@h", "x"])
def test_an_address_that_cannot_be_one_is_refused(url: str) -> None:
    """It must be https, with a host and without a password in it."""
    with pytest.raises(AddressRefused, match="receiver of notices"):
        WebhookNotifier(url, Sensitive(SECRET), httpx2.MockTransport(Receiver()))


async def test_nothing_is_sent_to_private_addresses() -> None:
    """The guard looks at what the name resolves to, as for destinations."""

    async def inside(host: str, port: int) -> list[str]:
        return ["10.0.0.7"]

    backend = GuardedBackend(private_allowed=False, resolve=inside)
    way = GuardedTransport(backend, ca_file=None)
    notifier = WebhookNotifier(URL, Sensitive(SECRET), way)
    with pytest.raises(AddressRefused, match=r"10\.0\.0\.7"):
        await notifier.deliver(NOTICE, AT)
    await notifier.aclose()
