"""Secrets as a signed message, to whoever knows what to do with them.

Signed as Standard Webhooks 1.0 has it: its receivers exist for most languages. The id of a message
is the same in every try, so that a receiver can tell a repetition.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime

from keyturn.adapters.delivery.calls import Calls, Clients
from keyturn.domain.sensitive import Sensitive
from keyturn.services.ports import Errand

TYPE = "secrets.promoted"


async def deliver(errand: Errand, clients: Clients) -> str:
    """Send the message; an answer of 2xx is the confirmation."""
    body = payload(errand)
    headers = signed_headers(errand.credential["secret"], errand.id, errand.at, body)
    async with clients("") as http:
        calls = Calls(http, errand.settings["url"], headers, who="The webhook's receiver")
        errand.still_held()
        answer = calls.judge(await calls.call("POST", "", body), "take the message", errand.at)
    return f"HTTP {answer.status} to {errand.id}"


def payload(errand: Errand) -> bytes:
    """Return the body: what became current, with the values unless they are not wanted."""
    shown = errand.settings.get("values", "true") == "true"
    secrets = [
        {"name": item.name, "version": item.version}
        | ({"value": item.value.reveal()} if shown else {})
        for item in errand.items
    ]
    return message(TYPE, errand.at, {"place": errand.place, "secrets": secrets})


def message(kind: str, at: datetime, data: Mapping[str, object]) -> bytes:
    """Return a message of a kind, as of a moment (Standard Webhooks, "Payload structure")."""
    return json.dumps({"type": kind, "timestamp": instant(at), "data": data}).encode()


def instant(at: datetime) -> str:
    """Write a moment in UTC (RFC 3339)."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def signed_headers(
    secret: Sensitive, message_id: str, at: datetime, body: bytes
) -> Mapping[str, str]:
    """Return the headers by which a receiver knows a message, sent at this time, for ours."""
    stamp = str(int(at.timestamp()))
    return {
        "webhook-id": message_id,
        "webhook-timestamp": stamp,
        "webhook-signature": signature(secret, message_id, stamp, body),
    }


def signature(secret: Sensitive, message_id: str, stamp: str, body: bytes) -> str:
    """Sign a message (Standard Webhooks, "Symmetric signatures": HMAC-SHA256)."""
    key = base64.b64decode(secret.reveal().removeprefix("whsec_"))
    signed = f"{message_id}.{stamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
