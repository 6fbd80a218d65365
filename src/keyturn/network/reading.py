"""What of an answer anybody may read: its body up to a bound, and when it is worth asking again.

Decides when to stop: an answer without an end must not fill the memory. Knows nothing of what is in
it, nor of how long it may take.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from re import fullmatch

import httpx2

SECONDS_DIGITS = 9


class TooMuch(Exception):
    """The body of an answer is larger than its reader takes."""


async def read_body(answer: httpx2.Response, most_bytes: int) -> bytes:
    """Read the body of a streamed answer, decoded. Raises TooMuch past so many bytes."""
    body = bytearray()
    async for chunk in answer.aiter_bytes():
        body += chunk
        if len(body) > most_bytes:
            raise TooMuch
    return bytes(body)


def retry_after_s(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return how long an answer asks to be left alone (RFC 9110, 10.2.3), or None."""
    told = headers.get("retry-after", "").strip()
    if not told:
        return None
    if fullmatch(r"[0-9]+", told):
        return float(told[:SECONDS_DIGITS])
    try:
        until = parsedate_to_datetime(told)
    except (ValueError, OverflowError):
        return None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(0.0, (until - now).total_seconds())
