"""What people may decide of an open turn: pause, resume, abort, reinstate, finish now.

Decides when each is safe and refuses it otherwise. Nothing is carried out here: an order changes
the turn's record, `steps` heeds it. The worker that holds the turn finds the record changed and
gives it back; where a call of that worker was never answered, its lease is waited for.
"""

from dataclasses import replace
from datetime import datetime

from keyturn.domain.errors import Refused
from keyturn.domain.turn import (
    LOST,
    SETTLED,
    TAKING_BACK,
    UNSERVED,
    Act,
    Overlap,
    Phase,
    Policy,
    Reason,
    Trigger,
    Turn,
    Word,
    moved,
)

WINDING_UP = (Phase.OVERLAPPING, Phase.RETIRED, Phase.SOAKING)
"""The phases in which the new secret is served and the old one is still to go."""

SERVING = (Phase.PROMOTED, Phase.DELIVERED, *WINDING_UP)
"""Besides, those in which destinations are waited for before the overlap begins."""


def paused(turn: Turn, now: datetime) -> Turn:
    """Return the turn standing still. Raises Refused where it does not go on by itself."""
    if not turn.running:
        raise Refused(
            f"The turn is {standing(turn)}: there is nothing to pause. {what_can_be_done(turn)}"
        )
    return replace(turn, paused_at=now, wake_at=None)


def resumed(turn: Turn, now: datetime) -> Turn:
    """Return a blocked or paused turn to where it was, to be looked at soon.

    A blocked one begins its phase's time anew, and goes on as urgently as before. Whoever paused an
    emergency has calmed it: who means one still says so again.

    Raises Refused for a turn that stands not still.
    """
    if turn.blocked:
        return _set_going(replace(turn, entered_at=now), now)
    if turn.paused_at is None:
        raise _refused(turn, "there is nothing to resume.")
    return _set_going(calmed(turn), now)


def calmed(turn: Turn) -> Turn:
    """Return the turn as none of an emergency; what has leaked and is off must not come back."""
    urgent = turn.word is Word.AT_ONCE and turn.phase not in (Phase.RETIRED, Phase.SOAKING)
    return replace(turn, word=None) if urgent else turn


def by_hand(turn: Turn, trigger: Trigger = Trigger.MANUAL) -> Turn:
    """Return the turn as theirs who resumed it: one that has not begun waits for no window then."""
    unbegun = turn.trigger is Trigger.SCHEDULED and turn.phase is Phase.PLANNED
    return replace(turn, trigger=trigger) if unbegun else turn


def aborted(turn: Turn, now: datetime) -> Turn:
    """Return the turn on its way back: the new secret will never be served.

    One that Okta was not asked to add yet ends at once. Raises Refused once readers were given the
    new version.
    """
    if phase_of(turn) not in UNSERVED:
        raise _refused(turn, f"readers may hold the new {turn.rules.noun}, so it stays.")
    if not turn.posted:
        return given_up(turn, now)
    going = _set_going(turn, now)
    return replace(going, word=Word.ABORT, withdrawn_at=turn.withdrawn_at or now)


def kept_after_all(turn: Turn, now: datetime) -> Turn:
    """Return an aborted turn whose new secret is all that Okta accepts as if nobody had aborted it.

    Raises Refused while a call that was to deactivate it may still arrive.
    """
    settled_at = turn.entered_at + SETTLED
    if now < settled_at:
        raise Refused(
            f"The new {turn.rules.noun} was to be taken back, and a call that does so may still "
            f"arrive at Okta. Ask again after {settled_at:%H:%M:%S} UTC."
        )
    return replace(turn, word=None, withdrawn_at=None)


def falling_back(turn: Turn, now: datetime, *, leaked: bool = False) -> Turn:
    """Return the turn told to serve the old secret again; heeded only where Okta lost the new one.

    One that has ``leaked`` is served only where it still works: it is not activated again.

    Raises Refused where the new one was not served, or the turn has ended.
    """
    if phase_of(turn) not in SERVING:
        raise _refused(turn, "it serves nothing that could be lost.")
    return replace(_set_going(turn, now), word=Word.GIVE_WAY if leaked else Word.ABORT)


def falls_back(turn: Turn) -> bool:
    """Say whether an abort ends the blocked turn though it has served its secret."""
    moot = turn.blocked is not None and turn.blocked.reason is Reason.CONNECTION_CHANGED
    return moot or serves_what_is_lost(turn)


def serves_what_is_lost(turn: Turn) -> bool:
    """Say whether the turn is blocked because readers are given what Okta refuses."""
    return turn.blocked is not None and turn.blocked.reason in LOST


