"""One turn: its phases, the table of moves between them, and its record.

Everything that affects a turn's phase lives here, and nothing else does: `steps` decides which of
the legal moves comes next. This file knows no clock, no Okta and no store.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from keyturn.domain.ids import (
    AppId,
    CredentialId,
    FlowId,
    RotationId,
    SecretHash,
    TurnId,
    VersionNo,
)
from keyturn.domain.okta import CredentialKind, Rules
from keyturn.domain.reasons import LOST, Reason

__all__ = [
    "CLOCKS_DIFFER",
    "ENDED",
    "LOST",
    "MOVES",
    "SERVED",
    "SETTLED",
    "UNSERVED",
    "Act",
    "Blocked",
    "ByFlow",
    "Held",
    "Opened",
    "Overlap",
    "Phase",
    "Policy",
    "Posted",
    "Reason",
    "Trigger",
    "Turn",
    "Word",
    "blocked",
    "moved",
    "waiting",
]


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
    CLEAR = "clear"
    """Delete at Okta what an earlier turn of ours has left there INACTIVE."""
    DISCARD = "discard"
    """Remove at Okta what was added for us, where its value was lost with the answer."""
    VERIFY = "verify"
    """Record that Okta accepts the new secret."""
    DOUBT = "doubt"
    """Take that record back, because a later probe or somebody's decision says otherwise."""
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
    REINSTATE = "reinstate"
    """Activate the old secret at Okta again, because somebody still uses it."""
    DELETE = "delete"
    """Delete the old secret at Okta and destroy its value."""
    FALL_BACK = "fall back"
    """Serve the old secret again, because Okta has lost the new one."""
    GIVE_WAY = "give way"
    """End a turn whose new secret is lost and whose old one cannot be served, for the next one."""
    FINISH = "finish"
    """End a turn that had no old secret."""
    WITHDRAW = "withdraw"
    """Deactivate a new secret that nobody was ever served."""
    ROLL_BACK = "roll back"
    """Delete that new secret, or note that Okta never had it, and destroy its value."""
    GIVE_UP = "give up"
    """End a turn that has changed nothing at Okta, because somebody decided otherwise."""
    BLOCK = "block"
    """Stop, safe and loud, until somebody acts."""


MOVES: Mapping[Phase, Mapping[Act, Phase]] = MappingProxyType(
    {
        Phase.PLANNED: {
            Act.CLEAR: Phase.PLANNED,
            Act.WRITE: Phase.WRITTEN,
            Act.GIVE_UP: Phase.ROLLED_BACK,
            Act.BLOCK: Phase.BLOCKED,
        },
        Phase.WRITTEN: {
            Act.ISSUE: Phase.ISSUED,
            Act.ADOPT: Phase.ISSUED,
            Act.CLEAR: Phase.WRITTEN,
            Act.DISCARD: Phase.WRITTEN,
            Act.ROLL_BACK: Phase.ROLLED_BACK,
            Act.GIVE_UP: Phase.ROLLED_BACK,
            Act.BLOCK: Phase.BLOCKED,
        },
        Phase.ISSUED: {
            Act.VERIFY: Phase.VERIFIED,
            Act.WITHDRAW: Phase.ISSUED,
            Act.ROLL_BACK: Phase.ROLLED_BACK,
            Act.BLOCK: Phase.BLOCKED,
            Act.GIVE_UP: Phase.ROLLED_BACK,
        },
        Phase.VERIFIED: {
            Act.PROMOTE: Phase.PROMOTED,
            Act.DOUBT: Phase.ISSUED,
            Act.BLOCK: Phase.BLOCKED,
            Act.GIVE_UP: Phase.ROLLED_BACK,
        },
        Phase.PROMOTED: {
            Act.DELIVER: Phase.DELIVERED,
            Act.REINSTATE: Phase.OVERLAPPING,
            Act.FALL_BACK: Phase.ROLLED_BACK,
            Act.GIVE_WAY: Phase.ROLLED_BACK,
            Act.BLOCK: Phase.BLOCKED,
        },
        Phase.DELIVERED: {Act.OVERLAP: Phase.OVERLAPPING},
        Phase.OVERLAPPING: {
            Act.RETIRE: Phase.RETIRED,
            Act.FINISH: Phase.FINISHED,
            Act.REINSTATE: Phase.OVERLAPPING,
            Act.FALL_BACK: Phase.ROLLED_BACK,
            Act.GIVE_WAY: Phase.ROLLED_BACK,
            Act.BLOCK: Phase.BLOCKED,
        },
        Phase.RETIRED: {
            Act.SOAK: Phase.SOAKING,
            Act.REINSTATE: Phase.OVERLAPPING,
            Act.FALL_BACK: Phase.ROLLED_BACK,
            Act.GIVE_WAY: Phase.ROLLED_BACK,
            Act.BLOCK: Phase.BLOCKED,
        },
        Phase.SOAKING: {
            Act.DELETE: Phase.FINISHED,
            Act.RETIRE: Phase.RETIRED,
            Act.REINSTATE: Phase.OVERLAPPING,
            Act.FALL_BACK: Phase.ROLLED_BACK,
            Act.GIVE_WAY: Phase.ROLLED_BACK,
            Act.BLOCK: Phase.BLOCKED,
        },
        Phase.FINISHED: {},
        Phase.ROLLED_BACK: {},
        Phase.BLOCKED: {Act.GIVE_UP: Phase.ROLLED_BACK},
    }
)
"""Every legal move. A blocked turn resumes in the phase in which it was blocked."""

