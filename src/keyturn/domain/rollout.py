"""A rollout: many rotations turned in an order, wave by wave, or all at once in an emergency.

States are tables here; who is in which wave is decided in `waves`, what comes next in `carrying`.
Knows no clock, no Okta and no store.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from keyturn.domain.errors import Refused
from keyturn.domain.ids import AppId, IdentityId, OrganizationId, RolloutId, RotationId, TurnId
from keyturn.domain.turn import Phase


class Kind(StrEnum):
    """What a rollout is for."""

    WAVES = "waves"
    """Turn many in order, and stop where something goes wrong."""
    EMERGENCY = "emergency"
    """Close every one, the most exposed first; what goes wrong with one keeps no other waiting."""


class State(StrEnum):
    """Where a rollout stands."""

    AWAITING = "awaiting"
    """The next wave waits for somebody's approval."""
    RUNNING = "running"
    HALTED = "halted"
    """Something went wrong in a wave: nothing more is started until somebody says so."""
    FINISHED = "finished"
    ABANDONED = "abandoned"


class Order(StrEnum):
    """What moves a rollout on."""

    APPROVE = "approve"
    AWAIT = "await"
    HALT = "halt"
    CONTINUE = "continue"
    ABORT = "abort"
    FINISH = "finish"


MOVES: Mapping[State, Mapping[Order, State]] = MappingProxyType(
    {
        State.AWAITING: {
            Order.APPROVE: State.RUNNING,
            Order.HALT: State.HALTED,
            Order.ABORT: State.ABANDONED,
        },
        State.RUNNING: {
            Order.AWAIT: State.AWAITING,
            Order.HALT: State.HALTED,
            Order.ABORT: State.ABANDONED,
            Order.FINISH: State.FINISHED,
        },
        State.HALTED: {Order.CONTINUE: State.RUNNING, Order.ABORT: State.ABANDONED},
        State.FINISHED: {},
        State.ABANDONED: {},
    }
)
"""Every legal move of a rollout."""


class Standing(StrEnum):
    """How one member of a rollout stands."""

    WAITING = "waiting"
    """Its turn has not been started."""
    TURNING = "turning"
    """Its turn is under way, and the old secret may work still."""
    CLOSED = "closed"
    """Okta refuses the old secret; it is still to be deleted."""
    DONE = "done"
    """Its turn has finished."""
    FAILED = "failed"
    """Its turn was blocked, taken back, or had to reinstate the old secret.

    In an emergency also: somebody has paused it, or one that stands before it.
    """
    INACTIVE = "inactive"
    """Its app is deactivated at Okta, which accepts nothing of it: in an emergency only."""
    SKIPPED = "skipped"
    """It was left out, by somebody's word or because there is nothing to turn."""


@dataclass(frozen=True)
class Rollout:
    """A rollout as it was asked for, and where it stands.

    ``selector`` is what picked its members, as text; ``waves`` say how they were cut: ``preview``,
    a selector, ``10%``, ``50``, or ``rest``; in an emergency they are orgs, closed side by side.
    ``approvals`` is whether each wave needs a second person. ``plan_hash`` is that of the plan that
    was shown. ``wave`` is the number of the one under way, ``go_on_at`` the phase in which a turn
    is good enough for the next. In an emergency ``within_s`` is what time consumers have,
    ``revoke`` whether refresh tokens are revoked too, and ``tidied_at`` since when what was closed
    may be deleted. ``told`` is why it halted, who
    ended it, or how many were left out.
    """

    id: RolloutId
    organization_id: OrganizationId
    kind: Kind
    name: str
    reason: str
    selector: str
    state: State
    plan_hash: str
    created_by: IdentityId
    creator: str
    created_at: datetime
    waves: tuple[str, ...] = ()
    approvals: bool = False
    go_on_at: Phase = Phase.FINISHED
    wave: int = 1
    within_s: int = 0
    revoke: bool = False
    told: str = ""
    due_at: datetime | None = None
    tidied_at: datetime | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True)
class Member:
    """One rotation of a rollout; ``number`` is its place in the order, ``why`` how it came there.

    ``exposure`` is how exposed its app is, in an emergency; ``told`` is what went wrong, or who had
    no time. ``begun_at`` is when its turn was started, ``closed_at`` when Okta refused the old one.
    ``name`` is the rotation's with its place, as it was planned, ``behind`` the number of the
    member that has to be good before it, 0 for none. ``until_next`` is whether its overlap lasts
    until the turn after this one, which no wave waits for.
    """

    rollout_id: RolloutId
    number: int
    wave: int
    rotation_id: RotationId
    app_id: AppId
    standing: Standing = Standing.WAITING
    turn_id: TurnId | None = None
    exposure: int = 0
    why: str = ""
    told: str = ""
    begun_at: datetime | None = None
    closed_at: datetime | None = None
    revoked_at: datetime | None = None
    ended_at: datetime | None = None
    name: str = ""
    behind: int = 0
    until_next: bool = False


@dataclass(frozen=True)
class Approval:
    """A second person's word that a wave of a plan may go; good until ``expires_at``."""

    rollout_id: RolloutId
    wave: int
    plan_hash: str
    by: IdentityId
    name: str
    at: datetime
    expires_at: datetime


BY_PEOPLE = frozenset({Order.APPROVE, Order.CONTINUE, Order.ABORT})
"""The orders that somebody can give; the others follow from how the members stand."""

ENDED = frozenset({State.FINISHED, State.ABANDONED})
"""The states that nothing follows."""

ACTING = frozenset({Standing.TURNING, Standing.CLOSED})
"""The standings in which a turn is under way."""


def moved(rollout: Rollout, order: Order, now: datetime, told: str = "") -> Rollout:
    """Return a rollout after an order, due now; ``told`` is why. Raises Refused where none fits."""
    state = MOVES[rollout.state].get(order)
    if state is None:
        orders = (each for each in MOVES[rollout.state] if each in BY_PEOPLE)
        possible = ", ".join(orders) or "nothing any more"
        raise Refused(
            f"Rollout {rollout.name} is {rollout.state}: there is nothing to {order}. Possible: "
            f"{possible}."
        )
    ended_at = now if state in ENDED else None
    return replace(rollout, state=state, told=told, due_at=now, ended_at=ended_at)
