"""Runs of flows, started: a row that whoever is free takes up.

Decides what a run begins with, and how its texts are sealed. Whoever starts one in a transaction of
something else needs neither the flow's text nor anybody's time: there is nothing that could fail.
"""

from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from keyturn.domain.flows.codec import read_bound, write_answer
from keyturn.domain.flows.run import Cause, Run, SavedFlow
from keyturn.domain.flows.values import Bound, Value, seen
from keyturn.domain.ids import RunId
from keyturn.domain.project import Place
from keyturn.domain.sensitive import Sensitive
from keyturn.services.ports import World, Writing

if TYPE_CHECKING:
    from keyturn.services.flows import FlowView

Given: TypeAlias = "Bound | Value"
"""What a run begins with; bound, where some of it may not be seen."""


async def start_run(  # noqa: PLR0913  what a run begins with
    tx: Writing,
    world: World,
    view: "FlowView",
    given: Given,
    *,
    cause: Cause,
    by: str,
    depth: int = 0,
) -> Run:
    """Add a run that whoever is free takes up."""
    run = new_run(world, view, given, cause=cause, by=by, depth=depth)
    await tx.add(run)
    return run


def new_run(
    world: World, view: "FlowView", given: Given, *, cause: Cause, by: str, depth: int = 0
) -> Run:
    """Make a run of a flow that is due now; nothing is stored."""
    run = run_of(world, view.saved, view.place, given, cause=cause, by=by, depth=depth)
    return replace(run, number=view.version.number)


def run_of(  # noqa: PLR0913  what a run begins with
    world: World,
    saved: SavedFlow,
    place: Place,
    given: Given,
    *,
    cause: Cause,
    by: str,
    depth: int = 0,
    run_id: RunId | None = None,
) -> Run:
    """Make a run of the newest version of a flow, whose text nobody has to read for that."""
    now, new_id = world.clock.now(), run_id or RunId(world.chance.uuid())
    bound = given if isinstance(given, Bound) else seen(given)
    return Run(
        id=new_id,
        flow_id=saved.id,
        number=saved.number,
        cause=cause,
        created_at=now,
        sealed_given=_sealed(world, place, f"{new_id}/given", write_answer(bound)),
        by=by,
        wake_at=now,
        depth=depth,
    )


def seal_text(world: World, view: "FlowView", spot: str, text: str) -> bytes:
    """Seal a text of a run under its project's data key, bound to a spot in the run."""
    return _sealed(world, view.place, spot, text)


def open_text(world: World, view: "FlowView", spot: str, sealed: bytes) -> str:
    """Open a text of a run. Raises SealBroken."""
    project = view.place.project
    return world.vault.open(project.data_key, project.id, f"flow-run/{spot}", sealed).reveal()


def open_given(world: World, view: "FlowView", run: Run) -> Bound:
    """Open what a run began with. Raises SealBroken."""
    return read_bound(open_text(world, view, f"{run.id}/given", run.sealed_given))


def _sealed(world: World, place: Place, spot: str, text: str) -> bytes:
    project = place.project
    return world.vault.seal(project.data_key, project.id, f"flow-run/{spot}", Sensitive(text))
