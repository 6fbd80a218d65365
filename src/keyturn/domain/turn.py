"""One turn: its phases, the table of moves between them, and its record.

Everything that affects a turn's phase lives here, and nothing else does: `steps` decides which of
the legal moves comes next. This file knows no clock, no Okta and no store.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from keyturn.domain.errors import Refused
from keyturn.domain.ids import AppId, OktaSecretId, RotationId, SecretHash, TurnId, VersionNo


class Phase(StrEnum):
    """Where a turn stands: each name says what has been done."""

    PLANNED = "planned"
    WRITTEN = "written"
    ISSUED = "issued"
    VERIFIED = "verified"
    PROMOTED = "promoted"
    DELIVERED = "delivered"
    OVERLAPPING = "overlapping"
    RETIRED = "retired"
    SOAKING = "soaking"
    FINISHED = "finished"
    ROLLED_BACK = "rolled_back"
    BLOCKED = "blocked"


class Act(StrEnum):
    """What a step changes."""

    WRITE = "write"
    """Choose the new value and store it sealed, with what is intended."""
    ISSUE = "issue"
    """Add the written value at Okta."""
    ADOPT = "adopt"
    """Recognise the written value in Okta's list, where an answer was lost."""
    VERIFY = "verify"
    """Record that Okta accepts the new secret."""
    DOUBT = "doubt"
    """Take that record back, because a later probe says otherwise."""
    PROMOTE = "promote"
    """Serve the new version to every reader."""
    DELIVER = "deliver"
    """Record that every destination and dependent has the new version."""
    OVERLAP = "overlap"
    """Start the time in which both secrets work."""
    RETIRE = "retire"
    """Deactivate the old secret at Okta."""
    SOAK = "soak"
    """Start the time in which the old secret can still be reinstated."""
    DELETE = "delete"
    """Delete the old secret at Okta and destroy its value."""
    FINISH = "finish"
    """End a turn that had no old secret."""
    WITHDRAW = "withdraw"
    """Deactivate a new secret that Okta never accepted."""
    ROLL_BACK = "roll back"
    """Delete that new secret, which nobody was ever served."""
    GIVE_UP = "give up"
    """End a turn that has changed nothing at Okta, because somebody decided otherwise."""
    BLOCK = "block"
    """Stop, safe and loud, until somebody acts."""


MOVES: Mapping[Phase, Mapping[Act, Phase]] = MappingProxyType(
    {
        Phase.PLANNED: {
            Act.WRITE: Phase.WRITTEN,
            Act.GIVE_UP: Phase.ROLLED_BACK,
            Act.BLOCK: Phase.BLOCKED,
        },
        Phase.WRITTEN: {
            Act.ISSUE: Phase.ISSUED,
            Act.ADOPT: Phase.ISSUED,
            Act.BLOCK: Phase.BLOCKED,
        },
        Phase.ISSUED: {
            Act.VERIFY: Phase.VERIFIED,
            Act.WITHDRAW: Phase.ISSUED,
            Act.ROLL_BACK: Phase.ROLLED_BACK,
            Act.BLOCK: Phase.BLOCKED,
        },
        Phase.VERIFIED: {
            Act.PROMOTE: Phase.PROMOTED,
            Act.DOUBT: Phase.ISSUED,
            Act.BLOCK: Phase.BLOCKED,
        },
        Phase.PROMOTED: {Act.DELIVER: Phase.DELIVERED},
        Phase.DELIVERED: {Act.OVERLAP: Phase.OVERLAPPING},
        Phase.OVERLAPPING: {
            Act.RETIRE: Phase.RETIRED,
            Act.FINISH: Phase.FINISHED,
            Act.BLOCK: Phase.BLOCKED,
        },
        Phase.RETIRED: {Act.SOAK: Phase.SOAKING},
        Phase.SOAKING: {Act.DELETE: Phase.FINISHED, Act.BLOCK: Phase.BLOCKED},
        Phase.FINISHED: {},
        Phase.ROLLED_BACK: {},
        Phase.BLOCKED: {Act.GIVE_UP: Phase.ROLLED_BACK},
    }
)
"""Every legal move. A blocked turn resumes in the phase in which it was blocked."""

SERVED = frozenset(
    {
        Phase.PROMOTED,
        Phase.DELIVERED,
        Phase.OVERLAPPING,
        Phase.RETIRED,
        Phase.SOAKING,
        Phase.FINISHED,
    }
)
"""The phases in which readers are given the new version."""

ENDED = frozenset({Phase.FINISHED, Phase.ROLLED_BACK})
"""The phases that nothing follows."""


