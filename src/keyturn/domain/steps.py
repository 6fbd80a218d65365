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
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from keyturn.domain.errors import OktaError, OktaRefused, OktaThrottled
from keyturn.domain.evidence import (
    FIRST_WATCH,
    Evidence,
    LogSight,
    Open,
    Shut,
    Unseen,
    decide_gate,
    next_watch_at,
    watched,
)
from keyturn.domain.ids import CredentialId, SecretHash
from keyturn.domain.okta import App, Credential, Probe, Status
from keyturn.domain.turn import (
    MOVES,
    SETTLED,
    Act,
    Held,
    Opened,
    Phase,
    Policy,
    Reason,
    Turn,
    Word,
)


class Sight(StrEnum):
    """Where to look before deciding."""

    CREDENTIALS = "credentials"
    APP = "app"
    OLD_PROBE = "old probe"
    NEW_PROBE = "new probe"
    EVIDENCE = "evidence"
    LOG = "log"


@dataclass(frozen=True)
class Seen:
    """What was just observed; None where nobody has looked yet.

    ``served`` is the hash that readers are given now; ``unconfirmed`` names the destinations and
    dependents that do not have the new version yet. ``app_gone`` is a look that found no app.
    """

    served: SecretHash | None = None
    unconfirmed: tuple[str, ...] = ()
    credentials: tuple[Credential, ...] | None = None
    app: App | None = None
    app_gone: bool = False
    old_probe: Probe | None = None
    new_probe: Probe | None = None
    evidence: Evidence | None = None
    log: LogSight | None = None


@dataclass(frozen=True)
class Look:
    """Observe this first, then ask again."""

    at: Sight


@dataclass(frozen=True)
class Do:
    """Act; ``target`` is the credential at Okta, or None where Okta needs no call.

    ``opened`` says what opened the gate to it, ``why`` more for people.
    """

    act: Act
    target: CredentialId | None = None
    opened: Opened | None = None
    why: str = ""


@dataclass(frozen=True)
class Wait:
    """Leave the turn alone until then.

    ``why`` tells what is waited for; without it this is a pause between two tries.
    """

    until: datetime
    why: str = ""


@dataclass(frozen=True)
class Block:
    """Stop and say why."""

    reason: Reason
    detail: str = ""


SOAK = "the end of the soak"

Step = Look | Do | Wait | Block


def next_step(turn: Turn, seen: Seen, policy: Policy, now: datetime) -> Step:
    """Decide the one next step of an open turn.

    Raises ValueError for a turn that has ended or is blocked, and for a decision that the table of
    moves does not hold.
    """
    guard = GUARDS.get(turn.phase)
    if guard is None:
        raise ValueError(f"a turn that is {turn.phase} has no next step")
    step = guard(turn, seen, policy, now)
    if isinstance(step, Do) and step.act not in MOVES[turn.phase]:
        raise ValueError(f"{step.act} is no move of a turn that is {turn.phase}")
    return step


def _from_planned(turn: Turn, seen: Seen, policy: Policy, now: datetime) -> Step:
    if seen.credentials is None:
        return Look(Sight.CREDENTIALS)
    if len(seen.credentials) >= turn.rules.most:
        return Block(Reason.FOREIGN_SECRET, _strangers(turn, seen.credentials))
    if turn.old and turn.old.version and seen.old_probe is None:
        return Look(Sight.OLD_PROBE)
    if seen.old_probe is Probe.ACCEPTED:
        return Do(Act.WRITE)
    return _unless_app_unfit(turn, seen) or Do(Act.WRITE)


def _unless_app_unfit(turn: Turn, seen: Seen) -> Step | None:
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


def _from_written(turn: Turn, seen: Seen, policy: Policy, now: datetime) -> Step:
    if not turn.rules.own_value:
        return _issue_oktas_value(turn, seen, now)
    if not turn.posted:
        return Do(Act.ISSUE)
    if seen.credentials is None:
        return Look(Sight.CREDENTIALS)
    ours = _by_hash(seen.credentials, _new(turn).hash)
    if ours:
        return Do(Act.ADOPT, ours.id)
    if turn.withdrawn_at:
        return _let_go(turn.withdrawn_at, now)
    if len(seen.credentials) >= turn.rules.most:
        return Block(Reason.FOREIGN_SECRET, _strangers(turn, seen.credentials))
    return Do(Act.ISSUE)


