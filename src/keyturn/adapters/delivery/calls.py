"""HTTP calls of destinations, and what their answers mean.

Decides whether an answer is worth another try or somebody has to act. Whatever a destination says
stays here: it may repeat what it was sent, so that no error carries a word of it.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime

import httpx2
from pydantic import JsonValue

from keyturn.domain.errors import DestinationAway, DestinationRefused
from keyturn.network.reading import TooMuch, read_body, retry_after_s

CALL_LIMIT_S = 15.0
"""As long as one call may take in all, unless a lease is shorter than three of them."""
ANSWER_MAX = 4 * 1024 * 1024

Clients = Callable[[str], AbstractAsyncContextManager[httpx2.AsyncClient]]
"""Give the way out for a private authority's certificates in PEM, or "" for the public ones."""


@dataclass(frozen=True)
class Answer:
    """What came back; ``told`` is the JSON object in it, or an empty one."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    told: Mapping[str, JsonValue] = field(repr=False)


class Calls:
    """Speak to one store, as whoever a credential says; ``who`` names the store in errors."""

    def __init__(
        self, http: httpx2.AsyncClient, url: str, headers: Mapping[str, str], *, who: str
    ) -> None:
        self._http = http
        self._url = url.rstrip("/")
        self._headers = dict(headers)
        self._who = who

    async def call(
        self,
        method: str,
        path: str,
        body: JsonValue | bytes = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Make one call and return its answer, whatever that says. Raises DestinationAway."""
        sent = body if isinstance(body, bytes) else json.dumps(body).encode() if body else None
        typed = {"content-type": "application/json"} if sent else {}
        try:
            async with (
                asyncio.timeout(self._http.timeout.pool),
                self._http.stream(
                    method,
                    self._url + path,
                    content=sent,
                    headers=self._headers | typed | dict(headers or {}),
                ) as answer,
            ):
                told = _parsed(await read_body(answer, ANSWER_MAX))
        except TooMuch:
            raise DestinationAway(f"Too much came from {self._who}.") from None
        except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError) as error:
            raise DestinationAway(
                f"No answer came from {self._who} ({type(error).__name__}): look at its address, "
                "at the network, and at whether it runs."
            ) from None
        return Answer(answer.status_code, answer.headers, told)

    def judge(self, answer: Answer, what: str, at: datetime) -> Answer:
        """Return a good answer. Raises DestinationAway or DestinationRefused for any other."""
        status = answer.status
        if 200 <= status < 300:
            return answer
        if status in {408, 425, 429} or status >= 500:
            raise DestinationAway(
                f"{self._who} could not {what} now (HTTP {status}).",
                retry_after_s=retry_after_s(answer.headers, at),
            )
        told = f"{self._who} refused to {what} (HTTP {status})"
        raise DestinationRefused(f"{told}: {_remedy(status)}")


def differs(who: str) -> DestinationAway:
    """Return the error for a store that shows something else than what was just written there."""
    return DestinationAway(
        f"{who} does not show what was written: somebody else may write there too, or it is slow."
    )


def _parsed(body: bytes) -> Mapping[str, JsonValue]:
    try:
        told: JsonValue = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _remedy(status: int) -> str:
    change = "`keyturn destination update`"
    match status:
        case 401:
            return f"its administrator gives out a credential that is valid, {change} takes it."
        case 403:
            return f"its administrator permits that to the credential, or {change} takes another."
        case 404 | 410:
            return f"it is not there, or not for this credential: look at the settings; {change}."
        case _:
            return f"look at the settings; {change}."
