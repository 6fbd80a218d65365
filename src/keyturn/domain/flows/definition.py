"""A flow as it is read from its file, ready to run.

Decides what a flow consists of. Reading (`reading`) makes one only of what passes every check that
needs nothing outside the file.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from keyturn.domain.flows.expressions import Expression, Reference, references_in
from keyturn.domain.flows.failures import CardFailure
from keyturn.domain.flows.spec import CardSpec, History, Security, StartKind
from keyturn.domain.flows.values import Kind, Value

RETRIED = frozenset({429})
"""The statuses that Okta's cards are tried again on: nothing was done, come later."""


@dataclass(frozen=True)
class Retry:
    """When a card is tried again: so many times, so long after, on these statuses.

    A card that changes something is tried again on 429 alone unless it names the others, as they
    may come of a request that was served.
    """

    times: int
    after_s: float = 300.0
    statuses: frozenset[int] = RETRIED

    def pause_s(self, attempt: int, failure: CardFailure) -> float | None:
        """Return how long to wait after the attempt of a number; None to give it up."""
        if attempt > self.times or failure.status not in self.statuses:
            return None
        return max(self.after_s, failure.retry_after_s or 0.0)


@dataclass(frozen=True)
class OnError:
    """What happens where a card fails.

    The flow halts, or ``give`` are the card's outputs, or the flow of the name ``run`` runs with
    the error and what it returns is returned.
    """

    give: Expression | None = None
    run: str = ""


HALT = OnError()


@dataclass(frozen=True)
class Card:
    """A card in a flow; ``cases`` are pairs of a condition and the cards that run where it holds.

    ``item`` is what the cards of a list's lane call its item; ``line`` is where it stands in the
    file.
    """

    id: str
    spec: CardSpec
    inputs: Mapping[str, Expression] = field(default_factory=dict)
    lanes: Mapping[str, tuple["Card", ...]] = field(default_factory=dict)
    cases: tuple[tuple[Expression, tuple["Card", ...]], ...] = ()
    connection: str = ""
    item: str = "item"
    timeout_s: float | None = None
    retry: Retry | None = None
    on_error: OnError = HALT
    note: str = ""
    line: int = 0

    @cached_property
    def secrets(self) -> frozenset[str]:
        """Return the names of the secrets that its inputs refer to."""
        found = (each for one in self.expressions for each in references_in(one))
        return frozenset(str(each.path[0]) for each in found if _is_secret(each))

    @property
    def expressions(self) -> Iterator[Expression]:
        """Give everything in it that refers to something."""
        yield from self.inputs.values()
        yield from (when for when, _ in self.cases)
        if self.on_error.give:
            yield self.on_error.give

    @property
    def inner(self) -> Iterator["Card"]:
        """Give the cards right inside it."""
        for lane in (*self.lanes.values(), *(cards for _, cards in self.cases)):
            yield from lane


def _is_secret(reference: Reference) -> bool:
    return reference.head == "secrets" and bool(reference.path)


@dataclass(frozen=True)
class Start:
    """By what a flow starts, and what it is given then.

    ``fields`` are the kinds of what comes along, by group (query, headers, body) for an endpoint
    and by name in the group ``inputs`` for the others. ``settings`` are what is particular to the
    kind: the cron line of a schedule, the name of an event.
    """

    kind: StartKind
    fields: Mapping[str, Mapping[str, Kind]] = field(default_factory=dict)
    security: Security = Security.CLIENT_TOKEN
    settings: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True)
class FlowLimits:
    """What a flow allows itself of what the installation allows all.

    ``answer_s`` is how long whoever invokes it waits, ``per_s`` how often it may be invoked,
    ``cpu_s`` how much CPU time a run may take.
    """

    answer_s: float | None = None
    steps: int | None = None
    memory_bytes: int | None = None
    per_s: float | None = None
    cpu_s: float | None = None


@dataclass(frozen=True)
class Flow:
    """A flow: what starts it, and its cards in the order in which they run.

    ``secrets`` are paths of secrets by the names that the cards use, in the flow's environment.
    ``outputs`` are the kinds of what it returns, by name.
    """

    name: str
    start: Start
    cards: tuple[Card, ...]
    description: str = ""
    secrets: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, Kind] = field(default_factory=dict)
    on_error: OnError = HALT
    limits: FlowLimits = FlowLimits()
    history: History = History.FULL

    @property
    def every_card(self) -> Iterator[Card]:
        """Give each card, those inside others included, in the order of the file."""
        left = [*reversed(self.cards)]
        while left:
            card = left.pop()
            yield card
            left += reversed([*card.inner])

    @property
    def connections(self) -> frozenset[str]:
        """Return the aliases that its cards name."""
        return frozenset(card.connection for card in self.every_card if card.connection)

    @property
    def helpers(self) -> frozenset[str]:
        """Return the names of the flows that it runs, where they stand in the file."""
        return frozenset(name for card in self.every_card for name in _helpers_of(card)) | (
            {self.on_error.run} if self.on_error.run else set()
        )


def _helpers_of(card: Card) -> Iterator[str]:
    if card.on_error.run:
        yield card.on_error.run
    named = card.inputs.get("flow")
    value = getattr(named, "value", None)
    declared = card.spec.input("flow")
    if declared and declared.written and isinstance(value, str):
        yield value
