"""Leak reports: the list, one with whose secret it is and what to do, a new one, and their end."""

import shlex
from typing import Final
from urllib.parse import urlencode

from starlette.responses import Response

from keyturn.domain.access import Verb
from keyturn.domain.errors import CallerError, Forbidden, KeyturnError, NotFound
from keyturn.domain.leaks import ENDED, MEANING, LeakReport, Source, State, reason_of
from keyturn.domain.sensitive import Sensitive
from keyturn.services.leaks import LeakDraft, end_leak, list_leaks, read_leak, report_leaks
from keyturn.services.rollout_plans import REASON_MAX
from keyturn.web.faults import told_of
from keyturn.web.menu import ABOVE
from keyturn.web.paging import Slice, start_in
from keyturn.web.problems import status_of
from keyturn.web.routing import action, page
from keyturn.web.visiting import Visit
from keyturn.wire.leaks import LISTED_MAX

LIST: Final = "/leaks"
NEW: Final = f"{LIST}/new"
ONE: Final = f"{LIST}/{{leak_id}}"
EACH: Final = 50
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
    """Ask what has leaked, and where it was seen; a value that was typed is not shown again."""
    visit.require("leak reports", ABOVE, Verb.REPORT_LEAKS)
    where = visit.said("where")
    words = ["keyturn", "leak", "report", "--value-stdin", *(["--where", where] if where else [])]
    return visit.render(
        "leaks/new.html",
        status=status_of(error) if error else 200,
        problems=told_of(error),
        typed={each: visit.said(each) for each in ("hash", "where", "note")},
        command=shlex.join(words),
    )


async def report(visit: Visit) -> Response:
    """Take a report in, and show what was found to whoever may read it."""
    value = visit.said("value")
    draft = LeakDraft(
        value=Sensitive(value) if value else None,
        hash=visit.said("hash"),
        seen_in=visit.said("where"),
        told=visit.said("note"),
    )
    try:
        received = await report_leaks(visit.world, visit.caller, [draft], Source.OPERATOR)
    except Forbidden:
        raise
    except CallerError as error:
        return await ask(visit, error)
    if not received.reports:
        return visit.redirect("/", "It is taken in.")
    return visit.redirect(f"{LIST}/{received.reports[0].id}", "It is taken in.")


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
