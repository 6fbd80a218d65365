"""The cards that start other flows."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from keyturn.domain.flows.expressions import step_into
from keyturn.domain.flows.failures import CardFailure, Failure
from keyturn.domain.flows.run import CHAIN_MAX, Cause, SavedFlow
from keyturn.domain.flows.values import Bound, members, seen
from keyturn.domain.flows.walk import Act
from keyturn.services.cards.stage import Perform, Stage, given
from keyturn.services.ports import Writing
from keyturn.services.starting import run_of


async def _call_async(stage: Stage, act: Act) -> Bound:
    """Add a run of a flow of the same folder, committed with the card's answer."""
    if stage.depth >= CHAIN_MAX:
        raise CardFailure(Failure.LIMIT, f"Flows start each other {CHAIN_MAX} times at most.")
    name, inputs = str(given(act).get("flow")), step_into(act.inputs, "inputs")
    start = members({"inputs": inputs if inputs and inputs.value else seen({})})

    async def work(tx: Writing) -> Bound:
        found = await tx.find(SavedFlow, folder_id=stage.place.folder.id, name=name)
        if found is None or not found.enabled:
            raise CardFailure(Failure.MISSING, f"There is no flow {name} that is switched on.")
        run = run_of(
            stage.world,
            found,
            stage.place,
            start,
            cause=Cause.BY_FLOW,
            by=f"run {stage.run_id}",
            depth=stage.depth + 1,
        )
        await tx.add(run)
        return seen({"run": run.id})

    return await stage.commit(work)


PERFORMERS: Final[Mapping[str, Perform]] = MappingProxyType({"flow.call_async": _call_async})
