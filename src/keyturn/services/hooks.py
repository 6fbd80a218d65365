"""Deliveries of Okta's event hooks: each event starts a flow once.

Okta delivers an event at least once, and waits three seconds for an answer: only rows are added
here. A flow that is not there, is switched off or starts by something else is told apart by
nothing.
"""

import hmac
from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from keyturn.domain.audit import Attempt
from keyturn.domain.errors import FieldProblem, InvalidInput, NotFound, Unauthenticated
from keyturn.domain.flows.events import delivered, fits, run_id_of
from keyturn.domain.flows.run import Cause, Run
from keyturn.domain.flows.values import TooLarge, Value, size_of
from keyturn.domain.sensitive import Sensitive
from keyturn.services.flows import FlowView, find_listener
from keyturn.services.ports import World
from keyturn.services.starting import run_of

NOWHERE: Final = "There is no such endpoint."
WRONG: Final = "The client token is missing, or is another."
NOTED_S: Final = 60.0
"""How long one entry in the audit log stands for who comes again: ADR 0012."""
EVENTS_MAX: Final = 1000
"""How many events may come in one delivery; Okta sends few."""


async def admit_delivery(
    world: World, alias: str, tokens: Sequence[Sensitive], *, address: str
) -> FlowView:
    """Find the flow that listens at an address, and let a request in.

    Raises NotFound, and Unauthenticated where none of the tokens is the flow's client token.
    """
    async with world.store.reading() as tx:
        view = await find_listener(tx, alias)
    if view is None:
        raise NotFound(NOWHERE)
    found = [sha256(each.reveal().encode(errors="replace")).digest() for each in tokens]
    good = any(hmac.compare_digest(each, view.saved.token_hash) for each in found)
    await _note(world, view, address, why="" if good else WRONG)
    if not good:
        raise Unauthenticated(WRONG)
    return view


async def _note(world: World, view: FlowView, address: str, *, why: str) -> None:
    """Put an attempt on record, durably, unless an entry of the last minute says the same."""
    now_s, saved, who = world.clock.uptime_s(), view.saved, f"event hook at {address}"
    about = "events", saved.id, who, why
    if world.doors.noted.find(about, now_s):
        return
    subject = f"flow {saved.id} ({view.place}:{saved.name}, events)"
    entry = Attempt(world.clock.now(), who, "flows:invoke", subject, allowed=not why, detail=why)
    await world.store.append_audit(entry)
    world.doors.noted.keep(about, True, now_s + NOTED_S)  # noqa: FBT003  what is remembered


async def start_delivered(world: World, view: FlowView, body: Value) -> int:
    """Start a flow once for each event of a delivery that it listens for; return how many.

    An event that was delivered before starts nothing for as long as its run is remembered. Raises
    InvalidInput for what is no delivery.
    """
    events = _events(body)
    wanted = [each for each in events if fits(view.flow.start, each)]
    started = 0
    async with world.store.writing() as tx:
        for event in wanted:
            run_id = run_id_of(view.saved.id, event)
            if await tx.find(Run, id=run_id):
                continue
            by, given = str(event.get("eventType")), dict[str, Value]({"event": event})
            run = run_of(
                world, view.saved, view.place, given, cause=Cause.BY_EVENT, by=by, run_id=run_id
            )
            await tx.add(run)
            started += 1
    return started


def _events(body: Value) -> Sequence[dict[str, Value]]:
    try:
        size_of(body)
    except TooLarge as error:
        raise InvalidInput(FieldProblem(("data",), str(error))) from None
    events = delivered(body)
    if events is None:
        raise InvalidInput(FieldProblem(("data", "events"), "must be a list of events"))
    if len(events) > EVENTS_MAX:
        raise InvalidInput(FieldProblem(("data", "events"), f"must be at most {EVENTS_MAX:,}"))
    return events
