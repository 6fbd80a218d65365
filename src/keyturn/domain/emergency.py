"""How an emergency goes on: how each app stands by its turn, and when it is over.

An app is closed when Okta has refused its old secret. Decides by what is on record of turns alone;
what goes wrong with one keeps no other waiting. Knows no clock, no Okta and no store.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from enum import Enum, auto

from keyturn.domain.budget import WINDOW_S, Shares, starts
from keyturn.domain.orders import phase_of
from keyturn.domain.reasons import LOST, Reason
from keyturn.domain.rollout import ACTING, ENDED, Member, Standing, State
from keyturn.domain.setback import KEEP_CLOSED
from keyturn.domain.turn import UNSERVED, Phase, Turn, Word

CALLS_TO_CLOSE = 2
"""Add, and deactivate; what else is asked are probes, which count against the app's own limits."""
FIRST_STARTS = 4
"""As many as are started in an org of which nobody knows yet how many calls it allows."""
GONE = "The rotation is not there any more."
_RESUME = " `keyturn turn resume` lets the emergency go on with it."
_BEGIN = " `keyturn emergency retry` begins another."
_RETRY = " After that: `keyturn emergency retry`."
_CLOSE = (
    " `keyturn emergency retry` closes it right after that, and `keyturn emergency leave-out` "
    "leaves it out, deactivated as it is."
)
_WAYS = (_RESUME, _BEGIN, _RETRY, _CLOSE)
"""Advice that is good while an emergency looks after an app, and wrong after that."""
PAUSED = f"Somebody has paused its turn.{_RESUME}"
INACTIVE = (
    "Okta accepts nothing of the app while it is deactivated there. Whoever activates it opens "
    f"what has leaked.{_CLOSE}"
)
_ELSEWHERE = "has closed it."
"""How what is told of an app ends that another emergency has closed."""
REOPENED = "Okta accepted the old secret again after it was closed: it is deactivated once more."
STANDS_STILL = f"NOT CLOSED. {PAUSED}"
ENDS_FIRST = "A turn was under way: it ends first, and the secret that it has served goes next."

_OPEN = frozenset({Standing.WAITING, Standing.TURNING})
_OVER = frozenset({Standing.DONE, Standing.SKIPPED})
STOPPED = frozenset({Standing.FAILED, Standing.INACTIVE})
"""The standings that nothing but somebody's word ends."""
_FOLLOWED = STOPPED | ACTING


class Way(Enum):
    """What follows for a member that waits, by the turn that its rotation has open."""

    START = auto()
    """There is none: a turn of its own is started."""
    TAKE = auto()
    """It has served nobody yet, so that it replaces what has leaked: it is taken for its own."""
    HURRY = auto()
    """What it has served may be what has leaked: it ends at once, and another one follows."""
    WAIT = auto()
    """It is on its way to its end, or it is paused."""
    FAIL = auto()
    """It was told to end at once and has stopped: somebody has to look."""


def is_closed(turn: Turn) -> bool:
    """Say whether Okta has refused the old secret: a turn sleeps for others only after that."""
    asleep = turn.tidies_at is not None and turn.wake_at == turn.tidies_at
    return turn.phase is Phase.FINISHED or (turn.phase is Phase.SOAKING and asleep)


def way_of(member: Member, turn: Turn | None) -> Way:
    """Tell what follows for a member that waits."""
    if turn is None:
        return Way.START
    if turn.paused_at or turn.withdrawn_at:
        return Way.WAIT
    if phase_of(turn) in UNSERVED:
        return Way.TAKE
    if member.begun_at and turn.blocked:
        return Way.FAIL
    told = turn.closes_at is None or member.begun_at is not None
    ending = turn.word is Word.AT_ONCE and turn.tidies_at is None and told
    return Way.WAIT if ending and turn.running else Way.HURRY


