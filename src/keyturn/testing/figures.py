"""What the store in memory counts, and which of its records are old: told by records alone.

The databases are asked for the same by statements, so that one finds the other's mistakes.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import TypeVar, cast

from keyturn.domain.audit import BACKED_UP, AuditEntry
from keyturn.domain.channels import Channel, Dispatch
from keyturn.domain.compliance_reports import ReportSchedule
from keyturn.domain.connection import OktaConnection
from keyturn.domain.destination import Destination
from keyturn.domain.destination import State as Delivering
from keyturn.domain.drift import Finding
from keyturn.domain.flows.run import Run, SavedFlow
from keyturn.domain.identity import AccessToken, AuthMethod, ClientSecret
from keyturn.domain.inventory import Inventory
from keyturn.domain.leaks import LeakReport, Which
from keyturn.domain.leaks import State as Reported
from keyturn.domain.notice import Notice
from keyturn.domain.oauth.authorization import AuthorizationRequest
from keyturn.domain.oauth.connection import Connection
from keyturn.domain.oauth.registration import ClientRegistration
from keyturn.domain.orders import waits_for_next
from keyturn.domain.project import Organization
from keyturn.domain.rollout import ENDED as OVER
from keyturn.domain.rollout import Kind, Member, Rollout
from keyturn.domain.rollout import State as Running
from keyturn.domain.rotation import Rotation
from keyturn.domain.secret import Receipt, State, Version
from keyturn.domain.turn import Phase, Turn
from keyturn.services.ports import Due, Figures, Old, R, Record
from keyturn.testing.rules import Key

Tables = Mapping[type, Mapping[Key, Record]]
T = TypeVar("T")


def figures_of(
    tables: Tables, audit: Sequence[AuditEntry], now: datetime, late_before: datetime
) -> Figures:
    """Count how an installation stands."""
    rotations, turns = [*_all(tables, Rotation)], [*_all(tables, Turn)]
    starts = [each.next_rotation_at for each in rotations if each.next_rotation_at]
    living = [turn for turn in turns if turn.ended_at is None]
    policies = {each.id: each.policy for each in rotations}
    overlaps = [
        turn.entered_at
        for turn in living
        if turn.phase is Phase.OVERLAPPING and not waits_for_next(turn, policies[turn.rotation_id])
    ]
    places = [*_all(tables, Destination)]
    waiting = [each for each in places if each.state is Delivering.WAITING]
    orgs, sent = [*_all(tables, OktaConnection)], _all(tables, Dispatch)
    backups = [each.attempt.at for each in audit if each.attempt.verb == BACKED_UP]
    reports = [*_all(tables, LeakReport)]
    return Figures(
        rotations=len(rotations),
        next_turn_at=min(starts, default=None),
        late=sum(at <= late_before for at in starts),
        turns=Counter(turn.phase for turn in living),
        blocked=Counter(turn.blocked.reason for turn in living if turn.blocked),
        paused=sum(turn.paused_at is not None for turn in living),
        overlapping_since=min(overlaps, default=None),
        due_since=_due_since(tables, now),
        destinations=Counter(each.state for each in places),
        tried=sum(each.attempts > 0 for each in waiting),
        connections=Counter(each.light for each in _all(tables, Connection)),
        registrations=Counter(each.light for each in _all(tables, ClientRegistration)),
        untold=sum(each.due_at is not None and each.attempts > 0 for each in sent),
        unheard=sum(each.failing_since is not None for each in _all(tables, Channel)),
        findings=Counter(each.kind for each in _all(tables, Finding)),
        okta_connections=len(orgs),
        unreached=sum(each.failing_since is not None for each in orgs),
        closings=Counter(each.standing for each in _closings(tables)),
        rollouts=Counter(
            each.state
            for each in _all(tables, Rollout)
            if each.kind is Kind.WAVES and each.state not in OVER
        ),
        leaks=Counter(each.state for each in reports if each.ended_at is None),
        unattended=sum(
            each.state is Reported.OPEN
            and each.which is not Which.RETIRED
            and each.emergency_id is None
            for each in reports
        ),
        backed_up_at=max(backups, default=None),
        installed_at=min((each.created_at for each in _all(tables, Organization)), default=None),
    )


def _closings(tables: Tables) -> Iterator[Member]:
    running = {
        each.id
        for each in _all(tables, Rollout)
        if each.kind is Kind.EMERGENCY and each.state is Running.RUNNING
    }
    return (each for each in _all(tables, Member) if each.rollout_id in running)


QUEUES: Mapping[Due, Sequence[tuple[type[Record], str]]] = {
    Due.TURNS: [(Turn, "wake_at")],
    Due.RUNS: [(Run, "wake_at")],
    Due.ROTATIONS: [(Rotation, "next_rotation_at")],
    Due.CONNECTIONS: [(OktaConnection, "next_reconcile_at")],
    Due.DESTINATIONS: [(Destination, "due_at")],
    Due.PROOFS: [(ClientRegistration, "due_at")],
    Due.RENEWALS: [(Connection, "due_at")],
    Due.LOOKS: [(Connection, "look_at"), (ClientRegistration, "look_at")],
    Due.NOTICES: [(Channel, "due_at"), (Notice, "forget_at")],
    Due.REPORTS: [(ReportSchedule, "due_at")],
    Due.FLOWS: [(SavedFlow, "next_at")],
    Due.INVENTORIES: [(Inventory, "due_at")],
    Due.ROLLOUTS: [(Rollout, "due_at")],
    Due.LEAKS: [(LeakReport, "due_at")],
}
"""What waits in each queue, and the field that says since when."""


def _due_since(tables: Tables, now: datetime) -> Mapping[str, datetime]:
    """Tell of each queue since when its oldest is due that nobody holds."""
    due = {of.name: [*_waiting(tables, places, now)] for of, places in QUEUES.items()}
    return {name: min(times) for name, times in due.items() if times}


def _waiting(
    tables: Tables, places: Sequence[tuple[type[Record], str]], now: datetime
) -> Iterator[datetime]:
    for kind, field in places:
        times = (getattr(each, field) for each in _free(_all(tables, kind), now))
        yield from (at for at in times if at and at <= now)


def old_of(tables: Tables, kind: type[Old], before: datetime) -> Sequence[Old]:
    """Return records of a kind that were over before a time and are needed by nothing any more."""
    is_old = cast("Callable[[Old], bool]", _OLD[kind](tables, before))
    return [each for each in _all(tables, kind) if is_old(each)]


def _old_turn(tables: Tables, before: datetime) -> Callable[[Turn], bool]:
    newest = {turn.rotation_id: turn.id for turn in _all(tables, Turn)}
    served = (each.last_turn_id for each in _all(tables, Rotation))
    emergencies = {each.id for each in _all(tables, Rollout) if each.kind is Kind.EMERGENCY}
    members = (each for each in _all(tables, Member) if each.rollout_id in emergencies)
    kept = {*newest.values(), *served, *(each.turn_id for each in members)}
    return lambda turn: bool(turn.ended_at and turn.ended_at < before and turn.id not in kept)


def _old_report(_: Tables, before: datetime) -> Callable[[LeakReport], bool]:
    return lambda each: bool(each.ended_at and each.ended_at < before)


def _old_receipt(tables: Tables, before: datetime) -> Callable[[Receipt], bool]:
    versions = _all(tables, Version)
    gone = {(v.secret_id, v.number) for v in versions if v.state is State.DESTROYED}
    return lambda each: each.read_at < before and (each.secret_id, each.version) in gone


def _old_token(_: Tables, before: datetime) -> Callable[[AccessToken], bool]:
    return lambda each: max(each.expires_at, each.renewable_until) < before


def _old_request(_: Tables, before: datetime) -> Callable[[AuthorizationRequest], bool]:
    return lambda each: each.ends_at < before


_OLD: Mapping[type, Callable[[Tables, datetime], object]] = {
    Turn: _old_turn,
    LeakReport: _old_report,
    Receipt: _old_receipt,
    AccessToken: _old_token,
    AuthorizationRequest: _old_request,
}


def expires(one: ClientSecret | AccessToken, after: datetime, until: datetime) -> bool:
    """Say whether something is good past a time, and expires by another."""
    if isinstance(one, ClientSecret):
        return one.expires_at is not None and after < one.expires_at <= until
    by_hand, ends_at = one.method is AuthMethod.TOKEN, min(one.expires_at, one.renewable_until)
    return by_hand and after < one.expires_at and ends_at <= until


def _free(every: Iterable[T], now: datetime) -> Iterator[T]:
    for each in every:
        until = getattr(each, "leased_until", None)
        if until is None or until <= now:
            yield each


def _all(tables: Tables, kind: type[R]) -> Iterable[R]:
    return cast("Iterable[R]", tables.get(kind, {}).values())
