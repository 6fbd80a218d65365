"""The org as an ASGI application: admits callers, counts calls, lets faults strike."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol, cast

import httpx2
from starlette.types import ASGIApp, Receive, Scope, Send

from keyturn.sandbox import errors, principals, ratelog, striking
from keyturn.sandbox.errors import OAuthError, OktaError
from keyturn.sandbox.faults import BY_SOMEBODY_ELSE, Fault
from keyturn.sandbox.headers import render_headers
from keyturn.sandbox.http import (
    Answer,
    Errand,
    Header,
    HungUp,
    RawHeader,
    Request,
    read_request,
    send_answer,
    send_head,
)
from keyturn.sandbox.interference import find_named_app, interfere
from keyturn.sandbox.journal import Entry
from keyturn.sandbox.oauth.client_auth import claimed_client_id
from keyturn.sandbox.routes import ROUTER
from keyturn.sandbox.routing import NOBODY, Call, Match, Principal, Route
from keyturn.sandbox.state.limits import CONCURRENT, Budget, Concurrency, bucket_of
from keyturn.sandbox.state.org import Org
from keyturn.sandbox.state.timeline import changed_since, look_back

CONNECTION = "keyturn.sandbox.connection"
UNROUTED = "-"
OUR_MISTAKES = (
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)
"""What input that nobody foresaw makes of our code: told as Okta tells its own failures."""
SLOW_PIECES = 8


class ConnectionDropped(httpx2.RemoteProtocolError):
    """The org closed the connection without an answer (raised to clients in the same process)."""

    def __init__(self) -> None:
        super().__init__("Server disconnected without sending a response.")


class Connection(Protocol):
    """What the server underneath offers for a connection: to end it."""

    def abort(self) -> None:
        """Close at once, sending nothing that is still waiting."""

    def close(self) -> None:
        """Close after what is still waiting was sent."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes out: an answer (None: the connection is dropped), and the fault that struck."""

    answer: Answer | None
    common: Sequence[RawHeader]
    fault: Fault | None

    @property
    def kind(self) -> str | None:
        """Return which fault struck."""
        return self.fault.kind if self.fault else None