def is_waiting(member: Member) -> bool:
    """Say whether a turn is to be started for it; one that somebody resumes lets it be started."""
    held = member.standing is Standing.FAILED and member.turn_id is None
    return member.standing is Standing.WAITING or (held and member.told == STANDS_STILL)


def held_up(member: Member, turn: Turn, now: datetime) -> Member:
    """Return a member that waits for a turn that is under way; a paused one is for people."""
    if turn.paused_at is None:
        return replace(member, standing=Standing.WAITING, told=ENDS_FIRST, ended_at=None)
    if member.told == STANDS_STILL:
        return member
    return ended(member, Standing.FAILED, now, STANDS_STILL)


def is_calm(turn: Turn) -> bool:
    """Say whether a turn goes on without hurry: who resumes one does not say that there is any."""
    taken_back = turn.reinstated or turn.withdrawn_at
    return turn.running and turn.word in {None, Word.FINISH} and not taken_back


def followed(member: Member, turn: Turn | None, now: datetime) -> Member:
    """Return a member as its turn stands now; one that failed goes on where its turn does."""
    if member.standing not in _FOLLOWED or member.turn_id is None:
        return member
    if turn is None:
        return ended(member, Standing.SKIPPED, now, GONE)
    if turn.phase is Phase.FINISHED:
        closed_at = member.closed_at or turn.ended_at
        return replace(ended(member, Standing.DONE, now, _calm(member)), closed_at=closed_at)
    if is_closed(turn):
        closed_at, told = turn.entered_at, _calm(member)
        return replace(
            member, standing=Standing.CLOSED, closed_at=closed_at, told=told, ended_at=None
        )
    return _under_way(member, turn, now)


def _under_way(member: Member, turn: Turn, now: datetime) -> Member:
    if failure := _failure(turn):
        return stopped(member, turn, now, failure)
    if member.standing in STOPPED:
        return replace(member, standing=Standing.TURNING, told="", ended_at=None)
    if member.closed_at and turn.entered_at > member.closed_at:
        return replace(member, standing=Standing.TURNING, told=REOPENED, closed_at=None)
    return member


def stopped(member: Member, turn: Turn, now: datetime, failure: str) -> Member:
    """Return a member whose turn has stopped: not closed, or of an app that accepts nothing."""
    standing, told = Standing.FAILED, failure
    if turn.blocked and turn.blocked.reason is Reason.APP_INACTIVE:
        standing, told = Standing.INACTIVE, INACTIVE
    if member.standing is standing and member.told == told:
        return member
    return replace(ended(member, standing, now, told), closed_at=None)


def _calm(member: Member) -> str:
    return "" if member.standing in STOPPED else member.told


def _failure(turn: Turn) -> str:
    if turn.blocked:
        return blocked_told(turn, "The turn")
    if turn.phase is Phase.ROLLED_BACK:
        return (
            "NOT CLOSED. Its turn has ended and served no new secret: `keyturn turn list` tells "
            f"why.{_BEGIN}"
        )
    if turn.reinstated:
        return "NOT CLOSED. Somebody has reinstated the old secret."
    if turn.paused_at:
        return STANDS_STILL
    return ""


def blocked_told(turn: Turn, which: str) -> str:
    """Tell why a turn is blocked, without a way that brings back what has leaked."""
    if turn.blocked and turn.blocked.reason in LOST:
        return (
            f"NOT CLOSED. {which} is blocked: readers are given a secret that Okta does not accept "
            f"any more. {KEEP_CLOSED}{_RETRY}"
        )
    return f"NOT CLOSED. {which} is blocked: {turn.blocked}"


def ended(member: Member, standing: Standing, now: datetime, told: str = "") -> Member:
    """Return a member that needs nothing more, or on which somebody has to act."""
    return replace(member, standing=standing, told=told, ended_at=now)


def left_out(member: Member, by: str, now: datetime) -> Member:
    """Return a member that somebody has left out; the emergency does nothing more for it."""
    told = f"Left out by {by}. {_plain(member.told)}".strip()
    return ended(member, Standing.SKIPPED, now, told)


