"""What of a fleet needs somebody: what is wrong, how much it presses, and who must do what.

Decides by records and by how each rotation and connection stands already; the words are those that
the reasons, findings and judgements bring along. Knows nothing of who may see what.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from keyturn.domain.connection import OktaConnection
from keyturn.domain.destination import Destination
from keyturn.domain.destination import State as Delivering
from keyturn.domain.drift import PROPOSED, Finding, Repair
from keyturn.domain.drift import Kind as Drift
from keyturn.domain.fleet import Member
from keyturn.domain.ids import ConnectionId, RotationId, SecretHash
from keyturn.domain.leaks import MEANING, LeakReport, Which
from keyturn.domain.oauth.connection import Connection
from keyturn.domain.oauth.health import Health
from keyturn.domain.oauth.lights import TROUBLES, Light
from keyturn.domain.outlook import State
from keyturn.domain.project import Place
from keyturn.domain.reasons import LOST, Reason
from keyturn.domain.rollout import Kind as Wide
from keyturn.domain.rollout import Rollout
from keyturn.domain.rollout import State as Stands
from keyturn.domain.turn import Turn

LATE = timedelta(minutes=15)
"""As long after its time a turn that has not started tells that nobody starts any."""


class Severity(StrEnum):
    """How much something presses, the worst first."""

    URGENT = "urgent"
    """What is in use fails, or will before long."""
    ACT = "act"
    """Nothing fails, and something stands still until somebody acts."""
    WATCH = "watch"
    """It goes on by itself, or somebody meant it so."""


class Kind(StrEnum):
    """What somebody is told of."""

    ACCESS_REFUSED = "access-refused"
    BLOCKED = "blocked"
    QUARANTINED = "quarantined"
    OVERDUE = "overdue"
    FAILED = "failed"
    PAUSED = "paused"
    DRIFTED = "drifted"
    CONNECTION = "connection"
    DESTINATION = "destination"
    UNCOMPARED = "uncompared"
    HALTED = "halted"
    AWAITING = "awaiting"
    NOT_CLOSED = "not-closed"
    LEAKED = "leaked"


class About(StrEnum):
    """What a concern names by its id."""

    ROTATION = "rotation"
    OKTA_CONNECTION = "okta-connection"
    CONNECTION = "connection"
    DESTINATION = "destination"
    ROLLOUT = "rollout"
    EMERGENCY = "emergency"
    LEAK = "leak"


@dataclass(frozen=True)
class Concern:
    """One thing that needs somebody: ``told`` says what is wrong and who must do what.

    ``place`` is empty for what is in no project, ``rotations`` how many it is a matter of. Of a
    rollout ``since`` is when it was begun, of a leak when it was reported.
    """

    severity: Severity
    kind: Kind
    about: About
    id: str
    name: str
    place: str
    told: str
    since: datetime | None
    rotations: int = 1


URGENT_DRIFT = frozenset(
    {
        Drift.SECRET_OVERWRITTEN,
        Drift.SECRET_DEACTIVATED,
        Drift.SECRET_REMOVED,
        Drift.APP_GONE,
        Drift.APP_DEACTIVATED,
    }
)
"""What makes Okta refuse what readers are given."""


READERS_REFUSED = LOST | {Reason.NEW_SECRET_ONLY}
"""What a turn is blocked for while Okta refuses what readers are given."""

_OF_SERVED = frozenset(kind for kind, mend in PROPOSED.items() if mend is not Repair.BY_HAND)
SAME_CAUSE: Mapping[Reason, frozenset[Drift]] = MappingProxyType(
    {
        **dict.fromkeys(READERS_REFUSED, _OF_SERVED),
        Reason.FOREIGN_SECRET: frozenset({Drift.SECRET_ADDED, Drift.OLD_VALUE_BACK}),
        Reason.APP_GONE: frozenset({Drift.APP_GONE}),
        Reason.APP_INACTIVE: frozenset({Drift.APP_DEACTIVATED}),
        Reason.NO_SECRET_USED: frozenset({Drift.KEYS_USED}),
    }
)
"""What a comparison finds of that by which a turn is blocked; the block tells what leads out."""


@dataclass(frozen=True)
class Surroundings:
    """What else of a fleet may need somebody: as much of it as the caller may see."""

    findings: Sequence[Finding]
    connections: Sequence[tuple[Connection, Place, Health]]
    destinations: Sequence[tuple[Destination, Place]]
    rollouts: Sequence[tuple[Rollout, int]] = ()
    """Those that go on, each with how many of its members failed."""
    leaks: Sequence[LeakReport] = ()
    """The reports that are open."""


def concerns_of(
    members: Sequence[Member], around: Surroundings, now: datetime
) -> Sequence[Concern]:
    """List what needs somebody, what presses most first, and of that the oldest."""
    findings: dict[RotationId, list[Finding]] = {}
    for finding in around.findings:
        findings.setdefault(finding.rotation_id, []).append(finding)
    refused = [*_of_access(members)]
    found = [
        *refused,
        *(c for each in members for c in _of_member(each, findings.get(each.rotation.id, ()), now)),
        *(told for each in around.connections if (told := _of_connection(*each))),
        *(told for each in around.destinations if (told := _of_destination(*each))),
        *_of_comparison(members, {each.id for each in refused}),
        *(told for each in around.rollouts if (told := _of_rollout(*each))),
        *_of_leaks(around.leaks, members),
    ]
    return sorted(found, key=_order)


class Access(StrEnum):
    """Whether Okta let a connection in when it was asked last."""

    WORKS = "works"
    REFUSED = "refused"
    """Turns stand still for it."""
    FAILING = "failing"
    UNTRIED = "untried"


@dataclass(frozen=True)
class OrgAccess:
    """How a connection to Okta does: ``at`` is when it last worked, or since when it does not."""

    connection: OktaConnection
    state: Access
    told: str
    at: datetime | None


def access_of(one: OktaConnection, concerns: Iterable[Concern]) -> OrgAccess:
    """Tell whether a connection works, by what is told of it and by what is on its record."""
    own = (each for each in concerns if each.about is About.OKTA_CONNECTION and each.id == one.id)
    for concern in own:
        refused = concern.kind is Kind.ACCESS_REFUSED
        state = Access.REFUSED if refused else Access.FAILING
        return OrgAccess(one, state, concern.told, concern.since)
    if one.failing_since:
        return OrgAccess(one, Access.FAILING, one.told, one.failing_since)
    state = Access.WORKS if one.reconciled_at else Access.UNTRIED
    return OrgAccess(one, state, "", one.reconciled_at)


def _order(concern: Concern) -> tuple[int, datetime, str, str]:
    since = concern.since or datetime.max.replace(tzinfo=UTC)
    return _RANKS[concern.severity], since, concern.place, concern.name


_RANKS: Mapping[Severity, int] = {severity: rank for rank, severity in enumerate(Severity)}


def _of_access(members: Iterable[Member]) -> Iterator[Concern]:
    """Tell once of each connection that Okta refuses, however many turns stand still for it."""
    waiting: dict[ConnectionId, list[tuple[Member, Turn]]] = {}
    for each in members:
        if each.turn and _refused(each.turn):
            waiting.setdefault(each.connection.id, []).append((each, each.turn))
    for those in waiting.values():
        since, count = min(turn.entered_at for _, turn in those), len(those)
        waits = "A turn waits" if count == 1 else f"Turns of {count} rotations wait"
        told = f"{Reason.ACCESS_REFUSED.value} {waits} for that."
        kind, one = Kind.ACCESS_REFUSED, those[0][0].connection
        yield _of_okta(one, Severity.ACT, kind, told, since=since, rotations=count)


def _of_okta(
    one: OktaConnection,
    severity: Severity,
    kind: Kind,
    told: str,
    *,
    since: datetime | None,
    rotations: int,
) -> Concern:
    about = About.OKTA_CONNECTION
    return Concern(severity, kind, about, one.id, one.name, "", told, since, rotations)


def _refused(turn: Turn) -> bool:
    return turn.blocked is not None and turn.blocked.reason is Reason.ACCESS_REFUSED


def _of_member(member: Member, findings: Sequence[Finding], now: datetime) -> Iterator[Concern]:
    """Tell what is wrong with a rotation; what has its turn blocked is told by the turn alone."""
    own, turn = _of_rotation(member, now), member.turn
    blocked = turn.blocked if turn and own and own.kind is Kind.BLOCKED else None
    same = SAME_CAUSE.get(blocked.reason, frozenset()) if blocked else frozenset[Drift]()
    if own:
        urgent = any(each.kind in same & URGENT_DRIFT for each in findings)
        yield replace(own, severity=Severity.URGENT) if urgent else own
    yield from (_of_drift(member, each) for each in findings if each.kind not in same)


def _of_rotation(member: Member, now: datetime) -> Concern | None:
    """Tell the worst of a rotation; what its connection is told for is not told again."""
    turn, why = member.turn, member.outlook.why
    match member.outlook.state:
        case State.BLOCKED | State.QUARANTINED if turn and turn.blocked:
            return None if _refused(turn) else _of_blocked(member, turn)
        case State.QUARANTINED:
            since = member.rotation.last_attempted_at
            return _of(member, Severity.ACT, Kind.QUARANTINED, why, since)
        case State.PAUSED if turn:
            return _of(member, Severity.WATCH, Kind.PAUSED, why, turn.paused_at)
        case State.TURNING:
            return None
        case _:
            return _of_due(member, now) or _of_failure(member)


def _of_blocked(member: Member, turn: Turn) -> Concern:
    lost = turn.blocked is not None and turn.blocked.reason in READERS_REFUSED
    severity = Severity.URGENT if lost else Severity.ACT
    halted = member.outlook.state is State.QUARANTINED
    told = f"{turn.blocked} {member.outlook.why}" if halted else str(turn.blocked)
    return _of(member, severity, Kind.BLOCKED, told, turn.entered_at)


def _of_due(member: Member, now: datetime) -> Concern | None:
    rotation, outlook = member.rotation, member.outlook
    starts_at, due_at = rotation.next_rotation_at, rotation.due_at
    if starts_at and now >= starts_at + LATE:
        told = (
            f"Due since {_moment(due_at or starts_at)}, and not started: the Keyturn operator "
            "must look whether the server runs, or a worker, and read its log."
        )
        return _of(member, Severity.ACT, Kind.OVERDUE, told, due_at or starts_at)
    if outlook.state is State.MISSED:
        return _of(member, Severity.WATCH, Kind.OVERDUE, outlook.why, due_at)
    return None


def _of_failure(member: Member) -> Concern | None:
    rotation = member.rotation
    if rotation.last_message is None:
        return None
    again = rotation.next_rotation_at
    told = rotation.last_message + (f" It is tried again at {_moment(again)}." if again else "")
    severity = Severity.WATCH if again else Severity.ACT
    return _of(member, severity, Kind.FAILED, told, rotation.last_attempted_at)


def _of(
    member: Member, severity: Severity, kind: Kind, told: str, since: datetime | None
) -> Concern:
    rotation, place = member.rotation, str(member.place)
    return Concern(severity, kind, About.ROTATION, rotation.id, rotation.name, place, told, since)


def _of_drift(member: Member, finding: Finding) -> Concern:
    severity = Severity.URGENT if finding.kind in URGENT_DRIFT else Severity.ACT
    told = f"{finding.detail} {finding.kind.value}".strip()
    return _of(member, severity, Kind.DRIFTED, told, finding.found_at)


def _of_connection(one: Connection, place: Place, health: Health) -> Concern | None:
    if health.light not in TROUBLES:
        return None
    severity = Severity.URGENT if health.light is Light.BROKEN else Severity.ACT
    ends = f" Requests fail from {_moment(health.fails_at)} on." if health.fails_at else ""
    told = " ".join(health.reasons) + ends
    about, kind = About.CONNECTION, Kind.CONNECTION
    return Concern(severity, kind, about, one.id, one.name, str(place), told, None, 0)


def _of_destination(one: Destination, place: Place) -> Concern | None:
    if one.state is not Delivering.BLOCKED:
        return None
    about, kind = About.DESTINATION, Kind.DESTINATION
    told = f"{one.told} A turn waits for it." if one.holds else one.told
    return Concern(Severity.ACT, kind, about, one.id, one.name, str(place), told, None, 0)


def _of_rollout(one: Rollout, failed: int) -> Concern | None:
    """Tell of a rollout that waits for somebody, and of an emergency that is not closed."""
    about = About.ROLLOUT
    if one.kind is Wide.EMERGENCY and failed:
        about, severity, kind = About.EMERGENCY, Severity.URGENT, Kind.NOT_CLOSED
        count = "1 app is" if failed == 1 else f"{failed} apps are"
        told = f"{count} NOT CLOSED: old client secrets may still work."
    elif one.state is Stands.HALTED:
        severity, kind = Severity.ACT, Kind.HALTED
        told = f"Halted: nothing more is started until somebody says so. {one.told}"
    elif one.state is Stands.AWAITING:
        severity, kind = Severity.ACT, Kind.AWAITING
        told = f"Wave {one.wave} waits for a second person to approve it."
    else:
        return None
    return Concern(severity, kind, about, one.id, one.name, "", told, one.created_at, failed)


def _of_leaks(reports: Iterable[LeakReport], members: Iterable[Member]) -> Iterator[Concern]:
    """Tell once of each secret that has leaked, by the report that an emergency ends, or the first.

    Without a rotation it is closed by hand.
    """
    places = {each.rotation.id: str(each.place) for each in members}
    first: dict[SecretHash | None, LeakReport] = {}
    for each in sorted(reports, key=lambda one: (one.emergency_id is None, one.at)):
        first.setdefault(each.hash, each)
    for one in first.values():
        place = places.get(one.rotation_id, "") if one.rotation_id else ""
        severity, todo = _todo_of_leak(one)
        meaning = MEANING[one.which] if one.which else ""
        told = f"A secret of it is reported as leaked: {todo} {meaning}".rstrip()
        about, kind, count = About.LEAK, Kind.LEAKED, int(one.rotation_id is not None)
        yield Concern(severity, kind, about, one.id, one.app, place, told, one.at, count)


def _todo_of_leak(one: LeakReport) -> tuple[Severity, str]:
    """Return how much a leak presses, and what is to be done about it."""
    if one.emergency_id:
        return Severity.WATCH, "an emergency closes the app."
    if one.rotation_id is None:
        todo = "replace it in Okta's Admin Console, then end the report."
    else:
        todo = "close the app."
    return (Severity.ACT if one.which is Which.RETIRED else Severity.URGENT), todo


def _of_comparison(members: Iterable[Member], known: Collection[str]) -> Iterator[Concern]:
    """Tell of connections whose rotations cannot be compared with Okta, but those known already."""
    using = Counter(each.connection.id for each in members)
    for one in {each.connection.id: each.connection for each in members}.values():
        if one.failing_since and one.id not in known:
            told = (
                f"{one.told} Its rotations are not compared with Okta for that, and turns of them "
                "will wait. The Keyturn operator must look."
            )
            kind, since, count = Kind.UNCOMPARED, one.failing_since, using[one.id]
            yield _of_okta(one, Severity.ACT, kind, told, since=since, rotations=count)


def _moment(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
