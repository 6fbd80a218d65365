"""Runs of a flow: the history, and one run card by card as it goes, ended and run again."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from starlette.responses import Response

from keyturn.domain.access import Verb
from keyturn.domain.errors import CallerError
from keyturn.services.run_history import RunView, cancel_run, list_runs, replay_run
from keyturn.services.run_watching import watch_run
from keyturn.web.flow_told import CAUSES, PHASES, lasted_s, seconds
from keyturn.web.one_flow import LIST, ONE, find_flow, one_of
from keyturn.web.pages.flows import draw_runs, start_of
from keyturn.web.problems import status_of
from keyturn.web.routing import action, page
from keyturn.web.run_told import answer_of, draw_run, steps_of
from keyturn.web.visiting import Visit

EACH: Final = 50
DRAWN: Final = 40
MOST: Final = 1_000
"""How many runs can be listed, the newest first."""
TEXT_MAX: Final = 255
RUN: Final = f"{LIST}/runs/{{run_id}}"


async def show_all(visit: Visit) -> Response:
    """List the runs of a flow, the newest first."""
    one = await find_flow(visit)
    find, start = visit.query.get("find", "").strip()[:TEXT_MAX], start_of(visit)
    most = min(start + EACH + 1, MOST)
    found = await list_runs(visit.world, visit.caller, one.id, limit=most, text=find)
    runs = [each.run for each in found]
    shown = runs[start : start + EACH]

    def href(at: int) -> str:
        query = {"find": find, "start": str(at) if at else ""}
        return f"{one.href}/runs?{urlencode({k: v for k, v in query.items() if v})}"

    return visit.render(
        "flows/runs.html",
        one=one,
        find=find,
        runs=[(run, PHASES[run.phase], lasted_s(run)) for run in shown],
        causes=CAUSES,
        seconds=seconds,
        bars=draw_runs("runs", shown[:DRAWN], one.name) if shown else None,
        newer=href(max(0, start - EACH)) if start else "",
        older=href(start + EACH) if len(runs) > start + EACH else "",
    )


async def show(visit: Visit) -> Response:
    """Show one run card by card."""
    watch = await watch_run(visit.world, visit.caller, visit.given("run_id"))
    return visit.render("flows/run.html", context_of(visit, await watch.look(visit.caller)))


async def follow(visit: Visit) -> Response:
    """Keep the part of the page that changes current, for as long as somebody looks."""
    watch = await watch_run(visit.world, visit.caller, visit.given("run_id"))
    last: list[tuple[RunView, str]] = []

    async def look() -> str:
        found = await watch.look(visit.caller)
        if not last or last[0][0] is not found:
            last[:] = [(found, visit.text("flows/_run.html", context_of(visit, found)))]
        return last[0][1]

    return visit.follow(look)


def context_of(visit: Visit, found: RunView) -> Mapping[str, object]:
    """Return what a run's page is made of; it is the same while nothing has changed."""
    run = found.run
    steps = steps_of(found)
    return {
        "one": one_of(visit, found.view),
        "run": run,
        "href": f"{LIST}/runs/{run.id}",
        "standing": PHASES[run.phase],
        "cause": CAUSES[run.cause],
        "lasted": "" if run.ended_at is None else seconds(lasted_s(run) or 0.0),
        "steps": steps,
        "left_out": len(found.steps) - len(steps),
        "picture": draw_run(found),
        "answer": answer_of(found),
    }


async def show_cancel(visit: Visit) -> Response:
    """Say what comes of a cancelled run, and ask."""
    return await _asked(visit, "flows/cancel.html")


async def cancel(visit: Visit) -> Response:
    """End a run."""
    run_id = visit.given("run_id")
    try:
        await cancel_run(visit.world, visit.caller, run_id)
    except CallerError as error:
        return await _asked(visit, "flows/cancel.html", error)
    return visit.redirect(f"{LIST}/runs/{run_id}", "The run is cancelled.")


async def show_replay(visit: Visit) -> Response:
    """Ask from which card on a run is run again."""
    return await _asked(visit, "flows/replay.html")


async def replay(visit: Visit) -> Response:
    """Run again what a run ran, and show the new run."""
    run_id, card = visit.given("run_id"), visit.said("card")
    try:
        made = await replay_run(visit.world, visit.caller, run_id, from_card=card)
    except CallerError as error:
        return await _asked(visit, "flows/replay.html", error)
    return visit.redirect(f"{LIST}/runs/{made.run.id}", "It runs again; this is the new run.")


async def _asked(visit: Visit, template: str, error: CallerError | None = None) -> Response:
    watch = await watch_run(visit.world, visit.caller, visit.given("run_id"))
    found = await watch.look(visit.caller)
    one, steps = one_of(visit, found.view), steps_of(found)
    one.require(Verb.RUN_FLOWS)
    cards = {each.replays: each.title for each in steps if each.replays}
    return visit.render(
        template,
        status=status_of(error) if error else 200,
        one=one,
        run=found.run,
        href=f"{LIST}/runs/{found.run.id}",
        cards=[("", "The start"), *((key, f"The card {told}") for key, told in cards.items())],
        chosen=visit.said("card") or visit.query.get("card", ""),
        error=error.message if error else "",
    )


ROUTES: Final = (
    page(f"{ONE}/runs", show_all),
    page(RUN, show),
    page(f"{RUN}/live", follow),
    page(f"{RUN}/cancel", show_cancel),
    action(f"{RUN}/cancel", cancel),
    page(f"{RUN}/replay", show_replay),
    action(f"{RUN}/replay", replay),
)