def closed_elsewhere(member: Member, emergency: str, now: datetime) -> Member:
    """Return a member that was not closed, and that another emergency has closed by now."""
    return ended(member, Standing.SKIPPED, now, f"Emergency {emergency} {_ELSEWHERE}")


def is_paused(member: Member) -> bool:
    """Say whether an app is not closed because somebody has paused its turn."""
    return is_stuck(member) and _plain(member.told) == _plain(STANDS_STILL)


def is_left_open(member: Member) -> bool:
    """Say whether an emergency has left an app out that, as far as it knows, nobody has closed."""
    left = member.standing is Standing.SKIPPED and member.closed_at is None
    return left and not member.told.endswith(_ELSEWHERE)


def as_told(member: Member, state: State) -> Member:
    """Return a member without advice that an emergency takes no more once it is over."""
    return without_advice(member) if state in ENDED else member


def without_advice(member: Member) -> Member:
    """Return a member of which is told what is the matter, and not what an emergency does then."""
    return replace(member, told=_plain(member.told))


def _plain(told: str) -> str:
    for each in _WAYS:
        told = told.replace(each, "")
    return told


def begun(member: Member, turn: Turn, now: datetime) -> Member:
    """Return a member with the turn that closes it."""
    return replace(
        member, standing=Standing.TURNING, turn_id=turn.id, begun_at=now, told="", ended_at=None
    )


def again(member: Member) -> Member:
    """Return a member that has stopped, to be begun anew."""
    return replace(
        member, standing=Standing.WAITING, turn_id=None, begun_at=None, told="", ended_at=None
    )


def is_stuck(member: Member) -> bool:
    """Say whether an app is not closed, and will not be before somebody acts."""
    return member.standing is Standing.FAILED


def all_closed(members: Iterable[Member]) -> bool:
    """Say whether none is left that will be closed by itself: then there is room to tidy up."""
    return not any(each.standing in _OPEN for each in members)


def is_moving(members: Iterable[Member], *, revoke: bool) -> bool:
    """Say whether anything goes on without a hand: the rest waits for somebody to act."""
    return any(
        each.standing in _OPEN | ACTING or _is_to_be_revoked(each, revoke=revoke)
        for each in members
    )


def is_over(members: Iterable[Member], *, revoke: bool) -> bool:
    """Say whether nothing is left to do; one that failed keeps an emergency open."""
    return all(
        each.standing in _OVER and not _is_to_be_revoked(each, revoke=revoke) for each in members
    )


def _is_to_be_revoked(member: Member, *, revoke: bool) -> bool:
    return revoke and member.closed_at is not None and member.revoked_at is None


def rooms(
    members: Iterable[Member],
    turns: Mapping[str, Turn],
    limits: Mapping[int, int],
    shares: Shares,
    now: datetime,
) -> Mapping[int, int]:
    """Tell how many turns of each wave, which is an org here, may be started now.

    As many as a window has room to open and to close; what is not served yet counts as well, so
    that apps are closed in their order. ``limits`` are calls a minute, where they are known.
    """
    lately, unserved = dict[int, int](), dict[int, int]()
    waves = set[int]()
    for each in members:
        waves.add(each.wave)
        turn = turns.get(each.turn_id or "")
        if each.begun_at and now < each.begun_at + _A_WINDOW:
            lately[each.wave] = lately.get(each.wave, 0) + 1
        if each.standing is Standing.TURNING and turn and turn.phase in UNSERVED:
            unserved[each.wave] = unserved.get(each.wave, 0) + 1
    return {
        wave: (starts(limits[wave], shares) if wave in limits else FIRST_STARTS)
        - max(lately.get(wave, 0), unserved.get(wave, 0))
        for wave in waves
    }


_A_WINDOW = timedelta(seconds=WINDOW_S - 5)
"""A little less than Okta's window, so that the next one finds turns that are ready to go."""
