"""What follows a call that Okta did not serve: the turn waits and looks again, or it stops.

Both are steps of a turn like any other, and `keyturn.domain.steps` takes them for its own reasons
too. This file knows no clock and no Okta; it reads what Okta answered.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from keyturn.domain.errors import OktaError, OktaRefused, OktaThrottled
from keyturn.domain.turn import Phase, Reason, Turn


@dataclass(frozen=True)
class Wait:
    """Leave the turn alone until then.

    ``why`` tells what is waited for. ``tried`` says that it was looked for in vain, and is looked
    for ever more rarely; ``doubted`` says so of a list that was not believed.
    """

    until: datetime
    why: str = ""
    tried: bool = False
    doubted: bool = False


@dataclass(frozen=True)
class Block:
    """Stop and say why."""

    reason: Reason
    detail: str = ""


DOUBT_TRIES = 12
"""How often in a row a list is read that does not show what Okta accepts; some half an hour."""

BACKOFF_S = (
    1,  # 1 s in all
    2,  # 3 s
    5,  # 8 s
    10,  # 18 s
    30,  # 48 s
    60,  # about 2 minutes
    120,  # about 4 minutes
    300,  # and every 5 minutes from then on
)

_AFTER_STATUS = {
    401: Reason.ACCESS_REFUSED,
    403: Reason.ACCESS_REFUSED,
    404: Reason.APP_GONE,
}


def after_failure(turn: Turn, error: OktaError, now: datetime) -> Wait | Block:
    """Decide what follows a call that Okta did not serve: wait and look again, or block.

    Only an answer that will be the same tomorrow blocks a turn.
    """
    if isinstance(error, OktaThrottled):
        return Wait(now + timedelta(seconds=error.retry_after_s))
    if not isinstance(error, OktaRefused) or error.answer.worth_another_look:
        return try_later(turn, now)
    if turn.phase is Phase.SOAKING and error.answer.status == 400:
        return Block(Reason.OLD_SECRET_CHANGED, str(error.answer))
    reason = _AFTER_STATUS.get(error.answer.status, Reason.CALL_REFUSED)
    if turn.rules.are_keys and turn.phase is not Phase.PLANNED and error.answer.lacks_role:
        reason = Reason.KEY_CHANGE_REFUSED
    return Block(reason, f"{error.answer}.")


def try_later(turn: Turn, now: datetime, why: str = "") -> Wait:
    """Wait for what was looked for in vain, the longer the more often it was."""
    return Wait(now + backoff(turn.attempts), why, tried=True)


def doubt(turn: Turn, now: datetime, why: str) -> Wait | Block:
    """Wait for a list that shows what Okta accepts; one that never does is for people."""
    if turn.doubts < DOUBT_TRIES:
        return list_later(turn, now, why)
    unseen = f"Okta accepts the new {turn.rules.noun}, and its list does not show it as ACTIVE."
    return Block(Reason.ACCESS_REFUSED, f"{unseen} Does the connection's role reach the app?")


def list_later(turn: Turn, now: datetime, why: str) -> Wait:
    """Wait for another list than one that is not believed, the longer the more often it came."""
    return Wait(now + backoff(turn.doubts), why, doubted=True)


def backoff(attempts: int) -> timedelta:
    """Tell how long to wait after so many failed tries."""
    return timedelta(seconds=BACKOFF_S[min(attempts, len(BACKOFF_S) - 1)])
