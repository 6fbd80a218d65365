"""What a turn does next.

One guard a phase reads what was seen and answers with one step: look, act, wait or block. Whoever
runs a turn looks where `next_step` points, does what it says, records the move, and asks again.
After a crash or in doubt it simply asks again: nothing here relies on a step running exactly once.
This file knows no clock, no Okta and no store.

Source: the checked protocol for an Okta client secret: list, write ahead, add by value, probe,
publish, overlap, deactivate, soak, delete (docs/turn.md).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from keyturn.domain.errors import OktaError, OktaRefused, OktaThrottled
from keyturn.domain.ids import OktaSecretId, SecretHash
from keyturn.domain.okta import MAX_CLIENT_SECRETS, App, ClientSecret, Probe, Status
from keyturn.domain.turn import MOVES, Act, Held, Phase, Policy, Reason, Turn


class Sight(StrEnum):
    """Where to look before deciding."""

    SECRETS = "secrets"
    APP = "app"
    OLD_PROBE = "old probe"
    NEW_PROBE = "new probe"


@dataclass(frozen=True)
class Seen:
    """What was just observed; None where nobody has looked yet.

    ``served`` is the hash that readers are given now; ``unconfirmed`` names the destinations and
    dependents that do not have the new version yet. ``app_gone`` is a look that found no app.
    """

    served: SecretHash | None = None
    unconfirmed: tuple[str, ...] = ()
    secrets: tuple[ClientSecret, ...] | None = None
    app: App | None = None
    app_gone: bool = False
    old_probe: Probe | None = None
    new_probe: Probe | None = None


@dataclass(frozen=True)
class Look:
    """Observe this first, then ask again."""

    at: Sight


@dataclass(frozen=True)
class Do:
    """Act; ``target`` is the secret at Okta, or None where Okta needs no call."""

    act: Act
    target: OktaSecretId | None = None


@dataclass(frozen=True)
class Wait:
    """Leave the turn alone until then."""

    until: datetime


@dataclass(frozen=True)
class Block:
    """Stop and say why."""

    reason: Reason
    detail: str = ""


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
    if seen.secrets is None:
        return Look(Sight.SECRETS)
    if len(seen.secrets) >= MAX_CLIENT_SECRETS:
        return Block(Reason.FOREIGN_SECRET, _strangers(turn, seen.secrets))
    if turn.old and turn.old.version and seen.old_probe is None:
        return Look(Sight.OLD_PROBE)
    if seen.old_probe is Probe.ACCEPTED:
        return Do(Act.WRITE)
    return _unless_app_unfit(seen) or Do(Act.WRITE)


def _unless_app_unfit(seen: Seen) -> Step | None:
    """Find what is unfit; a served secret that Okta refuses is not: this turn is its repair."""
    if seen.app_gone:
        return Block(Reason.APP_GONE)
    if seen.app is None:
        return Look(Sight.APP)
    if seen.app.status is not Status.ACTIVE:
        return Block(Reason.APP_INACTIVE, f"App {seen.app.id}.")
    if not seen.app.auth_method.uses_secret:
        return Block(Reason.NO_SECRET_USED, f"App {seen.app.id}: {seen.app.auth_method}.")
    return None


def _from_written(turn: Turn, seen: Seen, policy: Policy, now: datetime) -> Step:
    if not turn.posted:
        return Do(Act.ISSUE)
    if seen.secrets is None:
        return Look(Sight.SECRETS)
    ours = _by_hash(seen.secrets, _new(turn).hash)
    if ours:
        return Do(Act.ADOPT, ours.id)
    if len(seen.secrets) >= MAX_CLIENT_SECRETS:
        return Block(Reason.FOREIGN_SECRET, _strangers(turn, seen.secrets))
    return Do(Act.ISSUE)


def _from_issued(turn: Turn, seen: Seen, policy: Policy, now: datetime) -> Step:
    if turn.withdrawn:
        return _take_back(turn, seen)
    if seen.new_probe is None:
        return Look(Sight.NEW_PROBE)
    if seen.new_probe is Probe.ACCEPTED:
        return Do(Act.VERIFY)
    if now < turn.entered_at + timedelta(seconds=policy.patience_s):
        return Wait(now + backoff(turn.attempts))
    return _unless_app_unfit(seen) or _take_back(turn, seen)


def _take_back(turn: Turn, seen: Seen) -> Step:
    """Deactivate, then delete; a list that lacks the new secret may be old, so delete then too."""
    if seen.secrets is None:
        return Look(Sight.SECRETS)
    secrets, okta_id = seen.secrets, _new(turn).okta_id
    ours = _by_id(secrets, okta_id)
    if ours is None or not ours.active:
        return Do(Act.ROLL_BACK, okta_id)
    if any(other.active for other in secrets if other is not ours):
        return Do(Act.WITHDRAW, ours.id)
    return Block(Reason.NEW_SECRET_REFUSED)


def _from_verified(turn: Turn, seen: Seen, policy: Policy, now: datetime) -> Step:
    """Serve on a fresh word of Okta only: the process may have been away since the last one."""
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
    gate_at = turn.entered_at + timedelta(seconds=policy.overlap_s)
    if now < gate_at:
        return Wait(gate_at)
    if seen.secrets is None:
        return Look(Sight.SECRETS)
    new = _by_id(seen.secrets, _new(turn).okta_id)
    if not (new and new.active and new.hash == _new(turn).hash == seen.served):
        return Block(Reason.NEW_SECRET_LOST, f"Client secret {_new(turn).okta_id}.")
    old = _by_id(seen.secrets, turn.old.okta_id)
    if old and old.hash != turn.old.hash:
        return Block(Reason.FOREIGN_SECRET, _strangers(turn, seen.secrets))
    return Do(Act.RETIRE, old.id if old and old.active else None)


def _from_retired(turn: Turn, seen: Seen, policy: Policy, now: datetime) -> Step:
    return Do(Act.SOAK)


def _from_soaking(turn: Turn, seen: Seen, policy: Policy, now: datetime) -> Step:
    soaked_at = turn.entered_at + timedelta(seconds=policy.soak_s)
    if now < soaked_at:
        return Wait(soaked_at)
    if seen.new_probe is None:
        return Look(Sight.NEW_PROBE)
    if seen.new_probe is Probe.REJECTED:
        return Block(Reason.NEW_SECRET_LOST, f"Client secret {_new(turn).okta_id}.")
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
    return Block(reason, f"{error.answer}.")


def backoff(attempts: int) -> timedelta:
    """Tell how long to wait after so many failed tries."""
    return timedelta(seconds=BACKOFF_S[min(attempts, len(BACKOFF_S) - 1)])


def _new(turn: Turn) -> Held:
    if turn.new is None:
        raise ValueError(f"a turn that is {turn.phase} has a new secret")
    return turn.new


def _by_hash(secrets: tuple[ClientSecret, ...], wanted: SecretHash) -> ClientSecret | None:
    return next((s for s in secrets if s.hash == wanted), None)


def _by_id(secrets: tuple[ClientSecret, ...], wanted: OktaSecretId | None) -> ClientSecret | None:
    return next((s for s in secrets if s.id == wanted), None)


def _strangers(turn: Turn, secrets: tuple[ClientSecret, ...]) -> str:
    """Name the secrets that are not the turn's own; a second one of our value counts as strange."""
    ours = {held.okta_id for held in (turn.old, turn.new) if held}
    named = (
        f"{s.id} ({s.status}, made {s.created_at:%Y-%m-%d})" for s in secrets if s.id not in ours
    )
    return "Foreign: " + ", ".join(named) + "."
