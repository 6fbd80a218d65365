"""Flows invoked at their endpoints: who is let in, and what is answered.

Decides nothing of HTTP but by which of its parts a request is let in. A flow that is not there, is
switched off or starts by something else is told apart by nothing.
"""

import hmac
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from keyturn.domain.audit import Attempt
from keyturn.domain.errors import NotFound, TooManyAttempts
from keyturn.domain.flows.bearers import Fault, TokenRefused, rules_of
from keyturn.domain.flows.definition import Start
from keyturn.domain.flows.describing import describe
from keyturn.domain.flows.events import source_of
from keyturn.domain.flows.intake import TOKEN_HEADER, TOKEN_NAME, Invocation, read_start
from keyturn.domain.flows.run import Cause, Run
from keyturn.domain.flows.spec import Security, Source, StartKind
from keyturn.domain.flows.values import Value
from keyturn.domain.flows.walk import Response
from keyturn.services.awaiting import answer_within
from keyturn.services.bearing import admit_bearer, require_one
from keyturn.services.flows import FlowView, find_by_alias
from keyturn.services.ports import World
from keyturn.services.runs import run_here

INVOKE: Final = "/api/flo/{alias}/invoke"
"""Where a flow is invoked, as with Okta."""
EVENTS: Final = "/api/flo-events/{alias}"
"""Where Okta's event hooks deliver."""
NOWHERE: Final = "There is no such endpoint."
NOTED_S: Final = 60.0
"""How long one entry in the audit log stands for who comes again: ADR 0012."""


@dataclass(frozen=True)
class Admitted:
    """A flow whose endpoint is open to a request, and who made it."""

    view: FlowView
    who: str


@dataclass(frozen=True)
class Invoked:
    """A run, and what it answered; None where it has not answered in time and goes on."""

    run: Run
    response: Response | None


def reached_at(start: Start) -> str:
    """Return where requests start a flow, with a place for its alias; empty where none do."""
    if start.kind is StartKind.ENDPOINT:
        return INVOKE
    return EVENTS if source_of(start) is Source.OKTA else ""


async def admit_invocation(world: World, alias: str, asked: Invocation) -> Admitted:
    """Find the endpoint of an alias, and let a request in; its body is not looked at.

    Raises NotFound, TokenRefused, TooManyAttempts, and IssuerUnreachable where nobody can tell.
    """
    async with world.store.reading() as tx:
        view = await find_by_alias(tx, alias)
    if view is None:
        raise NotFound(NOWHERE)
    try:
        who = await _let_in(world, view, asked)
    except TokenRefused as refusal:
        await _note(world, view, f"somebody at {asked.address}", why=refusal.message)
        raise
    await _note(world, view, who)
    return Admitted(view, who)


async def _let_in(world: World, view: FlowView, asked: Invocation) -> str:
    """Return who asks, as it is told to people. Raises TokenRefused."""
    match view.flow.start.security:
        case Security.PUBLIC:
            return f"anybody at {asked.address}"
        case Security.CLIENT_TOKEN:
            _require_client_token(view, asked)
            return "client token"
        case Security.OAUTH:
            rules = rules_of(view.flow.start)
            shown = await admit_bearer(world, view.place, rules, asked)
            return f"client {shown.client}"


def _require_client_token(view: FlowView, asked: Invocation) -> None:
    given = (*asked.header(TOKEN_HEADER), *asked.parameter(TOKEN_NAME))
    found = [sha256(each.encode(errors="replace")).digest() for each in given]
    if not any(hmac.compare_digest(each, view.saved.token_hash) for each in found):
        raise TokenRefused(Fault.CLIENT_TOKEN, "The client token is missing, or is another.")


async def _note(world: World, view: FlowView, who: str, *, why: str = "") -> None:
    """Put an attempt on record, durably, unless an entry of the last minute says the same."""
    now_s, saved = world.clock.uptime_s(), view.saved
    about = saved.id, saved.number, who, why
    if world.doors.noted.find(about, now_s):
        return
    subject = f"flow {saved.id} ({view.place}:{saved.name}, {view.flow.start.security})"
    entry = Attempt(world.clock.now(), who, "flows:invoke", subject, allowed=not why, detail=why)
    await world.store.append_audit(entry)
    world.doors.noted.keep(about, True, now_s + NOTED_S)  # noqa: FBT003  what is remembered


async def invoke(world: World, admitted: Admitted, asked: Invocation) -> Invoked:
    """Run a flow with what a request brings, and wait for its answer for as long as it may take.

    Raises Unfit for what does not fit what the flow declares, TokenRefused for a second token in
    its body, TooManyAttempts, and Busy.
    """
    view, limits = admitted.view, world.limits
    own = view.flow.limits
    if view.flow.start.security is Security.OAUTH:
        require_one(asked)
    per_s = min(own.per_s or limits.flow_per_s, limits.flow_per_s)
    wait_s = world.doors.buckets.wait_s(f"run {view.saved.id}", per_s, world.clock.uptime_s())
    if wait_s:
        raise TooManyAttempts("The flow is invoked too often.", retry_after_s=wait_s)
    given: Value = read_start(view.flow.start, asked)
    answer_s = min(own.answer_s or limits.flow_answer_s, limits.flow_answer_s)
    run, reply = await run_here(world, view, given, cause=Cause.INVOKED, by=admitted.who)
    return Invoked(run, await answer_within(world, view, run, reply, within_s=answer_s))


def describe_endpoint(admitted: Admitted, *, server: str, path: str) -> dict[str, Value]:
    """Return the OpenAPI document of an endpoint at a path of a server."""
    view = admitted.view
    return describe(view.flow, server=server, path=path, number=view.version.number)
