"""Which card comes next, and with what: one flow from its start to its end.

A course is a generator: it asks for what it cannot do itself and is sent what came of it. Whoever
runs it (`services.runs`) writes down what was sent; sent the same again, a course asks the same
again, so that a run which was killed goes on where it stood.
"""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import count
from typing import Final, TypeAlias, TypeVar

from keyturn.domain.flows.definition import Card, Flow, OnError
from keyturn.domain.flows.expressions import SECRETS, Scope, evaluate, step_into
from keyturn.domain.flows.failures import CardFailure, Failure
from keyturn.domain.flows.spec import Pure, When
from keyturn.domain.flows.values import (
    MASK,
    Bound,
    TooLarge,
    Value,
    fits,
    is_masked,
    members,
    seen,
    size_of,
)

T = TypeVar("T", Bound, Flow)

HEAVY_BYTES: Final = 64 * 1024
"""From how much on a card is computed apart: sorting a megabyte takes a second."""
BREATH: Final = 200
"""After how many cards whoever runs a course may look around."""
EFFORT_BYTES: Final = 16 * 1024
"""How much on a card counts for one more when it is time to look around."""
STARTS: Final = "flow.call_async"


@dataclass(frozen=True)
class Act:
    """Do what a card does to the world; sent is a `Bound` of its outputs, or CardFailure thrown.

    ``position`` is this card's in this run, also where it runs for each item or is tried again.
    """

    position: str
    card: Card
    inputs: Bound


@dataclass(frozen=True)
class Open:
    """Read the values of secrets; sent is a `Bound` of them by name, hidden."""

    position: str
    flow: Flow
    names: frozenset[str]


@dataclass(frozen=True)
class Load:
    """Find the flow that runs inside this one; sent is a `Flow`."""

    position: str
    name: str


@dataclass(frozen=True)
class Sleep:
    """Go on after so many seconds; sent is None."""

    position: str
    pause_s: float


@dataclass(frozen=True)
class Reply:
    """Answer whoever invoked the flow, and go on; sent is None."""

    response: "Response"


@dataclass(frozen=True)
class Compute:
    """Do what a card computes of much, beside everybody else; sent is the `Bound` that came."""

    work: Callable[[], Bound]


@dataclass(frozen=True)
class Breathe:
    """Look around: whether the run is cancelled, and others have their turn; sent is None."""


Ask: TypeAlias = Act | Open | Load | Sleep | Reply | Compute | Breathe
Sent: TypeAlias = Bound | Flow | None
Course: TypeAlias = "Generator[Ask, Sent, End]"
Going: TypeAlias = "Generator[Ask, Sent, Bound]"
Cards: TypeAlias = "Generator[Ask, Sent, None]"


@dataclass(frozen=True)
class Response:
    """What is answered: an object as JSON, or a text as it is where ``raw``."""

    status: int
    body: Bound
    headers: Mapping[str, str] = field(default_factory=dict)
    raw: bool = False


EMPTY: Final = Response(200, seen({}))


@dataclass(frozen=True)
class End:
    """How a course ended; ``failure`` says that it halted, ``response`` what it returned."""

    response: Response = EMPTY
    failure: CardFailure | None = None


@dataclass(frozen=True)
class Step:
    """What one card took and gave, as people may see it; ``error`` where it failed."""

    position: str
    card_id: str
    card: str
    began_at: datetime
    ended_at: datetime
    inputs: Value
    outputs: Value
    error: Value = None


@dataclass(frozen=True)
class Allowance:
    """What one run may take.

    ``steps`` are cards that run, ``memory_bytes`` what its values take together. ``helpers`` are
    flows that it runs or starts in all, ``depth`` those inside each other, ``wait_s`` is how long
    it may wait for something at a time.
    """

    steps: int = 2_000_000
    memory_bytes: int = 100 * 1024 * 1024
    helpers: int = 10_000
    depth: int = 10
    wait_s: float = 30 * 86_400.0


class Ended(Exception):
    """A card ends the flow that it is in."""

    def __init__(self, response: Response) -> None:
        self.response = response
        super().__init__("ended")


