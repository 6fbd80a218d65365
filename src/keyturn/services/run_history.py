"""What is kept of runs: listed, read card by card, searched, cancelled and run again."""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any

from keyturn.domain.access import Caller, Target, Verb
from keyturn.domain.errors import NotFound, Refused
from keyturn.domain.flows.codec import read_answer, read_response
from keyturn.domain.flows.failures import CardFailure, Failure
from keyturn.domain.flows.run import (
    Act,
    Cause,
    Phase,
    Run,
    RunAnswer,
    RunPage,
    SavedFlow,
    moved,
)
from keyturn.domain.flows.values import Bound
from keyturn.domain.flows.walk import Response
from keyturn.domain.ids import FlowId, RunId
from keyturn.services import gate
from keyturn.services.flows import FlowView, admit, require_all, require_on, view_of
from keyturn.services.ports import Reading, World
from keyturn.services.projects import anywhere_in, resolve_project, target_of
from keyturn.services.records import must
from keyturn.services.run_keeping import card_position
from keyturn.services.starting import open_given, open_text, seal_text, start_run

LISTED_MAX = 1000
SEARCHED_MAX = 5000
"""How many runs a search looks through, the newest first."""
_LAST_STEP = re.compile(r"[./!]?[^./!]*$")
INSIDE = "/"
"""What the positions of cards have in them that are of a flow inside the flow."""
UNTOLD = "It was asked for, and the run was ended before anybody told what came of it."


@dataclass(frozen=True)
class RunView:
    """A run with its flow, and its steps where they were asked for.

    ``waits`` are the positions of the cards that a run sleeps in.
    """

    run: Run
    view: FlowView
    steps: Sequence[dict[str, Any]] = ()
    waits: Sequence[str] = ()


async def list_runs(
    world: World, caller: Caller, flow_id: str, *, limit: int = 100, text: str = ""
) -> Sequence[RunView]:
    """List the newest runs of a flow, those whose history holds a text. Raises NotFound, Forbidden.

    What is masked in the history is not found.
    """
    view = await admit(world, caller, Verb.READ_RUNS, flow_id, "runs")
    most = SEARCHED_MAX if text else min(limit, LISTED_MAX)
    async with world.store.reading() as tx:
        runs = await tx.list_runs(view.saved.id, limit=most)
        if text:
            runs = [run for run in runs if await _holds(world, tx, view, run, text)]
    return [RunView(run, view) for run in runs[:limit]]


async def _holds(world: World, tx: Reading, view: FlowView, run: Run, text: str) -> bool:
    wanted = json.dumps(text, ensure_ascii=False)[1:-1].casefold()
    pages = await tx.list(RunPage, run_id=run.id)
    return any(
        wanted in open_text(world, view, f"{run.id}/{page.number}", page.sealed).casefold()
        for page in pages
    )


async def list_latest_runs(
    world: World, caller: Caller, views: Sequence[FlowView], *, project: str, each: int
) -> Mapping[FlowId, Sequence[Run]]:
    """List the newest runs of several flows of a project, of those whose runs the caller may see.

    Raises Forbidden.
    """
    verb, project_id = Verb.READ_RUNS, await resolve_project(world, project)
    target = anywhere_in(project_id)
    await gate.require(world, caller, verb, target, subject=f"latest runs of {project}")
    near = [view.saved.id for view in views if gate.may(caller, verb, target_of(view.place))]
    async with world.store.reading() as tx:
        return {flow_id: await tx.list_runs(flow_id, limit=each) for flow_id in near}


async def read_run(world: World, caller: Caller, run_id: str) -> RunView:
    """Read a run with all its steps. Raises NotFound, Forbidden."""
    return await with_steps(world, await _admit(world, caller, Verb.READ_RUNS, run_id))


async def with_steps(world: World, found: RunView) -> RunView:
    """Return a run with all its steps."""
    async with world.store.reading() as tx:
        steps = await _steps(world, tx, found)
        ended = {step["position"] for step in steps if step["ended_at"]}
        whole = [
            step if step["ended_at"] else await _begun(world, tx, found, step)
            for step in steps
            if step["ended_at"] or step["position"] not in ended
        ]
        asleep = found.run.phase is Phase.SLEEPING
        asked = await tx.list(RunAnswer, run_id=found.run.id) if asleep else ()
    waits = sorted({card_position(each.at) for each in asked} - ended)
    return replace(found, steps=whole, waits=waits)


async def _steps(world: World, tx: Reading, found: RunView) -> Sequence[dict[str, Any]]:
    """Return the steps of a run, and those that were begun, as they were written down."""
    pages = sorted(await tx.list(RunPage, run_id=found.run.id), key=attrgetter("number"))
    texts = (
        open_text(world, found.view, f"{found.run.id}/{page.number}", page.sealed) for page in pages
    )
    return [step for text in texts for step in json.loads(text)]