def build_app(org: Org) -> ASGIApp:
    """Return the ASGI application that answers as this org, on whatever address it is reached."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError("the sandbox speaks only HTTP")
        try:
            request = await read_request(scope, receive)
        except HungUp:
            return
        reply = await _exchange(org, request)
        if reply.answer is None:
            await _hang_up(scope, receive)
        elif reply.kind == "cut":
            await send_head(send, reply.answer, reply.common)
            await _send_half(send, reply.answer)
            await _hang_up(scope, receive, flush=True)
        elif reply.fault and reply.kind == "slow":
            await send_head(send, reply.answer, reply.common)
            await _send_slowly(org, send, reply.answer, reply.fault.seconds)
        else:
            await send_answer(send, reply.answer, reply.common)

    return serve


async def _hang_up(scope: Scope, receive: Receive, *, flush: bool = False) -> None:
    extension = scope.get("extensions", {}).get(CONNECTION)
    if extension is None:
        raise ConnectionDropped
    connection = cast(Connection, extension["transport"])
    if flush:
        connection.close()
    else:
        connection.abort()
    while (await receive())["type"] != "http.disconnect":
        pass


async def _send_half(send: Send, answer: Answer) -> None:
    half = answer.body[: len(answer.body) // 2]
    await send({"type": "http.response.body", "body": half, "more_body": True})


async def _send_slowly(org: Org, send: Send, answer: Answer, seconds: float) -> None:
    size = len(answer.body) // SLOW_PIECES + 1
    for start in range(0, SLOW_PIECES * size, size):
        await org.sleep(seconds / SLOW_PIECES)
        piece = answer.body[start : start + size]
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body"})


async def _exchange(org: Org, request: Request) -> Reply:
    """Return what goes out in answer to a request.

    The effect and its journal entry happen in one step, between the two places that wait; but an
    errand outside the org is waited for within it.
    """
    match = ROUTER.match(request.method, request.path)
    with org.concurrency.holding() as in_hand:
        if match.route and match.route.family and in_hand > CONCURRENT[org.settings.profile]:
            return _turn_away(org, request, match.route, match)
        fault = org.faults.draw(
            request.method,
            match.pattern or UNROUTED,
            request.query,
            names_app=lambda: find_named_app(org, request, match.params) is not None,
        )
        if fault and fault.kind == "delay":
            await org.sleep(fault.seconds)
        reply = await _effect(org, request, match, fault)
        if fault and fault.kind == "delay-after-effect":
            await org.sleep(fault.seconds)
        return reply


def _turn_away(org: Org, request: Request, route: Route, match: Match[Route]) -> Reply:
    """Return the 429 of zeros, for a request that came while too many were in hand."""
    call = Call(request, match.params, route.pattern)
    request_id = org.mint.issue_request_id()
    with org.calling(call, request_id):
        _identify(org, call, route)
        ratelog.tell_crowded(org, call)
    refusal = errors.rate_limited()
    answer = _with_headers(
        refusal.render(org.mint.issue_error_id()), Concurrency.budget(org.now()).headers()
    )
    _record(org, call, answer, refusal.code, None)
    return Reply(answer, _common_headers(org, answer, request_id, None), None)


async def _effect(org: Org, request: Request, match: Match[Route], fault: Fault | None) -> Reply:
    call = Call(request, match.params, match.pattern or UNROUTED)
    request_id = org.mint.issue_request_id()
    answer: Answer | None
    with org.calling(call, request_id):
        if fault is None:
            answer, outcome = _perform(org, call, match)
        else:
            perform = _perform_amid if fault.kind in BY_SOMEBODY_ELSE else _perform_under
            answer, outcome, struck = perform(org, call, match, fault)
            if not struck:
                org.faults.give_back(fault)
                fault = None
    if answer is not None and answer.errand is not None:
        told = await answer.errand.wait()
        with org.calling(call, request_id):
            answer, outcome = _finish(org, answer, answer.errand, told)
    _record(org, call, answer, outcome, fault)
    common = _common_headers(org, answer, request_id, fault) if answer else ()
    return Reply(answer, common, fault)


def _finish(org: Org, begun: Answer, errand: Errand, told: str | None) -> tuple[Answer, str]:
    try:
        answer, outcome = errand.finish(told), "ok"
    except OktaError as error:
        answer, outcome = error.render(org.mint.issue_error_id()), error.code
    return _with_headers(answer, begun.headers), outcome


def _perform_amid(
    org: Org, call: Call, match: Match[Route], fault: Fault
) -> tuple[Answer, str, bool]:
    """Return answer and outcome, and whether somebody else could change the app beside it."""
    changed = fault.when == "before" and interfere(org, call, fault.kind)
    answer, outcome = _perform(org, call, match)
    if fault.when == "after":
        changed = interfere(org, call, fault.kind)
    return answer, outcome, changed


def _perform_under(
    org: Org, call: Call, match: Match[Route], fault: Fault
) -> tuple[Answer | None, str, bool]:
    """Return what a fault leaves of the answer, what happened inside, and whether it struck."""
    if fault.kind in striking.INSTEAD:
        _recognise(org, call, match.route)
        return striking.replace_effect(org, fault), "none", True
    if fault.kind == "rate-limit" and match.route is not None:
        return _refuse_out_of_turn(org, call, match.route), "none", True
    changed = striking.prepare(org, call, match.route, fault)
    answer, outcome = _perform(org, call, match)
    left = striking.spoil(org, call, match.route, answer, fault)
    struck = changed or call.looked_back or striking.marred(fault, answer, left)
    return left, outcome, struck


def _recognise(org: Org, call: Call, route: Route | None) -> None:
    """Note who calls, for a request of which nothing is done."""
    if route is not None and route.guard == "oauth":
        _identify(org, call, route)
    elif route is not None:
        with suppress(OktaError):
            call.principal = principals.recognise(org, call.request)


def _refuse_out_of_turn(org: Org, call: Call, route: Route) -> Answer:
    _recognise(org, call, route)
    bucket = bucket_of(route.family or "api", route.pattern)
    budget = org.limits.look(
        call.principal.name, bucket, profile=org.settings.profile, now=org.now()
    )
    refusal = errors.rate_limited().render(org.mint.issue_error_id())
    return _with_headers(refusal, budget.headers())


def _record(org: Org, call: Call, answer: Answer | None, outcome: str, fault: Fault | None) -> None:
    org.journal.record(
        Entry(
            at=org.now(),
            method=call.request.method,
            route=call.route,
            path=call.request.path,
            status=answer.status if answer else None,
            principal=call.principal.name,
            client_id=call.client_id,
            secret_id=call.secret_id,
            outcome=outcome,
            fault=fault.kind if fault else None,
            secret_hash=call.secret_hash,
        )
    )


# --- the effect -------------------------------------------------------------------------------


def _perform(org: Org, call: Call, match: Match[Route]) -> tuple[Answer, str]:
    budget: Budget | None = None
    try:
        if match.route is None:
            raise errors.wrong_method() if match.pattern else errors.no_such_path()
        refusal = _identify(org, call, match.route)
        budget = _take_budget(org, call, match.route)
        if budget is not None and budget.exceeded:
            raise errors.rate_limited()
        if refusal is not None:
            raise refusal
        if match.route.guard == "management":
            principals.permit(org, call.request, call.principal, match.route.scope)
        answer, outcome = match.route.handler(_seen(org, call), call), "ok"
    except OktaError as error:
        answer, outcome = error.render(org.mint.issue_error_id()), error.code
    except OAuthError as error:
        answer, outcome = error.render(), error.error
    except OUR_MISTAKES:
        failure = errors.internal()
        answer, outcome = failure.render(org.mint.issue_error_id()), failure.code
    return _with_headers(answer, budget.headers() if budget else ()), outcome


def _seen(org: Org, call: Call) -> Org:
    """Return the org that a handler is shown: as it is, or as a lagging read finds it."""
    if call.as_of is None:
        return org
    call.looked_back = changed_since(org, call.as_of)
    return look_back(org, call.as_of)


def _identify(org: Org, call: Call, route: Route) -> OktaError | OAuthError | None:
    """Note who calls; return the refusal of a caller whom the management API does not know."""
    if route.guard == "oauth":
        claimed = claimed_client_id(call.request)
        call.principal = Principal(f"client:{claimed}" if claimed else NOBODY, frozenset())
        return None
    try:
        call.principal = principals.identify(org, call.request)
    except (OktaError, OAuthError) as refusal:
        return refusal
    return None


def _take_budget(org: Org, call: Call, route: Route) -> Budget | None:
    if route.family is None:
        return None
    bucket = bucket_of(route.family, route.pattern)
    budget = org.limits.take(
        call.principal.name, bucket, profile=org.settings.profile, now=org.now()
    )
    ratelog.tell_reached(org, call, bucket, budget)
    return budget


# --- headers ----------------------------------------------------------------------------------


def _with_headers(answer: Answer, headers: tuple[Header, ...]) -> Answer:
    if not headers:
        return answer
    # Written out: on every answer's way, and `replace` takes ten times as long.
    all_headers = answer.headers + headers
    return Answer(answer.status, answer.body, all_headers, answer.content_type, answer.errand)


def _common_headers(
    org: Org, answer: Answer, request_id: str, fault: Fault | None
) -> list[RawHeader]:
    """Return what every answer carries.

    The date is the org's, so that it fits the rate window's end also under a clock that tests
    turn.
    """
    now = org.now()
    if fault and fault.kind == "wrong-clock":
        now += timedelta(seconds=fault.seconds)
    return render_headers(answer, request_id, now)
