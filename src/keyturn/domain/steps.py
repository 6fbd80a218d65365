"""What a turn does next.

One guard a phase reads what was seen and answers with one step: look, act, wait or block. Whoever
runs a turn looks where `next_step` points, does what it says, records the move, and asks again.
After a crash or in doubt it simply asks again: nothing here relies on a step running exactly once.
This file knows no clock, no Okta and no store.

Source: the checked protocol for an Okta client secret: list, write ahead, add by value, probe,
publish, overlap, deactivate, soak, delete (docs/turn.md). Other kinds of credentials go the same
way; in what they differ is in `keyturn.domain.okta.RULES`.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

from keyturn.domain.closing import OTHERS_FIRST, room_by_probe, target_by_probes, unclosed
from keyturn.domain.evidence import (
    FIRST_WATCH,
    OKTA_AGAIN,
    Evidence,
    LogSight,
    Open,
    Shut,
    Unseen,
    decide_gate,
    missing_at_okta,
    next_watch_at,
    still_given,
    watched,
)
from keyturn.domain.failures import Block, Wait, after_failure, backoff, doubt, try_later
from keyturn.domain.foreign import aged, blocked_by, came_back, make_room
from keyturn.domain.ids import CredentialId
from keyturn.domain.okta import Credential, Probe
from keyturn.domain.setback import (
    fall_back,
    is_served_and_active,
    unless_accepted,
    unless_app_unfit,
)
from keyturn.domain.sight import Do, Look, Maker, Seen, Sight, Step, by_hash, by_id, list_added
from keyturn.domain.turn import (
    MOVES,
    SETTLED,
    TAKING_BACK,
    Act,
    Held,
    Phase,
    Policy,
    Reason,
    Turn,
    Word,
)

__all__ = [
    "GUARDS",
    "SOAK",
    "Block",
    "Do",
    "Look",
    "Seen",
    "Sight",
    "Step",
    "Wait",
    "after_failure",
    "backoff",
    "legal",
    "next_step",
]


SOAK = "the end of the soak"
EARLY = "the end of the overlap by Okta's clock, which says that it is earlier than ours does"
UNCONFIRMED = "destinations that have not confirmed the new version"
UNANSWERED = "a call to Okta without an answer, which could add the new one a second time"
LATE = "a call to Okta without an answer, which could still add the new one"
UNLISTED = "the new client secret in Okta's list, which is empty and cannot be right"
UNTOLD = "a word of Okta's System Log on who made the new client secret"

UNCLAIMED = "Left at Okta, where nobody can tell what this turn has made:"

NAMED = 10
"""As many are named of those who are in trouble without the old secret."""

LONG_WAIT = timedelta(minutes=5)
"""After so long it is looked whether what is not confirmed is still what Okta takes."""

LOG_LATE = timedelta(minutes=5)
"""As long as an event may take to be shown in Okta's System Log."""


def next_step(turn: Turn, seen: Seen, policy: Policy, now: datetime) -> Step:
    """Decide the one next step of an open turn.

    Raises ValueError for a turn that has ended or is blocked, and for a decision that the table of
    moves does not hold.
    """
    guard = GUARDS.get(turn.phase)
    if guard is None:
        raise ValueError(f"a turn that is {turn.phase} has no next step")
    return legal(guard(turn, seen, policy, now), turn.phase)


def legal(step: Step, phase: Phase) -> Step:
    """Return the step of a turn in a phase. Raises ValueError where the table lacks its move."""
    if isinstance(step, Do) and step.act not in MOVES[phase]:
        raise ValueError(f"{step.act} is no move of a turn that is {phase}")
    return step


def _from_planned(turn: Turn, seen: Seen, policy: Policy, now: datetime) -> Step:
    room = room_by_probe(turn, seen)
    if room:
        return room if isinstance(room, Look) else Do(Act.WRITE)
    if seen.credentials is None:
        return Look(Sight.CREDENTIALS)
    if turn.rules.of_connection and turn.old and seen.served != turn.old.hash:
        return Block(Reason.CONNECTION_CHANGED)
    if len(seen.credentials) >= turn.rules.most:
        return make_room(turn, seen, now)
    if turn.old and turn.old.version and seen.old_probe is None:
        return Look(Sight.OLD_PROBE)
    if seen.old_probe is Probe.ACCEPTED:
        return Do(Act.WRITE)
    return unless_app_unfit(turn, seen) or Do(Act.WRITE)


