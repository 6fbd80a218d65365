"""Secrets as signed messages, judged by the scheme's own library."""

import json
from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime

import httpx2
import pytest
from delivery_kit import errand
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from keyturn.adapters.delivery import KindCarriers
from keyturn.domain.destination_kinds import Kind
from keyturn.domain.errors import AddressRefused, DestinationAway, DestinationRefused, Fenced

SECRET = "whsec_" + b64encode(bytes(range(32))).decode()
URL = "https://hook.example.com/in"
VALUES = {"A": "canary-one"}


class Receiver:
    """Keep what is sent, and answer as told."""

    def __init__(self, status: int = 204, **headers: str) -> None:
        self.answer = httpx2.Response(status, headers=headers, text="canary in the answer")
        self.requests: list[httpx2.Request] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        """Answer one request."""
        self.requests.append(request)
        return self.answer

    async def receive(self, **settings: str) -> str:
        """Have the values brought here."""
        carriers = KindCarriers(lambda ca: httpx2.MockTransport(self))
        it = errand({"url": URL} | settings, {"secret": SECRET}, VALUES)
        it = replace(it, at=datetime.now(UTC))
        try:
            return await carriers.deliver(Kind.WEBHOOK, it)
        finally:
            await carriers.aclose()


def verified(request: httpx2.Request, secret: str = SECRET) -> dict[str, object]:
    """Return the body of a message that was signed with a key a moment ago."""
    told: dict[str, object] = Webhook(secret).verify(request.content, dict(request.headers))
    return told


async def test_the_message_is_signed_as_the_scheme_has_it() -> None:
    """Its library accepts the message with the right key, and with no other."""
    receiver = Receiver()
    shown = await receiver.receive()
    told = verified(receiver.requests[0])
    assert told["type"] == "secrets.promoted"
    assert told["data"] == {
        "place": "example/dev/",
        "secrets": [{"name": "A", "version": 1, "value": "canary-one"}],
    }
    assert shown == "HTTP 204 to msg_1"
    with pytest.raises(WebhookVerificationError):
        verified(receiver.requests[0], "whsec_" + b64encode(bytes(32)).decode())


async def test_values_may_stay_at_home() -> None:
    """A receiver that reads by itself is only told what is new."""
    receiver = Receiver()
    await receiver.receive(values="false")
    assert b"canary" not in receiver.requests[0].content
    assert json.loads(receiver.requests[0].content)["data"]["secrets"][0]["name"] == "A"


@pytest.mark.parametrize(
    ("status", "headers", "retry_s"),
    [
        (429, {"retry-after": "120"}, 120),
        (503, {"retry-after": "Sat, 21 Nov 2099 12:00:00 GMT"}, None),
        (500, {}, None),
        (408, {"retry-after": "soon"}, None),
        (408, {"retry-after": "Wed, 31 Dec 99999999999 23:59:59 GMT"}, None),
    ],
)
async def test_who_cannot_take_it_now_is_tried_again(
    status: int, headers: dict[str, str], retry_s: float | None
) -> None:
    """Too many, or a fault of theirs, may pass; what they ask for is heeded."""
    with pytest.raises(DestinationAway) as told:
        await Receiver(status, **headers).receive()
    assert f"HTTP {status}" in told.value.message
    assert "canary" not in told.value.message
    assert told.value.retry_after_s == retry_s or status == 503


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 410])
async def test_who_refuses_needs_somebody(status: int) -> None:
    """A refusal says what to do, and nothing of what came back; a redirect is not followed."""
    with pytest.raises(DestinationRefused, match="keyturn destination update") as told:
        await Receiver(status, location="https://elsewhere.example.com").receive()
    assert "canary" not in told.value.message


async def test_who_no_longer_holds_it_sends_nothing() -> None:
    """The lease is looked at right before the message leaves."""

    def lost() -> None:
        raise Fenced

    receiver = Receiver()
    carriers = KindCarriers(lambda ca: httpx2.MockTransport(receiver))
    late = replace(errand({"url": URL}, {"secret": SECRET}, VALUES), still_held=lost)
    with pytest.raises(Fenced):
        await carriers.deliver(Kind.WEBHOOK, late)
    assert receiver.requests == []


async def test_no_answer_is_tried_again() -> None:
    """The message may have arrived: it is sent again under the same id."""

    def lost(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ReadTimeout("canary")

    carriers = KindCarriers(lambda ca: httpx2.MockTransport(lost))
    with pytest.raises(DestinationAway, match="ReadTimeout") as told:
        await carriers.deliver(Kind.WEBHOOK, errand({"url": URL}, {"secret": SECRET}, VALUES))
    assert "canary" not in told.value.message


@pytest.mark.parametrize("url", ["http://hook.example.com", "ftp://h", "https://u:p@h", "https://"])
def test_an_address_that_cannot_be_one_is_refused(url: str) -> None:
    """It must be https, with a host and without a password in it."""
    carriers = KindCarriers(lambda ca: httpx2.MockTransport(Receiver()))
    with pytest.raises(AddressRefused):
        carriers.check(Kind.WEBHOOK, {"url": url})