class Walk:
    """One run's way through its flow and those inside it.

    ``now`` tells when something was. ``steps`` are those done that nobody has asked to forget,
    none where they are not ``noted``; ``done`` counts all of them, ``bytes`` what its values take
    together now.
    """

    def __init__(
        self, allowance: Allowance, now: Callable[[], datetime], *, noted: bool = True
    ) -> None:
        self.allowance: Final = allowance
        self._now: Final = now
        self._noted: Final = noted
        self._steps_left = allowance.steps
        self._helpers_left = allowance.helpers
        self._effort = 0
        self.bytes = 0
        self._depth = 0
        self.steps: list[Step] = []
        self.done = 0
        self._weight = 0

    def forget(self, count: int) -> None:
        """Forget so many of the steps, the first ones: somebody has them."""
        del self.steps[:count]

    def course(self, flow: Flow, start: Bound, *, run: Bound, at: str = "") -> Course:
        """Return the course of a flow that is started with this."""
        scope = Scope()
        self._depth += 1
        try:
            scope.bind("start", start)
            scope.bind("run", run)
            self._require_shallow()
            yield from self.lane(flow.cards, scope, flow, at)
        except Ended as ended:
            return End(ended.response)
        except CardFailure as failure:
            return (yield from self._halted(failure, flow, run, at))
        finally:
            self._depth -= 1
        return End()

    def _require_shallow(self) -> None:
        if self._depth > self.allowance.depth:
            told = f"Flows run {self.allowance.depth} deep inside each other at most."
            raise CardFailure(Failure.LIMIT, told)

    def _halted(self, failure: CardFailure, flow: Flow, run: Bound, at: str) -> Course:
        """Run what a flow names for its failures; it has failed all the same."""
        if flow.on_error.run and failure.kind is not Failure.LIMIT:
            error = seen({"error": failure.as_value})
            yield from self.inside(flow.on_error.run, error, run=run, at=f"{at}error")
        return End(failure=failure)

    def inside(self, name: str, start: Bound, *, run: Bound, at: str) -> Course:
        """Return the course of another flow, inside this one."""
        self._count_helper()
        flow = _sent(Flow, (yield Load(at, name)))
        return (yield from self.course(flow, start, run=run, at=f"{at}/"))

    def lane(self, cards: Sequence[Card], scope: Scope, flow: Flow, at: str) -> Cards:
        """Run cards one after the other."""
        for number, card in enumerate(cards, 1):
            yield from self._card(card, scope, flow, f"{at}{number}")

    def _card(self, card: Card, scope: Scope, flow: Flow, position: str) -> Cards:
        yield from self.count()
        began_at, inputs = self._now(), seen({})
        try:
            inputs = yield from self._inputs(card, scope, flow, position)
            outputs = yield from self._outputs(card, inputs, scope, flow, position)
        except Ended as ended:
            self._note(card, position, began_at, _Went(inputs, ended.response.body))
            raise
        except CardFailure as failure:
            failure.card = failure.card or card.id
            self._note(card, position, began_at, _Went(inputs, seen(None), failure))
            outputs = yield from self._after(failure, card.on_error, scope, position)
        else:
            self._note(card, position, began_at, _Went(inputs, outputs))
        self._hold(scope, card.id, outputs)

    def leave(self, scope: Scope) -> None:
        """Give up what a scope holds, as nobody can refer to it any more."""
        self.bytes -= scope.size

    def count(self) -> Cards:
        """Count a card, or an item that is looked at. Raises CardFailure past the last one."""
        self._steps_left -= 1
        if self._steps_left < 0:
            told = f"The run has taken its {self.allowance.steps:,} cards: see the flow's limits."
            raise CardFailure(Failure.LIMIT, told)
        self._effort += 1
        if self._effort >= BREATH:
            self._effort = 0
            yield Breathe()

    def _count_helper(self) -> None:
        """Count a flow that this one runs or starts. Raises CardFailure past the last one."""
        self._helpers_left -= 1
        if self._helpers_left < 0:
            told = f"The run has called its {self.allowance.helpers:,} helper flows."
            raise CardFailure(Failure.LIMIT, told)

    def _hold(self, scope: Scope, name: str, bound: Bound) -> None:
        """Bind a value, and count what all take together."""
        self.weigh(scope.bind(name, bound))

    def weigh(self, more: int) -> None:
        """Count bytes that the run holds from now on. Raises CardFailure for too many."""
        self.bytes += more
        if self.bytes > self.allowance.memory_bytes:
            told = f"The run's values take more than {self.allowance.memory_bytes:,} bytes."
            raise CardFailure(Failure.LIMIT, told)

    def _note(self, card: Card, position: str, at: datetime, went: "_Went") -> None:
        """Note what a card that began then took and gave."""
        if not self._noted:
            return
        error = went.failure.as_value if went.failure else None
        inputs, outputs = went.inputs.view, went.outputs.view
        name = card.spec.name
        self.done += 1
        self.steps.append(Step(position, card.id, name, at, self._now(), inputs, outputs, error))

    def _after(self, failure: CardFailure, on_error: OnError, scope: Scope, position: str) -> Going:
        """Return the outputs that a card has although it failed. Raises CardFailure, Ended."""
        if failure.kind is Failure.LIMIT or (on_error.give is None and not on_error.run):
            raise failure
        error = Scope(scope)
        error.bind("error", seen(failure.as_value))
        if on_error.give is not None:
            return evaluate(on_error.give, error)
        run = scope.find("run") or seen({})
        start = seen({"error": failure.as_value})
        end = yield from self.inside(on_error.run, start, run=run, at=f"{position}!")
        if end.failure:
            raise end.failure
        raise Ended(end.response)

    # --- what a card takes and gives --------------------------------------------------------------

    def _inputs(self, card: Card, scope: Scope, flow: Flow, position: str) -> Going:
        names = card.secrets
        if names:
            opened = _sent(Bound, (yield Open(position, flow, names)))
            self._hold(scope, SECRETS, opened)
        early = {
            name: evaluate(expression, scope)
            for name, expression in card.inputs.items()
            if not _waits(card, name)
        }
        for name, bound in early.items():
            _require_kind(card, name, bound.value)
        absent = {i.name: seen(i.default) for i in card.spec.inputs if i.name not in card.inputs}
        inputs = members(absent | early)
        self._weight = _require_light(inputs.value)
        self._effort += self._weight // EFFORT_BYTES
        return inputs

    def _outputs(self, card: Card, inputs: Bound, scope: Scope, flow: Flow, position: str) -> Going:
        if card.spec.steer:
            here = Here(self, card, inputs, scope, flow, f"{position}.")
            return (yield from card.spec.steer(here))
        if card.spec.run:
            return (yield from self._computing(card, inputs, card.spec.run))
        outputs = yield from self._acted(card, inputs, position)
        return _with_secrets_hidden(card, outputs)

    def _computing(self, card: Card, inputs: Bound, compute: Pure) -> Going:
        """Compute a card: what takes long, where it keeps nobody waiting."""
        if self._weight <= HEAVY_BYTES:
            return _computed(card, inputs, compute)
        return _sent(Bound, (yield Compute(partial(_computed, card, inputs, compute))))

    def _acted(self, card: Card, inputs: Bound, position: str) -> Going:
        """Ask for what a card does, and ask again as often as it says."""
        if card.spec.name == STARTS:
            self._count_helper()
        for attempt in count(1):
            at = position if attempt == 1 else f"{position}~{attempt}"
            try:
                return _sent(Bound, (yield Act(at, card, inputs)))
            except CardFailure as failure:
                pause_s = card.retry.pause_s(attempt, failure) if card.retry else None
                if pause_s is None:
                    raise
                yield Sleep(f"{at}~", pause_s)
        raise AssertionError  # count() never ends