SETTLED = timedelta(seconds=60)
"""How long after a call to Okta was begun it can no longer take effect: four times its limit."""

CLOCKS_DIFFER = timedelta(seconds=5)
"""As much as our clock may be ahead of Okta's, which shows whole seconds."""

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

UNSERVED = frozenset({Phase.PLANNED, Phase.WRITTEN, Phase.ISSUED, Phase.VERIFIED})
"""The phases in which nobody has been given the new version: a turn can still be aborted."""

ENDED = frozenset({Phase.FINISHED, Phase.ROLLED_BACK})
"""The phases that nothing follows."""


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
    DRIFT = "drift"


class Word(StrEnum):
    """What an operator has said of an open turn."""

    FINISH = "finish"
    """Do not wait any longer: open the gate once the shortest overlap is over, end the soak."""
    AT_ONCE = "at once"
    """Do not wait at all, now or later: the old secret has leaked."""
    REINSTATE = "reinstate"
    """Activate the old secret again."""
    ABORT = "abort"
    """Take the new secret back: before anybody is served it, or once Okta has lost it."""
    GIVE_WAY = "give way"
    """The same once Okta has lost it, for another turn; what has leaked stays deactivated."""


TAKING_BACK = frozenset({Word.ABORT, Word.GIVE_WAY})
"""The words by which a turn ends whose new secret Okta has lost."""


class Opened(StrEnum):
    """What opened the gate to the retirement of the old secret."""

    TIME = "time"
    EVIDENCE = "evidence"
    BACKSTOP = "backstop"
    WORD = "word"


@dataclass(frozen=True)
class Held:
    """A credential in a turn's hands.

    ``version`` is None for one whose value is not ours to serve; ``okta_id`` is None until
    Okta has named it.
    """

    hash: SecretHash
    okta_id: CredentialId | None
    version: VersionNo | None


@dataclass(frozen=True)
class Posted:
    """What is noted before Okta is asked to add the new credential: it may have been.

    ``beside`` names what the app had then, by Okta's ids, where nothing else tells the new one
    from others. `SETTLED` after ``last_at`` it can no longer be added unseen. ``unsure_at`` is the
    ``last_at`` of the call before, where there was one: nobody knows whether it has an effect yet.
    """

    last_at: datetime
    beside: str = ""
    unsure_at: datetime | None = None