def _from_written(turn: Turn, seen: Seen, policy: Policy, now: datetime) -> Step:
    if not turn.rules.own_value:
        return _issue_oktas_value(turn, seen, now)
    if not turn.posted:
        return Do(Act.ISSUE)
    if seen.credentials is None:
        return Look(Sight.CREDENTIALS)
    ours = by_hash(seen.credentials, _new(turn).hash)
    if ours:
        return Do(Act.ADOPT, ours.id)
    if turn.withdrawn_at:
        return _unlisted(turn, seen, now) or _let_go(turn.withdrawn_at, now)
    if len(seen.credentials) >= turn.rules.most:
        return make_room(turn, seen, now)
    if not (seen.credentials or turn.rules.are_keys):
        return _unlisted(turn, seen, now) or _add(turn, (), now)
    return _add(turn, seen.credentials, now)


def _unlisted(turn: Turn, seen: Seen, now: datetime) -> Step | None:
    """See whether Okta knows the value that its list does not show; None where it does not.

    A list may be old, and is empty also for a caller whose role does not reach the app any more.
    """
    if turn.withdrawn_at and now < turn.withdrawn_at + SETTLED:
        return None
    if seen.new_probe is None:
        return Look(Sight.NEW_PROBE)
    return doubt(turn, now, UNLISTED) if seen.new_probe is Probe.ACCEPTED else None


def _add(turn: Turn, listed: tuple[Credential, ...], now: datetime) -> Step:
    """Add the new one; once more only where an earlier call could no longer do so as well.

    A place that is left for one is as good: who comes second finds it taken. Keys have names of
    their own, which Okta takes once.
    """
    if turn.posted is None or turn.rules.are_keys or len(listed) + 1 >= turn.rules.most:
        return Do(Act.ISSUE)
    settled_at = turn.posted.last_at + SETTLED
    return Do(Act.ISSUE) if now >= settled_at else Wait(settled_at, UNANSWERED)


def _issue_oktas_value(turn: Turn, seen: Seen, now: datetime) -> Step:
    """Issue where Okta chooses the value; what it has added in vain, and nothing else, goes first.

    That is the only one that was not there before, and Okta's log says that we made it: clocks
    that differ, or were set, cannot mislead here.
    """
    if seen.credentials is None:
        return Look(Sight.CREDENTIALS)
    strange = list_added(turn, seen.credentials)
    lost = strange[0] if len(strange) == 1 else None
    if lost and seen.maker is None:
        return Look(Sight.MAKER)
    if lost and seen.maker is Maker.OURS:
        return Do(Act.DISCARD, lost.id)
    if turn.posted and seen.maker is Maker.UNTOLD:
        told_at = turn.posted.last_at + LOG_LATE
        if now < told_at:
            return Wait(min(told_at, now + backoff(turn.attempts)), UNTOLD, tried=True)
    if turn.withdrawn_at:
        untold = () if seen.maker is Maker.OTHERS else strange
        return _let_go(turn.withdrawn_at, now, ", ".join(aged(each, now) for each in untold))
    if strange or len(seen.credentials) >= turn.rules.most:
        return make_room(turn, seen, now)
    return _add(turn, seen.credentials, now)


def _let_go(withdrawn_at: datetime, now: datetime, left: str = "") -> Step:
    """End an aborted turn once a call that was on its way can no longer add the secret.

    What may be ours, and nobody can tell, is left and named.
    """
    settled_at = withdrawn_at + SETTLED
    why = f"{UNCLAIMED} {left}." if left else ""
    return Do(Act.ROLL_BACK, why=why) if now >= settled_at else Wait(settled_at, LATE)


def _from_issued(turn: Turn, seen: Seen, policy: Policy, now: datetime) -> Step:
    if turn.withdrawn_at:
        return _take_back(turn, seen, now)
    if seen.new_probe is None:
        return Look(Sight.NEW_PROBE)
    if seen.new_probe is Probe.ACCEPTED:
        return Do(Act.VERIFY)
    if now < turn.entered_at + timedelta(seconds=policy.patience_s):
        return try_later(turn, now)
    return unless_app_unfit(turn, seen) or _take_back(turn, seen, now)


def _take_back(turn: Turn, seen: Seen, now: datetime) -> Step:
    """Deactivate, then delete; a list that lacks the new secret may be old, so delete then too.

    One that was adopted and never added stays: it is somebody else's. So does the only ACTIVE one.
    Until then its place is taken: a call of ours that is still on its way adds nothing.
    """
    if not turn.posted:
        return Block(Reason.ADOPTED_REFUSED)
    if seen.credentials is None:
        return Look(Sight.CREDENTIALS)
    secrets, okta_id = seen.credentials, _new(turn).okta_id
    ours = by_id(secrets, okta_id)
    if ours is None or not ours.active:
        return _on_its_way(turn, now) or Do(Act.ROLL_BACK, okta_id)
    if any(other.active for other in secrets if other is not ours):
        return Do(Act.WITHDRAW, ours.id)
    return Block(Reason.NEW_SECRET_ONLY if turn.withdrawn_at else Reason.NEW_SECRET_REFUSED)