def _waits(card: Card, name: str) -> bool:
    declared = card.spec.input(name)
    return declared is not None and declared.when is When.EACH


def _require_kind(card: Card, name: str, value: Value) -> None:
    """Raise CardFailure for an input that is of another kind, or none of its options."""
    declared = card.spec.input(name)
    if declared is None or (value is None and not declared.required):
        return
    if not fits(declared.kind, value):
        raise CardFailure(Failure.INPUT, f"{name} must be of the kind {declared.kind}")
    if declared.options and value not in declared.options:
        told = ", ".join(declared.options)
        raise CardFailure(Failure.INPUT, f"{name} must be one of {told}")


def _require_light(value: Value) -> int:
    """Return about how many bytes a value takes. Raises CardFailure where nobody could hold it."""
    try:
        return size_of(value)
    except TooLarge as error:
        raise CardFailure(Failure.LIMIT, f"With its inputs, {error}.") from None


def _computed(card: Card, inputs: Bound, compute: Pure) -> Bound:
    """Compute a card; what comes of something hidden is hidden."""
    value = dict(compute(_named(inputs.value)))
    if inputs.view is inputs.value or not is_masked(inputs.view):
        return _with_secrets_hidden(card, seen(value))
    if not card.spec.mirrors:
        return Bound(value, dict.fromkeys(value, MASK))
    try:
        return Bound(value, dict(compute(_named(inputs.view))))
    except CardFailure:  # what is hidden is of another kind than what hides it
        return Bound(value, dict.fromkeys(value, MASK))


def _with_secrets_hidden(card: Card, outputs: Bound) -> Bound:
    secret = {each.name for each in card.spec.outputs if each.secret}
    if not secret or not isinstance(outputs.view, dict):
        return outputs
    hidden = {name: MASK if name in secret else view for name, view in outputs.view.items()}
    return Bound(outputs.value, hidden)


def _named(value: Value) -> Mapping[str, Value]:
    return value if isinstance(value, dict) else {}


def _sent(kind: type[T], sent: Sent) -> T:
    """Return what was sent, which is of the kind that the ask names."""
    if isinstance(sent, kind):
        return sent
    raise TypeError(f"a course was sent {type(sent).__name__} where it waits for {kind.__name__}")


@dataclass(frozen=True)
class _Went:
    inputs: Bound
    outputs: Bound
    failure: CardFailure | None = None


@dataclass(frozen=True)
class Here:
    """Where a card that steers stands: what it was given, and the names that it can bind."""

    walk: Walk
    card: Card
    inputs: Bound
    scope: Scope
    flow: Flow
    at: str

    def given(self, name: str) -> Bound:
        """Return one of its inputs."""
        return step_into(self.inputs, name) or seen(None)

    def lane(self, name: str, scope: Scope | None = None, at: str = "") -> Cards:
        """Run the cards of a lane, where it has one."""
        cards = self.card.lanes.get(name, ())
        yield from self.walk.lane(cards, scope or self.scope, self.flow, f"{self.at}{name}{at}.")