@dataclass(frozen=True)
class ByFlow:
    """A flow that asked for a turn; ``depth`` is how many runs had started each other by then."""

    flow_id: FlowId
    depth: int


@dataclass(frozen=True)
class Turn:
    """One journey of a rotation.

    ``entered_at`` is when it came into its phase; ``attempts`` counts failed tries in a row
    since then, ``doubts`` lists of Okta's that were not believed;
    ``posted`` is written before Okta is asked to add the new one, ``withdrawn_at`` before it is
    asked to deactivate it again: from then on it is never served. ``epoch`` is the fence: a worker
    writes only while it still fits. ``wake_at`` is when the turn is due to be looked at.
    ``opened`` tells what opened the gate last, ``reinstated`` how often the old secret came back.
    ``asked`` is the flow that asked for it last; None for anybody else. In an emergency consumers
    have ``within_s`` from when the new one is served, and so until ``closes_at``, which is None
    before that and where they have none; before ``tidies_at`` what was retired is not deleted, for
    the sake of other apps.
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
    posted: Posted | None = None
    withdrawn_at: datetime | None = None
    word: Word | None = None
    opened: Opened | None = None
    reinstated: int = 0
    paused_at: datetime | None = None
    attempts: int = 0
    doubts: int = 0
    blocked: Blocked | None = None
    ended_at: datetime | None = None
    epoch: int = 0
    owner: str | None = None
    kind: CredentialKind = CredentialKind.CLIENT_SECRET
    asked: ByFlow | None = None
    within_s: int = 0
    closes_at: datetime | None = None
    tidies_at: datetime | None = None

    @property
    def rules(self) -> Rules:
        """Return what there is to know of the kind of credential that is turned."""
        return self.kind.rules

    @property
    def open(self) -> bool:
        """Say whether the turn has not ended; a blocked turn is open."""
        return self.phase not in ENDED

    @property
    def running(self) -> bool:
        """Say whether the turn goes on by itself: neither ended, blocked nor paused."""
        return self.open and self.phase is not Phase.BLOCKED and self.paused_at is None


class Overlap(StrEnum):
    """When the overlap is over."""

    FIXED = "fixed"
    """After a fixed time."""
    UNTIL_NEXT = "until-next"
    """When the next turn is due: two secrets work nearly always."""
    EVIDENCE = "evidence"
    """When nobody uses the old secret any more, or at the backstop."""


@dataclass(frozen=True)
class Policy:
    """How long a turn takes its time.

    Seconds: ``overlap_s`` while both secrets work at least, ``soak_s`` between retire and delete,
    ``patience_s`` for a new secret to be accepted everywhere at Okta, ``floor_s`` that no word but
    an emergency's shortens the overlap below; with evidence, ``backstop_s`` until the gate opens
    whatever it says, and ``quiet_s`` without a use that count as disuse. ``log`` is whether Okta's
    System Log is asked too, ``repair`` whether drift is mended without asking.
    """

    overlap_s: int
    soak_s: int
    patience_s: int = 600
    overlap: Overlap = Overlap.FIXED
    floor_s: int = 300
    backstop_s: int = 604_800
    quiet_s: int = 3600
    log: bool = False
    repair: bool = False


def moved(turn: Turn, act: Act, now: datetime) -> Turn:
    """Return the turn after an act, in the phase that the table of moves gives.

    Raises KeyError for an illegal move; nothing is changed then.
    """
    phase = MOVES[turn.phase][act]
    if phase is turn.phase:
        return turn
    given = act is Act.PROMOTE and turn.within_s > 0
    return replace(
        turn,
        phase=phase,
        entered_at=now,
        attempts=0,
        doubts=0,
        ended_at=now if phase in ENDED else None,
        closes_at=now + timedelta(seconds=turn.within_s) if given else turn.closes_at,
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


def doubting(turn: Turn, until: datetime) -> Turn:
    """Return the turn asleep until another list of Okta's is read."""
    return replace(turn, wake_at=until, doubts=turn.doubts + 1)
