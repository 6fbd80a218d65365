"""What people may decide of an open turn: pause, resume, abort, reinstate, finish now.

Decides when each is safe and refuses it otherwise. Nothing is carried out here: an order changes
the turn's record, `steps` heeds it. The worker that holds the turn finds the record changed and
leaves it; where a call of that worker may still be on its way, its lease is waited for.
"""

from dataclasses import replace
from datetime import datetime

from keyturn.domain.errors import Refused
from keyturn.domain.turn import SETTLED, UNSERVED, Act, Phase, Turn, Word, moved


def paused(turn: Turn, now: datetime) -> Turn:
    """Return the turn standing still. Raises Refused where it does not go on by itself."""
    if not turn.running:
        raise Refused(f"The turn is {standing(turn)}: there is nothing to pause.")
    return replace(turn, paused_at=now, wake_at=None)


def resumed(turn: Turn, now: datetime) -> Turn:
    """Return a blocked or paused turn to where it was, to be looked at soon.

    A blocked one begins its phase's time anew. Raises Refused for a turn that stands not still.
    """
    if turn.blocked:
        turn = replace(turn, entered_at=now)
    elif turn.paused_at is None:
        raise Refused(f"The turn is {standing(turn)}: there is nothing to resume.")
    return _set_going(turn, now)


def aborted(turn: Turn, now: datetime) -> Turn:
    """Return the turn on its way back: the new secret will never be served.

    One that Okta was not asked to add yet ends at once. Raises Refused once readers were given the
    new version.
    """
    if _phase_of(turn) not in UNSERVED:
        raise Refused(
            f"The turn is {standing(turn)}. Readers may hold the new client secret, so it stays; "
            "pause the turn, or reinstate the old one where it was retired."
        )
    if not turn.posted:
        return given_up(turn, now)
    going = _set_going(turn, now)
    return replace(going, word=Word.ABORT, withdrawn_at=turn.withdrawn_at or now)


def reinstating(turn: Turn, now: datetime) -> Turn:
    """Return the turn told to activate the old secret again.

    Raises Refused where the old secret is not retired.
    """
    if _phase_of(turn) not in (Phase.RETIRED, Phase.SOAKING) or turn.old is None:
        raise Refused(f"The turn is {standing(turn)}: no client secret of it is retired.")
    return replace(_set_going(turn, now), word=Word.REINSTATE)


def hurried(turn: Turn, word: Word, now: datetime) -> Turn:
    """Return the turn told not to wait, by FINISH or AT_ONCE.

    Raises Refused where it waits for nothing.
    """
    if _phase_of(turn) not in (Phase.OVERLAPPING, Phase.RETIRED, Phase.SOAKING):
        raise Refused(f"The turn is {standing(turn)}: it has no overlap or soak to cut short.")
    return replace(_set_going(turn, now), word=word)


def given_up(turn: Turn, now: datetime) -> Turn:
    """Return the turn ended; it has changed nothing at Okta. Raises KeyError where it may have."""
    ended = moved(turn, Act.GIVE_UP, now)
    return replace(ended, blocked=None, paused_at=None, wake_at=None, owner=None)


def standing(turn: Turn) -> str:
    """Tell where the turn stands, for people."""
    return f"paused ({turn.phase})" if turn.paused_at else str(turn.phase)


def _phase_of(turn: Turn) -> Phase:
    return turn.blocked.phase if turn.blocked else turn.phase


def _set_going(turn: Turn, now: datetime) -> Turn:
    held_until = turn.wake_at or (turn.paused_at or now) + SETTLED
    wake_at = max(now, held_until) if turn.owner else now
    return replace(
        turn,
        phase=_phase_of(turn),
        blocked=None,
        paused_at=None,
        wake_at=wake_at,
        attempts=0,
    )