def _issue_oktas_value(turn: Turn, seen: Seen, now: datetime) -> Step:
    """Issue where Okta chooses the value; what it has added in vain, and nothing else, goes first.

    That is the only one that was not there before, made while Okta may have heeded us.
    """
    if seen.credentials is None:
        return Look(Sight.CREDENTIALS)
    before = turn.posted.beside.split() if turn.posted else [s.id for s in seen.credentials]
    strange = [s for s in seen.credentials if s.id not in before]
    if turn.posted and len(strange) == 1 and turn.posted.explains(strange[0].created_at):
        return Do(Act.DISCARD, strange[0].id)
    if turn.withdrawn_at:
        return _let_go(turn.withdrawn_at, now)
    if strange or len(seen.credentials) >= turn.rules.most:
        return Block(Reason.FOREIGN_SECRET, _strangers(turn, seen.credentials))
    return Do(Act.ISSUE)


def _let_go(withdrawn_at: datetime, now: datetime) -> Step:
    """End an aborted turn once a call that was on its way can no longer add the secret."""
    settled_at = withdrawn_at + SETTLED
    return Do(Act.ROLL_BACK) if now >= settled_at else Wait(settled_at)


def _from_issued(turn: Turn, seen: Seen, policy: Policy, now: datetime) -> Step:
    if turn.withdrawn_at:
        return _take_back(turn, seen)
    if seen.new_probe is None:
        return Look(Sight.NEW_PROBE)
    if seen.new_probe is Probe.ACCEPTED:
        return Do(Act.VERIFY)
    if now < turn.entered_at + timedelta(seconds=policy.patience_s):
        return Wait(now + backoff(turn.attempts))
    return _unless_app_unfit(turn, seen) or _take_back(turn, seen)


def _take_back(turn: Turn, seen: Seen) -> Step:
    """Deactivate, then delete; a list that lacks the new secret may be old, so delete then too.

    One that was adopted and never added stays: it is somebody else's.
    """
    if not turn.posted:
        return Block(Reason.NEW_SECRET_REFUSED)
    if seen.credentials is None:
        return Look(Sight.CREDENTIALS)
    secrets, okta_id = seen.credentials, _new(turn).okta_id
    ours = _by_id(secrets, okta_id)
    if ours is None or not ours.active:
        return Do(Act.ROLL_BACK, okta_id)
    if any(other.active for other in secrets if other is not ours):
        return Do(Act.WITHDRAW, ours.id)
    return Block(Reason.NEW_SECRET_REFUSED)


def _from_verified(turn: Turn, seen: Seen, policy: Policy, now: datetime) -> Step:
    """Serve on a fresh word of Okta only: the process may have been away since the last one."""
    if turn.withdrawn_at:
        return Do(Act.DOUBT)
    if seen.new_probe is None:
        return Look(Sight.NEW_PROBE)
    return Do(Act.PROMOTE if seen.new_probe is Probe.ACCEPTED else Act.DOUBT)


def _from_promoted(turn: Turn, seen: Seen, policy: Policy, now: datetime) -> Step:
    return Wait(now + backoff(turn.attempts)) if seen.unconfirmed else Do(Act.DELIVER)


def _from_delivered(turn: Turn, seen: Seen, policy: Policy, now: datetime) -> Step:
    return Do(Act.OVERLAP)


def _from_overlapping(turn: Turn, seen: Seen, policy: Policy, now: datetime) -> Step:
    if turn.old is None:
        return Do(Act.FINISH)
    gate = decide_gate(turn, policy, now, seen.evidence, seen.log)
    if isinstance(gate, Unseen):
        return Look(Sight.LOG if gate.log else Sight.EVIDENCE)
    if isinstance(gate, Shut):
        why = "; ".join(map(str, gate.waiting))
        return Block(Reason.OLD_SECRET_USED, why) if gate.backstop else Wait(gate.until, why)
    return _retire(turn, turn.old, seen, gate)


def _retire(turn: Turn, old: Held, seen: Seen, gate: Open) -> Step:
    if seen.credentials is None:
        return Look(Sight.CREDENTIALS)
    new = _by_id(seen.credentials, _new(turn).okta_id)
    if not (new and new.active and new.hash == _new(turn).hash == seen.served):
        return Block(Reason.NEW_SECRET_LOST, _named(turn))
    found = _by_id(seen.credentials, old.okta_id)
    if found and found.hash != old.hash:
        return Block(Reason.FOREIGN_SECRET, _strangers(turn, seen.credentials))
    target = found.id if found and found.active else None
    return Do(Act.RETIRE, target, gate.by, "; ".join(map(str, gate.unmet)))


