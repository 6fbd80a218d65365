"""Whether the old client secret is still in use, and whether it may be retired.

Decides from what readers, dependents and Okta's System Log have told, and says why. Knows nothing
of where that was read.

Okta calls the log's debug data unstable: it can hold a gate shut, and silence there opens one only
where nobody is known who could tell more.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from keyturn.domain.ids import VersionNo
from keyturn.domain.okta import Credential
from keyturn.domain.turn import CLOCKS_DIFFER, Opened, Overlap, Policy, Turn, Word

LOOK_AGAIN = timedelta(minutes=5)
"""How long what readers and dependents told is taken for true."""

LOOK_SOON = timedelta(seconds=15)
"""The same in an emergency."""

UNDATED = timedelta(days=1)
"""How long a turn sleeps that waits for a next one without a date."""

OKTA_AGAIN = timedelta(hours=1)
"""After so long Okta is asked again for what it failed to tell, or told by a strange clock."""

OKTA_WAITS = 10
"""How often a retirement is put off because of a clock of Okta's that stands still."""

FIRST_WATCH = timedelta(minutes=1)
WATCH_FACTOR = 4


@dataclass(frozen=True)
class Holder:
    """A reader that may hold an older version still."""

    who: str
    version: VersionNo
    read_at: datetime


@dataclass(frozen=True)
class Use:
    """One attempt to authenticate with the old secret that Okta has logged."""

    at: datetime
    who: str
    accepted: bool


@dataclass(frozen=True)
class Evidence:
    """What our own records tell.

    ``unproved`` names the dependents that have not used the new secret yet, ``troubled`` those
    that have failed since the old one was retired. ``next_due_at`` is when the next turn is due.
    ``unread`` says that nobody was ever given the old one by Keyturn: who uses it is not known.
    """

    holders: tuple[Holder, ...] = ()
    unproved: tuple[str, ...] = ()
    troubled: tuple[str, ...] = ()
    next_due_at: datetime | None = None
    unread: bool = False


@dataclass(frozen=True)
class LogSight:
    """What Okta's System Log tells of the old secret; ``readable`` is False without access.

    Where it only ``fails`` it may be asked again.
    """

    uses: tuple[Use, ...] = ()
    readable: bool = True
    fails: bool = False

    def last_use(self) -> Use | None:
        """Return the latest use, or None."""
        return max(self.uses, key=lambda use: use.at, default=None)

    def refused_since(self, since: datetime) -> tuple[Use, ...]:
        """Return the uses that Okta refused since then."""
        return tuple(use for use in self.uses if use.at >= since and not use.accepted)


class Cause(StrEnum):
    """What the gate waits for."""

    SHORTEST_OVERLAP = "the shortest overlap"
    FIXED_OVERLAP = "the overlap"
    NEXT_TURN = "the next turn"
    READER = "a reader that holds an older version"
    DEPENDENT = "a dependent that has not used the new secret"
    UNREAD = "the backstop, because nobody has read the old secret here: who uses it is not known"
    LOG = "a use of the old secret in Okta's System Log"
    WORD = "an operator's word, because the old secret had to be reinstated"


@dataclass(frozen=True)
class Waiting:
    """One thing that the gate waits for: who or what, and until when at the latest, if known."""

    cause: Cause
    who: str = ""
    until: datetime | None = None

    def __str__(self) -> str:
        blocks = ", and blocks then" if self.cause is Cause.WORD else ""
        until = f" until {self.until:%Y-%m-%d %H:%M:%S} UTC{blocks}" if self.until else ""
        return f"{self.cause}{f' ({self.who})' if self.who else ''}{until}"


@dataclass(frozen=True)
class Open:
    """The old secret may be retired; ``unmet`` is what would have been waited for."""

    by: Opened
    unmet: tuple[Waiting, ...] = ()


@dataclass(frozen=True)
class Shut:
    """The old secret stays; look again then. ``backstop`` tells that no more waiting helps."""

    waiting: tuple[Waiting, ...]
    until: datetime
    backstop: bool = False


@dataclass(frozen=True)
class Unseen:
    """Nobody has looked yet: at Okta's System Log, or else at our own records."""

    log: bool = False


Gate = Open | Shut | Unseen