async def _begun(world: World, tx: Reading, found: RunView, step: dict[str, Any]) -> dict[str, Any]:
    """Return the step of a card that was begun, with what came of it as far as anybody knows."""
    if found.run.ended_at is None:
        return step
    asked = await tx.find(RunAnswer, run_id=found.run.id, at=step["at"])
    sealed = asked.sealed if asked else None
    text = open_text(world, found.view, f"{found.run.id}/{step['at']}", sealed) if sealed else ""
    came = read_answer(text) if text else CardFailure(Failure.UNKNOWN_OUTCOME, UNTOLD)
    told = {"error": came.as_value} if isinstance(came, CardFailure) else {}
    outputs = {"outputs": came.view} if isinstance(came, Bound) else {}
    return {**step, **told, **outputs}


async def cancel_run(world: World, caller: Caller, run_id: str) -> RunView:
    """End a run; a card that is under way is the last. Raises NotFound, Forbidden, Refused."""
    found = await _admit(world, caller, Verb.RUN_FLOWS, run_id, "cancel")
    async with world.store.writing() as tx:
        run = await tx.take_run(found.run.id, owner=None, wake_at=None)
        if run is None:
            raise Refused("The run has ended already.")
        run = moved(run, Act.CANCEL, world.clock.now())
        await tx.replace(run)
    return replace(found, run=run)


async def replay_run(world: World, caller: Caller, run_id: str, *, from_card: str = "") -> RunView:
    """Run again what was run, with what it was given; from a card on, what was before stays.

    It is the version of then that runs. What cards before that one answered is taken as it was, and
    nothing of it is asked again. Raises NotFound, Forbidden, also for what an older version would
    do and the caller may not, and Refused for a flow that is switched off, for a card that did not
    run and for a run whose answers are gone.
    """
    found = await _admit(world, caller, Verb.RUN_FLOWS, run_id, "replay")
    require_on(found.view)
    if found.run.number != found.view.saved.number:  # whoever saved it may since hold less
        await require_all(world, caller, found.view.place, found.view.flow)
    if not found.run.sealed_given:
        raise Refused("Nothing was kept of what the run was given: history is none.")
    before = await _answers_before(world, found, from_card)
    given = open_given(world, found.view, found.run)
    async with world.store.writing() as tx:
        run = await start_run(
            tx, world, found.view, given, cause=Cause.REPLAYED, by=f"{caller.id} of {run_id}"
        )
        for each in before:
            text = each.sealed and open_text(world, found.view, f"{run_id}/{each.at}", each.sealed)
            sealed = text and seal_text(world, found.view, f"{run.id}/{each.at}", text)
            await tx.add(replace(each, run_id=run.id, sealed=sealed or None))
    return replace(found, run=run, steps=())


async def _answers_before(world: World, found: RunView, card: str) -> Sequence[RunAnswer]:
    if not card:
        return ()
    async with world.store.reading() as tx:
        answers = await tx.list(RunAnswer, run_id=found.run.id)
        steps = await _steps(world, tx, found)
    ran = [step["position"] for step in steps]
    own = (each["position"] for each in steps if each["card_id"] == card)
    at = next((each for each in own if INSIDE not in each), None)
    if at is None:
        raise Refused(f"The card {card} did not run then: run it again from the start.")
    stood = {each for each in ran[: ran.index(at)] if not each.startswith((f"{at}.", f"{at}!"))}
    return [each for each in answers if _is_of(each.at, stood)]


def _is_of(at: str, stood: Collection[str]) -> bool:
    """Say whether what was asked there, one of these cards has asked, or one inside of it."""
    position = card_position(at)
    while position and position not in stood:
        position = _LAST_STEP.sub("", position)
    return bool(position)


def open_result(world: World, found: RunView) -> Response | None:
    """Return what a run answered, in full; None before its end."""
    sealed = found.run.sealed_result
    if sealed is None:
        return None
    return read_response(open_text(world, found.view, f"{found.run.id}/result", sealed))


async def read_result(world: World, caller: Caller, run_id: str) -> tuple[RunView, Response | None]:
    """Read what a run answered, in full; None before its end. Raises NotFound, Forbidden.

    What its history hides is in it: it takes what starting a run takes.
    """
    found = await _admit(world, caller, Verb.RUN_FLOWS, run_id, "result")
    return found, open_result(world, found)


async def _admit(
    world: World, caller: Caller, verb: Verb, run_id: str, detail: str = ""
) -> RunView:
    """Find a run and pass the gate for its flow; a refusal does not tell whether it is there."""
    async with world.store.reading() as tx:
        found = await find_seen(tx, caller, verb, run_id)
    target = target_of(found.view.place) if found else Target(caller.home, somewhere=True)
    subject = f"run {run_id}" + (f" ({detail})" if detail else "")
    await gate.require(world, caller, verb, target, subject=subject)
    if found is None:
        raise NotFound(f"There is no run {run_id}.")
    return found


async def find_seen(tx: Reading, caller: Caller, verb: Verb, run_id: str) -> RunView | None:
    """Find a run of which the caller may do something; None where it is not there as well."""
    run = await tx.find(Run, id=RunId(run_id))
    if run is None:
        return None
    view = await view_of(tx, await must(tx.find(SavedFlow, id=run.flow_id)), run.number)
    return RunView(run, view) if gate.may(caller, verb, target_of(view.place)) else None
