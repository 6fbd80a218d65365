"""How a rotation's schedule stands: when it is due next, and what keeps a turn from starting.

Decides when a rotation is left to people (quarantine) and when a missed window is called one.
`schedule` decides the dates; nothing here starts a turn.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from keyturn.domain.rotation import Rotation
from keyturn.domain.schedule import LastTurn, Slot, allows, backoff_days, next_slot, starts_at
from keyturn.domain.turn import Phase, Trigger, Turn

MISSED_AFTER = timedelta(days=7)
"""How long a due turn may wait for a window: every window comes once a week, or is blacked out."""


class State(StrEnum):
    """How the schedule of a rotation stands."""

    OFF = "off"
    """Turns start only when somebody asks."""
    SCHEDULED = "scheduled"
    """The next date is known and not due yet."""
    WAITING = "waiting"
    """A turn is due and starts once a window opens or a blackout is over."""
    MISSED = "missed"
    """A turn is due, and the time in which it should have started has passed."""
    TURNING = "turning"
    """A turn is under way."""
    PAUSED = "paused"
    """Somebody has let the open turn stand still: no other starts before it goes on."""
    BLOCKED = "blocked"
    """The open turn waits for somebody to act."""
    QUARANTINED = "quarantined"
    """Too many turns failed in a row: none starts by itself."""


@dataclass(frozen=True)
class Outlook:
    """A state, and for people why, and what happens next."""

    state: State
    why: str = ""


def rescheduled(
    rotation: Rotation, last: LastTurn, *, not_before: datetime | None = None
) -> Rotation:
    """Return the rotation with its next date, which one that is quarantined or ending has not.

    What would have started before ``not_before`` counts as due then.
    """
    last = replace(last, failures=rotation.failures)
    slot = None if _stopped(rotation) else next_slot(rotation.schedule, last, rotation.id)
    if slot is None:
        return replace(rotation, due_at=None, next_rotation_at=None)
    if not_before and slot.starts_at < not_before:
        return _due_from(rotation, not_before)
    return replace(rotation, due_at=slot.due_at, next_rotation_at=slot.starts_at)


def ordered_anew(rotation: Rotation, before: Rotation, now: datetime) -> Rotation:
    """Return the rotation with its next date after somebody has changed it.

    Nothing moves where its schedule is the same, nor a turn that somebody has asked for and that is
    due, as the one before it has ended. After failures it comes no sooner than the next try does,
    or would have where it was off or in quarantine.
    """
    is_owed = before.asked_at and before.due_at and before.due_at <= now
    if rotation.schedule == before.schedule or is_owed:
        return rotation
    soonest = now
    if before.failures:
        soonest = before.due_at or next_try_at(before, before.last_attempted_at)
    return rescheduled(rotation, last_turn(rotation), not_before=max(now, soonest))


def last_turn(rotation: Rotation) -> LastTurn:
    """Tell when the client secret turned last, and for which moment."""
    due_at = rotation.last_due_at
    return LastTurn(rotation.last_rotated_at, manual=rotation.last_manual, due_at=due_at)


def started(rotation: Rotation, now: datetime) -> Rotation:
    """Return the rotation as the schedule starts a turn of it; until that is served it failed."""
    due_at = rotation.due_at or rotation.next_rotation_at
    counted = replace(tried(rotation), last_due_at=due_at)
    return rescheduled(counted, LastTurn(now, failed=True))


def tried(rotation: Rotation) -> Rotation:
    """Return the rotation as a turn of it starts by itself; one that is served clears the count."""
    return replace(rotation, failures=rotation.failures + 1)


def next_try_at(rotation: Rotation, failed_at: datetime) -> datetime:
    """Tell when a start by itself that came to nothing is tried again, blackouts aside."""
    return failed_at + timedelta(days=backoff_days(rotation.failures))


def owed(rotation: Rotation, now: datetime) -> Rotation:
    """Return the rotation whose turn has ended: the next one, which was asked for, is due now."""
    return replace(rotation, due_at=now, next_rotation_at=now)


def forbids(rotation: Rotation, turn: Turn, now: datetime) -> bool:
    """Say whether a turn of the schedule has not begun, and may not now.

    It may have been planned in time, and Okta or Keyturn away until the window was over.
    """
    unbegun = turn.trigger is Trigger.SCHEDULED and turn.phase is Phase.PLANNED
    return unbegun and not allows(rotation.schedule, now)


def taken_back(rotation: Rotation, now: datetime) -> Rotation:
    """Return the rotation whose scheduled turn has ended unbegun, as none may start any more.

    That was no failure; the turn is due since when it was, and starts when one may.
    """
    undone, due_at = unstarted(rotation), rotation.last_due_at or now
    return put_off(replace(undone, due_at=due_at), now) if rotation.schedule.automatic else undone


def unstarted(rotation: Rotation) -> Rotation:
    """Return the rotation as if the schedule had not started its turn, which has not begun."""
    return replace(rotation, failures=rotation.failures - 1, last_due_at=None)


def put_off(rotation: Rotation, now: datetime) -> Rotation:
    """Return a due rotation with the next time that is allowed; it is due since when it was."""
    later = starts_at(rotation.schedule, now, rotation.id)
    due_at = rotation.due_at or rotation.next_rotation_at
    return replace(rotation, due_at=due_at, next_rotation_at=later)


def outlook(
    rotation: Rotation, now: datetime, *, turn: Turn | None = None, refused: bool = False
) -> Outlook:
    """Tell how the schedule stands.

    ``turn`` is the open or last turn, ``refused`` whether Okta was seen to refuse what readers are
    given.
    """
    going = _of_turn(rotation, turn) if turn else None
    if going:
        return going
    if rotation.schedule.automatic and rotation.quarantined:
        return Outlook(State.QUARANTINED, _quarantine(rotation, refused=refused))
    if turn and turn.blocked:
        return Outlook(State.BLOCKED, _blocked(turn, rotation.next_rotation_at))
    return _of_schedule(rotation, now)


def far_off(slot: Slot) -> str:
    """Warn of a date that windows and blackouts put off for more than a week; else say nothing."""
    if slot.starts_at - slot.due_at <= MISSED_AFTER:
        return ""
    return _none_came(slot.due_at, slot.starts_at)


def _of_turn(rotation: Rotation, turn: Turn) -> Outlook | None:
    if turn.paused_at:
        return Outlook(State.PAUSED, _paused(turn, turn.paused_at))
    return Outlook(State.TURNING, _under_way(rotation)) if turn.running else None


def _of_schedule(rotation: Rotation, now: datetime) -> Outlook:
    due_at, next_at = rotation.due_at, rotation.next_rotation_at
    if due_at is None or next_at is None:
        return Outlook(State.OFF, "Turns start only when somebody asks.")
    if now < due_at:
        return Outlook(State.SCHEDULED)
    planned = starts_at(rotation.schedule, due_at, rotation.id)
    if planned < next_at:
        return Outlook(State.MISSED, _passed(due_at, planned, next_at))
    if next_at - due_at > MISSED_AFTER:
        return Outlook(State.MISSED, _none_came(due_at, next_at))
    return Outlook(
        State.WAITING, f"Due since {_told(due_at)}. The turn starts at {_told(next_at)}."
    )


def _stopped(rotation: Rotation) -> bool:
    return rotation.quarantined or rotation.ending


def _due_from(rotation: Rotation, at: datetime) -> Rotation:
    first = starts_at(rotation.schedule, at, rotation.id)
    return replace(rotation, due_at=at, next_rotation_at=first)


def _under_way(rotation: Rotation) -> str:
    if rotation.asked_at is None:
        return "A turn is under way."
    asked = f"The next one, asked for at {_told(rotation.asked_at)}, starts when it has ended."
    return f"A turn is under way. {asked}"


def _paused(turn: Turn, since: datetime) -> str:
    return (
        f"The turn stands still ({turn.phase}) since {_told(since)}: somebody has paused it. "
        "No other starts before it is resumed."
    )


def _blocked(turn: Turn, next_at: datetime | None) -> str:
    again = f"It is tried again at {_told(next_at)}." if next_at else "It waits for somebody."
    began, tried = _told(turn.created_at), _told(turn.entered_at)
    return f"The turn that began at {began} is blocked, as of its last try at {tried}. {again}"


def _quarantine(rotation: Rotation, *, refused: bool) -> str:
    served = (
        "Okta refuses the secret that readers are given"
        if refused
        else "readers are given the secret that was served last"
    )
    return (
        f"Turns in a row without a good end: {rotation.failures}. None starts by itself any more; "
        f"{served}. Mend what the last one failed for, then turn "
        "by hand: a turn that is served ends the quarantine. A higher quarantineAfter allows more "
        "tries."
    )


def _passed(due_at: datetime, planned: datetime, next_at: datetime) -> str:
    return (
        f"Due since {_told(due_at)}. The time for it, {_told(planned)}, passed: Keyturn was not "
        f"running, or another turn was under way. One turn starts at {_told(next_at)}."
    )


def _none_came(due_at: datetime, next_at: datetime) -> str:
    return (
        f"Due since {_told(due_at)}. Windows and blackouts leave no time within "
        f"{MISSED_AFTER.days} days of that. One turn starts at {_told(next_at)}; change the "
        "blackouts, or turn by hand, to have it earlier."
    )


def _told(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
