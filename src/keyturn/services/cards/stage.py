"""Where and on whose behalf a card acts."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from keyturn.domain.access import Caller
from keyturn.domain.flows.failures import CardFailure, Failure
from keyturn.domain.flows.values import Bound, Value
from keyturn.domain.flows.walk import Act
from keyturn.domain.ids import FlowId
from keyturn.domain.project import Place
from keyturn.services.ports import World, Writing
from keyturn.services.projects import Where

Change: TypeAlias = Callable[[Writing], Awaitable[Bound]]
"""Change something of Keyturn's own in a transaction, and return the outputs."""


@dataclass(frozen=True)
class Stage:
    """Where and on whose behalf a card acts.

    ``caller`` is the flow itself, and ``place`` its folder; ``flow_id`` is the flow that is run,
    which the card's own may be inside of. ``position`` is unique in the run, so
    that both together make a key for what is done once. ``depth`` is how many runs have started
    each other before this one. ``secrets`` are texts that nobody may see in an answer. ``book``
    commits a change together with the card's answer, where a run is written down.
    """

    world: World
    place: Place
    caller: Caller
    run_id: str
    flow_id: FlowId
    position: str
    timeout_s: float
    depth: int = 0
    secrets: frozenset[str] = field(default=frozenset(), repr=False)
    book: Callable[[Change], Awaitable[Bound]] | None = None

    async def commit(self, change: Change) -> Bound:
        """Change something of Keyturn's own: a run that is taken over later is told what came."""
        if self.book:
            return await self.book(change)
        async with self.world.store.writing() as tx:
            return await change(tx)

    def where(self, path: str | None = None) -> Where:
        """Return a folder of the flow's environment; without a path, the flow's own."""
        place = self.place
        return Where(place.project.id, place.environment.slug, path or place.folder.path)


Perform: TypeAlias = Callable[[Stage, Act], Awaitable[Bound]]
"""Do what a card does, and return its outputs. Raises CardFailure and KeyturnError."""


def given(act: Act) -> Mapping[str, Value]:
    """Return the inputs of a card by name."""
    return act.inputs.value if isinstance(act.inputs.value, dict) else {}


def late() -> CardFailure:
    """Return the failure of a card that had no time left before it sent anything."""
    return CardFailure(Failure.TIMEOUT, "The card's time was over before anything was sent.")