class Reason(StrEnum):
    """Why a turn is blocked, and in the value: who must do what."""

    FOREIGN_SECRET = (
        "A client secret that Keyturn neither made nor adopted takes the room at Okta. "
        "The app's owner must remove it, or consent to its retirement."
    )
    APP_GONE = "Okta does not know the app. Its administrator must restore it or end the rotation."
    APP_INACTIVE = "The app is deactivated at Okta. Its administrator must activate it."
    NO_SECRET_USED = (
        "The app no longer authenticates with a client secret. "
        "Its administrator must set that back or end the rotation."
    )
    ACCESS_REFUSED = (
        "Okta refuses Keyturn's own access. An Okta administrator must renew the connection's "
        "credentials or give them back the rights they lost."
    )
    CALL_REFUSED = "Okta refuses the call. The Keyturn operator must read Okta's reason."
    VALUE_NOT_KEPT = (
        "Okta answered with another value than it was given. The Keyturn operator must look at "
        "the app's client secrets before anything else is done."
    )
    NEW_SECRET_LOST = (
        "The new client secret is not ACTIVE at Okta any more, so the old one stays. "
        "The app's owner must find out who changed it, and activate it."
    )
    NEW_SECRET_REFUSED = (
        "Okta does not accept the new client secret, and no other is ACTIVE to fall back on. "
        "The app's owner must look at how the app authenticates."
    )
    OLD_SECRET_CHANGED = (
        "Somebody activated the old client secret again while it was soaking. "
        "The app's owner must say whether it is still in use."
    )


@dataclass(frozen=True)
class Blocked:
    """Why a turn stopped, and where it goes on."""

    reason: Reason
    detail: str
    phase: Phase

    def __str__(self) -> str:
        return f"{self.reason.value} {self.detail}".strip()


class Trigger(StrEnum):
    """What started a turn."""

    FIRST = "first"
    MANUAL = "manual"
    SCHEDULED = "scheduled"
    CONSENT = "consent"


@dataclass(frozen=True)
class Held:
    """A client secret in a turn's hands.

    ``version`` is None for a secret whose value is not ours to serve; ``okta_id`` is None until
    Okta has named it.
    """

    hash: SecretHash
    okta_id: OktaSecretId | None
    version: VersionNo | None


@dataclass(frozen=True)
class Turn:
    """One journey of a rotation.

    ``entered_at`` is when it came into its phase; ``attempts`` counts failed tries since then;
    ``posted`` is written before Okta is asked to add the new value, ``withdrawn`` before it is
    asked to deactivate it again: from then on it is never served. ``epoch`` is the fence: a worker
    writes only while it still fits. ``wake_at`` is when the turn is due to be looked at.
    """

    id: TurnId
    rotation_id: RotationId
    app_id: AppId
    trigger: Trigger
    phase: Phase
    created_at: datetime
    entered_at: datetime
    wake_at: datetime | None
    old: Held | None = None
    new: Held | None = None
    posted: bool = False
    withdrawn: bool = False
    attempts: int = 0
    blocked: Blocked | None = None
    ended_at: datetime | None = None
    epoch: int = 0
    owner: str | None = None

    @property
    def open(self) -> bool:
        """Say whether the turn has not ended; a blocked turn is open."""
        return self.phase not in ENDED

    @property
    def running(self) -> bool:
        """Say whether the turn goes on by itself."""
        return self.open and self.phase is not Phase.BLOCKED


@dataclass(frozen=True)
class Policy:
    """How long a turn takes its time.

    Seconds: ``overlap_s`` while both secrets work, ``soak_s`` between retire and delete, and
    ``patience_s`` for a new secret to be accepted everywhere at Okta.
    """

    overlap_s: int
    soak_s: int
    patience_s: int = 600


def moved(turn: Turn, act: Act, now: datetime) -> Turn:
    """Return the turn after an act, in the phase that the table of moves gives.

    Raises KeyError for an illegal move; nothing is changed then.
    """
    phase = MOVES[turn.phase][act]
    return replace(
        turn,
        phase=phase,
        entered_at=turn.entered_at if phase is turn.phase else now,
        attempts=0,
        ended_at=now if phase in ENDED else None,
    )


def blocked(turn: Turn, reason: Reason, detail: str, now: datetime) -> Turn:
    """Return the turn stopped; it remembers where it was for the day it resumes.

    Raises KeyError where the table of moves does not let the phase be blocked.
    """
    why = Blocked(reason, detail, turn.phase)
    return replace(moved(turn, Act.BLOCK, now), blocked=why, wake_at=None)


def waiting(turn: Turn, until: datetime) -> Turn:
    """Return the turn asleep until then, one try later."""
    return replace(turn, wake_at=until, attempts=turn.attempts + 1)


def resumed(turn: Turn, now: datetime) -> Turn:
    """Return a blocked turn to the phase in which it was blocked, to be looked at now.

    Raises Refused for a turn that is not blocked.
    """
    if turn.blocked is None:
        raise Refused(f"The turn is {turn.phase}, not blocked: there is nothing to resume.")
    return replace(turn, phase=turn.blocked.phase, entered_at=now, blocked=None, wake_at=now)