def _from_verified(turn: Turn, seen: Seen, policy: Policy, now: datetime) -> Step:
    """Serve on a fresh word of Okta only: the process may have been away since the last one."""
    if turn.withdrawn_at:
        return Do(Act.DOUBT)
    if seen.new_probe is None:
        return Look(Sight.NEW_PROBE)
    return Do(Act.PROMOTE if seen.new_probe is Probe.ACCEPTED else Act.DOUBT)


def _from_promoted(turn: Turn, seen: Seen, policy: Policy, now: datetime) -> Step:
    """Go on once the destinations have it; who has said not to wait waits for none of them.

    An emergency waits until it closes. What Okta has lost no dependent can ever prove: a wait that
    lasts asks whether that is it.
    """
    back = fall_back(turn, seen, now) if turn.word in TAKING_BACK else None
    if back:
        return back
    hurried = turn.word in (Word.FINISH, Word.AT_ONCE) and not still_given(turn, now)
    if not seen.unconfirmed or hurried:
        return Do(Act.DELIVER)
    lasts = now >= turn.entered_at + LONG_WAIT
    if lasts and seen.credentials is None:
        return Look(Sight.CREDENTIALS)
    if lasts and not is_served_and_active(turn, seen):
        return _of_lost(turn, seen, policy, now)
    until = now + backoff(turn.attempts)
    until = min(until, turn.closes_at) if still_given(turn, now) and turn.closes_at else until
    return Wait(until, f"{UNCONFIRMED} ({', '.join(seen.unconfirmed)})", tried=True)


def _from_delivered(turn: Turn, seen: Seen, policy: Policy, now: datetime) -> Step:
    return Do(Act.OVERLAP)


def _from_overlapping(turn: Turn, seen: Seen, policy: Policy, now: datetime) -> Step:
    back = fall_back(turn, seen, now) if turn.word in TAKING_BACK else None
    if back:
        return back
    if turn.old is None:
        return Do(Act.FINISH)
    gate = decide_gate(turn, policy, now, seen.evidence, seen.log)
    if isinstance(gate, Unseen):
        return Look(Sight.LOG if gate.log else Sight.EVIDENCE)
    if isinstance(gate, Shut):
        why = "; ".join(map(str, gate.waiting))
        return Block(Reason.OLD_SECRET_USED, why) if gate.backstop else Wait(gate.until, why)
    target = target_by_probes(turn, seen)
    if target:
        return target if isinstance(target, Look) else _retired(target, gate)
    if seen.credentials is None:
        return Look(Sight.CREDENTIALS)
    if not is_served_and_active(turn, seen):
        return _of_lost(turn, seen, policy, now)
    early = _early(turn, seen, policy, gate, now)
    return early or _retire(turn, turn.old, seen.credentials, gate, now)


def _early(turn: Turn, seen: Seen, policy: Policy, gate: Open, now: datetime) -> Wait | None:
    """Wait where by Okta's clock the overlap is not over, though it is by ours."""
    new = by_hash(seen.credentials or (), _new(turn).hash)
    early = missing_at_okta(turn, policy, new, seen.okta_at, gate.by) if new else None
    return Wait(now + min(early, OKTA_AGAIN), EARLY, tried=True) if early else None


def _of_lost(turn: Turn, seen: Seen, policy: Policy, now: datetime) -> Step:
    """Mend it where the policy is to repair; else stop, because readers are refused."""
    return (fall_back(turn, seen, now) if policy.repair else None) or unless_accepted(
        turn, seen, now
    )


def _retire(
    turn: Turn, old: Held, listed: tuple[Credential, ...], gate: Open, now: datetime
) -> Step:
    """Retire what was recorded; its value under another id would live on, and blocks."""
    found = by_id(listed, old.okta_id)
    if came_back(turn, listed) or (found and found.hash != old.hash):
        return blocked_by(turn, listed, now)
    return _retired(found.id if found and found.active else None, gate)


def _retired(target: CredentialId | None, gate: Open) -> Do:
    return Do(Act.RETIRE, target, gate.by, "; ".join(map(str, gate.unmet)))


def _from_retired(turn: Turn, seen: Seen, policy: Policy, now: datetime) -> Step:
    return _ordered_back(turn, seen, now) or Do(Act.SOAK)


def _ordered_back(turn: Turn, seen: Seen, now: datetime) -> Step | None:
    """Heed the words that bring the old one back; an abort only where the new one is lost."""
    if turn.word is Word.REINSTATE:
        return _reinstate(turn, seen, now)
    return fall_back(turn, seen, now) if turn.word in TAKING_BACK else None