def decide_gate(
    turn: Turn, policy: Policy, now: datetime, evidence: Evidence | None, log: LogSight | None
) -> Gate:
    """Decide whether the overlap of a turn is over.

    A reinstated secret is in use by somebody: then only an operator's word opens the gate, or a
    log that has been quiet.
    """
    if turn.word is Word.AT_ONCE:
        return _in_emergency(turn, now, evidence)
    over_at = turn.entered_at + _shortest(turn, policy)
    if now < over_at:
        cause = Cause.FIXED_OVERLAP if policy.overlap is Overlap.FIXED else Cause.SHORTEST_OVERLAP
        return Shut((Waiting(cause, until=over_at),), over_at)
    if turn.word is Word.FINISH:
        return Open(Opened.WORD)
    if turn.reinstated:
        return _after_reinstating(turn, policy, now, log)
    if policy.overlap is Overlap.FIXED:
        return Open(Opened.TIME)
    if evidence is None:
        return Unseen()
    if policy.overlap is Overlap.UNTIL_NEXT:
        return _until_next(policy, now, evidence)
    return _by_evidence(turn, policy, now, evidence, log)


def still_given(turn: Turn, now: datetime) -> bool:
    """Say whether consumers still have time in an emergency."""
    return turn.word is Word.AT_ONCE and turn.closes_at is not None and now < turn.closes_at


def _in_emergency(turn: Turn, now: datetime, evidence: Evidence | None) -> Gate:
    """Open at once, or when nobody needs the old one any more, or when their time is over.

    Whoever had none is named.
    """
    if turn.closes_at is None:
        return Open(Opened.WORD)
    if evidence is None:
        return Unseen()
    waiting = (
        *list_holders(evidence, turn.closes_at),
        *list_unproved(evidence, turn.closes_at),
        *((Waiting(Cause.UNREAD, until=turn.closes_at),) if evidence.unread else ()),
    )
    if waiting and now < turn.closes_at:
        return Shut(waiting, min(turn.closes_at, now + LOOK_SOON))
    return Open(Opened.WORD if waiting else Opened.EVIDENCE, waiting)


def floor_over_at(turn: Turn, policy: Policy) -> datetime:
    """Tell until when both secrets work whatever is asked for, an emergency aside."""
    return turn.entered_at + timedelta(seconds=min(policy.floor_s, policy.overlap_s))


def missing_at_okta(
    turn: Turn, policy: Policy, new: Credential, okta_at: datetime | None, opened: Opened
) -> timedelta:
    """Tell how much of the overlap is to come by Okta's clock; nothing where it is over.

    That is the shortest one, or where nothing but the backstop ``opened`` the gate, that. Okta
    tells when it made the new secret and what time it is now; only how long after the former the
    overlap began is told by our clock, which may have been set forward since. A clock of Okta's
    that has stood still for as many tries as `OKTA_WAITS` is a rehearsed org's: ours decides then.
    """
    if turn.word is Word.AT_ONCE or turn.posted is None or okta_at is None:
        return timedelta(0)
    if turn.attempts >= OKTA_WAITS and okta_at <= new.created_at + CLOCKS_DIFFER:
        return timedelta(0)
    backstop = opened is Opened.BACKSTOP
    overlap = timedelta(seconds=policy.backstop_s) if backstop else _shortest(turn, policy)
    began_after = max(timedelta(0), turn.entered_at - turn.posted.last_at)
    missing = new.created_at + began_after + overlap - okta_at
    return missing if missing > CLOCKS_DIFFER else timedelta(0)


def _shortest(turn: Turn, policy: Policy) -> timedelta:
    finish = turn.word is Word.FINISH
    shortest_s = min(policy.floor_s, policy.overlap_s) if finish else policy.overlap_s
    return timedelta(seconds=shortest_s)


def _until_next(policy: Policy, now: datetime, evidence: Evidence) -> Gate:
    """Open in time for the next turn to find room; a change of its date wakes the turn."""
    due_at = evidence.next_due_at
    if due_at is None:
        return Shut((Waiting(Cause.NEXT_TURN),), now + UNDATED)
    opens_at = due_at - timedelta(seconds=policy.soak_s)
    if now < opens_at:
        return Shut((Waiting(Cause.NEXT_TURN, until=opens_at),), opens_at)
    return Open(Opened.TIME)


