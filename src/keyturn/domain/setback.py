"""What a turn does where Okta has lost the credential that readers are given.

Decides from Okta's list and probes whether that is so, and what is left to serve. Knows nothing of
who asks: an operator who aborts, or a policy of repair.
"""

from datetime import datetime

from keyturn.domain.failures import Block, doubt, try_later
from keyturn.domain.okta import Probe, Status
from keyturn.domain.sight import Do, Look, Seen, Sight, Step, by_hash
from keyturn.domain.turn import Act, Held, Reason, Turn, Word

KEEP_CLOSED = (
    "The old one has leaked: do NOT have it served again. Have the new one activated at Okta, or "
    "issue another by `keyturn rotation turn --emergency`."
)
"""What is said in an emergency instead of the ways back to the old credential."""

UNPROVED = "Okta to accept what its list shows as ACTIVE"
DOUBTED = "Okta's list to show as ACTIVE what Okta accepts"


def is_served_and_active(turn: Turn, seen: Seen) -> bool:
    """Say whether Okta lists the new credential as ACTIVE and it is what readers are given."""
    new = _new(turn)
    listed = by_hash(seen.credentials or (), new.hash)
    return bool(listed and listed.active and seen.served == new.hash)


def unless_accepted(turn: Turn, seen: Seen, now: datetime) -> Step:
    """Block for a new credential that a list does not show as ACTIVE, unless Okta accepts it.

    A list is empty also for a caller whose role does not reach the app any more, and may be old.
    """
    if seen.served == _new(turn).hash:
        if seen.new_probe is None:
            return Look(Sight.NEW_PROBE)
        if seen.new_probe is Probe.ACCEPTED:
            return doubt(turn, now, DOUBTED)
        unfit = None if turn.rules.of_connection else unless_app_unfit(turn, seen)
        if unfit:
            return unfit
    return blocked_for_loss(turn, seen)


def blocked_for_loss(turn: Turn, seen: Seen) -> Block:
    """Block for a new credential that Okta has lost, by what has become of it."""
    new, noun = _new(turn), turn.rules.noun.capitalize()
    if seen.served != new.hash:
        return Block(Reason.CONNECTION_CHANGED)
    off = by_hash(seen.credentials or (), new.hash)
    leaked = f" {KEEP_CLOSED}" if turn.word is Word.AT_ONCE else ""
    reason = Reason.NEW_SECRET_OFF if off else Reason.NEW_SECRET_LOST
    return Block(reason, f"{noun} {new.okta_id}.{leaked}")


def fall_back(turn: Turn, seen: Seen, now: datetime) -> Step | None:
    """Serve the old credential again, or end the turn where none can be; None if the new one works.

    Whether it does, Okta's answer to a probe says and no list: that may be old, or empty for want
    of a role. The key of a connection is judged by probes alone: without it Keyturn cannot list.
    """
    by_probe = turn.rules.of_connection
    if seen.credentials is None and not by_probe:
        return Look(Sight.CREDENTIALS)
    if seen.new_probe is None:
        return Look(Sight.NEW_PROBE)
    if seen.served != _new(turn).hash:
        return Do(Act.GIVE_WAY, why="Something else is in use by now.")
    if seen.new_probe is Probe.ACCEPTED:
        return None
    return (None if by_probe else _refused_for_now(turn, seen, now)) or _serve_old(turn, seen)


def _refused_for_now(turn: Turn, seen: Seen, now: datetime) -> Step | None:
    """Find why Okta refuses a credential that is not lost; None where it is."""
    there = is_served_and_active(turn, seen)
    return unless_app_unfit(turn, seen) or (try_later(turn, now, UNPROVED) if there else None)


def unless_app_unfit(turn: Turn, seen: Seen) -> Step | None:
    """Find what is unfit; a served credential that Okta refuses is not: this turn is its repair."""
    if seen.app_gone:
        return Block(Reason.APP_GONE)
    if seen.app is None:
        return Look(Sight.APP)
    if seen.app.status is not Status.ACTIVE:
        return Block(Reason.APP_INACTIVE, f"App {seen.app.id}.")
    if seen.app.auth_method not in turn.rules.methods:
        return Block(Reason.NO_SECRET_USED, f"App {seen.app.id}: {seen.app.auth_method}.")
    return None


def _serve_old(turn: Turn, seen: Seen) -> Step:
    lost = f"Okta has lost {turn.rules.noun} {_new(turn).okta_id}, which readers were given"
    none_left = Do(Act.GIVE_WAY, why=f"{lost}, and does not have the one before it either.")
    old = turn.old
    if old is None or old.version is None:
        return Do(Act.GIVE_WAY, why=f"{lost}.{_way_to(turn, old, seen)}") if old else none_left
    if not turn.rules.of_connection:
        kept = by_hash(seen.credentials or (), old.hash)
        if kept and not kept.active:
            if turn.word is Word.AT_ONCE:
                return blocked_for_loss(turn, seen)
            again = Do(Act.REINSTATE, kept.id, why=f"{lost}.", word=Word.ABORT)
            return none_left if turn.word is Word.GIVE_WAY else again
    if seen.old_probe is None:
        return Look(Sight.OLD_PROBE)
    if seen.old_probe is Probe.ACCEPTED:
        return Do(Act.FALL_BACK, why=f"{lost}; they are given the one before it again.")
    return unless_app_unfit(turn, seen) or none_left


def _way_to(turn: Turn, old: Held, seen: Seen) -> str:
    """Tell how what was to be retired, and whose value is not ours, may be served instead."""
    kept = by_hash(seen.credentials or (), old.hash)
    adopt = f"`keyturn rotation adopt-existing {turn.rotation_id}"
    return f" {adopt} {kept.id}` serves what was to be retired." if kept and kept.active else ""


def _new(turn: Turn) -> Held:
    if turn.new is None:
        raise ValueError(f"a turn that is {turn.phase} has a new credential")
    return turn.new
