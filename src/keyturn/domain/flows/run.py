"""Flows as they are kept, and their runs.

Decides what may follow what in a run. A run is a row: whoever holds it goes on where its answers
end, and a row that is left comes due again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from keyturn.domain.flows.failures import CardFailure, Failure
from keyturn.domain.ids import FlowId, FolderId, RunId


@dataclass(frozen=True)
class SavedFlow:
    """A flow that is kept; ``number`` is that of its newest version.

    ``alias`` stands in its address. ``token_hash`` is that of the client token that opens its
    endpoint, empty where none was made. ``next_at`` is when its schedule starts it, ``listens`` are
    the events of Keyturn's own that do.
    """

    id: FlowId
    folder_id: FolderId
    name: str
    alias: str
    number: int
    enabled: bool
    created_at: datetime
    updated_at: datetime
    description: str = ""
    token_hash: bytes = b""
    next_at: datetime | None = None
    listens: tuple[str, ...] = ()


@dataclass(frozen=True)
class FlowVersion:
    """The text of a flow as somebody saved it; it never changes."""

    flow_id: FlowId
    number: int
    source: str
    author: str
    created_at: datetime


class Cause(StrEnum):
    """Why a run was started."""

    INVOKED = "invoked"
    SCHEDULED = "scheduled"
    BY_EVENT = "by_event"
    BY_HAND = "by_hand"
    BY_FLOW = "by_flow"
    REPLAYED = "replayed"


class Phase(StrEnum):
    """Where a run stands."""

    RUNNING = "running"
    SLEEPING = "sleeping"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Act(StrEnum):
    """What may happen to a run."""

    SLEEP = "sleep"
    WAKE = "wake"
    FINISH = "finish"
    FAIL = "fail"
    CANCEL = "cancel"


MOVES: Mapping[Phase, Mapping[Act, Phase]] = MappingProxyType(
    {
        Phase.RUNNING: {
            Act.SLEEP: Phase.SLEEPING,
            Act.FINISH: Phase.FINISHED,
            Act.FAIL: Phase.FAILED,
            Act.CANCEL: Phase.CANCELLED,
        },
        Phase.SLEEPING: {
            Act.WAKE: Phase.RUNNING,
            Act.FAIL: Phase.FAILED,  # whoever wakes it cannot read its flow any more
            Act.CANCEL: Phase.CANCELLED,
        },
        Phase.FINISHED: {},
        Phase.FAILED: {},
        Phase.CANCELLED: {},
    }
)
CHAIN_MAX: Final = 20
"""How many runs start each other, at most: what starts itself comes to an end."""
TAKEOVERS_MAX: Final = 5
"""How often a run is taken up that comes no further: whoever works on it dies of it."""
ENDS: Final = frozenset(phase for phase, moves in MOVES.items() if not moves)


@dataclass(frozen=True)
class Run:
    """One execution of a version of a flow.

    ``sealed_given`` is what it was started with and ``sealed_result`` what it answered, both in
    full. ``wake_at`` is when somebody has to look at it: at the end of a lease, or of a sleep.
    ``steps`` counts the cards that are in its history, ``pages`` where they lie. ``failure`` is the
    kind of what halted it, ``card`` the id of the card that failed, and ``told`` says more.
    ``depth`` is how many runs have started each other before it. ``got_on`` is the epoch in which
    it came further than before, ``cpu_ms`` the CPU time that it has taken.
    """

    id: RunId
    flow_id: FlowId
    number: int
    cause: Cause
    created_at: datetime
    sealed_given: bytes
    phase: Phase = Phase.RUNNING
    by: str = ""
    wake_at: datetime | None = None
    owner: str | None = None
    epoch: int = 0
    ended_at: datetime | None = None
    steps: int = 0
    pages: int = 0
    status: int | None = None
    failure: str = ""
    card: str = ""
    told: str = ""
    sealed_result: bytes | None = None
    depth: int = 0
    got_on: int = 0
    cpu_ms: int = 0

    @property
    def takeovers(self) -> int:
        """Return how often it was taken up since it came further than before."""
        return self.epoch - self.got_on


@dataclass(frozen=True)
class RunSight:
    """What is told of a run to whoever follows: nothing of what it was given, did or answered.

    ``rank`` is its place among all runs in the order that was asked for.
    """

    rank: int
    id: RunId
    flow_id: FlowId
    number: int
    cause: Cause
    created_at: datetime
    phase: Phase
    wake_at: datetime | None
    ended_at: datetime | None
    steps: int
    status: int | None
    failure: str
    card: str

    @property
    def begun(self) -> "RunSight":
        """Return it as it was when it began."""
        return replace(
            self,
            phase=Phase.RUNNING,
            wake_at=None,
            ended_at=None,
            steps=0,
            status=None,
            failure="",
            card="",
        )

    @property
    def undecided(self) -> bool:
        """Say whether nobody knows yet how it ends: nothing is kept of it until then."""
        return self.failure == Failure.UNKNOWN_OUTCOME and self.status is None


@dataclass(frozen=True)
class RunMark:
    """How far runs are known: up to which they have begun, and up to which change of a phase."""

    begun: int = 0
    changed: int = 0


@dataclass(frozen=True)
class RunPage:
    """Some steps of a run, one after the other, sealed; ``number`` counts the pages from 1."""

    run_id: RunId
    number: int
    sealed: bytes


@dataclass(frozen=True)
class RunAnswer:
    """What was asked outside ``at`` a position of a run, and what came; None while nobody knows.

    It is there until the run ends: a worker that takes the run over goes on by it.
    """

    run_id: RunId
    at: str
    sealed: bytes | None = None


def moved(run: Run, act: Act, now: datetime) -> Run:
    """Return a run after something happened to it. Raises KeyError for what cannot happen now."""
    phase = MOVES[run.phase][act]
    ended = phase in ENDS
    return replace(
        run,
        phase=phase,
        owner=None if ended else run.owner,
        wake_at=None if ended else run.wake_at,
        ended_at=now if ended else None,
    )


def asleep(run: Run, until: datetime, now: datetime) -> Run:
    """Return a run that nobody holds and that is taken up at a time."""
    return replace(moved(run, Act.SLEEP, now), owner=None, wake_at=until)


def held(run: Run, now: datetime, lease: timedelta) -> Run:
    """Return a run that its holder keeps for another lease."""
    return replace(run, wake_at=now + lease)


def halted(run: Run, failure: CardFailure, now: datetime) -> Run:
    """Return a run that has failed."""
    told = f"{failure.card}: {failure.message}" if failure.card else failure.message
    after = moved(run, Act.FAIL, now)
    return replace(after, failure=failure.kind.value, card=failure.card, told=told)