def _from_soaking(turn: Turn, seen: Seen, policy: Policy, now: datetime) -> Step:
    first = _ordered_back(turn, seen, now) or unclosed(turn, seen, policy, now)
    if first:
        return first
    hurried = turn.word in (Word.FINISH, Word.AT_ONCE)
    soaked_at = turn.entered_at + timedelta(seconds=policy.soak_s)
    if not hurried and now < min(soaked_at, turn.entered_at + FIRST_WATCH):
        return Wait(next_watch_at(turn, policy, now), SOAK)
    if turn.word is not Word.AT_ONCE:
        if seen.evidence is None:
            return Look(Sight.EVIDENCE)
        if watched(turn, policy) and seen.log is None:
            return Look(Sight.LOG)
        trouble = _trouble(turn, seen.evidence, seen.log)
        back = _reinstate(turn, seen, now, trouble) if trouble else None
        if back and not _ends_without_it(turn, back):
            return back
    if not hurried and now < soaked_at:
        return Wait(next_watch_at(turn, policy, now), SOAK)
    return _delete(turn, seen, policy, now)


def _ends_without_it(turn: Turn, back: Step) -> bool:
    """Say whether somebody ends a turn whose old one is gone: whoever is in trouble was told of."""
    gone = isinstance(back, Block) and back.reason is Reason.OLD_SECRET_GONE
    return gone and turn.word is Word.FINISH


def _trouble(turn: Turn, evidence: Evidence, log: LogSight | None) -> str:
    """Name whoever cannot do without the old secret, each once and the first few, or nobody."""
    refused = log.refused_since(turn.entered_at - SETTLED) if log else ()
    first = {use.who: use.at for use in reversed(refused)}
    told = [f"{who} is in trouble" for who in evidence.troubled]
    told += [f"Okta refused {who} at {at:%Y-%m-%d %H:%M:%S} UTC" for who, at in first.items()]
    more = [f"and {len(told) - NAMED} more"] if len(told) > NAMED else []
    return "; ".join(told[:NAMED] + more)


def _reinstate(turn: Turn, seen: Seen, now: datetime, why: str = "") -> Step:
    if seen.credentials is None:
        return Look(Sight.CREDENTIALS)
    old = by_hash(seen.credentials, turn.old.hash) if turn.old else None
    served = is_served_and_active(turn, seen)
    if old is None:
        return Block(Reason.OLD_SECRET_GONE, why) if served else unless_accepted(turn, seen, now)
    return Do(Act.REINSTATE, old.id, why=why, word=None if served else Word.ABORT)


def _delete(turn: Turn, seen: Seen, policy: Policy, now: datetime) -> Step:
    """Delete the old one, on a fresh word that the new one is accepted.

    Until then its place is taken: a call of ours that is still on its way adds nothing.
    """
    if turn.word is Word.AT_ONCE and turn.tidies_at and now < turn.tidies_at:
        return Wait(turn.tidies_at, OTHERS_FIRST)
    on_its_way = _on_its_way(turn, now)
    if on_its_way:
        return on_its_way
    if seen.new_probe is None:
        return Look(Sight.NEW_PROBE)
    if seen.new_probe is Probe.REJECTED:
        if seen.credentials is None:
            return Look(Sight.CREDENTIALS)
        if not is_served_and_active(turn, seen):
            return _of_lost(turn, seen, policy, now)
        return unless_app_unfit(turn, seen) or Block(Reason.NEW_SECRET_REFUSED)
    return Do(Act.DELETE, turn.old.okta_id if turn.old else None)


def _on_its_way(turn: Turn, now: datetime) -> Wait | None:
    """Wait while a call of ours that was never answered may still add the new one."""
    unsure_at = turn.posted.unsure_at if turn.posted else None
    settled_at = unsure_at + SETTLED if unsure_at else now
    return Wait(settled_at, UNANSWERED) if now < settled_at else None


GUARDS: Mapping[Phase, Callable[[Turn, Seen, Policy, datetime], Step]] = MappingProxyType(
    {
        Phase.PLANNED: _from_planned,
        Phase.WRITTEN: _from_written,
        Phase.ISSUED: _from_issued,
        Phase.VERIFIED: _from_verified,
        Phase.PROMOTED: _from_promoted,
        Phase.DELIVERED: _from_delivered,
        Phase.OVERLAPPING: _from_overlapping,
        Phase.RETIRED: _from_retired,
        Phase.SOAKING: _from_soaking,
    }
)


def _new(turn: Turn) -> Held:
    if turn.new is None:
        raise ValueError(f"a turn that is {turn.phase} has a new credential")
    return turn.new
