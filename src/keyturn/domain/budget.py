"""What a call to Okta is for, and whether the rate limit has room for it now.

Okta counts calls by org, principal and bucket, in windows of a minute. Whatever shares a window
out asks here; this file knows no clock, no header and no store.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, StrEnum, auto

from keyturn.domain.steps import Do, Look, Sight
from keyturn.domain.turn import UNSERVED, Act, Phase, Trigger, Turn, Word

WINDOW_S = 60
"""How long Okta's windows last, from their first call on."""

PART_CALLS = 2
"""A part of a turn looks and then changes: list and add, list and deactivate, list and activate."""

HEAD_START_S = 5.0
"""How long a new window is first for the turns that the last one had no room for."""

LEARN_S = 4.0
"""How long one worker has to learn what a new window holds, before another one may: its call may
take longer, and is counted then, but a dead one must not hold up the others."""

ROOM = "room in Okta's rate limit"
"""What a turn waits for that was held back."""

USUAL_PER_MIN = 50
"""Half of 100 calls a minute, what Okta lets one client call of an app's secrets in workforce orgs;
assumed where no answer has told otherwise yet."""

MANAGEMENT = "api/v1/apps"
"""How the bucket is called that lists of apps, and apps' credentials, count against."""

BATCH = 8
"""As many calls as a worker takes at a time from what several share."""


class Purpose(StrEnum):
    """What a call is for; those named first may go when the others must wait."""

    SAFETY = "safety"
    """To activate a client secret that is needed, or in an emergency."""
    FINISHING = "finishing"
    """For a turn that has begun, or for somebody who waits."""
    STARTING = "starting"
    """For a turn that could as well begin later."""
    BACKGROUND = "background"
    """To compare, or to take stock."""


@dataclass(frozen=True)
class Shares:
    """How a window is shared out, in hundredths of the limit that Okta shows.

    Above the ``ceiling`` is what others may have; ``reserve`` is kept for safety, one part of a
    turn at least; calls in the background stop where half of the window is used.
    """

    ceiling: int = 100
    reserve: int = 4
    background: int = 50


@dataclass(frozen=True)
class Window:
    """A window of a bucket as it is known; ``resets_at`` is by Okta's clock.

    ``remaining`` is what no worker has taken yet. With a ``limit`` of 0 it is a claim, which
    stands beside the window: one worker has until then to learn what that holds, and ``remaining``
    are the calls of those who had the claim before and have not answered for it.
    """

    org: str
    principal: str
    bucket: str
    limit: int
    remaining: int
    resets_at: datetime


@dataclass(frozen=True)
class Allotment:
    """The calls that a worker has been given, and the window as it stands after that."""

    window: Window
    granted: int


@dataclass(frozen=True)
class Ask:
    """What somebody wants to call: so many calls, one after the other, for this."""

    purpose: Purpose
    calls: int = 1


@dataclass(frozen=True)
class Room:
    """What one worker knows of a window that goes on.

    ``mine`` are the calls that it may make without asking anybody, ``pool`` what all the workers
    have left beside that. ``owed`` are the calls of turns under way that are still waiting since
    the last window.
    """

    limit: int
    mine: int
    pool: int = 0
    owed: int = 0


class Verdict(Enum):
    """What follows for a call."""

    GO = auto()
    """Make it."""
    TAKE = auto()
    """Take calls from the pool first."""
    GIVE_WAY = auto()
    """Wait for those that were here before."""
    HOLD = auto()
    """Wait for the next window."""


def decide(room: Room, ask: Ask, shares: Shares) -> Verdict:
    """Decide whether the window has room for all that is asked for."""
    spare = room.mine + room.pool - floor(room.limit, ask.purpose, shares) - ask.calls
    if spare < 0:
        return Verdict.HOLD
    if ask.purpose in LATER and spare < room.owed:
        return Verdict.GIVE_WAY
    return Verdict.GO if room.mine >= ask.calls else Verdict.TAKE


LATER = frozenset({Purpose.STARTING, Purpose.BACKGROUND})


def floor(limit: int, purpose: Purpose, shares: Shares) -> int:
    """Tell how many calls of a window are not for this purpose."""
    others = limit - limit * shares.ceiling // 100
    kept = others + reserve(limit, shares)
    match purpose:
        case Purpose.SAFETY:
            return 0
        case Purpose.FINISHING | Purpose.STARTING:
            return kept
        case Purpose.BACKGROUND:
            return max(kept, limit - limit * shares.background // 100)


def reserve(limit: int, shares: Shares) -> int:
    """Tell how many calls are kept for safety."""
    return max(PART_CALLS, limit * shares.reserve // 100)


def grant(window: Window, ask: Ask, shares: Shares) -> int:
    """Decide how many calls a worker gets out of the pool: none, or enough, and not all there are.

    What a worker has and does not need is lost to the others until the window turns.
    """
    spare = window.remaining - floor(window.limit, ask.purpose, shares)
    return 0 if spare < ask.calls else max(ask.calls, min(BATCH, spare // 4))


def limits_of(windows: Iterable[Window]) -> Mapping[str, int]:
    """Return how many calls a minute each org allows for its apps' secrets, where that is known.

    The app itself has a window of its own, which is wider and of no use to turns.
    """
    found: dict[str, int] = {}
    for each in windows:
        if each.bucket.strip("/") == MANAGEMENT:
            found[each.org] = min(each.limit, found.get(each.org, each.limit))
    return found


def rate_of(limit: int | None, shares: Shares) -> int:
    """Tell how many calls a minute there are for turns; of a limit that is not known, the usual."""
    allowed = limit or USUAL_PER_MIN
    return max(1, allowed - floor(allowed, Purpose.FINISHING, shares))


def starts(limit: int, shares: Shares) -> int:
    """Tell for how many turns a window has room to start."""
    return max(1, (limit - floor(limit, Purpose.STARTING, shares)) // PART_CALLS)


def purpose_of(turn: Turn, step: Look | Do) -> Purpose:
    """Tell what a step of a turn is for.

    A turn that somebody waits for is not put behind those of the schedule. Of many apps in one
    emergency those whose secret can be closed go before those that need a new one yet, and what is
    closed already is deleted when there is room.
    """
    if turn.word is Word.AT_ONCE:
        deletes = isinstance(step, Do) and step.act is Act.DELETE
        one_of_many = turn.tidies_at is not None and turn.phase in UNSERVED
        return Purpose.FINISHING if deletes or one_of_many else Purpose.SAFETY
    lists = step == Look(Sight.CREDENTIALS)
    reinstates = lists and turn.phase in (Phase.RETIRED, Phase.SOAKING)
    activates = isinstance(step, Do) and step.act is Act.REINSTATE
    if reinstates or activates:
        return Purpose.SAFETY
    unbegun = turn.phase is Phase.PLANNED and turn.trigger is Trigger.SCHEDULED
    return Purpose.STARTING if unbegun else Purpose.FINISHING