def _from_retired(turn: Turn, seen: Seen, policy: Policy, now: datetime) -> Step:
    return _reinstate(turn, seen) if turn.word is Word.REINSTATE else Do(Act.SOAK)


def _from_soaking(turn: Turn, seen: Seen, policy: Policy, now: datetime) -> Step:
    if turn.word is Word.REINSTATE:
        return _reinstate(turn, seen)
    soaked_at = turn.entered_at + timedelta(seconds=policy.soak_s)
    if turn.word is None and now < min(soaked_at, turn.entered_at + FIRST_WATCH):
        return Wait(next_watch_at(turn, policy, now), SOAK)
    if turn.word is not Word.AT_ONCE:
        if seen.evidence is None:
            return Look(Sight.EVIDENCE)
        if watched(turn, policy) and seen.log is None:
            return Look(Sight.LOG)
        trouble = _trouble(turn, seen.evidence, seen.log)
        if trouble:
            return _reinstate(turn, seen, trouble)
    if turn.word is None and now < soaked_at:
        return Wait(next_watch_at(turn, policy, now), SOAK)
    return _delete(turn, seen)


def _trouble(turn: Turn, evidence: Evidence, log: LogSight | None) -> str:
    """Name whoever cannot do without the old secret, or nobody."""
    refused = log.refused_since(turn.entered_at - SETTLED) if log else ()
    told = [f"{who} is in trouble" for who in evidence.troubled]
    told += [f"Okta refused {use.who} at {use.at:%Y-%m-%d %H:%M:%S} UTC" for use in refused]
    return "; ".join(dict.fromkeys(told))


def _reinstate(turn: Turn, seen: Seen, why: str = "") -> Step:
    if seen.credentials is None:
        return Look(Sight.CREDENTIALS)
    old = _by_hash(seen.credentials, turn.old.hash) if turn.old else None
    if old is None:
        return Block(Reason.OLD_SECRET_GONE, why)
    return Do(Act.REINSTATE, old.id, why=why)


def _delete(turn: Turn, seen: Seen) -> Step:
    if seen.new_probe is None:
        return Look(Sight.NEW_PROBE)
    if seen.new_probe is Probe.REJECTED:
        return Block(Reason.NEW_SECRET_LOST, _named(turn))
    return Do(Act.DELETE, turn.old.okta_id if turn.old else None)


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
        return Wait(now + backoff(turn.attempts))
    if turn.phase is Phase.SOAKING and error.answer.status == 400:
        return Block(Reason.OLD_SECRET_CHANGED, str(error.answer))
    reason = _AFTER_STATUS.get(error.answer.status, Reason.CALL_REFUSED)
    if turn.rules.are_keys and turn.phase is not Phase.PLANNED and error.answer.lacks_role:
        reason = Reason.KEY_CHANGE_REFUSED
    return Block(reason, f"{error.answer}.")


def backoff(attempts: int) -> timedelta:
    """Tell how long to wait after so many failed tries."""
    return timedelta(seconds=BACKOFF_S[min(attempts, len(BACKOFF_S) - 1)])


def _new(turn: Turn) -> Held:
    if turn.new is None:
        raise ValueError(f"a turn that is {turn.phase} has a new credential")
    return turn.new


def _named(turn: Turn) -> str:
    return f"{turn.rules.noun.capitalize()} {_new(turn).okta_id}."


def _by_hash(secrets: tuple[Credential, ...], wanted: SecretHash) -> Credential | None:
    return next((s for s in secrets if s.hash == wanted), None)


def _by_id(secrets: tuple[Credential, ...], wanted: CredentialId | None) -> Credential | None:
    return next((s for s in secrets if s.id == wanted), None)


def _strangers(turn: Turn, secrets: tuple[Credential, ...]) -> str:
    """Name the secrets that are not the turn's own; a second one of our value counts as strange."""
    ours = {held.okta_id for held in (turn.old, turn.new) if held}
    named = (
        f"{s.id} ({s.status}, made {s.created_at:%Y-%m-%d})" for s in secrets if s.id not in ours
    )
    return "Foreign: " + ", ".join(named) + "."
