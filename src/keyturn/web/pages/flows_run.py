"""A flow run by hand, with values to try it with."""

import json
import shlex
from typing import Final

from starlette.responses import Response

from keyturn.domain.access import Verb
from keyturn.domain.errors import Busy, CallerError
from keyturn.domain.flows.spec import History
from keyturn.services import gate
from keyturn.services.awaiting import Started, run_by_hand
from keyturn.services.projects import target_of
from keyturn.web.faults import told_of
from keyturn.web.flow_inputs import BEGINNINGS, REST, Given, read_given
from keyturn.web.flow_told import PHASES
from keyturn.web.one_flow import LIST, ONE, OneFlow, find_flow
from keyturn.web.problems import status_of
from keyturn.web.routing import action, page
from keyturn.web.run_told import pretty
from keyturn.web.visiting import Visit

WAIT_S: Final = 2.0
"""How long the answer is waited for before the run is shown as it goes."""
UNKEPT_WAIT_S: Final = 20.0
"""The same for a run that nothing is kept of: there is no page to show it on."""


async def show(visit: Visit) -> Response:
    """Ask what a flow is to be given."""
    one = await find_flow(visit)
    return _shown(one, _asked(one))


async def run(visit: Visit) -> Response:
    """Run a flow with what was typed, and show what came back, or where the run is."""
    one = await find_flow(visit)
    given = _asked(one)
    if given.problems:
        return _shown(one, given, problems=given.problems, status=422)
    kept = _is_kept(one)
    try:
        wait_s = WAIT_S if kept else UNKEPT_WAIT_S
        started = await run_by_hand(visit.world, visit.caller, one.id, given.value, wait_s=wait_s)
    except (CallerError, Busy) as error:
        problems = told_of(error, {"given": REST})
        return _shown(one, given, problems=problems, status=status_of(error))
    if kept and gate.may(visit.caller, Verb.READ_RUNS, target_of(one.place)):
        return visit.redirect(f"{LIST}/runs/{started.run.id}", "It has been started.")
    return _shown(one, given, started=started)


def _asked(one: OneFlow) -> Given:
    """Return what was typed; nothing where the flow cannot be read. Raises Refused then."""
    return read_given(one.view.flow.start, one.visit.said)


def _is_kept(one: OneFlow) -> bool:
    return one.view.flow.history is History.FULL


def _shown(
    one: OneFlow,
    given: Given,
    *,
    problems: object = (),
    status: int = 200,
    started: Started | None = None,
) -> Response:
    one.require(Verb.RUN_FLOWS)
    start = one.view.flow.start
    words = ["keyturn", "flow", "run", one.id, "--given", json.dumps(given.value), "--wait"]
    response = started.response if started else None
    return one.visit.render(
        "flows/try.html",
        status=status,
        one=one,
        given=given,
        rest=given.rest or BEGINNINGS.get(start.kind, "") if not given.value else given.rest,
        problems=problems,
        started=started,
        phase=PHASES[started.run.phase] if started else None,
        answer=pretty(response.body.view) if response else "",
        answered=response.status if response else None,
        kept=_is_kept(one),
        command=shlex.join([*words, "--project", one.place.project.slug]),
    )


ROUTES: Final = (page(f"{ONE}/run", show), action(f"{ONE}/run", run))