def reinstating(turn: Turn, now: datetime) -> Turn:
    """Return the turn told to activate the old secret again.

    Raises Refused where the old secret is not retired.
    """
    if phase_of(turn) not in (Phase.RETIRED, Phase.SOAKING) or turn.old is None:
        raise _refused(turn, unretired(turn))
    return replace(_set_going(turn, now), word=Word.REINSTATE)


def unretired(turn: Turn) -> str:
    """Tell why there is nothing to reinstate; after a lost answer there may be soon."""
    noun = turn.rules.noun
    if turn.opened and phase_of(turn) is Phase.OVERLAPPING:
        return (
            f"Okta was asked to deactivate the old {noun}, and has not confirmed it. Let the turn "
            "go on (`keyturn turn resume` where it stands still) until it soaks; then reinstate."
        )
    return f"no {noun} of it is retired."


def hurried(turn: Turn, word: Word, now: datetime, closes_at: datetime | None = None) -> Turn:
    """Return the turn told not to wait, by FINISH or AT_ONCE; an emergency stays one.

    Until ``closes_at`` an emergency leaves who holds the old secret time; without, nobody has any,
    also where an earlier word had left some.

    Raises Refused where it waits for nothing.
    """
    if phase_of(turn) not in SERVING:
        raise _refused(turn, "it has no overlap or soak to cut short.")
    if turn.word is Word.AT_ONCE and word is not Word.AT_ONCE:
        return _set_going(turn, now)
    return replace(_set_going(turn, now), word=word, closes_at=closes_at, tidies_at=None)


def in_emergency(turn: Turn, now: datetime, within_s: int, tidies_at: datetime) -> Turn:
    """Return a turn that has served nobody yet as one of an emergency among many apps.

    Consumers have ``within_s`` from when it serves the new secret. A blocked one goes on.

    Raises Refused once readers were given the new version.
    """
    if phase_of(turn) not in UNSERVED:
        raise _refused(turn, "what it has served may be what has leaked.")
    going = _set_going(turn, now)
    return replace(going, word=Word.AT_ONCE, within_s=within_s, tidies_at=tidies_at)


def waits_for_next(turn: Turn, policy: Policy) -> bool:
    """Say whether the turn goes on until the next one is due, and ends for its sake.

    Where the old secret had to be reinstated somebody uses it: only a word about it ends that.
    """
    until_next = policy.overlap is Overlap.UNTIL_NEXT and not turn.reinstated
    return until_next and turn.running and turn.phase in WINDING_UP


def making_room(turn: Turn, now: datetime) -> Turn:
    """Return the turn told that the next one is due; what soaks goes on soaking."""
    if turn.word not in (None, *TAKING_BACK) or turn.phase is not Phase.OVERLAPPING:
        return turn
    return hurried(turn, Word.FINISH, now)


def given_up(turn: Turn, now: datetime) -> Turn:
    """Return the turn ended; it has changed nothing at Okta. Raises KeyError where it may have."""
    ended = moved(turn, Act.GIVE_UP, now)
    return replace(ended, blocked=None, paused_at=None, wake_at=None, owner=None)


def standing(turn: Turn) -> str:
    """Tell where the turn stands, for people."""
    return f"paused ({turn.phase})" if turn.paused_at else str(turn.phase)


def possible(turn: Turn) -> tuple[str, ...]:
    """List the orders that the turn would heed, by their names in `keyturn turn`."""
    phase = phase_of(turn)
    ways = {
        "resume": turn.open and not turn.running,
        "pause": turn.running,
        "abort": phase in UNSERVED or falls_back(turn),
        "reinstate": phase in (Phase.RETIRED, Phase.SOAKING) and turn.old is not None,
        "finish-now": phase in SERVING,
    }
    return tuple(name for name, heeded in ways.items() if heeded)


def _refused(turn: Turn, why: str) -> Refused:
    return Refused(f"The turn is {standing(turn)}: {why} {what_can_be_done(turn)}")


def what_can_be_done(turn: Turn) -> str:
    """Tell which orders the turn would heed, for people."""
    if not turn.open:
        return "It has ended: `keyturn rotation turn` starts the next one."
    return f"What can be done: `keyturn turn {'`, `keyturn turn '.join(possible(turn))}`."


def phase_of(turn: Turn) -> Phase:
    """Return where the turn stands, or where it was blocked."""
    return turn.blocked.phase if turn.blocked else turn.phase


def _set_going(turn: Turn, now: datetime) -> Turn:
    held_until = turn.wake_at or (turn.paused_at or now) + SETTLED
    wake_at = max(now, held_until) if turn.owner else now
    return replace(
        turn,
        phase=phase_of(turn),
        blocked=None,
        paused_at=None,
        wake_at=wake_at,
        attempts=0,
        doubts=0,
    )