def _by_evidence(
    turn: Turn, policy: Policy, now: datetime, evidence: Evidence, log: LogSight | None
) -> Gate:
    backstop_at = turn.entered_at + timedelta(seconds=policy.backstop_s)
    waiting = (*list_holders(evidence, backstop_at), *list_unproved(evidence, backstop_at))
    unknown = (Waiting(Cause.UNREAD, until=backstop_at),) if evidence.unread else ()
    if now >= backstop_at:
        return Open(Opened.BACKSTOP, waiting + unknown)
    if waiting:
        return Shut(waiting, min(backstop_at, now + LOOK_AGAIN))
    if policy.log and log is None:
        return Unseen(log=True)
    if unknown and not (log and log.readable):
        return Shut(unknown, _ask_again_at(log, backstop_at, now))
    quiet_at = _quiet_since(turn, policy, log) if unknown else _quiet_at(policy, log)
    if quiet_at and now < quiet_at:
        return Shut(_in_log(log, quiet_at), min(backstop_at, quiet_at))
    return Open(Opened.EVIDENCE)


def _after_reinstating(turn: Turn, policy: Policy, now: datetime, log: LogSight | None) -> Gate:
    backstop_at = turn.entered_at + timedelta(seconds=policy.backstop_s)
    if policy.log and log is None:
        return Unseen(log=True)
    if policy.log and log and log.readable:
        quiet_at = _quiet_since(turn, policy, log)
        if now >= quiet_at:
            return Open(Opened.EVIDENCE)
        return Shut(_in_log(log, quiet_at), min(backstop_at, quiet_at), now >= backstop_at)
    asked = (Waiting(Cause.WORD, until=backstop_at),)
    return Shut(asked, _ask_again_at(log, backstop_at, now), now >= backstop_at)


def _ask_again_at(log: LogSight | None, backstop_at: datetime, now: datetime) -> datetime:
    return min(backstop_at, now + OKTA_AGAIN) if log and log.fails else backstop_at


def list_holders(evidence: Evidence, until: datetime | None = None) -> tuple[Waiting, ...]:
    """List the readers that a gate waits for."""
    return tuple(
        Waiting(
            Cause.READER,
            f"{holder.who}, version {holder.version} read {holder.read_at:%Y-%m-%d %H:%M} UTC",
            until,
        )
        for holder in evidence.holders
    )


def list_unproved(evidence: Evidence, until: datetime | None = None) -> tuple[Waiting, ...]:
    """List the dependents that a gate waits for."""
    return tuple(Waiting(Cause.DEPENDENT, who, until) for who in evidence.unproved)


def _quiet_at(policy: Policy, log: LogSight | None) -> datetime | None:
    last = log.last_use() if log else None
    return last.at + timedelta(seconds=policy.quiet_s) if last else None


def _quiet_since(turn: Turn, policy: Policy, log: LogSight | None) -> datetime:
    """Tell when the log will have been quiet long enough to be the only evidence.

    Nobody can be called quiet before there was the time to be loud in.
    """
    from_now_on = turn.entered_at + timedelta(seconds=policy.quiet_s)
    return max(_quiet_at(policy, log) or from_now_on, from_now_on)


def _in_log(log: LogSight | None, until: datetime) -> tuple[Waiting, ...]:
    last = log.last_use() if log else None
    return (
        Waiting(Cause.LOG, f"{last.who}, {last.at:%Y-%m-%d %H:%M:%S} UTC" if last else "", until),
    )


# --- the soak -----------------------------------------------------------------------------------


def watched(turn: Turn, policy: Policy) -> bool:
    """Say whether the System Log is read while the turn soaks.

    Where evidence opened the gate nothing is in doubt, and the calls are spared; after an
    emergency the old secret must not come back whoever uses it.
    """
    return policy.log and turn.opened is not Opened.EVIDENCE and turn.word is not Word.AT_ONCE


def next_watch_at(turn: Turn, policy: Policy, now: datetime) -> datetime:
    """Tell when a soaking turn is looked at next: soon at first, then ever more rarely."""
    soaked_at = turn.entered_at + timedelta(seconds=policy.soak_s)
    after = FIRST_WATCH
    while turn.entered_at + after <= now:
        after *= WATCH_FACTOR
    return min(soaked_at, turn.entered_at + after)
