"""The line to one org: carries one call there and its answer back.

Decides what counts as no answer and whether the call may have had an effect all the same. A call
is made once: nothing is repeated, redirected or remembered as a cookie. Knows no credentials.
"""

import asyncio
from dataclasses import dataclass, field
from functools import lru_cache

import httpx2

from keyturn.adapters.okta.answers import Answer, Call
from keyturn.adapters.okta.governor import Governor
from keyturn.adapters.okta.rates import DEFAULT_WAIT_S, read_date, read_rates
from keyturn.domain.budget import Purpose
from keyturn.domain.errors import OktaThrottled, OktaUnreachable
from keyturn.network.reading import TooMuch, read_body
from keyturn.services.ports import Counted, Journal, OktaCall, Vitals

LARGEST_BODY_BYTES = 8 * 1024 * 1024
"""A page of 200 apps is about a tenth of it."""

CONNECT_S = 5.0
POOL_S = 2.0

NOTHING_SENT = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.LocalProtocolError,
    httpx2.UnsupportedProtocol,
)
BROKEN = (TimeoutError, httpx2.TransportError, httpx2.DecodingError)


@dataclass(frozen=True)
class Line:
    """Carry calls to one org; ``limit_s`` bounds one call in all, its access token included.

    ``purpose`` is what they are for where they do not say it themselves. What comes of each is
    counted in ``vitals``.
    """

    base: str
    transport: httpx2.AsyncBaseTransport
    governor: Governor
    journal: Journal
    limit_s: float
    purpose: Purpose = Purpose.FINISHING
    vitals: Vitals = field(default_factory=Vitals)

    def deadline(self) -> float:
        """Return when a call that begins now must have ended, in the event loop's seconds."""
        return asyncio.get_running_loop().time() + self.limit_s

    async def send(self, call: Call, until: float) -> Answer:
        """Make the call once and return whatever Okta answered, short of a 429.

        Raises OktaHeld, without asking, where the rate limit has no room; OktaThrottled for a 429;
        OktaUnclear for half an answer; OktaUnreachable for none.
        """
        about = {"server.address": self.base, "http.request.method": call.method}
        with self.vitals.tracer.span(f"okta: {call.what}", about) as span:
            answer = await self._admitted(call, until)
            known = {"http.response.status_code": answer.status}
            span.tell({**known, "okta.request_id": answer.request_id})
        if answer.status == 429:
            rates = read_rates(answer.headers)
            wait_s = rates.wait_s if rates else DEFAULT_WAIT_S
            told = answer.find_error() or answer.told()
            raise OktaThrottled(call.what, told, retry_after_s=wait_s)
        return answer

    async def _admitted(self, call: Call, until: float) -> Answer:
        """Make the call once there is room for it, and count what came of it."""
        outcome = "held"
        try:
            async with self.governor.admitted(self.base, call, self.purpose, until) as slot:
                outcome = "unanswered"
                answer = slot.answer = await self._exchange(call, until)
                outcome = _outcome(answer.status)
        finally:
            self.vitals.count(Counted.OKTA_CALLS, outcome)
        return answer

    async def _exchange(self, call: Call, until: float) -> Answer:
        response = await self._ask(call, until)
        head = Answer(call, response.status_code, response.headers)
        at = read_date(response.headers)
        self.journal(OktaCall(call.what, head.status, head.request_id, at, call.changes))
        try:
            async with asyncio.timeout_at(until):
                body = await read_body(response, LARGEST_BODY_BYTES)
        except TooMuch:
            raise head.unclear("the answer is larger than any of Okta's") from None
        except BROKEN:
            raise head.unclear("the answer broke off") from None
        finally:
            await response.aclose()
        return Answer(call, head.status, head.headers, body)

    async def _ask(self, call: Call, until: float) -> httpx2.Response:
        try:
            async with asyncio.timeout_at(until):
                return await self.transport.handle_async_request(self._request(call))
        except NOTHING_SENT as error:
            raise self._unreachable(call, _reason(error), sent=False) from None
        except BROKEN as error:
            raise self._unreachable(call, _reason(error), sent=True) from None

    def _request(self, call: Call) -> httpx2.Request:
        headers = {
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": "keyturn",
            **call.headers,
        }
        return httpx2.Request(
            call.method,
            _parsed(self.base + call.path),
            headers=headers,
            content=call.content,
            extensions={"timeout": _timeouts(self.limit_s)},
        )

    def _unreachable(self, call: Call, why: str, *, sent: bool) -> OktaUnreachable:
        self.journal(OktaCall(call.what, 0, "", changes=call.changes))
        return OktaUnreachable(call.what, why, effect_possible=sent and call.changes)


def _outcome(status: int) -> str:
    if status == 429:
        return "throttled"
    if status >= 500:
        return "failed"
    return "refused" if status >= 400 else "served"


@lru_cache(maxsize=8)
def _timeouts(limit_s: float) -> dict[str, float | None]:
    return httpx2.Timeout(limit_s, connect=CONNECT_S, pool=POOL_S).as_dict()


_parsed = lru_cache(maxsize=1024)(httpx2.URL)
"""The same few addresses are called over and over, and none of them holds a value."""


def _reason(error: Exception) -> str:
    """Say why in our words; only an error of connecting, before anything was sent, may speak."""
    match error:
        case httpx2.ConnectError():
            return f"no connection ({error})"
        case httpx2.ConnectTimeout() | httpx2.PoolTimeout():
            return "no connection in time"
        case httpx2.LocalProtocolError():
            return "the call cannot be written as HTTP"
        case TimeoutError() | httpx2.TimeoutException():
            return "no answer in time"
        case _:
            return "the connection broke before an answer came"
