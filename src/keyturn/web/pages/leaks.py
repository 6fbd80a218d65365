"""Leak reports: the list, one with whose secret it is and what to do, a new one, and their end."""

import shlex
from typing import Final
from urllib.parse import urlencode

from starlette.responses import Response

from keyturn.domain.access import Verb
from keyturn.domain.errors import CallerError, Forbidden, KeyturnError, NotFound
from keyturn.domain.leaks import (
    ENDED,
    KEPT_UNKNOWN,
    MEANING,
    PREFIX_MIN,
    LeakReport,
    Source,
    State,
    hidden,
    is_hash,
    reason_of,
)
from keyturn.domain.notice import Kind
from keyturn.domain.sensitive import Sensitive
from keyturn.services.leak_closing import read_leak
from keyturn.services.leaks import LeakDraft, end_leak, list_leaks, report_leaks
from keyturn.services.rollout_plans import REASON_MAX
from keyturn.web.faults import told_of
from keyturn.web.menu import ABOVE
from keyturn.web.pages.channels import nobody_hears
from keyturn.web.paging import Slice, start_in
from keyturn.web.problems import status_of
from keyturn.web.routing import action, page
from keyturn.web.visiting import Visit
from keyturn.wire.leaks import LISTED_MAX

LIST: Final = "/leaks"
NEW: Final = f"{LIST}/new"
ONE: Final = f"{LIST}/{{leak_id}}"
EACH: Final = 50
BEGINNING: Final = "beginning"
"""How the form calls the field of how a value begins."""
STATES: Final = {
    State.OPEN: ("Open", "bad"),
    State.UNKNOWN: ("Not known here", "idle"),
    State.CLOSED: ("Closed", "good"),
    State.FALSE_ALARM: ("False alarm", "idle"),
}
"""How a state is called, and in which tone."""


async def list_all(visit: Visit) -> Response:
    """List the reports, the newest first, of any state or one."""
    wanted = visit.query.get("state", "")
    state = State(wanted) if wanted in set(State) else None
    found = await list_leaks(visit.world, visit.caller, state=state, limit=LISTED_MAX)
    start, href = start_in(visit), f"{LIST}?state={state}" if state else LIST
    return visit.render(
        "leaks/list.html",
        leaks=found[start : start + EACH],
        states=STATES,
        tabs=[("All", LIST), *((STATES[each][0], f"{LIST}?state={each}") for each in State)],
        href=href,
        slice=Slice(start, EACH, len(found), LIST, {"state": state or ""}),
        reports=visit.may(Verb.REPORT_LEAKS),
        command="keyturn leak list" + (f" --state {state}" if state else ""),
    )


async def show(visit: Visit) -> Response:
    """Show whose secret a report is about, and what to do."""
    one = await read_leak(visit.world, visit.caller, visit.given("leak_id"))
    sees = visit.may(Verb.READ_ROTATIONS)
    closable = one.state is State.OPEN and one.rotation_id and not one.emergency_id
    return visit.render(
        "leaks/show.html",
        one=one,
        state=STATES[one.state],
        meaning=MEANING[one.which] if one.which else "No secret here, or listed, is this one.",
        close=_close(one) if closable and visit.may(Verb.EDIT_ROLLOUTS) else "",
        unheard=one.state is State.OPEN and await nobody_hears(visit, Kind.LEAKED),
        kept_days=KEPT_UNKNOWN.days,
        ends=one.state not in ENDED and visit.may(Verb.EDIT_LEAKS),
        rotation=f"/rotations/{one.rotation_id}" if sees and one.rotation_id else "",
        command=f"keyturn leak show {one.id}\nkeyturn leak emergency {one.id}",
    )


async def ask_end(visit: Visit, error: KeyturnError | None = None) -> Response:
    """Ask why a report is ended."""
    one = await read_leak(visit.world, visit.caller, visit.given("leak_id"))
    visit.require(f"leak {one.id}", ABOVE, Verb.EDIT_LEAKS)
    return visit.render(
        "leaks/end.html",
        status=status_of(error) if error else 200,
        problems=told_of(error),
        one=one,
        ended=one.state in ENDED,
        reason=visit.said("reason"),
        false_alarm=bool(visit.said("false_alarm")),
    )


async def end(visit: Visit) -> Response:
    """End a report; what is refused is told where it was asked."""
    wanted, false_alarm = visit.given("leak_id"), bool(visit.said("false_alarm"))
    try:
        await end_leak(
            visit.world, visit.caller, wanted, visit.said("reason"), false_alarm=false_alarm
        )
    except (Forbidden, NotFound):
        raise
    except CallerError as error:
        return await ask_end(visit, error)
    return visit.redirect(f"{LIST}/{wanted}", "The report is ended.")


async def ask(visit: Visit, error: KeyturnError | None = None) -> Response:
    """Ask what has leaked, and where it was seen.

    A value that was typed is not shown again, wherever it was typed; nor is what is no hash, for
    that may be one.
    """
    visit.require("leak reports", ABOVE, Verb.REPORT_LEAKS)
    draft = _draft(visit)
    where = hidden(draft.seen_in, *draft.values)
    way = "--prefix-stdin" if draft.prefix and not draft.value else "--value-stdin"
    words = ["keyturn", "leak", "report", way, *(["--where", where] if where else [])]
    return visit.render(
        "leaks/new.html",
        status=status_of(error) if error else 200,
        problems=told_of(error, {"prefix": BEGINNING}),
        hash=draft.hash if is_hash(draft.hash) else "",
        where=where,
        note=hidden(draft.told, *draft.values),
        least=PREFIX_MIN,
        unheard=await nobody_hears(visit, Kind.LEAKED),
        command=shlex.join(words),
    )


async def report(visit: Visit) -> Response:
    """Take a report in, and show what was found to whoever may read it."""
    drafts = [_draft(visit)]
    try:
        received = await report_leaks(visit.world, visit.caller, drafts, Source.OPERATOR)
    except Forbidden:
        raise
    except CallerError as error:
        return await ask(visit, error)
    if not received.reports:
        return visit.redirect("/", "It is taken in.")
    first, *more = received.reports
    if more:
        return visit.redirect(LIST, f"It is taken in: {len(more) + 1} values begin so.")
    return visit.redirect(f"{LIST}/{first.id}", "It is taken in.")


def _draft(visit: Visit) -> LeakDraft:
    value, beginning = visit.said("value"), visit.said(BEGINNING)
    return LeakDraft(
        value=Sensitive(value) if value else None,
        hash=visit.said("hash"),
        prefix=Sensitive(beginning) if beginning else None,
        seen_in=visit.said("where"),
        told=visit.said("note"),
    )


def _close(one: LeakReport) -> str:
    """Return the address at which the app of a report is closed: its plan comes first."""
    reason = reason_of(one.reporter, one.seen_in)[:REASON_MAX]
    told = {"app": one.app_id or "", "leaked": one.app_id or "", "reason": reason}
    return f"/emergencies/new?{urlencode(told)}"


ROUTES: Final = (
    page(LIST, list_all),
    page(NEW, ask),
    action(NEW, report),
    page(ONE, show),
    page(f"{ONE}/end", ask_end),
    action(f"{ONE}/end", end),
)
