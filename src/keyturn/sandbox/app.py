"""The org as an ASGI application: admits callers, counts calls, carries out faults."""

import html
from datetime import timedelta
from email.utils import format_datetime
from typing import Protocol, cast

import httpx2
from starlette.types import ASGIApp, Receive, Scope, Send

from keyturn.sandbox import errors, principals
from keyturn.sandbox.client_auth import claimed_client_id
from keyturn.sandbox.errors import OAuthError, OktaError
from keyturn.sandbox.faults import Fault
from keyturn.sandbox.http import Answer, Header, Request, read_request, render_html, send_answer
from keyturn.sandbox.journal import Entry
from keyturn.sandbox.limits import Budget
from keyturn.sandbox.org import Org
from keyturn.sandbox.routes import ROUTER
from keyturn.sandbox.routing import NOBODY, Call, Match, Principal, Route

CONNECTION = "keyturn.sandbox.connection"
NO_CACHE: tuple[Header, ...] = (
    ("cache-control", "no-cache, no-store"),
    ("pragma", "no-cache"),
    ("expires", "0"),
)
UNROUTED = "-"


class ConnectionDropped(httpx2.RemoteProtocolError):
    """The org closed the connection without an answer (raised to clients in the same process)."""

    def __init__(self) -> None:
        super().__init__("Server disconnected without sending a response.")


class Connection(Protocol):
    """What the server underneath offers for a connection: to cut it off."""

    def abort(self) -> None:
        """Close at once, sending nothing that is still waiting."""


def build_app(org: Org) -> ASGIApp:
    """Return the ASGI application that answers as this org, on whatever address it is reached."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError("the sandbox speaks only HTTP")
        answer = await _exchange(org, await read_request(scope, receive))
        if answer is None:
            await _hang_up(scope, receive)
        else:
            await send_answer(send, answer)

    return serve


async def _hang_up(scope: Scope, receive: Receive) -> None:
    connection = scope.get("extensions", {}).get(CONNECTION)
    if connection is None:
        raise ConnectionDropped
    cast(Connection, connection["transport"]).abort()
    while (await receive())["type"] != "http.disconnect":
        pass


async def _exchange(org: Org, request: Request) -> Answer | None:
    """Return the answer to a request, None when the connection is to be dropped.

    The effect and its journal entry happen in one step, between the two places that wait.
    """
    match = ROUTER.match(request.method, request.path)
    fault = org.faults.draw(request.method, match.pattern or UNROUTED)
    kind = fault.kind if fault else None
    if fault and kind == "delay":
        await org.sleep(fault.seconds)
    answer = _effect(org, request, match, fault)
    if fault and kind == "delay-after-effect":
        await org.sleep(fault.seconds)
    return answer


def _effect(org: Org, request: Request, match: Match[Route], fault: Fault | None) -> Answer | None:
    call = Call(request, match.params, match.pattern or UNROUTED)
    request_id = org.mint.issue_request_id()
    if fault and fault.kind == "stale-read":
        call.as_of = org.now() - timedelta(seconds=fault.seconds)
    answer, outcome = _instead(org, call, match.route, fault), "none"
    if answer is None and not (fault and fault.kind == "drop-before-effect"):
        answer, outcome = _perform(org, call, match)
    if fault and answer is not None:
        answer = _spoil(org, answer, fault)
    _record(org, call, answer, outcome, fault)
    return answer and _with_common_headers(org, answer, request_id)


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
        answer, outcome = match.route.handler(org, call), "ok"
    except OktaError as error:
        answer, outcome = error.render(org.mint.issue_error_id()), error.code
    except OAuthError as error:
        answer, outcome = error.render(), error.error
    return _with_headers(answer, budget.headers() if budget else ()), outcome


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
    return org.limits.take(
        call.principal.name, route.family, profile=org.settings.profile, now=org.now()
    )


# --- faults -----------------------------------------------------------------------------------


def _instead(org: Org, call: Call, route: Route | None, fault: Fault | None) -> Answer | None:
    """Return the answer of a fault that keeps the effect from happening."""
    if fault is None:
        return None
    if fault.kind == "error-before-effect":
        return _failure(org, fault)
    if fault.kind == "html":
        return _gateway_page(fault.status or 502)
    if fault.kind == "rate-limit" and route is not None:
        _identify(org, call, route)
        budget = org.limits.look(
            call.principal.name,
            route.family or "api",
            profile=org.settings.profile,
            now=org.now(),
        )
        answer = errors.rate_limited().render(org.mint.issue_error_id())
        return _with_headers(answer, budget.headers())
    return None


def _spoil(org: Org, answer: Answer, fault: Fault) -> Answer | None:
    """Return what a fault leaves of the answer to an effect that has happened."""
    if fault.kind == "drop-after-effect":
        return None
    if fault.kind == "error-after-effect":
        return _failure(org, fault)
    if fault.kind == "truncate":
        half = answer.body[: len(answer.body) // 2]
        return Answer(answer.status, half, answer.headers, answer.content_type)
    return answer


def _failure(org: Org, fault: Fault) -> Answer:
    answer = errors.internal().render(org.mint.issue_error_id())
    return Answer(fault.status or 500, answer.body, answer.headers, answer.content_type)


def _gateway_page(status: int) -> Answer:
    title = html.escape(f"{status} from a gateway on the way")
    return render_html(
        f"<html><head><title>{title}</title></head><body>{title}</body></html>", status
    )


# --- headers ----------------------------------------------------------------------------------


def _with_headers(answer: Answer, headers: tuple[Header, ...]) -> Answer:
    return Answer(answer.status, answer.body, answer.headers + headers, answer.content_type)


def _with_common_headers(org: Org, answer: Answer, request_id: str) -> Answer:
    """Add what every answer carries.

    The date is the org's, so that it fits the rate window's end also under a clock that tests
    turn; a 429 tells nothing of caching.
    """
    common: list[Header] = [
        ("date", format_datetime(org.now(), usegmt=True)),
        ("server", "nginx"),
        ("x-okta-request-id", request_id),
        ("strict-transport-security", "max-age=315360000; includeSubDomains"),
    ]
    if answer.status == 204:
        common.append(("x-frame-options", "SAMEORIGIN"))
    else:
        common.append(("x-content-type-options", "nosniff"))
    caching = () if answer.status == 429 else NO_CACHE
    return _with_headers(answer, (*common, *caching))
